"""The progress of uploads: what each is doing now, told to everybody who watches."""

import time
from collections.abc import AsyncGenerator, Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum

from domain.errors import ProvisionerError
from domain.events import Event, Hub, Update, watch_changes
from domain.uploads.intake import Chunk
from domain.uploads.kinds import UploadKind
from domain.uploads.refusals import UploadCancelled, UploadNotFound

TELL_SECONDS = 0.25
"""Between two frames of one upload (contract images 9.3)."""
ADDRESS = "/uploads"
MOST_ENDED = 50
"""So many uploads that ended are remembered."""


class UploadPhase(StrEnum):
    """What an upload is doing."""

    WAITING = "WAITING"
    """A resumable one whose client is not sending now."""
    RECEIVING = "RECEIVING"
    DECOMPRESSING = "DECOMPRESSING"
    EXTRACTING = "EXTRACTING"
    COMPLETE = "COMPLETE"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"

    @property
    def is_over(self) -> bool:
        """Whether nothing comes after it."""
        return self in (UploadPhase.COMPLETE, UploadPhase.FAILED, UploadPhase.CANCELLED)


@dataclass(frozen=True, slots=True)
class Upload:
    """One upload at one moment. `received_bytes` of `total_bytes` came from the client (None:
    nobody said how many), `written_bytes` are what they unpacked to; `entry` is the file of an
    archive that is being unpacked; `image` is the name it got in the store; `error` is why it
    failed, or why a whole one waits; `expires_at` is of resumable ones."""

    id: str
    filename: str
    kind: UploadKind
    phase: UploadPhase
    began_at: datetime
    total_bytes: int | None = None
    received_bytes: int = 0
    written_bytes: int = 0
    entry: str | None = None
    image: str | None = None
    error: str | None = None
    is_resumable: bool = False
    expires_at: datetime | None = None

    @property
    def address(self) -> str:
        """The path at which a resumable one goes on."""
        return f"{ADDRESS}/{self.id}"


@dataclass(frozen=True, slots=True)
class UploadChanged(Event):
    """An upload began, came on or ended."""

    upload: Upload


class UploadBoard:
    """What is known of all uploads. Belongs to the event loop's thread."""

    def __init__(self, hub: Hub, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._hub, self._clock = hub, clock
        self._uploads: dict[str, Upload] = {}
        self._told_at: dict[str, float] = {}

    def list_all(self) -> list[Upload]:
        """Returns the uploads under way and those that ended of late, in the order they began."""
        return list(self._uploads.values())

    def promised(self) -> int:
        """Returns the bytes that resumable uploads under way have still to bring."""
        return sum(
            (one.total_bytes or 0) - one.received_bytes
            for one in self._uploads.values()
            if one.is_resumable and not one.phase.is_over
        )

    def find(self, id: str) -> Upload | None:
        """Returns an upload, None for one that is not known."""
        return self._uploads.get(id)

    def get(self, id: str) -> Upload:
        """Returns an upload; raises `UploadNotFound`."""
        upload = self._uploads.get(id)
        if upload is None:
            raise upload_not_found(id)
        return upload

    def is_free(self, id: str) -> bool:
        """Whether no upload under way has this id."""
        known = self._uploads.get(id)
        return known is None or known.phase.is_over

    def show(self, upload: Upload) -> None:
        """Shows what an upload is doing now, and tells everybody."""
        self._uploads[upload.id] = upload
        self._told_at[upload.id] = self._clock()
        self._forget_old()
        self._hub.publish(UploadChanged(upload))

    def show_if_time(self, tracker: "Tracker") -> None:
        """Shows what has changed, but at most every 250 ms of one upload."""
        if self._is_time(tracker.id) and tracker.upload != self._uploads.get(tracker.id):
            self.show(tracker.upload)

    def drop(self, id: str) -> None:
        """Forgets an upload."""
        self._uploads.pop(id, None)
        self._told_at.pop(id, None)

    def watch(self, id: str | None) -> AsyncGenerator[Update[list[Upload]], None]:
        """Yields the upload, or all without an id, then each change; an id may be one that nobody
        has yet."""

        async def snapshot() -> list[Upload]:
            return [one for one in self.list_all() if id in (None, one.id)]

        def change(event: Event) -> list[Upload] | None:
            if not isinstance(event, UploadChanged) or id not in (None, event.upload.id):
                return None
            return [event.upload]

        return watch_changes(self._hub, UploadChanged, snapshot=snapshot, change=change)

    def _is_time(self, id: str) -> bool:
        return self._clock() - self._told_at.get(id, -TELL_SECONDS) >= TELL_SECONDS

    def _forget_old(self) -> None:
        over = [one.id for one in self._uploads.values() if one.phase.is_over]
        for id in over[:-MOST_ENDED]:
            self.drop(id)


class Tracker:
    """What one upload has done so far: the thread that works on it writes here, the event loop's
    reads."""

    def __init__(self, upload: Upload) -> None:
        self._upload = upload
        self.phase = upload.phase
        self.received = upload.received_bytes
        self.size = upload.total_bytes
        """How many bytes come in all; None while nobody knows."""
        self.written = self.promised = 0
        """`promised` bytes were found to fit when it began; none where nobody said how many."""
        self.entry: str | None = None
        self._is_cancelled = False

    @property
    def id(self) -> str:
        """The upload's id."""
        return self._upload.id

    @property
    def upload(self) -> Upload:
        """The upload as it is now."""
        return replace(
            self._upload,
            phase=self.phase,
            received_bytes=self.received,
            written_bytes=self.written,
            entry=self.entry,
        )

    @property
    def owed(self) -> int:
        """Returns the promised bytes that are not on the disk yet."""
        return max(0, self.promised - self.written)

    def cancel(self) -> None:
        """Gives it up: the thread that works on it ends with the next chunk."""
        self._is_cancelled = True

    def watched(self, chunks: Iterator[Chunk]) -> Iterator[Chunk]:
        """Yields the chunks for as long as the upload is wanted; raises `UploadCancelled`."""
        for chunk in chunks:
            self.check()
            yield chunk

    def check(self) -> None:
        """Raises `UploadCancelled` if it was given up."""
        if self._is_cancelled:
            raise UploadCancelled("The upload was cancelled.")

    def all_came(self) -> None:
        """Takes note that nothing more comes: what was said of the size may have been wrong."""
        self.size = self.received

    def completed(self, image: str) -> Upload:
        """Returns the upload as one that is in the store."""
        return replace(self.upload, phase=UploadPhase.COMPLETE, image=image, entry=None)

    def failed(self, error: BaseException) -> Upload:
        """Returns the upload as one that came to nothing."""
        cancelled = isinstance(error, UploadCancelled) or not isinstance(error, Exception)
        phase = UploadPhase.CANCELLED if cancelled else UploadPhase.FAILED
        return replace(self.upload, phase=phase, error=reason_of(error))


def begun(
    id: str, filename: str, kind: UploadKind, *, phase: UploadPhase, total: int | None
) -> Upload:
    """Returns an upload that begins now."""
    return Upload(id, filename, kind, phase, datetime.now(UTC), total_bytes=total)


def reason_of(error: BaseException) -> str:
    """Returns what people are told of a failure."""
    if isinstance(error, ProvisionerError):
        return error.message
    if isinstance(error, Exception):
        return "Something unexpected went wrong; the log has it."
    return "The upload was given up before its end."


def upload_not_found(id: str) -> UploadNotFound:
    """Returns the error that names the upload."""
    return UploadNotFound(f"There is no upload {id[:100]!r}.", detail=id[:100])
