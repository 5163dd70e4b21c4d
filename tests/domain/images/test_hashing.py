"""Hashing one file: the right sum of one content, or none."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from domain.images.hashing import BLOCK, Hashed, HashStopped, StillWritten, hash_stored
from domain.images.names import ImageName
from tests.domain.images.store import OLD, Store, make_store, sha256

NAME = ImageName("a.img")
BIG = bytes(range(256)) * 4096 * 2
MEETING = """
import os, sys, threading
from domain.images.hashing import _is_being_written

def write():
    while threading.main_thread().is_alive():
        os.close(os.open(sys.argv[1], os.O_WRONLY))

threading.Thread(target=write, daemon=True).start()
handle = os.open(sys.argv[1], os.O_RDONLY)
told = {_is_being_written(handle, os.fstat(handle)) for _ in range(10_000)}
print(sorted(told), flush=True)
os._exit(0)
"""


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return make_store(tmp_path)


def _hashed(store: Store) -> Hashed:
    return hash_stored(store.folder, NAME, lambda part: None)


@pytest.mark.parametrize("size", [0, 1, BLOCK - 1, BLOCK, BLOCK + 1, 5 * BLOCK])
def test_the_sum_is_that_of_the_content(store: Store, size: int) -> None:
    content = (BIG * 2)[:size]
    store.put("a.img", content)
    assert _hashed(store).sha256 == sha256(content)


def test_the_sidecar_has_the_shared_form_and_the_images_time(store: Store) -> None:
    store.put("a.img", b"abc")
    _hashed(store)
    sidecar = store.real / "a.img.sha256"
    status = sidecar.stat()
    assert sidecar.read_text() == f"{sha256(b'abc')}\n"
    assert (status.st_mode & 0o777, int(status.st_mtime)) == (0o644, OLD)
    assert store.names == ["a.img", "a.img.sha256"]


def test_a_later_change_makes_the_sidecar_stale_whatever_the_moment(store: Store) -> None:
    store.put("a.img", b"abc")
    _hashed(store)
    store.put("a.img", b"abd", at=OLD + 1)
    assert store.folder.get(NAME).sha256 is None


def test_progress_rises_to_one(store: Store) -> None:
    store.put("a.img", BIG)
    parts = list[float]()
    hash_stored(store.folder, NAME, parts.append)
    assert parts == sorted(parts)
    assert parts[-1] == 1.0
    assert len(parts) == len(BIG) // BLOCK + 1


def test_a_file_that_changes_while_it_is_read_is_read_again(store: Store) -> None:
    path, changed = store.put("a.img", BIG), list[float]()

    def change(part: float) -> None:
        if not changed:
            path.write_bytes(BIG[::-1])
            os.utime(path, (OLD + 1, OLD + 1))
            changed.append(part)

    hashed = hash_stored(store.folder, NAME, change)
    assert hashed.sha256 == sha256(BIG[::-1])
    assert store.folder.get(NAME).sha256 == hashed.sha256


def test_a_file_that_is_replaced_while_it_is_read_is_read_again(store: Store) -> None:
    store.put("a.img", BIG)

    def replace(part: float) -> None:
        if not (store.real / "new").exists() and part < 0.9:
            store.put("new", b"new").rename(store.real / "a.img")

    parts = iter([True])
    hashed = hash_stored(
        store.folder, NAME, lambda part: replace(part) if next(parts, False) else None
    )
    assert hashed.sha256 == sha256(b"new")


def test_a_file_that_changes_all_the_time_has_no_sum_and_no_sidecar(store: Store) -> None:
    path, moment = store.put("a.img", BIG), iter(range(OLD + 1, OLD + 10_000))

    def change(part: float) -> None:
        at = next(moment)
        os.utime(path, (at, at))

    with pytest.raises(StillWritten):
        hash_stored(store.folder, NAME, change)
    assert store.names == ["a.img"]


def test_a_file_that_somebody_is_writing_is_not_read(store: Store) -> None:
    path = store.put("a.img", b"half", at=None)
    with path.open("ab"), pytest.raises(StillWritten):
        _hashed(store)
    assert _hashed(store).sha256 == sha256(b"half")


def test_a_writer_who_comes_while_it_is_asked_for_writers_ends_nothing(store: Store) -> None:
    # The kernel tells by a signal whose usual effect is the end of the process.
    path = store.put("a.img", b"abc", at=None)
    command = [sys.executable, "-c", MEETING, str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_file_that_is_only_held_open_is_read(store: Store) -> None:
    # A loop device holds its image open for writing for as long as it is mounted.
    path = store.put("a.img", b"mounted")
    with path.open("r+b"):
        os.utime(path, (OLD, OLD))
        assert _hashed(store).sha256 == sha256(b"mounted")


def test_who_is_told_to_stop_leaves_nothing(store: Store) -> None:
    store.put("a.img", BIG)

    def stop(part: float) -> None:
        raise HashStopped

    with pytest.raises(HashStopped):
        hash_stored(store.folder, NAME, stop)
    assert store.names == ["a.img"]


def test_a_file_that_is_gone_is_not_found(store: Store) -> None:
    with pytest.raises(FileNotFoundError):
        _hashed(store)


def test_a_sum_is_known_though_its_sidecar_cannot_be_written(store: Store) -> None:
    store.put("a.img", b"abc")
    (store.real / "a.img.sha256").mkdir()
    hashed = _hashed(store)
    assert (hashed.sha256, bool(hashed.sidecar_error)) == (sha256(b"abc"), True)
    assert store.names == ["a.img", "a.img.sha256"]
