"""Uploads: files that clients send, made into images of the store."""

import asyncio
import logging
import secrets
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace

from domain.errors import ProvisionerError
from domain.file_accesses import FileAccess
from domain.images.names import printable
from domain.images.store_folder import StoreFolder
from domain.uploads.archive_staging import stage_archive
from domain.uploads.decompression import Programs
from domain.uploads.failures import translated
from domain.uploads.image_staging import Staged, Workshop, stage_image
from domain.uploads.intake import Chunk, Intake
from domain.uploads.kinds import UploadKind, UploadPlan, plan_of
from domain.uploads.limits import Room, UploadLimits
from domain.uploads.progress import TELL_SECONDS, Tracker, Upload, UploadBoard, UploadPhase, begun
from domain.uploads.refusals import TooManyUploads, UploadOver
from domain.uploads.settling import Settling, Uploaded
from domain.uploads.staging import remove, sweep

LONGEST_ID = 128
Working = asyncio.Future[Staged]
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
    """Belongs to the event loop's thread; the work is done in threads of its own, so that nobody
    else waits for them. `programs` decompress faster than Python does."""

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
        self._folder, self._settling, self._programs = folder, settling, programs
        self._threads = ThreadPoolExecutor(limits.at_once, thread_name_prefix="upload")
        self._stops: dict[str, Callable[[], None]] = {}

    async def aclose(self) -> None:
        """Gives up what is under way."""
        for stop in list(self._stops.values()):
            stop()
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def prepare(self, keep: frozenset[str] = frozenset()) -> None:
        """Removes what earlier runs left half done, but for the hidden files of these names."""
        try:
            await asyncio.to_thread(lambda: sweep(self._folder.base(), keep))
        except OSError as error:
            log.warning("the store of images cannot be swept: %s", error.strerror)

    async def receive(self, incoming: Incoming, *, note: FileAccess) -> Uploaded:
        """Makes an image of what a client sends; it lies in the store with its hash when this
        returns, and nothing of it does when this raises.

        Raises the errors of `domain.uploads.refusals`, `ImageNameInvalid` and `DescriptorInvalid`,
        `SparseInvalid`.
        """
        id = self._id(incoming.id)
        plan = self._plan(id, incoming.filename, note=note)
        tracker = Tracker(
            begun(id, plan.filename, plan.kind, phase=UploadPhase.RECEIVING, total=incoming.size)
        )
        with self._told(plan, tracker, note=note):
            shop = await self._shop(incoming.size or 0)
            staged = await self._stage(plan, incoming.chunks, shop, tracker)
            return await self.settle(plan, staged, tracker, note=note)

    async def cancel(self, id: str, *, note: FileAccess) -> Upload:
        """Gives up an upload that is under way; nothing is left of it when its client hears of
        that. Raises `UploadNotFound` and `UploadOver`."""
        upload, stop = self.board.get(id), self._stops.get(id)
        if stop is None:
            message = f"The upload of {upload.filename} has ended; there is nothing to cancel."
            raise UploadOver(message, detail=id, field="id")
        stop()
        note("UPLOAD_CANCEL", self._folder.logical, info=f"Upload cancelled: {upload.filename}")
        return replace(upload, phase=UploadPhase.CANCELLED)

    async def settle(
        self, plan: UploadPlan, staged: Staged, tracker: Tracker, *, note: FileAccess
    ) -> Uploaded:
        """Puts what is staged into its place; nothing is left of it if that fails."""
        try:
            uploaded = await self._settling.settle(plan, staged, note=note)
        finally:
            await asyncio.to_thread(remove, staged.leftover)
        self.board.show(tracker.completed(uploaded.name.text))
        return uploaded

    async def work(
        self, plan: UploadPlan, chunks: Iterator[Chunk], shop: Workshop, tracker: Tracker
    ) -> Staged:
        """Makes what is staged of chunks that are all there, and tells of its progress."""
        return await self._finish(self._begin(plan, chunks, shop, tracker), tracker)

    async def _stage(
        self, plan: UploadPlan, chunks: AsyncIterator[Chunk], shop: Workshop, tracker: Tracker
    ) -> Staged:
        intake = Intake()
        working = self._begin(plan, intake.chunks(), shop, tracker)
        working.add_done_callback(lambda _: intake.end())
        self._stops[tracker.id] = intake.cancel

        def counted(size: int) -> None:
            tracker.received += size
            self.board.show_if_time(tracker)

        try:
            await intake.fill(chunks, counted)
        except BaseException:
            # When the client hears of it, nothing is left.
            await asyncio.wait([working])
            raise
        return await self._finish(working, tracker)

    def _begin(
        self, plan: UploadPlan, chunks: Iterator[Chunk], shop: Workshop, tracker: Tracker
    ) -> Working:
        loop = asyncio.get_running_loop()
        return loop.run_in_executor(self._threads, _work, plan, chunks, shop, tracker)

    async def _finish(self, working: Working, tracker: Tracker) -> Staged:
        try:
            while not working.done():
                await asyncio.wait([working], timeout=TELL_SECONDS)
                self.board.show_if_time(tracker)
        except asyncio.CancelledError:
            working.add_done_callback(_clear_away)
            raise
        return working.result()

    async def _shop(self, size: int) -> Workshop:
        return await asyncio.to_thread(self._shop_now, size)

    def _shop_now(self, size: int) -> Workshop:
        with translated():
            self._folder.make()
            base = self._folder.base()
            Room(base, self.limits).check(size)
        return Workshop(self._folder, base, self.limits, self._programs)

    def _id(self, wanted: str) -> str:
        is_good = wanted and len(wanted) <= LONGEST_ID and wanted.isprintable()
        return wanted if is_good and self.board.is_free(wanted) else secrets.token_hex(16)

    def _plan(self, id: str, filename: str, *, note: FileAccess) -> UploadPlan:
        try:
            return plan_of(filename)
        except ProvisionerError as error:
            shown = printable(filename)
            phase = UploadPhase.RECEIVING
            tracker = Tracker(begun(id, shown, UploadKind.PLAIN, phase=phase, total=None))
            self.board.show(tracker.failed(error))
            info = f"Upload failed: {error.message}"
            note("UPLOAD", self._folder.logical, success=False, info=info)
            raise

    @contextmanager
    def _told(self, plan: UploadPlan, tracker: Tracker, *, note: FileAccess) -> Iterator[None]:
        """Shows how the upload begins and, should it fail, why; writes a failure down."""
        if len(self._stops) >= self.limits.at_once:
            message = f"{self.limits.at_once} uploads are under way; wait until one of them ends."
            raise TooManyUploads(message)
        self._stops[tracker.id] = tracker.cancel
        self.board.show(tracker.upload)
        try:
            with translated():
                yield
        except BaseException as error:
            failed = tracker.failed(error)
            self.board.show(failed)
            operation, info = _failure(plan, failed.error or "")
            note(operation, self._folder.path(plan.target), success=False, info=info)
            raise
        finally:
            del self._stops[tracker.id]


def _work(plan: UploadPlan, chunks: Iterator[Chunk], shop: Workshop, tracker: Tracker) -> Staged:
    with translated():
        stage = stage_archive if plan.kind is UploadKind.ARCHIVE else stage_image
        return stage(plan, tracker.watched(chunks), shop, tracker)


def _clear_away(working: Working) -> None:
    """Removes what a thread has made for nobody: the service stops."""
    if not working.cancelled() and working.exception() is None:
        remove(working.result().leftover)


def _failure(plan: UploadPlan, reason: str) -> tuple[str, str]:
    """Returns the operation and its text in the audit log (contract images 0.5)."""
    if plan.kind is not UploadKind.ARCHIVE:
        return "UPLOAD", f"Upload failed: {reason}"
    if reason.startswith("IDP sparse"):
        return "UPLOAD_ARCHIVE", reason
    return "UPLOAD_ARCHIVE", f"Archive extraction failed: {reason}"
