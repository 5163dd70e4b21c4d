"""Kinds of uploads: what a file's name says it is, and what it will be called in the store
(contract images 4.1)."""

from dataclasses import dataclass
from enum import StrEnum

from domain.images.names import ImageName, printable
from domain.uploads.refusals import UploadTypeUnknown

IMAGE = ".img"
COMPRESSED = (".img.xz", ".img.zst", ".img.gz", ".img.bz2")
ARCHIVES = (".tar.xz", ".tar.zst", ".tar.gz", ".tgz", ".zip")
ACCEPTED = (IMAGE, *COMPRESSED, *ARCHIVES)


class UploadKind(StrEnum):
    """What is done with the bytes."""

    PLAIN = "PLAIN"
    """Stored as they are."""
    COMPRESSED = "COMPRESSED"
    """Decompressed while they arrive."""
    ARCHIVE = "ARCHIVE"
    """Unpacked into the folder of an IDP artefact."""


@dataclass(frozen=True, slots=True)
class UploadPlan:
    """What was sent and what becomes of it; `target` is the name in the store, if it is free."""

    filename: str
    kind: UploadKind
    target: ImageName

    @property
    def is_stripped(self) -> bool:
        """Whether a suffix of the file's name is left out in the store."""
        return self.target.text != self.filename


def plan_of(filename: str) -> UploadPlan:
    """Returns the plan for a file of this name; case of the suffix is ignored.

    Raises `ImageNameInvalid` and `UploadTypeUnknown`.
    """
    lower = filename.lower()
    for suffix in ARCHIVES:
        if lower.endswith(suffix):
            return _stripped(filename, UploadKind.ARCHIVE, suffix)
    for suffix in COMPRESSED:
        if lower.endswith(suffix):
            return _stripped(filename, UploadKind.COMPRESSED, suffix.removeprefix(IMAGE))
    name = ImageName.given(filename, field="filename")
    if lower.endswith(IMAGE):
        return UploadPlan(filename, UploadKind.PLAIN, name)
    formats = ", ".join(ACCEPTED)
    message = f"Unsupported file type. Accepted formats: {formats}."
    raise UploadTypeUnknown(message, detail=printable(filename), field="filename")


def _stripped(filename: str, kind: UploadKind, suffix: str) -> UploadPlan:
    name = ImageName.given(filename[: -len(suffix)], field="filename")
    return UploadPlan(filename, kind, name)
