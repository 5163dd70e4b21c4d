"""What a content is, by its first bytes: names are not believed."""

import codecs
from enum import Enum

HEAD = 512
"""Bytes that are enough for all of them; tar's mark lies at 257."""


class Content(Enum):
    """Formats that are recognised; the values are how people call them."""

    XZ = "an xz-compressed file"
    ZSTD = "a zstd-compressed file"
    GZIP = "a gzip-compressed file"
    BZIP2 = "a bzip2-compressed file"
    ZIP = "a zip archive"
    TAR = "a tar archive"
    SPARSE = "an Android sparse image, one part of an IDP artefact"
    SEVEN_ZIP = "a 7z archive"
    RAR = "a rar archive"
    AR = "an ar archive or Debian package"
    LZ4 = "an lz4-compressed file"
    QCOW = "a QCOW virtual disk"
    VMDK = "a VMDK virtual disk"
    VHDX = "a VHDX virtual disk"
    ELF = "an ELF program"
    PDF = "a PDF document"
    PNG = "a PNG picture"
    JPEG = "a JPEG picture"
    GIF = "a GIF picture"
    HTML = "an HTML page"
    XML = "an XML document"
    JSON = "a JSON document"
    TEXT = "a text"
    SCRIPT = "a script"
    SQLITE = "an SQLite database"
    OTHER = "something that is not recognised, such as a raw disk image"


CODECS = frozenset({Content.XZ, Content.ZSTD, Content.GZIP, Content.BZIP2})
_MARKS: tuple[tuple[int, bytes, Content], ...] = (
    (0, b"\xfd7zXZ\x00", Content.XZ),
    (0, b"\x28\xb5\x2f\xfd", Content.ZSTD),
    (0, b"\x1f\x8b\x08", Content.GZIP),
    (0, b"BZh", Content.BZIP2),
    (0, b"PK\x03\x04", Content.ZIP),
    (0, b"PK\x05\x06", Content.ZIP),
    (257, b"ustar", Content.TAR),
    (0, b"\x3a\xff\x26\xed", Content.SPARSE),
    (0, b"7z\xbc\xaf\x27\x1c", Content.SEVEN_ZIP),
    (0, b"Rar!\x1a\x07", Content.RAR),
    (0, b"!<arch>\n", Content.AR),
    (0, b"\x04\x22\x4d\x18", Content.LZ4),
    (0, b"QFI\xfb", Content.QCOW),
    (0, b"KDMV", Content.VMDK),
    (0, b"vhdxfile", Content.VHDX),
    (0, b"\x7fELF", Content.ELF),
    (0, b"%PDF-", Content.PDF),
    (0, b"\x89PNG\r\n\x1a\n", Content.PNG),
    (0, b"\xff\xd8\xff", Content.JPEG),
    (0, b"GIF8", Content.GIF),
    (0, b"<?xml", Content.XML),
    (0, b"#!/", Content.SCRIPT),
    (0, b"SQLite format 3\x00", Content.SQLITE),
)
_PAGES = (b"<!doctype html", b"<html")
_BYTE_ORDER_MARK = "\ufeff"
_SKIPPABLE = range(0x184D2A50, 0x184D2A60)
"""zstd's frames that hold no data (RFC 8878 section 3.1.2); `zstd` itself never begins with one."""


def recognise(head: bytes) -> Content:
    """Returns what begins with `head`, its first 512 bytes or all of them."""
    for place, mark, content in _MARKS:
        if head[place : place + len(mark)] == mark:
            return content
    if int.from_bytes(head[:4], "little") in _SKIPPABLE:
        return Content.ZSTD
    if head.lstrip()[:14].lower().startswith(_PAGES):
        return Content.HTML
    return _text(head) or Content.OTHER


def _text(head: bytes) -> Content | None:
    """Returns what a text is, None for what may be none. A single line without an end may be
    anything: the existing service took such ones as images (contract images 4.1)."""
    try:
        text = codecs.getincrementaldecoder("utf-8")().decode(head).removeprefix(_BYTE_ORDER_MARK)
    except UnicodeDecodeError:
        return None
    if not all(letter.isprintable() or letter.isspace() for letter in text):
        return None
    if text.lstrip()[:1] in ("{", "["):
        return Content.JSON
    return Content.TEXT if "\n" in text else None
