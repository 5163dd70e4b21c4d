"""Archives: good ones become artefacts, hostile ones of every kind and format leave nothing."""

import io
import os
import stat
import struct
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from domain.errors import ProvisionerError
from domain.host_paths import HostPaths
from domain.images.store_folder import StoreFolder
from domain.uploads.archive_staging import stage_archive
from domain.uploads.image_staging import Staged, Workshop
from domain.uploads.kinds import UploadKind, plan_of
from domain.uploads.limits import UploadLimits
from domain.uploads.progress import Tracker, UploadPhase, begun
from domain.uploads.refusals import ArchiveTooLarge, UploadBroken
from tests.domain.images.store import sha256
from tests.domain.uploads.archives import (
    BOOT,
    DESCRIPTION,
    FORMATS,
    GOOD,
    JSON,
    SIMAGE,
    Member,
    tar,
    zipped,
)
from tests.domain.uploads.packing import pieces

TAR_FORMATS = [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT]
NAMES = list(FORMATS)


class Bench:
    """A store's folder and a neighbour that no archive may touch."""

    def __init__(self, root: Path) -> None:
        self.store = StoreFolder(HostPaths(root))
        self.store.make()
        self.folder = self.store.base()
        self.neighbour = self.folder.parent / "victim"
        self.neighbour.write_bytes(b"untouched")
        self.limits = UploadLimits(entries=50, depth=5, archive_free=1 << 20, bytes=50 << 20)

    def stage(self, filename: str, archive: bytes, size: int = 3000) -> Staged:
        return self.stage_pieces(filename, pieces(archive, size), len(archive))

    def stage_pieces(self, filename: str, source: Iterator[bytes], total: int | None) -> Staged:
        kind, phase = UploadKind.ARCHIVE, UploadPhase.RECEIVING
        tracker = Tracker(begun("id", filename, kind, phase=phase, total=total))

        def arriving() -> Iterator[bytes]:
            for piece in source:
                tracker.received += len(piece)
                yield piece

        shop = Workshop(self.store, self.folder, self.limits, {})
        return stage_archive(plan_of(filename), arriving(), shop, tracker)

    def refusal(self, filename: str, archive: bytes) -> str:
        """Returns the code of what stops the archive, when nothing is left and nothing harmed."""
        with pytest.raises(ProvisionerError) as raised:
            self.stage(filename, archive)
        assert list(self.folder.iterdir()) == []
        assert self.neighbour.read_bytes() == b"untouched"
        assert sorted(path.name for path in self.folder.parent.iterdir()) == ["images", "victim"]
        return raised.value.code


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def files_in(folder: Path) -> dict[str, bytes]:
    found = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in found}


@pytest.mark.parametrize("suffix", NAMES)
def test_a_good_archive_becomes_an_artefact(bench: Bench, suffix: str) -> None:
    archive = FORMATS[suffix]((*GOOD, Member("doc", kind=tarfile.DIRTYPE), Member("doc/a", b"a")))
    staged = bench.stage(f"new{suffix}", archive)
    assert files_in(staged.path) == {
        "boot.simg": SIMAGE,
        "doc/a": b"a",
        "image.json": DESCRIPTION,
    }
    assert staged.sha256 == sha256(archive)


@pytest.mark.parametrize("suffix", NAMES)
def test_modes_of_the_archive_do_not_count(bench: Bench, suffix: str) -> None:
    wild = (Member("a", kind=tarfile.DIRTYPE, mode=0o7777), Member("a/b", b"x", mode=0o6777))
    staged = bench.stage(f"new{suffix}", FORMATS[suffix]((*GOOD, *wild)))
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in staged.path.rglob("*")}
    assert modes == {"a": 0o755, "b": 0o644, "boot.simg": 0o644, "image.json": 0o644}


@pytest.mark.parametrize("suffix", NAMES)
def test_the_only_folder_of_an_archive_is_the_artefact(bench: Bench, suffix: str) -> None:
    inside = tuple(Member(f"./deploy/{one.name}", one.content) for one in GOOD)
    staged = bench.stage(f"new{suffix}", FORMATS[suffix](inside))
    assert files_in(staged.path) == {"boot.simg": SIMAGE, "image.json": DESCRIPTION}
    assert staged.path.parent == staged.leftover


@pytest.mark.parametrize("format", TAR_FORMATS)
def test_long_names_are_read_in_every_form_of_tar(bench: Bench, format: int) -> None:
    long = "d" * 90 + "/" + "f" * 90
    staged = bench.stage("new.tgz", FORMATS[".tgz"](GOOD))
    staged = bench.stage("new.tar.gz", tar((*GOOD, Member(long, b"long")), format))
    assert files_in(staged.path)[long] == b"long"


HOSTILE: dict[str, tuple[tuple[Member, ...], str]] = {
    "absolute": ((Member("/tmp/evil", b"x"),), "ARCHIVE_PATH_TRAVERSAL"),
    "parent": ((Member("../victim", b"x"),), "ARCHIVE_PATH_TRAVERSAL"),
    "deep parent": ((Member("a/../../victim", b"x"),), "ARCHIVE_PATH_TRAVERSAL"),
    "inner parent": ((Member("a/../b", b"x"),), "ARCHIVE_PATH_TRAVERSAL"),
    "parent folder": ((Member("..", kind=tarfile.DIRTYPE),), "ARCHIVE_PATH_TRAVERSAL"),
    "control": ((Member("a\nb", b"x"),), "ARCHIVE_PATH_TRAVERSAL"),
    "symlink": (
        (Member("link", kind=tarfile.SYMTYPE, target="../victim"),),
        "ARCHIVE_PATH_TRAVERSAL",
    ),
    "through a symlink": (
        (Member("l", kind=tarfile.SYMTYPE, target=".."), Member("l/victim", b"x")),
        "ARCHIVE_PATH_TRAVERSAL",
    ),
    "character device": ((Member("n", kind=tarfile.CHRTYPE),), "ARCHIVE_PATH_TRAVERSAL"),
    "block device": ((Member("n", kind=tarfile.BLKTYPE),), "ARCHIVE_PATH_TRAVERSAL"),
    "fifo": ((Member("n", kind=tarfile.FIFOTYPE),), "ARCHIVE_PATH_TRAVERSAL"),
    "duplicate": ((Member("boot.simg", b"other"),), "ARCHIVE_EXTRACT_ERROR"),
    "same in other words": ((Member("./boot.simg", b"other"),), "ARCHIVE_EXTRACT_ERROR"),
    "file as folder": ((Member("boot.simg/x", b"x"),), "ARCHIVE_EXTRACT_ERROR"),
    "folder as file": (
        (Member("a", kind=tarfile.DIRTYPE), Member("a", b"x")),
        "ARCHIVE_EXTRACT_ERROR",
    ),
    "entries": (tuple(Member(f"f{i}") for i in range(60)), "ARCHIVE_TOO_LARGE"),
    "folders": (
        tuple(Member(f"d{i}", kind=tarfile.DIRTYPE) for i in range(60)),
        "ARCHIVE_TOO_LARGE",
    ),
    "depth": ((Member("a/b/c/d/e/f", b"x"),), "ARCHIVE_TOO_LARGE"),
    "long part": ((Member("n" * 256, b"x"),), "ARCHIVE_TOO_LARGE"),
    "long path": ((Member("/".join(["n" * 250] * 5), b"x"),), "ARCHIVE_TOO_LARGE"),
    "bomb": ((Member("big", bytes(20 << 20)),), "ARCHIVE_TOO_LARGE"),
    "second description": ((Member("other.json", b"{}"),), "IDP_DESCRIPTOR_INVALID"),
}


@pytest.mark.parametrize("suffix", NAMES)
@pytest.mark.parametrize("kind", list(HOSTILE))
def test_a_hostile_archive_leaves_nothing(bench: Bench, kind: str, suffix: str) -> None:
    members, code = HOSTILE[kind]
    assert bench.refusal(f"evil{suffix}", FORMATS[suffix]((*GOOD, *members))) == code


@pytest.mark.parametrize("is_told", [True, False])
@pytest.mark.parametrize("suffix", NAMES)
def test_an_archive_may_be_hollow_first_and_full_later(
    bench: Bench, suffix: str, *, is_told: bool
) -> None:
    members = (*GOOD, Member("hollow", bytes(20 << 20)), Member("full", os.urandom(300_000)))
    archive = FORMATS[suffix](members)
    bench.stage_pieces(f"new{suffix}", pieces(archive), len(archive) if is_told else None)


@pytest.mark.parametrize("suffix", NAMES)
def test_a_bomb_whose_size_nobody_said_is_refused_at_its_end(bench: Bench, suffix: str) -> None:
    archive = FORMATS[suffix]((*GOOD, Member("big", bytes(20 << 20))))
    with pytest.raises(ArchiveTooLarge, match="200 times"):
        bench.stage_pieces(f"new{suffix}", pieces(archive), None)
    assert list(bench.folder.iterdir()) == []


TAR_NAMES = [name for name in NAMES if name != ".zip"]
ONLY_TAR: dict[str, bytes] = {
    "hard link": tarfile.LNKTYPE,
    "contiguous folder listing": b"D",
    "volume": b"V",
    "multi-volume": b"M",
    "sparse": tarfile.GNUTYPE_SPARSE,
    "unknown": b"Z",
}


@pytest.mark.parametrize("suffix", TAR_NAMES)
@pytest.mark.parametrize("kind", list(ONLY_TAR))
def test_what_only_tar_can_hold_is_refused_too(bench: Bench, kind: str, suffix: str) -> None:
    member = Member("x", kind=ONLY_TAR[kind], target="boot.simg")
    assert bench.refusal(f"e{suffix}", FORMATS[suffix]((*GOOD, member))) == "ARCHIVE_PATH_TRAVERSAL"


DESCRIPTIONS = {
    "none": ((BOOT,), "IDP_DESCRIPTOR_INVALID"),
    "no JSON": ((Member("image.json", b"{nope"), BOOT), "IDP_DESCRIPTOR_INVALID"),
    "a list": ((Member("image.json", b"[1]"), BOOT), "IDP_DESCRIPTOR_INVALID"),
    "a layout that is none": (
        (Member("image.json", b'{"layout": 5}'), BOOT),
        "IDP_DESCRIPTOR_INVALID",
    ),
    "partitions that are none": (
        (Member("image.json", b'{"layout": {"partitionimages": []}}'), BOOT),
        "IDP_DESCRIPTOR_INVALID",
    ),
    "a file that is missing": ((JSON,), "IDP_SPARSE_INVALID"),
    "a file that is cut off": ((JSON, Member("boot.simg", SIMAGE[:-1])), "IDP_SPARSE_INVALID"),
    "a file outside": (
        (Member("image.json", DESCRIPTION.replace(b"boot.simg", b"../victim")), BOOT),
        "IDP_SPARSE_INVALID",
    ),
}


@pytest.mark.parametrize("suffix", [".tar.zst", ".zip"])
@pytest.mark.parametrize("kind", list(DESCRIPTIONS))
def test_what_is_no_artefact_leaves_nothing(bench: Bench, kind: str, suffix: str) -> None:
    members, code = DESCRIPTIONS[kind]
    assert bench.refusal(f"e{suffix}", FORMATS[suffix](members)) == code


@pytest.mark.parametrize("suffix", NAMES)
@pytest.mark.parametrize("part", [0.0, 0.3, 0.9, 0.999])
def test_an_archive_that_is_cut_off_leaves_nothing(bench: Bench, suffix: str, part: float) -> None:
    archive = FORMATS[suffix]((*GOOD, Member("noise", bytes(range(256)) * 100)))
    cut = archive[: int(len(archive) * part)]
    assert bench.refusal(f"cut{suffix}", cut) == "ARCHIVE_EXTRACT_ERROR"


@pytest.mark.parametrize("blocks", [1, 2, 3, 4])
def test_a_tar_that_ends_between_two_entries_is_noticed(bench: Bench, blocks: int) -> None:
    archive = tar((Member("a"), Member("b"), *GOOD), tarfile.USTAR_FORMAT)
    assert bench.refusal("cut.tar.gz", archive[: 512 * blocks]) == "ARCHIVE_EXTRACT_ERROR"


@pytest.mark.parametrize("suffix", NAMES)
def test_a_broken_source_leaves_nothing(bench: Bench, suffix: str) -> None:
    archive = FORMATS[suffix](GOOD)

    def gone() -> Iterator[bytes]:
        yield archive[: len(archive) // 2]
        raise UploadBroken("the client is gone")

    with pytest.raises(UploadBroken):
        bench.stage_pieces(f"new{suffix}", gone(), len(archive))
    assert list(bench.folder.iterdir()) == []


@pytest.mark.parametrize("suffix", NAMES)
def test_garbage_is_no_archive(bench: Bench, suffix: str) -> None:
    for content in (b"", b"x" * 100, bytes(range(256)) * 20, b"PK\x03\x04" + bytes(40)):
        assert bench.refusal(f"x{suffix}", content) == "ARCHIVE_EXTRACT_ERROR"


def _header(name: bytes, kind: bytes, size: int) -> bytearray:
    info = tarfile.TarInfo(name.decode())
    info.type, info.size = kind, size
    return bytearray(info.tobuf(tarfile.GNU_FORMAT))


def _summed(header: bytearray) -> bytes:
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    return bytes(header)


def _pax(*records: bytes) -> bytes:
    data = b"".join(records)
    return bytes(_header(b"pax", b"x", len(data))) + data + bytes(-len(data) % 512)


FORGED = {
    "a giant extended header": bytes(_header(b"p", b"x", 1 << 40)),
    "a giant long name": bytes(_header(b"p", b"L", 1 << 40)),
    "an impossible size": _summed(
        _header(b"a", b"0", 0)[:124] + b"\xff" * 12 + _header(b"a", b"0", 0)[136:]
    ),
    "a wrong checksum": bytes(_header(b"a", b"0", 0)).replace(b"ustar", b"usta\0"),
    "letters for a size": _summed(
        _header(b"a", b"0", 0)[:124] + b"zzzzzzzzzzz\0" + _header(b"a", b"0", 0)[136:]
    ),
    "a record without a length": _pax(b"path=x\n"),
    "a record that is too short": _pax(b"3 path=evil\n"),
    "a size that is no number": _pax(b"11 size=-5\n"),
    "a size of many digits": _pax(b"99999999999999 size=5\n"),
}


@pytest.mark.parametrize("kind", list(FORGED))
def test_a_forged_header_leaves_nothing(bench: Bench, kind: str) -> None:
    assert bench.refusal("e.tar.gz", FORGED[kind] + bytes(4096)) == "ARCHIVE_EXTRACT_ERROR"


FORGED_NAMES = {
    "an absolute name in an extended header": _pax(b"18 path=/tmp/evil\n"),
    "a parent in an extended header": _pax(b"18 path=../victim\n"),
    "a name that is no text": _pax(b"10 path=\xff\n"),
    "a sparse file of pax": _pax(b"22 GNU.sparse.major=1\n"),
}


@pytest.mark.parametrize("kind", list(FORGED_NAMES))
def test_a_forged_name_leaves_nothing(bench: Bench, kind: str) -> None:
    archive = FORGED_NAMES[kind] + bytes(_header(b"innocent", b"0", 0)) + bytes(1024)
    assert bench.refusal("e.tar.gz", archive) == "ARCHIVE_PATH_TRAVERSAL"


def test_what_comes_after_the_end_is_bounded(bench: Bench) -> None:
    bomb = FORMATS[".tar.zst"](GOOD) + FORMATS[".tar.zst"]((Member("x", bytes(65 << 20)),))
    assert bench.refusal("e.tar.zst", bomb) == "ARCHIVE_EXTRACT_ERROR"


def test_a_zip_with_a_nul_in_a_name_is_refused(bench: Bench) -> None:
    archive = zipped((*GOOD, Member("image.jsonQ/../x", b"x"))).replace(b"jsonQ/", b"json\0/")
    assert bench.refusal("e.zip", archive) == "ARCHIVE_PATH_TRAVERSAL"


def test_a_zip_whose_content_is_not_what_its_checksum_says_is_refused(bench: Bench) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("image.json", DESCRIPTION)
        archive.writestr("note", b"honest")
    assert bench.refusal("e.zip", out.getvalue().replace(b"honest", b"forged")) == (
        "ARCHIVE_EXTRACT_ERROR"
    )


def test_a_locked_zip_is_refused(bench: Bench) -> None:
    archive = bytearray(zipped(GOOD))
    for mark, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        start = archive.find(mark)
        archive[start + place] |= 1
    assert bench.refusal("e.zip", bytes(archive)) == "ARCHIVE_EXTRACT_ERROR"


def test_a_zip_with_an_unknown_method_is_refused(bench: Bench) -> None:
    archive = bytearray(zipped(GOOD))
    for mark, place in ((b"PK\x03\x04", 8), (b"PK\x01\x02", 10)):
        start = archive.find(mark)
        archive[start + place : start + place + 2] = struct.pack("<H", 97)
    assert bench.refusal("e.zip", bytes(archive)) == "ARCHIVE_EXTRACT_ERROR"


@pytest.mark.parametrize("entries", [500, 5000])
def test_a_zip_with_too_many_entries_is_refused_before_its_table_is_read(
    bench: Bench, entries: int
) -> None:
    archive = zipped(tuple(Member(f"f{number}") for number in range(entries)))
    assert bench.refusal("e.zip", archive) == "ARCHIVE_TOO_LARGE"
    # The number of entries may lie; the size of the table may not.
    liar = archive[:-22] + archive[-22:].replace(struct.pack("<H", entries), struct.pack("<H", 2))
    assert bench.refusal("e.zip", liar) == "ARCHIVE_TOO_LARGE"
