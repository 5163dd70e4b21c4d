"""New manufacturing databases (contract configuration 12, manufacturing 2)."""

import sqlite3
import stat
import subprocess
from contextlib import closing
from pathlib import Path

import pytest

from adapters.manufacturing.new_database import SqliteNewDatabase
from domain.errors import Unavailable
from domain.host_paths import HostPaths
from domain.manufacturing.new_database import NewDatabases, RecordDatabaseNotMade

NAME = "RPI_SB_PROVISIONER_MANUFACTURING_DB"
Row = tuple[str, str, bool]


class Notes:
    """A `FileAccess` that remembers."""

    def __init__(self) -> None:
        self.rows: list[Row] = []

    def __call__(
        self, operation: str, target: str, *, success: bool = True, info: str = ""
    ) -> None:
        self.rows.append((operation, target, success))


def test_a_new_database_takes_the_scripts_rows(tmp_path: Path) -> None:
    assert SqliteNewDatabase(HostPaths(tmp_path)).create("/srv/deep/new.db")
    file = tmp_path / "srv/deep/new.db"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [one.name for one in file.parent.iterdir()] == ["new.db"]
    with closing(sqlite3.connect(file)) as connection:
        columns = [row[1] for row in connection.execute("pragma table_info(devices)")]
    assert (columns[0], columns[-1], len(columns)) == ("id", "provision_ts", 30)
    subprocess.run(["sqlite3", str(file), "pragma journal_mode=wal"], check=True)


def test_what_is_there_is_never_touched(tmp_path: Path) -> None:
    (tmp_path / "old.db").write_bytes(b"kept")
    assert not SqliteNewDatabase(HostPaths(tmp_path)).create("/old.db")
    assert (tmp_path / "old.db").read_bytes() == b"kept"


def test_a_file_in_the_way_of_a_folder_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"x")
    with pytest.raises(RecordDatabaseNotMade) as caught:
        SqliteNewDatabase(HostPaths(tmp_path)).create("/file/new.db")
    assert caught.value.detail == "Path: /file/new.db"
    assert str(tmp_path) not in caught.value.message


@pytest.mark.parametrize("path", ["/a" * 9 + "/x.db", "/a" * 1500 + "/x.db", "/" + "a" * 300])
def test_a_path_of_no_sense_makes_nothing(tmp_path: Path, path: str) -> None:
    with pytest.raises(RecordDatabaseNotMade):
        SqliteNewDatabase(HostPaths(tmp_path)).create(path)
    assert list(tmp_path.iterdir()) == []


class Refusing:
    """A `NewDatabase` on a full disk."""

    def create(self, path: str) -> bool:
        raise Unavailable("full")


def test_only_a_name_that_was_given_now_can_fail(tmp_path: Path) -> None:
    notes = Notes()
    databases = NewDatabases(Refusing())
    databases.provide({NAME: "/x.db"}, changed={"A"}, note=notes)
    with pytest.raises(Unavailable):
        databases.provide({NAME: "/x.db"}, changed={NAME}, note=notes)
    databases.provide({NAME: ""}, changed={NAME}, note=notes)
    assert notes.rows == [("CREATE", "/x.db", False)] * 2


def test_a_made_database_is_noted_once(tmp_path: Path) -> None:
    notes = Notes()
    databases = NewDatabases(SqliteNewDatabase(HostPaths(tmp_path)))
    for _ in range(2):
        databases.provide({NAME: "/x.db"}, changed={NAME}, note=notes)
    assert notes.rows == [("CREATE", "/x.db", True), ("CHMOD", "/x.db", True)]
