"""Files are whole, with the right mode, and leave nothing behind when writing fails."""

import stat
from pathlib import Path

import pytest

from domain.atomic_files import create_whole, write_whole


def test_a_write_replaces_and_sets_the_mode(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("old")
    write_whole(path, b"new", mode=0o640)
    assert path.read_bytes() == b"new"
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


def test_creating_never_overwrites(tmp_path: Path) -> None:
    path = tmp_path / "file"
    create_whole(path, b"first", mode=0o600)
    with pytest.raises(FileExistsError):
        create_whole(path, b"second", mode=0o600)
    assert path.read_bytes() == b"first"
    assert list(tmp_path.iterdir()) == [path]


def test_a_failed_write_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(OSError, match="folder"):
        write_whole(tmp_path / "folder", b"x", mode=0o600)
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]
