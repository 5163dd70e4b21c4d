"""What libsystemd is asked for: a question about a unit's lines as matches on fields."""

from adapters.journal_library import Matches
from domain.services.line_filters import LineFilter, Origin

OWN = "_SYSTEMD_UNIT"
ABOUT = "UNIT"
SYSTEMD = "_PID=1"
"""Anybody may write a field UNIT; whose process wrote it journald itself says."""


def matches_of(unit: str, wanted: LineFilter) -> Matches:
    """Returns the matches for the lines of `unit`; text and times are not among them."""
    own, about = [f"{OWN}={unit}"], [f"{ABOUT}={unit}", SYSTEMD]
    origins = {Origin.ALL: [own, about], Origin.UNIT: [own], Origin.SYSTEMD: [about]}
    groups = [origins[wanted.origin]]
    if wanted.priority is not None:
        groups.append([[f"PRIORITY={number}" for number in range(wanted.priority.number + 1)]])
    if wanted.boot is not None:
        groups.append([[f"_BOOT_ID={wanted.boot}"]])
    if wanted.invocation is not None:
        groups.append(
            [
                [f"_SYSTEMD_INVOCATION_ID={wanted.invocation}"],
                [f"INVOCATION_ID={wanted.invocation}"],
            ]
        )
    return groups


def newest_of(unit: str, field: str) -> Matches:
    """Returns the matches for what a unit itself wrote, or systemd about it."""
    return [[[f"{field}={unit}", SYSTEMD] if field == ABOUT else [f"{field}={unit}"]]]
