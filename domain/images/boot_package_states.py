"""States of boot packages: what is known of an image's package at one moment."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from domain.events import Event
from domain.images.boot_package_files import BootPackage


class BootPackageStatus(StrEnum):
    """How it stands with the boot package of an image."""

    UNSUPPORTED = "UNSUPPORTED"
    """Boards are provisioned in a style that needs none."""
    NOT_FOUND = "NOT_FOUND"
    GENERATING = "GENERATING"
    AVAILABLE = "AVAILABLE"
    FAILED = "FAILED"
    """The last run of the generator made none."""


@dataclass(frozen=True, slots=True)
class BootPackageState:
    """`package` is what there is, also while another one is made or could not be; `reason` is a
    sentence where it is unsupported or failed; `since` is when the generator began or failed.

    `is_current` tells whether it was made of the image as it is now; None where that is not known.
    """

    image: str
    status: BootPackageStatus
    package: BootPackage | None = None
    reason: str | None = None
    since: datetime | None = None
    is_current: bool | None = None


@dataclass(frozen=True, slots=True)
class BootPackageChanged(Event):
    """It stands another way with the boot package of the image called `name`, or may do so."""

    name: str
