"""Resumable uploads: their parts may come over many connections and lives of this service (tus
1.0); when they are whole they end as every other upload does."""

import asyncio
import logging
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from domain.errors import Invalid, ProvisionerError
from domain.file_accesses import FileAccess
from domain.images.store_folder import StoreFolder
from domain.uploads.image_staging import Staged, Workshop, stage_part
from domain.uploads.intake import Chunk
from domain.uploads.kinds import UploadKind
from domain.uploads.parts import Append
from domain.uploads.progress import Tracker, Upload, UploadPhase
from domain.uploads.refusals import UploadCancelled
from domain.uploads.sessions import (
    Checksum,
    UploadLocked,
    UploadOffsetWrong,
    UploadSizeUnknown,
)
from domain.uploads.uploads import Uploads, stage, throw_away, upload_over
from domain.uploads.waiting import WaitingUpload, WaitingUploads

log = logging.getLogger("provisioner.uploads")


@dataclass(frozen=True, slots=True)
class Part:
    """What a client sends of an upload now: `offset` is where it begins, `size` how long it is,
    None if nobody said."""

    offset: int
    chunks: AsyncIterator[Chunk]
    size: int | None = None
    checksum: Checksum | None = None


class ResumableUploads:
    """Belongs to the event loop's thread. `note` writes down what the service does by itself."""

    def __init__(
        self, folder: StoreFolder, uploads: Uploads, waiting: WaitingUploads, *, note: FileAccess
    ) -> None:
        self._folder, self._uploads, self._waiting, self._note = folder, uploads, waiting, note

    async def begin(self, filename: str, size: int, *, by: str, note: FileAccess) -> Upload:
        """Begins an upload of `size` bytes and returns it; its parts may come from now on.

        Raises `ImageNameInvalid`, `UploadTypeUnknown`, `UploadSizeUnknown`, `SpaceShort`,
        `UploadTooLarge`, `UploadNotWritten` and what the sessions raise.
        """
        id = secrets.token_hex(16)
        if size <= 0:
            message = "An upload says how many bytes it has, at least one."
            raise UploadSizeUnknown(message, field="sizeBytes")
        plan = self._uploads.plan(id, filename, note=note)
        async with self._uploads.turn:
            shop = await self._uploads.shop(size)
            one = await self._waiting.add(id, plan, size, by=by, base=shop.folder)
        info = f"Resumable upload of {size} bytes begun: {filename}"
        note("UPLOAD_BEGIN", self._folder.path(plan.target), info=info)
        return one.upload

    async def get(self, id: str) -> Upload:
        """Returns how far an upload is; raises `UploadNotFound`, `UploadExpired`, and
        `UploadLocked` while it is made into an image."""
        finished = await self._waiting.find_finished(id)
        if finished is not None:
            return finished
        one = await self._waiting.get(id)
        if one.is_whole:
            # A client that hears of the full length takes it for done.
            raise UploadLocked("The upload is being made into an image.", detail=id)
        return one.upload

    async def append(self, id: str, part: Part, *, note: FileAccess) -> Upload:
        """Appends a part and returns how far the upload is; with the last one it is made into an
        image, and lies in the store when this returns.

        Raises `UploadNotFound`, `UploadExpired`, `UploadLocked`, `UploadOffsetWrong`,
        `UploadPartWrong`, `UploadChecksumWrong`, `UploadBroken` when the client is gone, which may
        go on later, and at the end what `Uploads.receive` raises; then nothing is left only where
        what came is no image.
        """
        one = await self._waiting.get(id)
        await self._take_over(id)
        if part.offset != one.file.size:
            message = f"The upload is at {one.file.size} bytes, the part begins at {part.offset}."
            raise UploadOffsetWrong(message, detail=str(one.file.size))
        tracker = one.tracker()
        with self._uploads.workers.place(tracker):
            async with self._kept(one):
                await self._receive(one, part, tracker)
            if not one.is_whole:
                return self._waiting.show(one)
            await self._finish(one, tracker, note=note)
        return self._uploads.board.get(id)

    async def cancel(self, id: str, *, note: FileAccess) -> Upload:
        """Gives up an upload and returns it when nothing of it is left. Raises `UploadNotFound`,
        `UploadExpired`, and `UploadOver` where it was too late."""
        known = self._uploads.board.find(id)
        if known is not None and known.phase.is_over and await self._waiting.find(id) is None:
            raise upload_over(known)
        one = await self._waiting.get(id)
        await self._uploads.workers.end(id)
        if self._waiting.has(one):
            await self._waiting.drop(one, UploadCancelled("The upload was cancelled."))
        upload = self._uploads.board.get(id)
        if upload.phase is UploadPhase.COMPLETE:
            raise upload_over(upload)
        info = f"Upload cancelled: {one.session.filename}"
        note("UPLOAD_CANCEL", self._folder.path(one.plan.target), info=info)
        return upload

    async def look(self) -> None:
        """Gives up what waited for too long; the first time takes up what earlier runs left, and
        makes images of what is whole."""
        await self._waiting.forget_finished()
        for one in await self._waiting.list_all():
            if self._uploads.workers.is_busy(one.id):
                continue
            if one.is_whole:
                await self._finish_whole(one)
            elif self._waiting.is_late(one):
                await self._waiting.expire(one)

    async def _take_over(self, id: str) -> None:
        """Ends a request for the same upload whose connection is dead, which nobody may tell us
        for long. Raises `UploadLocked` for one that lives."""
        workers = self._uploads.workers
        if workers.is_silent(id, self._uploads.limits.silent_seconds):
            await workers.end(id)
        if workers.is_busy(id):
            raise UploadLocked("Another request is sending a part of this upload.", detail=id)

    async def _receive(self, one: WaitingUpload, part: Part, tracker: Tracker) -> None:
        await self._waiting.expect(one, is_checked=part.checksum is not None)
        shop = await self._uploads.shop()
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
    async def _kept(self, one: WaitingUpload) -> AsyncIterator[None]:
        """Keeps how far the upload came, however the context ends."""
        try:
            yield
        except (ProvisionerError, asyncio.CancelledError) as error:
            if self._waiting.has(one):
                self._waiting.show(one)
                if not isinstance(error, asyncio.CancelledError):
                    await self._waiting.keep(one)
            raise
        if not self._waiting.has(one):
            raise UploadCancelled("The upload was cancelled.")
        await self._waiting.keep(one)

    async def _finish(self, one: WaitingUpload, tracker: Tracker, *, note: FileAccess) -> None:
        self._uploads.board.show(tracker.upload)
        try:
            with self._uploads.noted(one.plan, note=note):
                shop = await self._uploads.shop()
                staged = await self._uploads.workers.run(
                    lambda: _stage(one, shop, tracker), tracker, discard=throw_away
                )
                await self._uploads.settle(one.plan, staged, tracker, note=note)
        except BaseException as error:
            await self._keep_or_forget(one, tracker, error)
            raise
        image = self._uploads.board.get(one.id).image or one.session.filename
        await self._waiting.finish(one, image)

    async def _keep_or_forget(
        self, one: WaitingUpload, tracker: Tracker, error: BaseException
    ) -> None:
        """Gives up a whole upload only for what its bytes are, or somebody's will."""
        if isinstance(error, asyncio.CancelledError) or self._uploads.workers.is_closed:
            # The service stops. All of it is there: the next run makes it an image.
            self._waiting.show(one)
            return
        is_wanted = not isinstance(error, Invalid | UploadCancelled)
        # What was put into its place already cannot be finished again.
        if is_wanted and await asyncio.to_thread(one.file.path.exists):
            await self._waiting.hold_back(one, error)
            return
        await self._waiting.forget(one)
        self._uploads.board.show(tracker.failed(error))

    async def _finish_whole(self, one: WaitingUpload) -> None:
        tracker = one.tracker()
        try:
            with self._uploads.workers.place(tracker):
                await self._finish(one, tracker, note=self._note)
        except ProvisionerError as error:
            log.warning("%s came to nothing: %s", one.session.filename, error.message)


def _stage(one: WaitingUpload, shop: Workshop, tracker: Tracker) -> Staged:
    if one.plan.kind is UploadKind.PLAIN:
        return stage_part(one.plan, one.file, tracker)
    return stage(one.plan, tracker.watched(one.file.blocks()), shop, tracker)
