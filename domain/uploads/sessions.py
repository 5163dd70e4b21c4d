"""Sessions of resumable uploads: what is known of each across lost connections and restarts (tus
1.0)."""

import base64
import binascii
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from domain.errors import Conflict, Invalid, NotFound
from domain.uploads.refusals import NOTHING_LEFT


class UploadOffsetWrong(Conflict):
    """The client goes on at another place than the upload is at."""

    code = "UPLOAD_OFFSET_WRONG"
    title = "Wrong Offset"
    meaning = "The part does not begin where the upload ends just now."
    remedy = "Ask for Upload-Offset with HEAD and go on from there."


class UploadLocked(Conflict):
    """Another request is sending a part of it."""

    code = "UPLOAD_LOCKED"
    title = "Upload Locked"
    meaning = "Another request sends a part of this upload, or it is being put into the store."
    remedy = "Wait a moment and ask for Upload-Offset again; tus clients do so by themselves."


class UploadPartWrong(Invalid):
    """A part that cannot belong to the upload."""

    code = "UPLOAD_PART_WRONG"
    title = "Wrong Part"
    meaning = "The part is longer than what is missing, or no part of a resumable upload."
    remedy = "Send at most Upload-Length minus Upload-Offset bytes."


class UploadChecksumWrong(Invalid):
    """A part is not what its checksum says; it was not kept."""

    code = "UPLOAD_CHECKSUM_MISMATCH"
    title = "Checksum Mismatch"
    meaning = "The part changed on its way; nothing of it was kept, what came before was."
    remedy = "Send the part again; look at the network if that repeats."


class UploadChecksumUnknown(Invalid):
    """A checksum of another kind, or none that can be read."""

    code = "UPLOAD_CHECKSUM_UNKNOWN"
    title = "Unknown Checksum"
    meaning = "Upload-Checksum is an algorithm that is known here, a blank, and base64."
    remedy = "Tus-Checksum-Algorithm of an OPTIONS answer names the algorithms."


class UploadSizeUnknown(Invalid):
    """An upload without a length."""

    code = "UPLOAD_SIZE_UNKNOWN"
    title = "Unknown Size"
    meaning = "A resumable upload says at its beginning how many bytes it has, at least one."
    remedy = "Send Upload-Length, a whole number of bytes; it cannot be told later."


class UploadExpired(NotFound):
    """The upload waited for its client for too long."""

    code = "UPLOAD_EXPIRED"
    title = "Upload Expired"
    meaning = "The client did not go on in time. " + NOTHING_LEFT
    remedy = "Begin it again; Upload-Expires tells how long an upload waits."


@dataclass(frozen=True, slots=True)
class UploadSession:
    """A resumable upload as it is kept; `synced` bytes are certainly on the disk. Within the boot
    of the machine whose id is `boot` all others that are there count too; empty where none do,
    because they may never have been checked. `by` is who began it; `image` is the name that it got
    in the store, empty until it is finished."""

    id: str
    filename: str
    size: int
    began_at: datetime
    expires_at: datetime
    by: str
    boot: str
    synced: int = 0
    image: str = ""


class UploadSessions(Protocol):
    """Where sessions are kept; all raise a kind of `Unavailable`."""

    async def list_all(self) -> list[UploadSession]:
        """Returns every session."""

    async def keep(self, session: UploadSession) -> None:
        """Keeps a session, in place of the one of its id; durable when this returns."""

    async def drop(self, id: str) -> None:
        """Forgets a session."""


ALGORITHMS = ("sha256", "sha1", "md5")


@dataclass(frozen=True, slots=True)
class Checksum:
    """What a part should be; `algorithm` is one of `ALGORITHMS`."""

    algorithm: str
    digest: bytes

    @classmethod
    def read(cls, header: str) -> "Checksum | None":
        """Returns what an Upload-Checksum says, None for an empty one; raises
        `UploadChecksumUnknown`."""
        if not header:
            return None
        algorithm, _, encoded = header.strip().partition(" ")
        try:
            digest = base64.b64decode(encoded, validate=True)
        except (binascii.Error, ValueError):
            digest = b""
        if algorithm.lower() not in ALGORITHMS or not digest:
            known = ", ".join(ALGORITHMS)
            raise UploadChecksumUnknown(f"Upload-Checksum needs one of {known}, and base64.")
        return cls(algorithm.lower(), digest)
