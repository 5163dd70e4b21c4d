"""Archives of artefacts, good and hostile, in every format that is taken."""

import gzip
import io
import json
import lzma
import stat
import tarfile
import warnings
import zipfile
from collections.abc import Callable
from dataclasses import dataclass

from domain.uploads.sniffing import Content
from tests.domain.images.sparse_files import whole_sparse
from tests.domain.uploads.packing import PACKERS

SIMAGE = whole_sparse()
DESCRIPTION = json.dumps(
    {
        "IGversion": "2.0.0",
        "layout": {"partitionimages": {"boot": {"simage": "boot.simg"}}},
    }
).encode()


@dataclass(frozen=True)
class Member:
    """What to pack: `kind` is tarfile's, `target` that of a link."""

    name: str
    content: bytes = b""
    kind: bytes = tarfile.REGTYPE
    target: str = ""
    mode: int = 0o644


JSON = Member("image.json", DESCRIPTION)
BOOT = Member("boot.simg", SIMAGE)
GOOD = (JSON, BOOT)


def tar(members: tuple[Member, ...], format: int = tarfile.PAX_FORMAT) -> bytes:
    """Returns a tar archive."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=format) as archive:
        for member in members:
            info = tarfile.TarInfo(member.name)
            info.type, info.linkname, info.mode = member.kind, member.target, member.mode
            info.size = len(member.content)
            archive.addfile(info, io.BytesIO(member.content))
    return out.getvalue()


ZIP_KINDS = {
    tarfile.REGTYPE: stat.S_IFREG,
    tarfile.DIRTYPE: stat.S_IFDIR,
    tarfile.SYMTYPE: stat.S_IFLNK,
    tarfile.CHRTYPE: stat.S_IFCHR,
    tarfile.BLKTYPE: stat.S_IFBLK,
    tarfile.FIFOTYPE: stat.S_IFIFO,
}


def zipped(members: tuple[Member, ...]) -> bytes:
    """Returns a zip archive; hard links, which it cannot hold, are left out."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for member in members:
            if member.kind in ZIP_KINDS:
                folder = "/" if member.kind == tarfile.DIRTYPE else ""
                info = zipfile.ZipInfo(member.name + folder)
                info.create_system = 3
                info.external_attr = (ZIP_KINDS[member.kind] | member.mode) << 16
                info.compress_type = zipfile.ZIP_DEFLATED
                with warnings.catch_warnings():
                    # Hostile archives have names twice.
                    warnings.simplefilter("ignore", UserWarning)
                    archive.writestr(info, member.content or member.target.encode())
    return out.getvalue()


def _packed(codec: Content) -> Callable[[tuple[Member, ...]], bytes]:
    return lambda members: PACKERS[codec][1](tar(members))


FORMATS: dict[str, Callable[[tuple[Member, ...]], bytes]] = {
    ".tar.xz": _packed(Content.XZ),
    ".tar.zst": _packed(Content.ZSTD),
    ".tar.gz": _packed(Content.GZIP),
    ".tgz": _packed(Content.GZIP),
    ".zip": zipped,
}
UNPACK: dict[str, Callable[[bytes], bytes]] = {".tar.xz": lzma.decompress, ".tgz": gzip.decompress}
