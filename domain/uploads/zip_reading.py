"""Zip archives (PKWARE APPNOTE), whose table of contents is at their end: they are read from a
file."""

import lzma
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from domain.images.names import printable
from domain.uploads.extraction import Entry, EntryKind
from domain.uploads.refusals import ArchiveBroken, ArchiveTooLarge, ArchiveUnsafe

BLOCK = 256 * 1024
BYTES_PER_ENTRY = 256
"""A table of contents with longer entries is none of an artefact; it would be kept in memory."""
_END, _END_SIZE, _LONGEST_COMMENT = b"PK\x05\x06", 22, 65535
_UNIX = 3
_FAILURES = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    struct.error,
    NotImplementedError,
    RuntimeError,
    EOFError,
    ValueError,
    KeyError,
    OverflowError,
)


class ZipReader:
    """Reads one archive; a context."""

    def __init__(self, path: Path, *, most_entries: int) -> None:
        self._file = path.open("rb")
        try:
            _check_table(self._file, most_entries)
            self._zip = zipfile.ZipFile(self._file)
        except BaseException as error:
            self._file.close()
            if isinstance(error, _FAILURES):
                raise _broken(error) from error
            raise
        self._current: zipfile.ZipInfo | None = None

    def __enter__(self) -> "ZipReader":
        return self

    def __exit__(self, *error: object) -> None:
        self._zip.close()
        self._file.close()

    def entries(self) -> Iterator[Entry]:
        """Yields each entry; raises `ArchiveUnsafe`."""
        for info in self._zip.infolist():
            self._current = info
            yield Entry(info.orig_filename, _kind(info), info.file_size)

    def content(self) -> Iterator[bytes]:
        """Yields the content of the entry that was yielded last, its checksum checked; raises
        `ArchiveBroken`."""
        assert self._current is not None  # noqa: S101 -- entries() came first
        try:
            with self._zip.open(self._current) as file:
                while block := file.read(BLOCK):
                    yield block
        except _FAILURES as error:
            raise _broken(error) from error


def _check_table(file: IO[bytes], most_entries: int) -> None:
    """Raises `ArchiveTooLarge` for a table of contents that would fill the memory."""
    size = file.seek(0, 2)
    file.seek(max(0, size - _END_SIZE - _LONGEST_COMMENT))
    tail = file.read()
    place = tail.rfind(_END)
    if place < 0 or len(tail) - place < _END_SIZE:
        raise ArchiveBroken("Failed to extract archive: it is no zip archive, or cut off.")
    entries, table = struct.unpack("<HI", tail[place + 10 : place + 16])
    # 0xFFFF and 0xFFFFFFFF stand for zip64's numbers: only an archive of 4 GiB needs the second,
    # and then its table is no longer for that.
    is_long = table != 0xFFFFFFFF and table > most_entries * BYTES_PER_ENTRY
    if is_long or (entries != 0xFFFF and entries > most_entries):
        reason = f"it has more than {most_entries} entries"
        raise ArchiveTooLarge(f"Failed to extract archive: {reason}.", detail=reason)
    _check_zip64(file, tail, place, most_entries)


def _check_zip64(file: IO[bytes], tail: bytes, place: int, most_entries: int) -> None:
    """Like `_check_table` for the numbers of a zip64 archive, wherever a reader may look for
    them: where the locator says, and right before it."""
    if place < 20 or tail[place - 20 : place - 16] != b"PK\x06\x07":
        return
    (said,) = struct.unpack("<Q", tail[place - 12 : place - 4])
    size = file.seek(0, 2)
    before = size - len(tail) + place - 20 - 56
    for record in (said, before):
        if not 0 <= record <= size - 56:
            raise ArchiveBroken("Failed to extract archive: its end is damaged.")
        file.seek(record)
        entries, table = struct.unpack("<QQ", file.read(56)[32:48])
        if entries > most_entries or table > most_entries * BYTES_PER_ENTRY:
            reason = f"it has more than {most_entries} entries"
            raise ArchiveTooLarge(f"Failed to extract archive: {reason}.", detail=reason)


def _kind(info: zipfile.ZipInfo) -> EntryKind:
    mode = info.external_attr >> 16 if info.create_system == _UNIX else 0
    kind = stat.S_IFMT(mode)
    is_folder = info.orig_filename.endswith("/") or kind == stat.S_IFDIR
    if kind in (0, stat.S_IFREG, stat.S_IFDIR):
        return EntryKind.FOLDER if is_folder else EntryKind.FILE
    what = "a symbolic link" if kind == stat.S_IFLNK else "a device, FIFO or socket"
    shown = printable(info.orig_filename).encode("unicode_escape").decode("ascii")
    raise ArchiveUnsafe(f"Archive contains {what}: {shown}.", detail=shown)


def _broken(error: BaseException) -> ArchiveBroken:
    return ArchiveBroken(f"Failed to extract archive: it is corrupt ({error}).")
