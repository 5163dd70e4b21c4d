"""Waiting uploads: resumable ones between their parts, and what became of those that ended, kept
across restarts of the service."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from domain.images.store_folder import StoreFolder
from domain.uploads.failures import translated
from domain.uploads.kinds import UploadPlan, plan_of
from domain.uploads.parts import PartFile
from domain.uploads.progress import Tracker, Upload, UploadBoard, reason_of, upload_not_found
from domain.uploads.session_uploads import finished_upload, upload_of
from domain.uploads.sessions import UploadExpired, UploadSession, UploadSessions
from domain.uploads.staging import PART_SUFFIX, sweep_parts

KEEP = timedelta(hours=24)
"""How long an upload waits for its client."""
MOST_WAITING = 100
"""So many uploads may wait at once."""
log = logging.getLogger("provisioner.uploads")


@dataclass(slots=True)
class WaitingUpload:
    """A resumable upload that is no image yet; what came of it lies in `file`."""

    session: UploadSession
    plan: UploadPlan
    file: PartFile

    @property
    def id(self) -> str:
        """The upload's id."""
        return self.session.id

    @property
    def is_whole(self) -> bool:
        """Whether nothing is missing."""
        return self.file.size == self.session.size

    @property
    def upload(self) -> Upload:
        """The upload as it is shown while no part of it comes."""
        return upload_of(self.session, self.plan.kind, received=self.file.size)

    def tracker(self) -> Tracker:
        """Returns what follows the next part of it."""
        return Tracker(self.upload)


class WaitingUploads:
    """Belongs to the event loop's thread. `boot` is the id of the machine's boot. All methods
    that wait raise what `UploadSessions` raises."""

    def __init__(
        self,
        folder: StoreFolder,
        board: UploadBoard,
        sessions: UploadSessions,
        *,
        boot: str,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        keep: timedelta = KEEP,
    ) -> None:
        self._folder, self._board, self._sessions = folder, board, sessions
        self._boot, self._now, self._keep = boot, now, keep
        self._waiting: dict[str, WaitingUpload] | None = None
        self._loading = asyncio.Lock()
        self._finished: dict[str, UploadSession] = {}
        self._expired: dict[str, None] = {}

    async def list_all(self) -> list[WaitingUpload]:
        """Returns all that wait."""
        return list((await self._load()).values())

    async def find(self, id: str) -> WaitingUpload | None:
        """Returns one that waits, None without it."""
        return (await self._load()).get(id)

    async def get(self, id: str) -> WaitingUpload:
        """Returns one that waits; raises `UploadNotFound` and `UploadExpired`."""
        waiting = await self._load()
        if id in self._expired:
            raise _expired(id)
        if id not in waiting:
            raise upload_not_found(id)
        return waiting[id]

    async def find_finished(self, id: str) -> Upload | None:
        """Returns one that became an image, None where none of this id did."""
        await self._load()
        return finished_upload(self._finished[id]) if id in self._finished else None

    def has(self, one: WaitingUpload) -> bool:
        """Whether an upload still waits: it may have been cancelled meanwhile."""
        return one.id in (self._waiting or {})

    def is_late(self, one: WaitingUpload) -> bool:
        """Whether its client let it wait for too long."""
        return one.session.expires_at <= self._now()

    async def add(
        self, id: str, plan: UploadPlan, size: int, *, by: str, base: Path
    ) -> WaitingUpload:
        """Adds one of `size` bytes, whose file is made in the folder `base`; the one that waited
        longest makes room where there are too many. Raises `UploadNotWritten`."""
        waiting, now = await self._load(), self._now()
        if len(waiting) >= MOST_WAITING:
            await self.expire(min(waiting.values(), key=lambda one: one.session.expires_at))
        session = UploadSession(id, plan.filename, size, now, now + self._keep, by, self._boot)
        with translated():
            file = await asyncio.to_thread(PartFile.make, _path(base, id))
        try:
            await self._sessions.keep(session)
        except BaseException:
            await asyncio.to_thread(file.remove)
            raise
        waiting[id] = WaitingUpload(session, plan, file)
        self.show(waiting[id])
        return waiting[id]

    async def expect(self, one: WaitingUpload, *, is_checked: bool) -> None:
        """Writes down, before a part comes, what a crash in the middle of it leaves: of a part with
        a checksum nothing counts, of others all that came. Raises `UploadNotWritten`."""
        boot = "" if is_checked else self._boot
        if one.session.boot == boot:
            return
        with translated():
            await asyncio.to_thread(one.file.sync)
        one.session = replace(one.session, synced=one.file.size, boot=boot)
        await self._sessions.keep(one.session)

    async def keep(self, one: WaitingUpload) -> None:
        """Keeps how far an upload came, all of which is on the disk."""
        expires = self._now() + self._keep
        one.session = replace(one.session, synced=one.file.size, expires_at=expires)
        await self._sessions.keep(one.session)

    async def hold_back(self, one: WaitingUpload, error: BaseException) -> None:
        """Keeps a whole upload that could not be made into an image now, and shows why. A client
        that hears of the full length takes it for done: it is to send the last byte again."""
        one.file.hold_back()
        try:
            await self.keep(one)
        finally:
            self._board.show(replace(one.upload, error=reason_of(error)))

    async def finish(self, one: WaitingUpload, image: str) -> None:
        """Keeps what became of an upload: a client that lost the last answer asks, perhaps after a
        restart, and must not send it all again."""
        expires = self._now() + self._keep
        finished = replace(one.session, image=image, expires_at=expires)
        self._finished[one.id] = finished
        (await self._load()).pop(one.id, None)
        await asyncio.to_thread(one.file.remove)
        await self._sessions.keep(finished)

    async def expire(self, one: WaitingUpload) -> None:
        """Gives up one whose client does not come back."""
        log.info("the upload of %s waited for too long", one.session.filename)
        self._expired[one.id] = None
        await self.drop(one, _expired(one.id))

    async def drop(self, one: WaitingUpload, error: Exception) -> None:
        """Gives one up, and shows why."""
        await self.forget(one)
        self._board.show(one.tracker().failed(error))

    async def forget(self, one: WaitingUpload) -> None:
        """Leaves nothing of an upload."""
        (await self._load()).pop(one.id, None)
        await asyncio.to_thread(one.file.remove)
        await self._sessions.drop(one.id)

    async def forget_finished(self) -> None:
        """Forgets what ended long ago."""
        await self._load()
        for session in list(self._finished.values()):
            if session.expires_at <= self._now():
                del self._finished[session.id]
                await self._sessions.drop(session.id)

    def show(self, one: WaitingUpload) -> Upload:
        """Shows an upload as one that waits, and returns it."""
        self._board.show(one.upload)
        return one.upload

    async def _load(self) -> dict[str, WaitingUpload]:
        """Returns the uploads that wait; takes up those of earlier runs once."""
        async with self._loading:
            if self._waiting is None:
                self._waiting = await self._take_up_all(await self._sessions.list_all())
            return self._waiting

    async def _take_up_all(self, kept: list[UploadSession]) -> dict[str, WaitingUpload]:
        self._finished |= {session.id: session for session in kept if session.image}
        for session in self._finished.values():
            self._board.show(finished_upload(session))
        sessions = [session for session in kept if not session.image]
        waiting = await asyncio.to_thread(self._take_up, sessions)
        for one in waiting.values():
            self.show(one)
        for session in sessions:
            if session.id not in waiting:
                await self._sessions.drop(session.id)
        return waiting

    def _take_up(self, sessions: list[UploadSession]) -> dict[str, WaitingUpload]:
        with translated():
            base, found = self._folder.base(), dict[str, WaitingUpload]()
            for session in sessions:
                is_all_good = session.boot and session.boot == self._boot
                trusted = None if is_all_good else session.synced
                file = PartFile.find(_path(base, session.id), trusted)
                if file is not None and file.size <= session.size:
                    found[session.id] = WaitingUpload(session, plan_of(session.filename), file)
            sweep_parts(base, frozenset(one.file.path.name for one in found.values()))
        return found


def _path(base: Path, id: str) -> Path:
    return base / f".{id}{PART_SUFFIX}"


def _expired(id: str) -> UploadExpired:
    return UploadExpired("The upload waited for its client for too long.", detail=id[:100])
