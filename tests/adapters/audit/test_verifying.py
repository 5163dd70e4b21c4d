"""Verifying real files: changed behind our back, live, copied, killed, pruned, large."""

import threading
import tracemalloc
from pathlib import Path

import pytest

from adapters.audit.log_file import LogFile
from adapters.audit.verifying import CHUNK, ChainMissing, verify_file
from domain.audit.chain import Head
from domain.audit.trail import AuditDatabaseNotOpen, AuditDatabaseNotRead
from tests.adapters.audit.files import announcement, change, entry, found, select, write, write_old


@pytest.fixture
def file(tmp_path: Path) -> Path:
    place = tmp_path / "audit.db"
    write(place, 20)
    return place


COLUMNS = (
    "timestamp",
    "event_type",
    "client_ip",
    "user_agent",
    "handler_path",
    "operation",
    "target_path",
    "success",
    "username",
    "additional_info",
    "caller",
    "correlation_id",
    "surface",
    "outcome",
    "peer_ip",
    "utc",
)


@pytest.mark.parametrize("column", COLUMNS)
def test_a_change_of_any_column_is_found(file: Path, column: str) -> None:
    change(file, f"update audit_log set {column} = 'x' where id = 7")
    assert found(file) == [("altered", 7, 7)]


@pytest.mark.parametrize(
    ("statements", "finding"),
    [
        (["delete from audit_log where id = 7"], ("missing", 7, 7)),
        (
            ["delete from audit_log where id = 7", "delete from audit_chain where id = 7"],
            ("missing", 7, 7),
        ),
        (["delete from audit_log where id in (1, 2)"], ("missing", 1, 2)),
        (["insert into audit_log(timestamp, event_type) values('x', 'y')"], ("inserted", 21, 21)),
        (
            ["insert into audit_log(id, timestamp, event_type) values(-3, 'x', 'y')"],
            ("inserted", -3, -3),
        ),
        (["delete from audit_log where id > 18", "delete from audit_chain where id > 18"], None),
        (["delete from audit_log", "delete from audit_chain"], ("cut", 1, 20)),
        (["delete from audit_log"], ("missing", 1, 20)),
        (["update audit_chain set hash = x'00' where id = 20"], ("altered", 20, 20)),
        (["update audit_log set caller = x'ff' where id = 3"], ("altered", 3, 3)),
        (["update audit_checkpoint set hash = x'00'"], ("altered", 1, 1)),
    ],
)
def test_the_first_wrong_row_is_named(
    file: Path, statements: list[str], finding: tuple[str, int, int] | None
) -> None:
    change(file, *statements)
    assert found(file)[0] == (finding or ("cut", 19, 20))


def test_a_cut_that_also_set_back_the_counter_needs_a_head(file: Path) -> None:
    head = verify_file(file).head
    change(
        file,
        "delete from audit_log where id > 18",
        "delete from audit_chain where id > 18",
        "update sqlite_sequence set seq = 18",
    )
    assert verify_file(file).is_whole
    finding = verify_file(file, [head]).findings[0]
    assert (finding.wrong.value, finding.first, finding.last) == ("cut", 19, 20)


def test_rows_that_went_under_a_forged_checkpoint_are_missing(file: Path) -> None:
    change(
        file,
        "update audit_checkpoint set up_to = 5, pruned = 5,"
        " hash = (select hash from audit_chain where id = 5)",
        "delete from audit_log where id <= 5",
        "delete from audit_chain where id <= 5",
    )
    assert found(file) == [("missing", 1, 5)]


def test_a_chain_that_was_begun_anew_does_not_have_the_old_head(file: Path) -> None:
    head = verify_file(file).head
    change(file, "drop table audit_chain", "drop table audit_checkpoint")
    write(file, 1)
    assert verify_file(file).uncovered == 20
    assert verify_file(file, [head]).findings[0].wrong.value == "rewritten"


def test_a_chain_longer_than_one_read_is_verified_in_flat_memory(tmp_path: Path) -> None:
    file = tmp_path / "audit.db"
    log = LogFile(file)
    for _ in range(4):
        log.append([entry("/devices") for _ in range(3 * CHUNK)])
    log.close()
    tracemalloc.start()
    report = verify_file(file)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert (report.is_whole, report.verified) == (True, 12 * CHUNK)
    assert peak < 10_000_000


def test_a_gap_of_thousands_of_rows_is_one_finding(tmp_path: Path) -> None:
    file = tmp_path / "audit.db"
    write(file, 3 * CHUNK)
    change(file, f"delete from audit_log where id between 5 and {2 * CHUNK + 5}")
    assert found(file) == [("missing", 5, 2 * CHUNK + 5)]


def test_a_live_file_is_verified_while_it_is_written_and_pruned(tmp_path: Path) -> None:
    file, stop = tmp_path / "audit.db", threading.Event()
    log = LogFile(file)
    log.append([entry("/x") for _ in range(5 * CHUNK)])

    def go_on() -> None:
        pruned = 0
        while not stop.wait(0.001):
            pruned += 40
            log.append([*(entry("/y") for _ in range(50)), announcement(pruned)])
            log.prune(pruned, 100)

    writer = threading.Thread(target=go_on)
    writer.start()
    try:
        reports = [verify_file(file) for _ in range(5)]
    finally:
        stop.set()
        writer.join()
        log.close()
    assert [report.findings for report in reports] == [()] * 5
    assert verify_file(file).is_whole


def test_a_copy_is_verified_like_the_file(file: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy of it?.db"
    copy.write_bytes(file.read_bytes())
    assert verify_file(copy) == verify_file(file)


def test_verifying_changes_nothing(file: Path) -> None:
    before = file.read_bytes()
    verify_file(file, [Head(3, bytes(32))])
    assert file.read_bytes() == before


def test_what_has_no_chain_is_said(tmp_path: Path) -> None:
    old, garbage, none = (tmp_path / name for name in ("old.db", "garbage", "none"))
    write_old(old, "/old")
    garbage.write_bytes(b"this is no database" * 1000)
    with pytest.raises(ChainMissing):
        verify_file(old)
    with pytest.raises(AuditDatabaseNotRead):
        verify_file(garbage)
    with pytest.raises(AuditDatabaseNotOpen):
        verify_file(none)
    assert not none.exists()


def test_links_can_be_made_again_by_anybody(file: Path) -> None:
    import hashlib
    import json

    hash = bytes(select(file, "select hash from audit_checkpoint")[0][0])
    for row in select(file, f"select id, {', '.join(COLUMNS)} from audit_log order by id"):
        hash = hashlib.sha256(hash + json.dumps(row, separators=(",", ":")).encode()).digest()
    assert verify_file(file).head == Head(20, hash)
