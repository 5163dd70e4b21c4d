"""One image of the store."""

import math
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from domain.events import Event
from domain.images.hash_states import NOT_HASHED, HashState
from domain.images.names import ImageName

MEBIBYTE = 1 << 20
_MEBIBYTES_PER_MINUTE = 40 * 60


class ImageKind(StrEnum):
    """What a name in the store stands for; the values are those of `type` (contract images 6)."""

    TRADITIONAL = "traditional"
    """A regular file."""
    IDP = "idp"
    """A folder with exactly one JSON file at its top."""
    UNKNOWN_DIRECTORY = "unknown_directory"
    """A folder with none or several; it is never listed."""
    UNKNOWN = "unknown"
    """Neither file nor folder; it is never listed."""


LISTED = frozenset({ImageKind.TRADITIONAL, ImageKind.IDP})
"""What the lists of images hold."""


@dataclass(frozen=True, slots=True)
class Image:
    """An image as it lies in the store now.

    `path` is logical. `size_bytes` of a folder is the sum of all regular files below it;
    `modified_at` is UTC, of a folder its own time (contract images 1, 2).
    """

    name: ImageName
    kind: ImageKind
    path: str
    size_bytes: int
    modified_at: datetime
    is_gold_master: bool = False
    hash: HashState = field(default=NOT_HASHED)

    @property
    def estimated_minutes(self) -> int:
        """How long provisioning with it takes at 40 MiB/s, rounded up (contract images 2)."""
        return math.ceil(self.size_bytes / MEBIBYTE / _MEBIBYTES_PER_MINUTE)


@dataclass(frozen=True, slots=True)
class ImageAdded(Event):
    """The store has an image that it did not have before."""

    image: Image


@dataclass(frozen=True, slots=True)
class ImageChanged(Event):
    """An image is another one than before, or more or else is known of it."""

    image: Image


@dataclass(frozen=True, slots=True)
class ImageRemoved(Event):
    """The store no longer has an image of this name."""

    name: str
