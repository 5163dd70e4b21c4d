"""`provisioner-service audit verify` on a stopped and a live service, and on a copy."""

import io
import os
from pathlib import Path

import pytest

from adapters.audit.verifying import verify_file
from server.main import main
from server.verify_audit import verify_audit
from tests.adapters.audit.files import change, write
from tests.adapters.journal_writer import needs_tool, write_journal
from tests.fakes.journal import Entry
from tests.surfaces.conftest import running

AUDIT_DB = "srv/rpi-sb-provisioner/audit.db"


def _verified(file: Path, *heads: str) -> tuple[int, str]:
    output = io.StringIO()
    return verify_audit(file, heads, output), output.getvalue()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    place = tmp_path / AUDIT_DB
    place.parent.mkdir(parents=True)
    write(place, 10)
    return place


def test_a_whole_log_is_0_and_tells_its_head(file: Path) -> None:
    head = str(verify_file(file).head)
    assert _verified(file) == (0, f"Verified: 10 rows.\nHead: {head}\n")
    assert _verified(file, head)[0] == 0


def test_the_first_wrong_row_is_named_first_and_it_is_1(file: Path) -> None:
    change(file, "delete from audit_log where id = 7", "update audit_log set utc = '' where id = 4")
    status, text = _verified(file)
    assert status == 1
    assert text.startswith("WRONG: row 4 was altered")
    assert "row 7 was taken out" in text


def test_a_head_that_the_chain_never_had_is_1(file: Path) -> None:
    assert _verified(file, "20:" + "0" * 64)[0] == 1
    assert _verified(file, "no head")[0] == 1


@pytest.mark.parametrize("way", ["--root", "--file"])
def test_the_command_verifies_below_a_root_and_any_file(
    file: Path, tmp_path: Path, way: str, capsys: pytest.CaptureFixture[str]
) -> None:
    place = {"--root": tmp_path, "--file": file}[way]
    assert main(["audit", "verify", way, os.fspath(place)]) == 0
    assert "Verified: 10 rows." in capsys.readouterr().out


def test_no_log_is_1_and_makes_none(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["audit", "verify", "--root", os.fspath(tmp_path)]) == 1
    assert "no audit log" in capsys.readouterr().out
    assert list(tmp_path.iterdir()) == []


@needs_tool
def test_a_tail_cut_with_its_counter_is_found_by_the_hosts_journal(
    file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    head = verify_file(file).head
    owner = str(file.stat().st_uid)
    told = [("12345", f"5:{'0' * 64}"), (owner, str(head)), (owner, "no head")]
    said = [
        {"SYSLOG_IDENTIFIER": "provisioner-audit", "_UID": uid, "MESSAGE": t} for uid, t in told
    ]
    write_journal(tmp_path, [Entry(fields, second) for second, fields in enumerate(said)])
    assert main(["audit", "verify", "--root", os.fspath(tmp_path)]) == 0
    assert f"Held against the journal: {head}." in capsys.readouterr().out
    change(
        file,
        "delete from audit_log where id > 8",
        "delete from audit_chain where id > 8",
        "update sqlite_sequence set seq = 8",
    )
    assert main(["audit", "verify", "--root", os.fspath(tmp_path)]) == 1
    assert "rows 9 to 10 were cut off" in capsys.readouterr().out


async def test_a_live_service_is_verified(tmp_path: Path) -> None:
    async with running(tmp_path) as service:
        await service.client.get("/devices")
        await service.audit_rows()
        assert _verified(tmp_path / AUDIT_DB)[0] == 0
        change(tmp_path / AUDIT_DB, "update audit_log set caller = 'ann'")
        assert "row 1 was altered" in _verified(tmp_path / AUDIT_DB)[1]
