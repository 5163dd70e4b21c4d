"""Resumable uploads: their parts may come over many connections and lives of this service (tus
1.0); when they are whole they end as every other upload does."""

import asyncio
import logging
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from domain.errors import ProvisionerError
from domain.file_accesses import FileAccess
from domain.images.store_folder import StoreFolder
from domain.uploads.failures import translated
from domain.uploads.image_staging import Staged, Workshop, stage_part
from domain.uploads.intake import Chunk
from domain.uploads.kinds import UploadKind, UploadPlan, plan_of
from domain.uploads.parts import Append, PartFile
from domain.uploads.progress import Tracker, Upload, UploadPhase, upload_not_found
from domain.uploads.refusals import UploadCancelled, UploadOver
from domain.uploads.session_uploads import finished_upload, upload_of
from domain.uploads.sessions import (
    Checksum,
    UploadExpired,
    UploadLocked,
    UploadOffsetWrong,
    UploadSession,
    UploadSessions,
    UploadSizeUnknown,
)
from domain.uploads.staging import PART_SUFFIX, sweep_parts
from domain.uploads.uploads import Uploads, stage, throw_away

KEEP = timedelta(hours=24)
"""How long an upload waits for its client."""
MOST_WAITING = 100
"""So many uploads may wait at once."""
log = logging.getLogger("provisioner.uploads")


@dataclass(frozen=True, slots=True)
class Part:
    """What a client sends of an upload now: `offset` is where it begins, `size` how long it is,
    None if nobody said."""

    offset: int
    chunks: AsyncIterator[Chunk]
    size: int | None = None
    checksum: Checksum | None = None


@dataclass(slots=True)
class _Waiting:
    session: UploadSession
    plan: UploadPlan
    file: PartFile

    @property
    def is_whole(self) -> bool:
        """Whether nothing is missing."""
        return self.file.size == self.session.size


class ResumableUploads:
    """Belongs to the event loop's thread. `boot` is the id of the machine's boot; `note` writes
    down what the service does by itself."""

    def __init__(
        self,
        folder: StoreFolder,
        uploads: Uploads,
        sessions: UploadSessions,
        *,
        boot: str,
        note: FileAccess,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        keep: timedelta = KEEP,
    ) -> None:
        self._folder, self._uploads, self._sessions = folder, uploads, sessions
        self._boot, self._note, self._now, self._keep = boot, note, now, keep
        self._waiting: dict[str, _Waiting] | None = None
        self._loading = asyncio.Lock()
        self._finished: dict[str, UploadSession] = {}
        self._expired: dict[str, None] = {}

    async def begin(self, filename: str, size: int, *, by: str, note: FileAccess) -> Upload:
        """Begins an upload of `size` bytes and returns it; its parts may come from now on.

        Raises `ImageNameInvalid`, `UploadTypeUnknown`, `UploadSizeUnknown`, `SpaceShort`,
        `UploadTooLarge`, `UploadNotWritten` and what the sessions raise.
        """
        waiting, id = await self._load(), secrets.token_hex(16)
        if size <= 0:
            raise UploadSizeUnknown("An upload says how many bytes it has, at least one.")
        plan = self._uploads.plan(id, filename, note=note)
        await self._make_room(waiting)
        shop = await self._uploads.shop(size)
        now = self._now()
        session = UploadSession(id, filename, size, now, now + self._keep, by, self._boot)
        with translated():
            file = await asyncio.to_thread(PartFile.make, self._path(shop.folder, id))
        try:
            await self._sessions.keep(session)
        except BaseException:
            await asyncio.to_thread(file.remove)
            raise
        waiting[id] = _Waiting(session, plan, file)
        info = f"Resumable upload of {size} bytes begun: {filename}"
        note("UPLOAD_BEGIN", self._folder.path(plan.target), info=info)
        return self._show(waiting[id])

    async def get(self, id: str) -> Upload:
        """Returns how far an upload is; raises `UploadNotFound`, `UploadExpired`, and
        `UploadLocked` while it is made into an image."""
        waiting = await self._load()
        if id in self._finished:
            return finished_upload(self._finished[id])
        one = self._find(waiting, id)
        if one.is_whole:
            # A client that hears of the full length takes it for done.
            raise UploadLocked("The upload is being made into an image.", detail=id)
        return self._tracker(one).upload

    async def append(self, id: str, part: Part, *, note: FileAccess) -> Upload:
        """Appends a part and returns how far the upload is; with the last one it is made into an
        image, and lies in the store when this returns.

        Raises `UploadNotFound`, `UploadExpired`, `UploadLocked`, `UploadOffsetWrong`,
        `UploadPartWrong`, `UploadChecksumWrong`, `UploadBroken` when the client is gone, which may
        go on later, and at the end what `Uploads.receive` raises.
        """
        one = self._find(await self._load(), id)
        if self._uploads.workers.is_busy(id):
            raise UploadLocked("Another request is sending a part of this upload.", detail=id)
        if part.offset != one.file.size:
            message = f"The upload is at {one.file.size} bytes, the part begins at {part.offset}."
            raise UploadOffsetWrong(message, detail=str(one.file.size))
        tracker = self._tracker(one)
        with self._uploads.workers.place(tracker):
            async with self._kept(one):
                await self._receive(one, part, tracker)
            if not one.is_whole:
                return self._show(one)
            await self._finish(one, tracker, note=note)
        return self._uploads.board.get(id)

    async def cancel(self, id: str, *, note: FileAccess) -> Upload:
        """Gives up an upload; nothing of it is kept. Raises `UploadNotFound`, `UploadExpired` and
        `UploadOver`."""
        waiting = await self._load()
        known = self._uploads.board.find(id)
        if known is not None and known.phase.is_over and id not in waiting:
            message = f"The upload of {known.filename} has ended; there is nothing to cancel."
            raise UploadOver(message, detail=id, field="id")
        one = self._find(waiting, id)
        self._uploads.workers.stop(id)
        await self._drop(one, UploadCancelled("The upload was cancelled."))
        info = f"Upload cancelled: {one.session.filename}"
        note("UPLOAD_CANCEL", self._folder.path(one.plan.target), info=info)
        return self._uploads.board.get(id)

    async def look(self) -> None:
        """Gives up what waited for too long; the first time takes up what earlier runs left, and
        makes images of what is whole."""
        waiting = await self._load()
        for session in list(self._finished.values()):
            if session.expires_at <= self._now():
                del self._finished[session.id]
                await self._sessions.drop(session.id)
        for one in list(waiting.values()):
            is_busy = self._uploads.workers.is_busy(one.session.id)
            if not is_busy and one.is_whole:
                await self._finish_whole(one)
            elif not is_busy and one.session.expires_at <= self._now():
                await self._expire(one)

    async def _receive(self, one: _Waiting, part: Part, tracker: Tracker) -> None:
        shop = await self._uploads.shop(0)
        missing = one.session.size - one.file.size
        append = Append(shop.folder, self._uploads.limits, tracker)
        tracker.phase = UploadPhase.RECEIVING
        self._uploads.board.show(tracker.upload)
        await self._uploads.workers.feed(
            part.chunks,
            lambda chunks: one.file.append(chunks, missing, part.checksum, append),
            tracker,
            discard=lambda _: None,
        )

    @asynccontextmanager
    async def _kept(self, one: _Waiting) -> AsyncIterator[None]:
        """Keeps how far the upload came, however the context ends."""
        try:
            yield
        except (ProvisionerError, asyncio.CancelledError) as error:
            if one.session.id in (self._waiting or {}):
                self._show(one)
                if not isinstance(error, asyncio.CancelledError):
                    await self._keep_session(one)
            raise
        await self._keep_session(one)

    async def _keep_session(self, one: _Waiting) -> None:
        if one.session.id not in (self._waiting or {}):
            raise UploadCancelled("The upload was cancelled.")
        expires = self._now() + self._keep
        one.session = replace(
            one.session, synced=one.file.size, boot=self._boot, expires_at=expires
        )
        await self._sessions.keep(one.session)

    async def _finish(self, one: _Waiting, tracker: Tracker, *, note: FileAccess) -> None:
        try:
            with self._uploads.told(one.plan, tracker, note=note):
                shop = await self._uploads.shop(0)
                staged = await self._uploads.workers.run(
                    lambda: _stage(one, shop, tracker), tracker, discard=_leave_part(one)
                )
                await self._uploads.settle(one.plan, staged, tracker, note=note)
        except BaseException as error:
            if isinstance(error, asyncio.CancelledError) or self._uploads.workers.is_closed:
                # The service stops. All of it is there: the next run makes it an image.
                self._show(one)
                raise
            await self._forget(one)
            raise
        await self._remember(one)

    async def _remember(self, one: _Waiting) -> None:
        """Keeps what became of an upload: a client that lost the last answer asks, perhaps after a
        restart, and must not send it all again."""
        session = one.session
        image = self._uploads.board.get(session.id).image or session.filename
        expires = self._now() + self._keep
        finished = replace(session, image=image, expires_at=expires)
        self._finished[session.id] = finished
        (await self._load()).pop(session.id, None)
        await asyncio.to_thread(one.file.remove)
        await self._sessions.keep(finished)

    async def _finish_whole(self, one: _Waiting) -> None:
        tracker = self._tracker(one)
        try:
            with self._uploads.workers.place(tracker):
                await self._finish(one, tracker, note=self._note)
        except ProvisionerError as error:
            log.warning("%s came to nothing: %s", one.session.filename, error.message)

    async def _drop(self, one: _Waiting, error: Exception) -> None:
        await self._forget(one)
        self._uploads.board.show(self._tracker(one).failed(error))

    async def _expire(self, one: _Waiting) -> None:
        log.info("the upload of %s waited for too long", one.session.filename)
        self._expired[one.session.id] = None
        await self._drop(one, _expired(one.session.id))

    async def _forget(self, one: _Waiting) -> None:
        (await self._load()).pop(one.session.id, None)
        await asyncio.to_thread(one.file.remove)
        await self._sessions.drop(one.session.id)

    async def _make_room(self, waiting: dict[str, _Waiting]) -> None:
        if len(waiting) >= MOST_WAITING:
            await self._expire(min(waiting.values(), key=lambda one: one.session.expires_at))

    async def _load(self) -> dict[str, _Waiting]:
        """Returns the uploads that wait; takes up those of earlier runs once."""
        async with self._loading:
            if self._waiting is None:
                kept = await self._sessions.list_all()
                self._finished |= {session.id: session for session in kept if session.image}
                for session in self._finished.values():
                    self._uploads.board.show(finished_upload(session))
                sessions = [session for session in kept if not session.image]
                self._waiting = await asyncio.to_thread(self._take_up, sessions)
                for one in self._waiting.values():
                    self._show(one)
                for session in sessions:
                    if session.id not in self._waiting:
                        await self._sessions.drop(session.id)
            return self._waiting

    def _take_up(self, sessions: list[UploadSession]) -> dict[str, _Waiting]:
        with translated():
            base, found = self._folder.base(), dict[str, _Waiting]()
            for session in sessions:
                # After a new start of the machine only what was synced is certain.
                trusted = None if session.boot == self._boot else session.synced
                file = PartFile.find(self._path(base, session.id), trusted)
                if file is not None and file.size <= session.size:
                    found[session.id] = _Waiting(session, plan_of(session.filename), file)
            sweep_parts(base, frozenset(one.file.path.name for one in found.values()))
        return found

    def _find(self, waiting: dict[str, _Waiting], id: str) -> _Waiting:
        if id in self._expired:
            raise _expired(id)
        if id not in waiting:
            raise upload_not_found(id)
        return waiting[id]

    def _show(self, one: _Waiting) -> Upload:
        upload = self._tracker(one).upload
        self._uploads.board.show(upload)
        return upload

    def _tracker(self, one: _Waiting) -> Tracker:
        return Tracker(upload_of(one.session, one.plan.kind, received=one.file.size))

    def _path(self, base: Path, id: str) -> Path:
        return base / f".{id}{PART_SUFFIX}"


def _stage(one: _Waiting, shop: Workshop, tracker: Tracker) -> Staged:
    if one.plan.kind is UploadKind.PLAIN:
        return stage_part(one.plan, one.file, tracker)
    return stage(one.plan, tracker.watched(one.file.blocks()), shop, tracker)


def _leave_part(one: _Waiting) -> Callable[[Staged], None]:
    def discard(staged: Staged) -> None:
        if staged.leftover != one.file.path:
            throw_away(staged)

    return discard


def _expired(id: str) -> UploadExpired:
    return UploadExpired("The upload waited for its client for too long.", detail=id[:100])
