"""Tar archives read as they arrive (POSIX.1-2017 pax, ustar, GNU long names), strictly: what is not
an ordinary file or folder is refused by its kind.

The standard library's reader keeps extended headers of any size in memory and does not notice an
archive that ends between two entries.
"""

from collections.abc import Iterator, Mapping

from domain.images.names import printable
from domain.uploads.extraction import Entry, EntryKind
from domain.uploads.intake import Chunk
from domain.uploads.refusals import ArchiveBroken, ArchiveUnsafe

BLOCK = 512
MOST_EXTENDED = 64 * 1024
"""Bytes of one extended header: names and times, never content."""
MOST_PADDING = 64 << 20
"""Bytes behind the end mark; records are filled up, to 10 KiB as a rule."""
_FILES, _FOLDER = (b"0", b"\0", b"7"), b"5"
_PAX, _PAX_ALL, _LONG_NAME = b"x", b"g", b"L"
_KINDS = {
    b"1": "a hard link",
    b"2": "a symbolic link",
    b"3": "a character device",
    b"4": "a block device",
    b"6": "a FIFO",
    b"K": "a link with a long name",
    b"S": "a sparse file",
    b"D": "a folder's listing",
    b"M": "a part of another archive",
    b"V": "a volume label",
}
_ZEROS = bytes(BLOCK)


class TarReader:
    """Reads one archive from a source of chunks."""

    def __init__(self, source: Iterator[Chunk]) -> None:
        self._source = source
        self._waiting: memoryview = memoryview(b"")
        self._left = 0

    def entries(self) -> Iterator[Entry]:
        """Yields each entry; the content of one must be taken before the next. Raises
        `ArchiveBroken`, `ArchiveUnsafe` and what the source raises."""
        names: dict[str, str] = {}
        while (header := self._read(BLOCK)) != _ZEROS:
            _check_sum(header)
            kind, size = header[156:157], _number(header[124:136])
            if kind in (_PAX, _PAX_ALL, _LONG_NAME):
                names |= self._extended(kind, size)
                continue
            self._left = size = int(names.get("size", size))
            path = names.get("path") or _path(header)
            names = {}
            yield Entry(path, _kind(kind, path), size)
            self._skip()
            self._read(-size % BLOCK)
        self._drain()

    def content(self) -> Iterator[Chunk]:
        """Yields the content of the entry that was yielded last."""
        while self._left:
            chunk = self._some(self._left)
            self._left -= len(chunk)
            yield chunk

    def _extended(self, kind: bytes, size: int) -> Mapping[str, str]:
        if size > MOST_EXTENDED:
            raise ArchiveBroken("Failed to extract archive: an extended header is too long.")
        data = self._read(size)
        self._read(-size % BLOCK)
        if kind == _LONG_NAME:
            return {"path": _text(data.split(b"\0", 1)[0])}
        known = dict(_records(data))
        if any(name.startswith("GNU.sparse") for name in known):
            raise ArchiveUnsafe("Archive contains a sparse file; pack it without `tar -S`.")
        # Names for all entries that follow make no sense, and nobody writes them.
        return {} if kind == _PAX_ALL else {k: v for k, v in known.items() if k in ("path", "size")}

    def _skip(self) -> None:
        for _ in self.content():
            pass

    def _read(self, size: int) -> bytes:
        parts = []
        while size > 0:
            chunk = self._some(size)
            parts.append(bytes(chunk))
            size -= len(chunk)
        return b"".join(parts)

    def _some(self, most: int) -> memoryview:
        while not self._waiting:
            chunk = next(self._source, None)
            if chunk is None:
                raise ArchiveBroken("Failed to extract archive: it is cut off.")
            self._waiting = memoryview(chunk)
        taken, self._waiting = self._waiting[:most], self._waiting[most:]
        return taken

    def _drain(self) -> None:
        """Reads what fills the last record, so that a compressed stream is checked to its end."""
        size = 0
        for chunk in self._source:
            size += len(chunk)
            if size > MOST_PADDING:
                raise ArchiveBroken("Failed to extract archive: too much comes after its end.")


def _check_sum(header: bytes) -> None:
    said = _number(header[148:156])
    counted = sum(header) - sum(header[148:156]) + 8 * ord(" ")
    if said != counted:
        raise ArchiveBroken("Failed to extract archive: it is no tar archive, or damaged.")


def _number(field: bytes) -> int:
    """Returns a number of a header: octal, or base 256 where it is large (GNU tar)."""
    if field[0] & 0x80:
        value = int.from_bytes(field, "big") & ((1 << (8 * len(field) - 1)) - 1)
        if value >= 1 << 62:
            raise ArchiveBroken("Failed to extract archive: an entry's size is impossible.")
        return value
    text = field.split(b"\0", 1)[0].strip(b" ")
    try:
        return int(text or b"0", 8)
    except ValueError as error:
        raise ArchiveBroken("Failed to extract archive: a header is damaged.") from error


def _path(header: bytes) -> str:
    name = header[:100].split(b"\0", 1)[0]
    if header[257:263] == b"ustar\0":
        prefix = header[345:500].split(b"\0", 1)[0]
        return _text(prefix + b"/" + name if prefix else name)
    return _text(name)


def _kind(kind: bytes, path: str) -> EntryKind:
    if kind == _FOLDER or (kind in _FILES and path.endswith("/")):
        return EntryKind.FOLDER
    if kind in _FILES:
        return EntryKind.FILE
    what = _KINDS.get(kind, "neither a file nor a folder")
    shown = printable(path).encode("unicode_escape").decode("ascii")
    raise ArchiveUnsafe(f"Archive contains {what}: {shown}.", detail=shown)


def _records(data: bytes) -> Iterator[tuple[str, str]]:
    """Yields the records of a pax header: `length key=value` and a newline each."""
    while data:
        length_text, _, _ = data.partition(b" ")
        length = int(length_text) if length_text.isdigit() and len(length_text) < 8 else 0
        record, data = data[:length], data[length:]
        key, equals, value = record[len(length_text) + 1 :].partition(b"=")
        if not equals or not value.endswith(b"\n"):
            raise ArchiveBroken("Failed to extract archive: an extended header is damaged.")
        text = _text(value[:-1])
        if key == b"size" and not (text.isascii() and text.isdigit() and len(text) < 19):
            raise ArchiveBroken("Failed to extract archive: an extended header is damaged.")
        yield _text(key), text


def _text(raw: bytes) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        raise ArchiveUnsafe("Archive contains a name that is not UTF-8.") from error
