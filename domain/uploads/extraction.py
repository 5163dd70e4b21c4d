"""Extraction: entries of an archive become files and folders below one hidden folder, and nothing
else anywhere."""

import os
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum, auto
from pathlib import Path

from domain.images.names import printable
from domain.uploads.intake import Chunk
from domain.uploads.limits import Room, UploadLimits
from domain.uploads.progress import Tracker
from domain.uploads.refusals import ArchiveBroken, ArchiveTooLarge, ArchiveUnsafe
from domain.uploads.staging import FOLDER_MODE, open_staged, write_all

LONGEST_PART = 255


class EntryKind(Enum):
    """What an entry is; of all that archives can hold only these are taken."""

    FILE = auto()
    FOLDER = auto()


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry, as its archive names it; `size` is what the archive says."""

    path: str
    kind: EntryKind
    size: int


class Extraction:
    """Writes below `folder`, which is new and empty: no link can be in it, since none is made."""

    def __init__(self, folder: Path, limits: UploadLimits, tracker: Tracker) -> None:
        self._folder, self._limits, self._tracker = folder, limits, tracker
        self._room = Room(folder, limits)
        self._made: dict[tuple[str, ...], EntryKind] = {}
        self._count = self._written = 0

    def add(self, entry: Entry, content: Iterator[Chunk]) -> None:
        """Writes one entry; raises `ArchiveUnsafe`, `ArchiveBroken`, `ArchiveTooLarge`,
        `SpaceShort`, OSError and what `content` raises."""
        self._count += 1
        if self._count > self._limits.entries:
            raise _too_large(f"it has more than {self._limits.entries} entries")
        parts = self._parts(entry.path)
        self._tracker.entry = "/".join(parts) or "."
        if entry.kind is EntryKind.FOLDER:
            self._add_folder(parts)
            return
        if not parts:
            raise ArchiveUnsafe(f"Archive contains a file without a name: {_shown(entry.path)}.")
        self._add_folder(parts[:-1])
        self._add_file(parts, entry, content)

    def finish(self) -> None:
        """Makes all of it durable; raises `ArchiveTooLarge`."""
        self._tracker.all_came()
        self._check_ratio()
        for folder, _, _ in os.walk(self._folder):
            handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
            try:
                os.fsync(handle)
            finally:
                os.close(handle)

    def _parts(self, path: str) -> tuple[str, ...]:
        """Returns the components of a path that stays below the folder; `.` and empty ones say
        nothing."""
        if path.startswith("/"):
            raise ArchiveUnsafe(f"Archive contains an absolute path: {_shown(path)}.")
        parts = tuple(part for part in path.split("/") if part not in ("", "."))
        if ".." in parts:
            raise ArchiveUnsafe(f"Archive contains a path that leads out of it: {_shown(path)}.")
        if any(unicodedata.category(letter) in ("Cc", "Cs") for letter in path):
            raise ArchiveUnsafe(f"Archive contains a name with control characters: {_shown(path)}.")
        if len(parts) > self._limits.depth:
            raise _too_large(f"it is more than {self._limits.depth} folders deep")
        if len(path.encode()) > self._limits.path_bytes or any(
            len(part.encode()) > LONGEST_PART for part in parts
        ):
            raise _too_large(f"a path is longer than {self._limits.path_bytes} bytes")
        return parts

    def _add_folder(self, parts: tuple[str, ...]) -> None:
        for length in range(1, len(parts) + 1):
            known = self._made.get(parts[:length])
            if known is EntryKind.FILE:
                raise _twice(parts[:length])
            if known is None:
                path = self._folder.joinpath(*parts[:length])
                path.mkdir(mode=FOLDER_MODE)
                path.chmod(FOLDER_MODE)
                self._made[parts[:length]] = EntryKind.FOLDER

    def _add_file(self, parts: tuple[str, ...], entry: Entry, content: Iterator[Chunk]) -> None:
        if parts in self._made:
            raise _twice(parts)
        self._made[parts] = EntryKind.FILE
        self._room.check_size(self._written + entry.size)
        handle = open_staged(self._folder.joinpath(*parts))
        try:
            for chunk in content:
                self._count_bytes(len(chunk))
                write_all(handle, chunk)
            os.fsync(handle)
        finally:
            os.close(handle)

    def _count_bytes(self, size: int) -> None:
        self._written += size
        self._tracker.written = self._written
        self._room.take(size)
        self._room.check_size(self._written)
        self._check_ratio()

    def _check_ratio(self) -> None:
        # By all that comes: what is hollow at its beginning may be full at its end.
        free, ratio, size = (
            self._limits.archive_free,
            self._limits.archive_ratio,
            self._tracker.size,
        )
        if size is not None and self._written > max(free, size * ratio):
            raise _too_large(f"it unpacks to more than {ratio} times its size")


def _twice(parts: tuple[str, ...]) -> ArchiveBroken:
    name = "/".join(parts)
    return ArchiveBroken(
        f"Failed to extract archive: {_shown(name)} is in it more than once.", detail=_shown(name)
    )


def _too_large(reason: str) -> ArchiveTooLarge:
    return ArchiveTooLarge(f"Failed to extract archive: {reason}.", detail=reason)


def _shown(path: str) -> str:
    return printable(path).encode("unicode_escape").decode("ascii")
