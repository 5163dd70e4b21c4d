"""Uploads: files that clients send, made into images of the store."""

import asyncio
import logging
import secrets
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

from domain.errors import ProvisionerError
from domain.file_accesses import FileAccess
from domain.images.names import printable
from domain.images.store_folder import StoreFolder
from domain.uploads.archive_staging import stage_archive
from domain.uploads.decompression import Programs
from domain.uploads.failures import translated
from domain.uploads.image_staging import Staged, Workshop, stage_image
from domain.uploads.intake import Chunk
from domain.uploads.kinds import UploadKind, UploadPlan, plan_of
from domain.uploads.limits import Room, UploadLimits
from domain.uploads.progress import Tracker, Upload, UploadBoard, UploadPhase, begun, reason_of
from domain.uploads.refusals import UploadOver
from domain.uploads.settling import Settling, Uploaded
from domain.uploads.staging import remove, sweep
from domain.uploads.workers import Workers

R = TypeVar("R")
LONGEST_ID = 128
PHASES = {
    UploadKind.PLAIN: UploadPhase.RECEIVING,
    UploadKind.COMPRESSED: UploadPhase.DECOMPRESSING,
    UploadKind.ARCHIVE: UploadPhase.EXTRACTING,
}
"""What each kind does while it arrives."""
log = logging.getLogger("provisioner.uploads")


@dataclass(frozen=True, slots=True)
class Incoming:
    """A file that a client sends now. `size` is how many bytes there will be at most, None if
    nobody said; `id` is what the client calls the upload, empty for a name of our own."""

    filename: str
    chunks: AsyncIterator[Chunk]
    size: int | None = None
    id: str = ""


class Uploads:
    """Belongs to the event loop's thread. `programs` decompress faster than Python does."""

    def __init__(
        self,
        folder: StoreFolder,
        settling: Settling,
        board: UploadBoard,
        *,
        limits: UploadLimits,
        programs: Programs,
    ) -> None:
        self.board, self.limits = board, limits
        self.workers = Workers(board, at_once=limits.at_once)
        self._folder, self._settling, self._programs = folder, settling, programs
        self.turn = asyncio.Lock()
        """Held by who asks for room until it is promised: each sees what those before got."""

    async def aclose(self) -> None:
        """Gives up what is under way."""
        self.workers.close()

    async def prepare(self) -> None:
        """Removes what earlier runs left half done."""
        try:
            await asyncio.to_thread(lambda: sweep(self._folder.base()))
        except OSError as error:
            log.warning("the store of images cannot be swept: %s", error.strerror)

    async def receive(self, incoming: Incoming, *, note: FileAccess) -> Uploaded:
        """Makes an image of what a client sends; it lies in the store with its hash when this
        returns, and nothing of it does when this raises.

        Raises the errors of `domain.uploads.refusals`, `ImageNameInvalid`, `DescriptorInvalid`
        and `SparseInvalid`.
        """
        id = self._id(incoming.id)
        plan = self.plan(id, incoming.filename, note=note)
        phase = PHASES[plan.kind]
        tracker = Tracker(begun(id, plan.filename, plan.kind, phase=phase, total=incoming.size))
        with self.told(plan, tracker, note=note), self.workers.place(tracker):
            async with self.turn:
                shop = await self.shop(incoming.size or 0)
                tracker.promised = incoming.size or 0
            staged = await self.workers.feed(
                incoming.chunks,
                lambda chunks: stage(plan, chunks, shop, tracker),
                tracker,
                discard=throw_away,
            )
            return await self.settle(plan, staged, tracker, note=note)

    async def cancel(self, id: str, *, note: FileAccess) -> Upload:
        """Gives up an upload that is under way and returns it when nothing of it is left. Raises
        `UploadNotFound`, and `UploadOver` where it was too late."""
        upload = self.board.get(id)
        was_working = await self.workers.end(id)
        if not was_working or self.board.get(id).phase is UploadPhase.COMPLETE:
            raise upload_over(upload)
        note("UPLOAD_CANCEL", self._folder.logical, info=f"Upload cancelled: {upload.filename}")
        return self.board.get(id)

    async def settle(
        self, plan: UploadPlan, staged: Staged, tracker: Tracker, *, note: FileAccess
    ) -> Uploaded:
        """Puts what is staged into its place; nothing is left of it if that fails."""
        try:
            tracker.check()
            uploaded = await self._settling.settle(plan, staged, note=note)
        finally:
            await asyncio.to_thread(throw_away, staged)
        self.board.show(tracker.completed(uploaded.name.text))
        return uploaded

    async def shop(self, size: int = 0) -> Workshop:
        """Returns where uploads are made, which has room for so many new bytes beside those that
        are still to come; raises `SpaceShort`, `UploadTooLarge` and `UploadNotWritten`."""
        promised = self.board.promised() + self.workers.promised()
        return await asyncio.to_thread(self._shop_now, size, promised)

    def plan(self, id: str, filename: str, *, note: FileAccess) -> UploadPlan:
        """Returns what becomes of a file of this name; shows and writes down why nothing does.
        Raises `ImageNameInvalid` and `UploadTypeUnknown`."""
        try:
            return plan_of(filename)
        except ProvisionerError as error:
            shown, phase = printable(filename), UploadPhase.RECEIVING
            tracker = Tracker(begun(id, shown, UploadKind.PLAIN, phase=phase, total=None))
            self.board.show(tracker.failed(error))
            info = f"Upload failed: {error.message}"
            note("UPLOAD", self._folder.logical, success=False, info=info)
            raise

    @contextmanager
    def told(self, plan: UploadPlan, tracker: Tracker, *, note: FileAccess) -> Iterator[None]:
        """Shows how the upload begins and, should it fail, why; writes a failure down."""
        self.board.show(tracker.upload)
        try:
            with self.noted(plan, note=note):
                yield
        except BaseException as error:
            self.board.show(tracker.failed(error))
            raise

    @contextmanager
    def noted(self, plan: UploadPlan, *, note: FileAccess) -> Iterator[None]:
        """Writes down why an upload failed."""
        try:
            with translated():
                yield
        except BaseException as error:
            operation, info = _failure(plan, reason_of(error))
            note(operation, self._folder.path(plan.target), success=False, info=info)
            raise

    def _shop_now(self, size: int, promised: int) -> Workshop:
        with translated():
            self._folder.make()
            base = self._folder.base()
            Room(base, self.limits).check(size, promised=promised)
        return Workshop(self._folder, base, self.limits, self._programs)

    def _id(self, wanted: str) -> str:
        is_good = wanted and len(wanted) <= LONGEST_ID and wanted.isprintable()
        return wanted if is_good and self.board.is_free(wanted) else secrets.token_hex(16)


def stage(plan: UploadPlan, chunks: Iterator[Chunk], shop: Workshop, tracker: Tracker) -> Staged:
    """Makes what is staged of an upload's bytes, in the calling thread."""
    make = stage_archive if plan.kind is UploadKind.ARCHIVE else stage_image
    return make(plan, chunks, shop, tracker)


def upload_over(upload: Upload) -> UploadOver:
    """Returns the error that names the upload."""
    message = f"The upload of {upload.filename} has ended; there is nothing to cancel."
    return UploadOver(message, detail=upload.id, field="id")


def throw_away(staged: Staged) -> None:
    """Removes what is staged; blocks."""
    if staged.leftover is not None:
        remove(staged.leftover)


def _failure(plan: UploadPlan, reason: str) -> tuple[str, str]:
    """Returns the operation and its text in the audit log (contract images 0.5)."""
    if plan.kind is not UploadKind.ARCHIVE:
        return "UPLOAD", f"Upload failed: {reason}"
    if reason.startswith("IDP sparse"):
        return "UPLOAD_ARCHIVE", reason
    return "UPLOAD_ARCHIVE", f"Archive extraction failed: {reason}"
