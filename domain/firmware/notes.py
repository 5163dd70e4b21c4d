"""The release notes of bootloader firmware: one Markdown file for each chip."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter

from domain.firmware.chips import Chip
from domain.host_paths import HostPaths, PathRefused

LARGEST_NOTES = 4 * 1024 * 1024
"""Bytes that are read of a file; the packaged ones have about 100,000."""

_HEADER = re.compile(r"##[ \t]*([0-9]{4}-[0-9]{2}-[0-9]{2})")


@dataclass(frozen=True, slots=True)
class FirmwareNotes:
    """What the notes say of one version, Markdown with its heading, each line ended."""

    version: str
    text: str


def read_notes(paths: HostPaths, chip: Chip) -> list[FirmwareNotes]:
    """Returns the notes of a chip in the file's order, empty when there are none. Blocks."""
    try:
        with paths.real(f"{chip.folder}/release-notes.md").open("rb") as file:
            text = file.read(LARGEST_NOTES).decode(errors="replace")
    except (OSError, PathRefused):
        return []
    return parse_notes(text)


def parse_notes(text: str) -> list[FirmwareNotes]:
    """Returns the notes version by version, in the file's order.

    A section begins with `##` and a date and ends at the next heading of that level; neighbours
    of the same date are one. Lower headings belong to their section (contract configuration
    11.2).
    """
    return [
        FirmwareNotes(version, "".join(section.text for section in sections))
        for version, sections in groupby(_sections(text), attrgetter("version"))
    ]


def _sections(text: str) -> Iterator[FirmwareNotes]:
    version, lines = "", list[str]()
    for line in text.removesuffix("\n").split("\n"):
        if line.startswith("##") and not line.startswith("###"):
            if version:
                yield FirmwareNotes(version, "".join(lines))
            header = _HEADER.match(line)
            version, lines = header[1] if header else "", []
        lines.append(f"{line}\n")
    if version:
        yield FirmwareNotes(version, "".join(lines))
