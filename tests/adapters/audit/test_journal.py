"""The journal as a place for heads: a datagram of its native protocol, else our own log."""

import logging
import socket
from pathlib import Path

import pytest

from adapters.audit.journal import SystemJournal
from domain.audit.chain import Head, head_of

HEAD = Head(12, b"\xab" * 32)


def test_a_head_is_one_datagram_below_however_long_a_root(tmp_path: Path) -> None:
    folder = tmp_path / ("x" * 100) / "run/systemd/journal"
    folder.mkdir(parents=True)
    short = tmp_path / "s"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as journal:
        journal.bind(str(short))
        short.rename(folder / "socket")
        SystemJournal(lambda: folder / "socket").tell(HEAD)
        lines = journal.recv(4096).decode().splitlines()
    fields = dict(line.split("=", 1) for line in lines)
    assert head_of(fields["MESSAGE"]) == HEAD
    assert (fields["SYSLOG_IDENTIFIER"], fields["PRIORITY"]) == ("provisioner-audit", "6")
    assert (fields["AUDIT_ROW"], fields["AUDIT_HASH"]) == ("12", "ab" * 32)


@pytest.mark.parametrize("place", ["none/socket", "file"])
def test_without_a_journal_the_head_is_in_our_log(
    tmp_path: Path, place: str, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").touch()
    with caplog.at_level(logging.INFO):
        SystemJournal(lambda: tmp_path / place).tell(HEAD)
    assert str(HEAD) in caplog.text


def test_a_journal_that_does_not_listen_holds_nobody_up(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as journal:
        journal.bind(str(tmp_path / "socket"))
        for _ in range(1000):
            SystemJournal(lambda: tmp_path / "socket").tell(HEAD)
