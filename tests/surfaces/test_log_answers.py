"""Logs over HTTP: raw bytes, ranges, conditions, tails; flat memory whatever the size."""

import asyncio
from collections.abc import Callable, MutableMapping
from pathlib import Path
from typing import Any

import pytest

from tests.surfaces.conftest import Service, running

LOGS = "var/log/rpi-sb-provisioner"
SERIAL = "10000000a0b0c0d0"
PATH = f"/devices/{SERIAL}/log/provisioner"
RAW = b"[2026-08-01 10:00:00.000] one\n\x00\xff\x1b[31m two\r\nthree" * 40
HUGE = 2 * 1024**3
Message = MutableMapping[str, Any]


def write_log(root: Path, content: bytes = RAW, name: str = "provisioner") -> Path:
    file = root / LOGS / SERIAL / f"{name}.log"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content)
    return file


@pytest.mark.parametrize("name", ["provisioner", "bootstrap", "triage"])
async def test_the_whole_log_comes_as_it_is(tmp_path: Path, name: str) -> None:
    write_log(tmp_path, name=name)
    async with running(tmp_path) as service:
        plain = {"Accept-Encoding": "identity", "Accept": "text/html"}
        answer = await service.client.get(f"/devices/{SERIAL}/log/{name}", headers=plain)
        head = await service.client.head(f"/devices/{SERIAL}/log/{name}", headers=plain)
        rows = await service.audit_rows()
    assert (answer.status_code, answer.content) == (200, RAW)
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert int(answer.headers["content-length"]) == len(RAW)
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == answer.headers["content-length"]
    read = [(row["operation"], row["target_path"], row["success"]) for row in rows]
    assert read.count(("READ", f"/{LOGS}/{SERIAL}/{name}.log", 1)) == 2


@pytest.mark.parametrize(
    ("wanted", "status", "begin", "end"),
    [
        ("bytes=0-9", 206, 0, 10),
        ("bytes=10-", 206, 10, len(RAW)),
        ("bytes=-7", 206, len(RAW) - 7, len(RAW)),
        ("bytes=-99999999", 206, 0, len(RAW)),
        ("bytes=5-99999999", 206, 5, len(RAW)),
        (" bytes = 1 - 2", 200, 0, len(RAW)),
        ("bytes=9-3", 200, 0, len(RAW)),
        ("bytes=0-1,4-5", 200, 0, len(RAW)),
        ("bytes=-", 200, 0, len(RAW)),
        ("bytes=a-b", 200, 0, len(RAW)),
        ("lines=1-2", 200, 0, len(RAW)),
        ("bytes=" + "9" * 5000 + "-", 200, 0, len(RAW)),
    ],
)
async def test_a_single_range_is_given(
    tmp_path: Path, wanted: str, status: int, begin: int, end: int
) -> None:
    write_log(tmp_path)
    async with running(tmp_path) as service:
        answer = await service.client.get(PATH, headers={"Range": wanted})
    assert (answer.status_code, answer.content) == (status, RAW[begin:end])
    if status == 206:
        assert answer.headers["content-range"] == f"bytes {begin}-{end - 1}/{len(RAW)}"


@pytest.mark.parametrize("wanted", [f"bytes={len(RAW)}-", "bytes=999999-1000000", "bytes=-0"])
async def test_a_range_behind_the_end_is_refused_with_the_size(tmp_path: Path, wanted: str) -> None:
    write_log(tmp_path)
    async with running(tmp_path) as service:
        answer = await service.client.get(PATH, headers={"Range": wanted})
    assert answer.status_code == 416
    assert answer.headers["content-range"] == f"bytes */{len(RAW)}"
    assert (answer.json()["error_code"], answer.json()["status"]) == ("RANGE_NOT_SATISFIABLE", 416)


async def test_a_refused_range_has_the_form_of_errors_that_is_set(tmp_path: Path) -> None:
    write_log(tmp_path)
    async with running(tmp_path, rest_errors="documented") as service:
        answer = await service.client.get(PATH, headers={"Range": "bytes=999999-"})
    assert answer.status_code == 416
    assert answer.json()["error"]["status"] == 416
    assert answer.json()["error"]["code"] == "RANGE_NOT_SATISFIABLE"


async def test_what_the_client_has_is_not_sent_again(tmp_path: Path) -> None:
    file = write_log(tmp_path)
    async with running(tmp_path) as service:
        first = await service.client.get(PATH, headers={"Accept-Encoding": "identity"})
        tag, moment = first.headers["etag"], first.headers["last-modified"]
        statuses = [
            (await service.client.get(PATH, headers=headers)).status_code
            for headers in (
                {"If-None-Match": tag},
                {"If-None-Match": f'"other", W/{tag}'},
                {"If-None-Match": "*"},
                {"If-Modified-Since": moment},
                {"If-Modified-Since": "nonsense"},
                {"If-None-Match": '"other"', "If-Modified-Since": moment},
            )
        ]
        file.write_bytes(RAW + b"more\n")
        changed = await service.client.get(PATH, headers={"If-None-Match": tag})
    assert statuses == [304, 304, 304, 304, 200, 200]
    assert changed.status_code == 200


async def test_a_part_is_given_only_of_the_file_that_the_client_has(tmp_path: Path) -> None:
    write_log(tmp_path)
    plain = {"Accept-Encoding": "identity", "Range": "bytes=0-3"}
    async with running(tmp_path) as service:
        tag = (await service.client.head(PATH, headers=plain)).headers["etag"]
        same = await service.client.get(PATH, headers={**plain, "If-Range": tag})
        other = await service.client.get(PATH, headers={**plain, "If-Range": '"other"'})
    assert (same.status_code, other.status_code) == (206, 200)


async def test_a_compressed_log_has_a_weak_tag_and_ranges_stay_plain(tmp_path: Path) -> None:
    write_log(tmp_path, RAW * 100)
    async with running(tmp_path) as service:
        packed = await service.client.get(PATH, headers={"Accept-Encoding": "gzip"})
        part = {"Accept-Encoding": "gzip", "Range": "bytes=0-4999"}
        ranged = await service.client.get(PATH, headers=part)
    assert packed.headers["content-encoding"] == "gzip"
    assert packed.headers["etag"].startswith("W/")
    assert packed.content == RAW * 100
    assert "content-encoding" not in ranged.headers
    assert ranged.content == (RAW * 100)[:5000]


@pytest.mark.parametrize(
    ("tail", "expected"), [("1", b"c\n"), ("2", b"b\nc\n"), ("100000", b"a\nb\nc\n")]
)
async def test_a_tail_is_the_last_lines(tmp_path: Path, tail: str, expected: bytes) -> None:
    write_log(tmp_path, b"a\nb\nc\n")
    async with running(tmp_path) as service:
        answer = await service.client.get(PATH, params={"tail": tail})
    assert (answer.status_code, answer.content) == (200, expected)


@pytest.mark.parametrize("tail", ["0", "-1", "", "x", "1.5", "100001", "9" * 99, "٣"])
async def test_a_tail_that_makes_no_sense_is_refused(tmp_path: Path, tail: str) -> None:
    write_log(tmp_path)
    async with running(tmp_path) as service:
        answer = await service.client.get(PATH, params={"tail": tail})
    assert (answer.status_code, answer.json()["error_code"]) == (400, "INVALID_PAGE")


async def test_an_empty_log_is_an_empty_answer(tmp_path: Path) -> None:
    write_log(tmp_path, b"")
    async with running(tmp_path) as service:
        answer = await service.client.get(PATH)
        ranged = await service.client.get(PATH, headers={"Range": "bytes=0-"})
    assert (answer.status_code, answer.content) == (200, b"")
    assert ranged.status_code == 416


@pytest.mark.parametrize(
    ("identifier", "status", "code"),
    [
        ("", 400, "MISSING_SERIAL"),
        ("deadbeef", 400, "LOG_NOT_FOUND"),
        ("..", 400, "LOG_NOT_FOUND"),
        ("%00", 400, "LOG_NOT_FOUND"),
        ("%FF", 400, "LOG_NOT_FOUND"),
        ("x" * 10_000, 400, "LOG_NOT_FOUND"),
        ("..%2F..%2Fetc", 404, "NOT_FOUND"),
    ],
)
async def test_a_strange_identifier_gets_the_legacy_error(
    service: Service, identifier: str, status: int, code: str
) -> None:
    escaped = identifier.replace("..", "%2E%2E") if identifier == ".." else identifier
    answer = await service.client.get(f"/devices/{escaped}/log/triage")
    assert (answer.status_code, answer.json()["error_code"]) == (status, code)
    if code == "LOG_NOT_FOUND":
        assert "/var/log/rpi-sb-provisioner/" in answer.json()["details"]
        assert str(service.root) not in answer.text


async def test_other_logs_and_methods_are_refused(service: Service) -> None:
    other = await service.client.get(f"/devices/{SERIAL}/log/other")
    posted = await service.client.post(PATH)
    assert (other.status_code, posted.status_code) == (404, 405)
    assert posted.headers["allow"] == "GET, HEAD, OPTIONS"


def _resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


async def _stream(service: Service, take: Callable[[Message], None]) -> None:
    """Asks for the log as a server does, and hands each message to `take`."""

    async def receive() -> Message:
        await asyncio.Event().wait()
        return {}

    async def send(message: Message) -> None:
        take(message)

    scope = {
        "type": "http",
        "method": "GET",
        "path": PATH,
        "raw_path": PATH.encode(),
        "query_string": b"",
        "headers": [(b"host", b"127.0.0.1:3142")],
        "client": ("127.0.0.1", 5000),
        "scheme": "http",
    }
    await asyncio.wait_for(service.application.asgi(scope, receive, send), 60)


async def test_two_gigabytes_leave_in_flat_memory(tmp_path: Path) -> None:
    with write_log(tmp_path).open("r+b") as file:
        file.truncate(HUGE)
    sent, most, before = 0, 0, _resident()

    def take(message: Message) -> None:
        nonlocal sent, most
        size = len(message.get("body", b""))
        sent += size
        most = max(most, size)

    async with running(tmp_path) as service:
        await _stream(service, take)
        assert _resident() - before < 64 * 1024**2
        tail = await service.client.get(PATH, headers={"Range": "bytes=-10"})
    assert (sent, tail.content) == (HUGE, bytes(10))
    assert most <= 256 * 1024


@pytest.mark.parametrize(("change", "whole"), [(b"x" * 3_000_000, True), (b"", False)])
async def test_a_log_that_changes_while_it_is_sent_ends_where_it_can(
    tmp_path: Path, change: bytes, *, whole: bool
) -> None:
    content = b"line\n" * 200_000
    file = write_log(tmp_path, content)
    messages: list[Message] = []

    def take(message: Message) -> None:
        messages.append(message)
        if len(messages) == 2:
            file.write_bytes(content + change if whole else change)

    async with running(tmp_path) as service:
        await _stream(service, take)
        assert (await service.client.get("/healthz")).status_code == 200
    sent = b"".join(message.get("body", b"") for message in messages)
    finished = not messages[-1].get("more_body", False)
    assert content.startswith(sent)
    assert (sent == content, finished) == (whole, whole)
