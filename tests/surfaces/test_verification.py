"""Labels through both surfaces: the same answer, and the scans that are kept."""

import hashlib
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from domain.caller import Role
from server.settings import Token
from tests.surfaces.conftest import Service, running
from tests.surfaces.test_manufacturing import DATABASE, THREE, configure, write_records
from tests.surfaces.test_story import write_row

VERIFY = """mutation($code: String!) { verifyQrCode(input: {code: $code}) {
  ... on QrCodeVerified { code exists faultless faults { problem reason }
    record { number serial } scan { id caller } }
  ... on Problem { code status field }
} }"""
SCANS = """query($filter: QrScanFilter) { qrScans(filter: $filter, first: 10) { totalCount nodes {
  code exists problems serial recordNumber caller role address surface
} } }"""


@pytest.fixture
async def line(tmp_path: Path) -> AsyncIterator[Service]:
    """A station that finished three boards, one of them twice; its last record tells nothing of
    security."""
    configure(tmp_path)
    write_records(tmp_path, *THREE)
    async with running(tmp_path) as service:
        yield service


async def verify(service: Service, code: str) -> Any:
    answer = await service.graphql(VERIFY, code=code)
    return answer["data"]["verifyQrCode"]


async def post(service: Service, code: object) -> tuple[int, Any]:
    answer = await service.client.post("/api/v2/verify-qrcode", json={"qrcode": code})
    return answer.status_code, answer.json()


async def test_both_surfaces_know_the_same_labels(line: Service) -> None:
    for code, exists in (("d0", True), ("d1", True), ("10000000a0b0c0d0", False), ("D0", False)):
        assert await post(line, code) == (200, {"exists": exists, "qrcode": code, "success": True})
        assert (await verify(line, code))["exists"] is exists


async def test_the_answer_has_the_newest_record_and_what_is_wrong(line: Service) -> None:
    found = await verify(line, " d1\n")
    assert (found["code"], found["record"]) == ("d1", {"number": 2, "serial": "10000000a0b0c0d1"})
    assert [fault["problem"] for fault in found["faults"]] == ["NOT_SECURE"]
    write_records(line.root, ("10000000a0b0c0d1", "d1", "CM4", "1"))
    found = await verify(line, "d1")
    assert (found["record"]["number"], found["faultless"], found["faults"]) == (4, True, [])
    write_records(line.root, ("10000000a0b0c0ff", "d1", "CM4", "1"))
    assert [one["problem"] for one in (await verify(line, "d1"))["faults"]] == ["DUPLICATE"]
    assert [one["problem"] for one in (await verify(line, "x"))["faults"]] == ["UNKNOWN"]


async def test_a_board_that_failed_after_its_record_is_told(line: Service) -> None:
    with closing(sqlite3.connect(line.root / DATABASE)) as connection, connection:
        connection.execute("UPDATE devices SET provision_ts = '2026-01-01 00:00:00', secure = 1")
    write_row(line.root, "10000000a0b0c0d1", "1-1.2", "TRIAGE-STARTED")
    write_row(line.root, "10000000a0b0c0d1", "1-1.2", "TRIAGE-ABORTED")
    [fault] = (await verify(line, "d1"))["faults"]
    assert fault["problem"] == "FAILED_LATER"
    assert "failed" in fault["reason"]


async def test_scans_of_both_surfaces_are_kept_and_listed(line: Service) -> None:
    await post(line, "d1")
    await verify(line, "nope")
    listed = (await line.graphql(SCANS))["data"]["qrScans"]
    who = {"caller": "local", "role": "key-officer", "address": "127.0.0.1"}
    assert listed["totalCount"] == 2
    assert listed["nodes"] == [
        {
            "code": "nope",
            "exists": False,
            "problems": ["UNKNOWN"],
            "serial": None,
            "recordNumber": None,
            "surface": "graphql",
            **who,
        },
        {
            "code": "d1",
            "exists": True,
            "problems": ["NOT_SECURE"],
            "serial": "10000000a0b0c0d1",
            "recordNumber": 2,
            "surface": "rest",
            **who,
        },
    ]
    only = (await line.graphql(SCANS, filter={"exists": True}))["data"]["qrScans"]
    assert [scan["code"] for scan in only["nodes"]] == ["d1"]


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b'{"x": 1}', "application/json"),
        (b'{"qrcode": 5}', "application/json"),
        (b'{"qrcode": null}', "application/json"),
        (b'{"qrcode": ""}', "application/json"),
        (b'{"qrcode": "  "}', "application/json"),
        (b'{"qrcode":', "application/json"),
        (b'["d0"]', "application/json"),
        (b'"d0"', "application/json"),
        (b"7", "application/json"),
        (b"", "application/json"),
        (b'{"qrcode": "d0"}', "text/plain"),
        (b'{"qrcode": "\\ud800"}', "application/json"),
        (b'{"qrcode": "' + b"x" * 5000 + b'"}', "application/json"),
    ],
)
async def test_a_bad_body_is_a_bad_parameter(line: Service, body: bytes, kind: str) -> None:
    headers = {"Content-Type": kind}
    answer = await line.client.post("/api/v2/verify-qrcode", content=body, headers=headers)
    assert (answer.status_code, answer.json()["error_code"]) == (400, "INVALID_PARAMETER")
    assert (await line.graphql(SCANS))["data"]["qrScans"]["totalCount"] == 0


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE"])
async def test_only_post_verifies(line: Service, method: str) -> None:
    answer = await line.client.request(method, "/api/v2/verify-qrcode")
    assert answer.status_code == 405
    assert "POST" in answer.headers["allow"]
    if method != "HEAD":
        assert answer.json()["error_code"] == "METHOD_NOT_ALLOWED"


async def test_an_error_is_a_page_to_a_browser(line: Service) -> None:
    answer = await line.client.post(
        "/api/v2/verify-qrcode", json={"x": 1}, headers={"Accept": "text/html"}
    )
    assert (answer.status_code, answer.headers["content-type"]) == (400, "text/html; charset=utf-8")
    assert "INVALID_PARAMETER" in answer.text


async def test_a_missing_database_says_so_and_none_is_made(empty_service: Service) -> None:
    status, body = await post(empty_service, "x")
    assert (status, body["error_code"]) == (500, "DB_ERROR")
    assert (await verify(empty_service, "x"))["code"] == "DB_PATH_NOT_SET"
    configure(empty_service.root)
    status, body = await post(empty_service, "x")
    assert (status, body["error_code"]) == (500, "DB_ERROR")
    assert (await verify(empty_service, "x"))["code"] == "DB_FILE_NOT_FOUND"
    assert not (empty_service.root / DATABASE).exists()


async def test_an_empty_database_knows_no_label(empty_service: Service) -> None:
    configure(empty_service.root)
    file = empty_service.root / DATABASE
    file.parent.mkdir(parents=True, exist_ok=True)
    file.touch()
    assert await post(empty_service, "x") == (
        200,
        {"exists": False, "qrcode": "x", "success": True},
    )


async def test_a_database_that_cannot_be_read_is_an_error_and_no_answer(line: Service) -> None:
    (line.root / DATABASE).unlink()
    (line.root / DATABASE).write_bytes(b"hello, I am no database" * 100)
    status, body = await post(line, "d0")
    assert (status, body["error_code"]) == (500, "DB_ERROR")
    assert "not a database" in body["error"]


async def test_a_viewer_may_not_verify_and_an_operator_may(tmp_path: Path) -> None:
    configure(tmp_path)
    write_records(tmp_path, *THREE)
    tokens = tuple(
        Token(role.words, role, hashlib.sha256(role.words.encode()).hexdigest())
        for role in (Role.VIEWER, Role.OPERATOR)
    )
    async with running(tmp_path, tokens=tokens) as service:
        for name, status in (("viewer", 403), ("operator", 200)):
            service.client.headers["Authorization"] = f"Bearer {name}"
            assert (await post(service, "d0"))[0] == status
        [scan] = (await service.graphql(SCANS))["data"]["qrScans"]["nodes"]
    assert (scan["caller"], scan["role"]) == ("operator", "operator")


async def test_a_verification_is_written_down(line: Service) -> None:
    await post(line, "d0")
    rows = [(row["handler_path"], row["operation"]) for row in await line.audit_rows()]
    assert rows == [("/api/v2/verify-qrcode", None), (None, "READ")]
