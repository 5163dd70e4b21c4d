"""Names of images: one checked component of a path, before it becomes one (contract images 0.4)."""

import unicodedata
from dataclasses import dataclass

from domain.errors import Invalid, NotFound

SIDECAR_SUFFIX = ".sha256"
BOOT_PACKAGES = "bootimg-output"
"""The generator's folder among the images; never an image."""
LONGEST_NAME = 255 - len(SIDECAR_SUFFIX)
"""Bytes: the longest name that still has room for its sidecar's (path_resolution(7))."""


class ImageNameMissing(Invalid):
    """Nobody said which image."""

    code = "MISSING_IMAGE_NAME"
    title = "Missing Parameter"
    meaning = "The request does not say which image it is about."
    remedy = "Give the image's name as `name`; /images/list has all names."


class ImageNotFound(NotFound):
    """The store has no such image, or the name can be none of an image."""

    code = "IMAGE_NOT_FOUND"
    title = "Image Not Found"
    meaning = (
        "The store has no image of this name: it is not there, it is hidden or a sidecar, or the "
        "name leads out of the store."
    )
    remedy = "Look at /images/list or the query `images` for the names that there are."


class ImageNameInvalid(Invalid):
    """A name that no image may get."""

    code = "INVALID_FILENAME"
    title = "Invalid File Name"
    meaning = (
        "A name is one part of a path: not empty, at most "
        f"{LONGEST_NAME} bytes of UTF-8, without slashes and control characters; it does not begin "
        f"with a dot, does not end in {SIDECAR_SUFFIX}, and is not {BOOT_PACKAGES}."
    )
    remedy = "Choose another name."


@dataclass(frozen=True, slots=True)
class ImageName:
    """The name of an image, as uploads and renames may make it; raises `ImageNameInvalid`.

    An instance is safe to be joined to the store's path: it is one component of it.
    """

    text: str

    def __post_init__(self) -> None:
        reason = _refusal(self.text)
        if reason:
            raise _invalid(self.text, reason)

    @classmethod
    def given(cls, text: str, *, field: str) -> "ImageName":
        """Returns the name that somebody wants to give, in the input called `field`; raises
        `ImageNameInvalid`."""
        reason = _refusal(text)
        if reason:
            raise _invalid(text, reason, field=field)
        return cls(text)

    @classmethod
    def asked(cls, text: str) -> "ImageName":
        """Returns the name somebody asks for; raises `ImageNameMissing` when it is empty and
        `ImageNotFound` when no image can have it (contract images 0.4)."""
        if not text:
            raise ImageNameMissing("Image name is required.", field="name")
        if _refusal(text):
            raise image_not_found(text)
        return cls(text)

    @property
    def sidecar(self) -> str:
        """The name of the file that holds the image's SHA-256."""
        return self.text + SIDECAR_SUFFIX

    def __str__(self) -> str:
        return self.text


def is_image_name(text: str) -> bool:
    """Whether an image may have this name."""
    return not _refusal(text)


def image_not_found(name: str) -> ImageNotFound:
    """Returns the error that tells which image is not there."""
    message = "The requested image file was not found."
    return ImageNotFound(message, detail=f"Requested image: {printable(name)}")


def printable(name: str) -> str:
    """Returns a name as it may be shown: cut, and without what no text may hold."""
    return name[:LONGEST_NAME].encode("utf-8", "replace").decode()


def _invalid(text: str, reason: str, field: str | None = None) -> ImageNameInvalid:
    message = f"This cannot be an image's name: {reason}."
    return ImageNameInvalid(message, detail=printable(text), field=field)


def _refusal(text: str) -> str:
    """Returns why no image may have this name, nothing when it may."""
    try:
        length = len(text.encode())
    except UnicodeEncodeError:
        return "it is not Unicode"
    if not text or text.startswith("."):
        return "it is empty" if not text else "it begins with a dot"
    if length > LONGEST_NAME:
        return f"it is longer than {LONGEST_NAME} bytes"
    if "/" in text or any(unicodedata.category(letter) == "Cc" for letter in text):
        return "it holds a slash or a control character"
    if text.endswith(SIDECAR_SUFFIX):
        return f"names that end in {SIDECAR_SUFFIX} are those of sidecars"
    return f"{BOOT_PACKAGES} is the folder of boot packages" if text == BOOT_PACKAGES else ""
