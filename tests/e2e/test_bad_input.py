"""What no honest client sends, as raw bytes to the served station: a clear answer, nothing
changed, and a service that stays up.

tests/server/test_http_protocol.py has the rules of HTTP one by one, with short time limits.
"""

import hashlib
import json
import re
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from rest_compat.route import PLACE, Route
from rest_compat.routes import ROUTES
from server.demo.station import build_station
from tests.e2e.fuzzing_checks import CODES
from tests.e2e.process import Program
from tests.server.toy_app import Answer, Connection

PLACES = {"serialno": "1000000000a0b000", "name": "rpi-sb-triage@x.service", "version": "latest"}
SURROGATE = b'{"qrcode": "\\ud800", "field": "\\udfff", "query": "{a(b:\\"\\ud800\\")}"}'
NO_JSON = {
    "nothing": b"",
    "trailing comma": b'{"field": "x", "qrcode": "x", "query": "{__typename}",}',
    "not a number": b'{"field": NaN, "qrcode": NaN, "query": NaN}',
    "infinity": b'{"field": -Infinity}',
    "lone surrogate": SURROGATE,
    "invalid UTF-8": b'{"field": "\xff\xfe", "qrcode": "\xc3"}',
    "UTF-16": '{"field": "x"}'.encode("utf-16"),
    "byte order mark": b'\xef\xbb\xbf{"field": "x"}',
    "comment": b'{/* a */"field": "x"}',
    "single quotes": b"{'field': 'x'}",
    "two values": b'{"field": "x"}{"field": "x"}',
    "cut off": b'{"field": "x',
    "a list": b"[]",
    "a text": b'"field"',
    "a number": b"5",
    "a nest": b"[" * 100_000,
    "NUL": b'{"field": "x"}\0',
    "form": b"field=x&qrcode=x&query=%7B__typename%7D",
}
WRONG_TYPES = (b"application/x-www-form-urlencoded", b"text/plain", b"multipart/form-data", b"")


class Station(Program):
    """The real program over a demo station, spoken to in bytes."""

    @property
    def port(self) -> int:
        return int(self.base.rsplit(":", 1)[1])

    def exchange(self, data: bytes) -> Answer:
        with Connection(self.port) as connection:
            connection.send(data)
            return Answer.read(connection.rest())

    def ask(self, method: str, target: str, body: bytes = b"", kind: bytes = b"") -> Answer:
        return self.exchange(request(method, target, body, kind))


def request(method: str, target: str, body: bytes = b"", kind: bytes = b"") -> bytes:
    lines = [f"{method} {target} HTTP/1.1".encode(), b"Host: 127.0.0.1", b"Connection: close"]
    lines += [b"Content-Type: " + kind] if kind else []
    lines += [b"Content-Length: %d" % len(body)] if body or method == "POST" else []
    return b"\r\n".join([*lines, b"", body])


@pytest.fixture(scope="module")
def station(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Station]:
    root = tmp_path_factory.mktemp("bad")
    build_station(root, now=datetime.now(UTC))
    program = Station(root)
    with program:
        yield program
        # Whatever came, it was answered on purpose: nothing unexpected is in the log.
        levels = [
            json.loads(line)["level"] for line in (root / "service.log").read_bytes().splitlines()
        ]
        assert "error" not in levels
        assert program.get("/healthz") == b"ok\n"
        assert program.stop() == 0


def kept(root: Path) -> dict[str, str]:
    """Returns the hashes of everything that an operator has on the station."""
    folders = (root / "etc", root / "srv/rpi-sb-provisioner/images", root / "var/log")
    files = (file for folder in folders for file in folder.rglob("*") if file.is_file())
    return {str(file): hashlib.sha256(file.read_bytes()).hexdigest() for file in files}


def with_json() -> Iterator[tuple[str, Route]]:
    for route in ROUTES:
        if route.body and route.body.media_type == "application/json" and route.body.required:
            yield PLACE.sub(lambda place: PLACES[place[1]], route.path), route


def is_refused(answer: Answer) -> bool:
    facts: dict[str, Any] = json.loads(answer.body)
    codes = [error["extensions"]["code"] for error in facts.get("errors", ())]
    code = codes[0] if codes else facts.get("error_code")
    return 400 <= answer.status < 500 and code in CODES


@pytest.mark.parametrize("what", NO_JSON)
def test_what_is_no_json_is_refused_everywhere_and_changes_nothing(
    station: Station, what: str
) -> None:
    before = kept(station.root)
    for path in ["/graphql", *(path for path, _ in with_json())]:
        answer = station.ask("POST", path, NO_JSON[what], b"application/json")
        assert is_refused(answer), (path, answer)
    assert kept(station.root) == before


@pytest.mark.parametrize("kind", WRONG_TYPES)
def test_json_under_another_name_is_refused_everywhere(station: Station, kind: bytes) -> None:
    body = b'{"field": "RPI_DEVICE_FAMILY", "value": "5", "qrcode": "x", "query": "{__typename}"}'
    for path in ["/graphql", *(path for path, _ in with_json())]:
        answer = station.ask("POST", path, body, kind)
        assert is_refused(answer), (path, answer)


def test_json_instead_of_a_form_is_refused(station: Station) -> None:
    forms = [r for r in ROUTES if r.body and r.body.media_type == "multipart/form-data"]
    for route in forms:
        for kind in (
            b"application/json",
            b"multipart/form-data",
            b"multipart/form-data; boundary=",
        ):
            answer = station.ask(route.method, route.path, b'{"file": "x"}', kind)
            assert is_refused(answer), (route.path, kind, answer)
    assert len(forms) >= 1


@pytest.mark.parametrize(
    ("method", "target", "body", "status", "told"),
    [
        # The last one counts, and the body beats the query (contract common 3).
        ("GET", "/get-image-metadata?name=gold.img&name=none.img", b"", 400, "none.img"),
        ("POST", "/delete-image?name=a.img", b"name=none.img", 400, "none.img"),
        ("POST", "/delete-image?name=a.img&name=b.img", b"", 400, "b.img"),
        ("GET", "/get-image-metadata?name=%ff", b"", 400, "IMAGE"),
        ("GET", "/get-image-metadata?name=%00", b"", 400, "IMAGE"),
        ("GET", "/get-image-metadata?name=%ED%A0%80", b"", 400, "IMAGE"),
        (
            "GET",
            "/get-image-metadata?" + "&".join("name=x" for _ in range(2000)),
            b"",
            400,
            "IMAGE",
        ),
        ("GET", "/api/v2/manufacturing/export?format=csv&format=xml", b"", 400, "format"),
        ("GET", "/api/v2/manufacturing/export?since=NaN", b"", 400, "since"),
        ("GET", "/graphql?query=%7Ba%7D&query=%7Bb%7D", b"", 400, "more than once"),
        ("GET", "/graphql?query=%7B__typename%7D&variables=%7B%22a%22:1,%7D", b"", 400, "not JSON"),
        ("GET", "/devices/%ff%fe", b"", 400, "DEVICE_NOT_FOUND"),
        ("GET", "/devices/%2e%2e%2f%2e%2e%2fetc%2fpasswd", b"", 404, "NOT_FOUND"),
    ],
)
def test_parameters_that_conflict_or_mean_nothing_are_answered_clearly(
    station: Station, method: str, target: str, body: bytes, status: int, told: str
) -> None:
    kind = b"application/x-www-form-urlencoded" if body else b""
    answer = station.ask(method, target, body, kind)
    assert answer.status == status
    assert is_refused(answer)
    assert told in answer.body.decode()


def test_ten_thousand_headers_are_too_many(station: Station) -> None:
    headers = b"".join(b"X-%d: y\r\n" % number for number in range(10_000))
    answer = station.exchange(b"GET /devices HTTP/1.1\r\nHost: 127.0.0.1\r\n" + headers + b"\r\n")
    assert (answer.status, answer.facts["error_code"]) == (431, "HEADERS_TOO_LARGE")


SMUGGLED = b"GET /devices/smuggled HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"


@pytest.mark.parametrize(
    "framing",
    [
        b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n",
        b"Content-Length: 0\r\nContent-Length: 54\r\n\r\n",
        b"Transfer-Encoding: xchunked\r\n\r\n",
        b"Transfer-Encoding : chunked\r\n\r\n",
        b"Transfer-Encoding:\x0bchunked\r\n\r\n",
        b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n",
        b"Content-Length: 0x10\r\n\r\n",
        b"Content-Length: -1\r\n\r\n",
        b"X: y\nTransfer-Encoding: chunked\r\n\r\n",
        b" Transfer-Encoding: chunked\r\n\r\n",
        b"Content-Length: 18446744073709551616\r\n\r\n",
    ],
)
def test_a_request_hidden_in_another_is_never_answered(station: Station, framing: bytes) -> None:
    head = b"POST /api/v2/verify-qrcode HTTP/1.1\r\nHost: 127.0.0.1\r\n"
    with Connection(station.port) as connection:
        connection.send(head + framing + b"0\r\n\r\n" + SMUGGLED)
        said = connection.rest()
    answer = Answer.read(said)
    assert answer.status in {400, 501}
    assert len(re.findall(rb"HTTP/1\.1 \d{3} ", said)) == 1
    assert b"smuggled" not in said


def test_a_body_that_comes_slowly_is_read_and_one_that_stops_holds_nobody_up(
    station: Station,
) -> None:
    body = b'{"qrcode": "slow"}'
    head = b"POST /api/v2/verify-qrcode HTTP/1.1\r\nHost: 127.0.0.1\r\n"
    head += b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body)
    with ExitStack() as stack:
        for _ in range(50):
            stack.enter_context(Connection(station.port)).send(head + body[:5])
        slow = stack.enter_context(Connection(station.port))
        slow.send(head)
        for number in range(len(body)):
            slow.send(body[number : number + 1])
        assert slow.answer().facts["qrcode"] == "slow"


def test_sockets_that_never_finish_their_handshake_are_ended_and_hold_nobody_up(
    station: Station,
) -> None:
    upgrade = (
        b"GET /graphql HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        b"Sec-WebSocket-Version: 13\r\n"
    )
    halves = (b"", b"\r", b"GET ", upgrade[:40], upgrade, upgrade + b"Sec-WebSocket-Key: ")
    with ExitStack() as stack:
        waiting = [stack.enter_context(Connection(station.port)) for _ in range(30) for _ in halves]
        for number, connection in enumerate(waiting):
            connection.send(halves[number % len(halves)])
        assert station.ask("GET", "/devices").status == 200
        ends = [connection.rest() for connection in waiting]
    assert {end[:12] for end in ends} <= {b"", b"HTTP/1.1 408"}
    assert ends[-1].startswith(b"HTTP/1.1 408")
    # A whole head without a key is no handshake at all.
    assert station.exchange(upgrade + b"\r\n").status == 400
