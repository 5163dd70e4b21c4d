"""What a hostile, slow or odd client gets; the service runs in a process of its own."""

import socket
import time
from collections.abc import Iterator

import pytest
from websockets.sync.client import connect

from tests.server.toy_app import PATIENCE, Answer, Toy, quiet_service

CLOSE = b"Connection: close\r\n\r\n"
UPGRADE = (
    b"Host: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
)

BROKEN = b"POST /later HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Toy]:
    with quiet_service(tmp_path_factory.mktemp("root")) as found:
        yield found


@pytest.fixture(scope="module")
def hasty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Toy]:
    """A service that waits 0.4 s for everything."""
    limits = {"head_seconds": 0.4, "stall_seconds": 0.4, "idle_seconds": 0.4}
    with quiet_service(tmp_path_factory.mktemp("root"), limits=limits) as found:
        yield found


def is_refused(answer: Answer, status: int, code: str) -> bool:
    """Whether the answer is this refusal, in the legacy error form, and the last one."""
    facts = answer.facts
    assert answer.headers["content-type"] == "application/json; charset=utf-8"
    assert answer.headers["connection"] == "close"
    assert facts.keys() == {"error", "error_code", "status", "title"}
    assert (answer.status, facts["error_code"], facts["status"]) == (status, code, status)
    return answer.rest == b""


HOSTILE = {
    "both lengths": b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n"
    b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "both lengths, the other way": b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n"
    b"Content-Length: 5\r\n\r\n0\r\n\r\n",
    "two lengths": b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n"
    b"Content-Length: 2\r\n\r\nab",
    "signed length": b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +1\r\n\r\na",
    "folded header": b"GET / HTTP/1.1\r\nHost: a\r\nX: b\r\n c\r\n\r\n",
    "bare CR": b"GET / HTTP/1.1\r\nHost: a\r\nX: b\rY: c\r\n\r\n",
    "bare LF": b"GET / HTTP/1.1\nHost: a\n\n",
    "blank before colon": b"GET / HTTP/1.1\r\nHost : a\r\n\r\n",
    "NUL in a header": b"GET / HTTP/1.1\r\nHost: a\r\nX: b\0c\r\n\r\n",
    "NUL in the target": b"GET /\0 HTTP/1.1\r\nHost: a\r\n\r\n",
    "no name": b"GET / HTTP/1.1\r\nHost: a\r\n: b\r\n\r\n",
    "no host": b"GET / HTTP/1.1\r\n\r\n",
    "two hosts": b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
    "chunked in HTTP/1.0": b"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "coding twice": b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, chunked\r\n\r\n",
    "HTTP/2.0": b"GET / HTTP/2.0\r\nHost: a\r\n\r\n",
    "HTTP/2 greeting": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "TLS greeting": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    "coding in two headers": b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n"
    b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "two content types": b"POST / HTTP/1.1\r\nHost: a\r\nContent-Type: text/plain\r\n"
    b"Content-Type: application/json\r\nContent-Length: 0\r\n\r\n",
    "two tokens": b"GET / HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer a\r\n"
    b"Authorization: Bearer b\r\n\r\n",
    "two origins": b"GET / HTTP/1.1\r\nHost: a\r\nOrigin: http://a\r\nOrigin: http://b\r\n\r\n",
    "another host in the address": b"GET http://b/ HTTP/1.1\r\nHost: a\r\n\r\n",
    "no host in the address": b"GET http:///x HTTP/1.1\r\nHost: a\r\n\r\n",
    "no path": b"GET http://a HTTP/1.1\r\nHost: a\r\n\r\n",
}


@pytest.mark.parametrize("request_bytes", HOSTILE.values(), ids=HOSTILE.keys())
def test_what_can_be_read_in_two_ways_is_refused_and_closed(
    service: Toy, request_bytes: bytes
) -> None:
    assert is_refused(service.exchange(request_bytes), 400, "BAD_REQUEST")


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"FROB / HTTP/1.1\r\nHost: a\r\n\r\n",
        b"CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    ],
)
def test_unknown_methods_and_codings_are_not_implemented(
    service: Toy, request_bytes: bytes
) -> None:
    assert is_refused(service.exchange(request_bytes), 501, "HTTP_UNSUPPORTED")


def test_methods_that_the_parser_knows_reach_the_application(service: Toy) -> None:
    answer = service.exchange(b"PROPFIND /x HTTP/1.1\r\nHost: a\r\n" + CLOSE)
    assert answer.facts["method"] == "PROPFIND"


def test_an_address_with_the_host_in_it_is_read(service: Toy) -> None:
    head = b"GET http://A:1/x HTTP/1.1\r\nHost: a:1\r\nConnection: close\r\n\r\n"
    answer = service.exchange(head)
    assert (answer.status, answer.facts["path"]) == (200, "/x")


def test_options_of_the_whole_server_reach_the_application(service: Toy) -> None:
    answer = service.exchange(b"OPTIONS * HTTP/1.1\r\nHost: a\r\n" + CLOSE)
    assert (answer.status, answer.facts["path"]) == (200, "*")


def test_answers_carry_the_date_and_no_product(service: Toy) -> None:
    answer = service.exchange(b"GET / HTTP/1.1\r\nHost: a\r\n" + CLOSE)
    assert answer.headers["date"].endswith(" GMT")
    assert "server" not in answer.headers


def test_a_hundred_headers_are_read(service: Toy) -> None:
    headers = b"".join(b"X-%d: v\r\n" % number for number in range(98))
    answer = service.exchange(b"GET / HTTP/1.1\r\nHost: a\r\n" + headers + CLOSE)
    assert answer.status == 200


def test_more_than_a_hundred_headers_are_too_many(service: Toy) -> None:
    headers = b"".join(b"X-%d: v\r\n" % number for number in range(100))
    answer = service.exchange(b"GET / HTTP/1.1\r\nHost: a\r\n" + headers + b"\r\n")
    assert is_refused(answer, 431, "HEADERS_TOO_LARGE")


def test_headers_of_more_than_32_kib_are_too_large(service: Toy) -> None:
    answer = service.exchange(b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"v" * 33000 + b"\r\n\r\n")
    assert is_refused(answer, 431, "HEADERS_TOO_LARGE")


def test_a_refused_client_that_goes_on_sending_still_reads_the_answer(service: Toy) -> None:
    answer = service.exchange(b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"v" * 900_000)
    assert is_refused(answer, 431, "HEADERS_TOO_LARGE")


def test_a_header_without_end_is_refused_before_it_ends(service: Toy) -> None:
    with service.connect() as connection:
        connection.send(b"GET / HTTP/1.1\r\nHost: a\r\nX: ")
        connection.send(b"v" * 33_000)
        assert is_refused(connection.answer(), 431, "HEADERS_TOO_LARGE")


def test_a_path_of_ten_thousand_characters_reaches_the_application(service: Toy) -> None:
    answer = service.exchange(b"GET /" + b"a" * 10_000 + b" HTTP/1.1\r\nHost: a\r\n" + CLOSE)
    assert answer.facts["path"] == "/" + "a" * 10_000


def test_a_target_beyond_16_kib_is_too_long(service: Toy) -> None:
    answer = service.exchange(b"GET /" + b"a" * 16_384 + b" HTTP/1.1\r\nHost: a\r\n\r\n")
    assert is_refused(answer, 414, "URI_TOO_LONG")


def test_a_post_without_body_and_length_is_answered_at_once(service: Toy) -> None:
    with service.connect() as connection:
        connection.send(b"POST /internal/state-changed HTTP/1.1\r\nHost: a\r\n\r\n")
        assert connection.answer().facts["size"] == 0


def test_http_1_0_is_answered_and_closed(service: Toy) -> None:
    answer = service.exchange(b"GET /old HTTP/1.0\r\n\r\n")
    assert (answer.facts["path"], answer.headers["connection"]) == ("/old", "close")


def test_a_chunked_body_arrives_and_its_trailers_are_no_headers(service: Toy) -> None:
    answer = service.exchange(
        b"POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
        b"3\r\nabc\r\n0\r\nAuthorization: Bearer stolen\r\n\r\n"
    )
    assert answer.facts["size"] == 3
    assert b"stolen" not in answer.body


def test_a_chunk_extension_without_end_is_refused(service: Toy) -> None:
    with service.connect() as connection:
        connection.send(b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3;")
        connection.send(b"x" * 400_000)
        assert is_refused(connection.answer(), 431, "HEADERS_TOO_LARGE")


def test_a_broken_chunk_is_answered_and_the_application_told(service: Toy) -> None:
    with service.connect() as connection:
        connection.send(b"POST /chunk HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
        connection.send(b"zz\r\n")
        assert is_refused(connection.answer(), 400, "BAD_REQUEST")
    service.wait_for("disconnected", "/chunk")


def test_the_client_is_told_to_continue_when_the_application_reads(service: Toy) -> None:
    with service.connect() as connection:
        connection.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n")
        connection.send(b"Expect: 100-continue\r\n\r\n")
        assert connection.until(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.send(b"abc")
        assert connection.answer().facts["size"] == 3


def test_a_refusal_instead_of_continue_ends_the_connection(service: Toy) -> None:
    answer = service.exchange(
        b"POST /unread HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n"
    )
    assert (answer.status, answer.rest) == (403, b"")


def test_a_body_that_nobody_read_is_not_the_next_request(service: Toy) -> None:
    with service.connect() as connection:
        connection.send(b"POST /unread HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n")
        assert connection.answer().status == 403
        connection.send(b"GET /smuggled HTTP/1.1\r\n".ljust(1_000_000))
        connection.send(b"GET /next HTTP/1.1\r\nHost: a\r\n\r\n")
        assert connection.answer().facts["path"] == "/next"


def test_pipelined_requests_are_answered_in_order(service: Toy) -> None:
    with service.connect() as connection:
        connection.send(b"".join(b"GET /%d HTTP/1.1\r\nHost: a\r\n\r\n" % n for n in range(20)))
        paths = [connection.answer().facts["path"] for _ in range(20)]
    assert paths == [f"/{number}" for number in range(20)]


def test_a_client_that_leaves_is_noticed_by_the_request_that_runs(service: Toy) -> None:
    with service.connect() as connection:
        connection.send(b"GET /slow HTTP/1.1\r\nHost: a\r\n\r\n" + BROKEN)
        service.wait_for("running", "/slow")
    # Its answer has nowhere to go; `quiet_service` sees to it that nothing is logged for that.
    assert service.wait_for("finished", "/slow")


def test_too_many_pipelined_requests_end_the_connection_after_the_good_ones(service: Toy) -> None:
    with service.connect() as connection:
        connection.send(b"".join(b"GET /%d HTTP/1.1\r\nHost: a\r\n\r\n" % n for n in range(200)))
        raw = connection.rest()
    assert raw.count(b"HTTP/1.1 200") == 33
    assert b"HTTP/1.1 4" not in raw


def test_garbage_after_a_good_request_does_not_disturb_its_answer(service: Toy) -> None:
    answer = service.exchange(b"GET /slow HTTP/1.1\r\nHost: a\r\n\r\n\x16\x03garbage\r\n\r\n")
    assert (answer.facts, answer.rest) == ({"slow": True}, b"")


def test_a_broken_body_behind_a_running_request_does_not_disturb_it(service: Toy) -> None:
    answer = service.exchange(b"GET /slow HTTP/1.1\r\nHost: a\r\n\r\n" + BROKEN)
    assert (answer.facts, answer.rest) == ({"slow": True}, b"")


def test_the_body_of_an_ignored_upgrade_is_not_the_next_request(service: Toy) -> None:
    hidden = b"GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n"
    with service.connect() as connection:
        connection.send(
            b"POST /h2c HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n"
            b"Content-Length: %d\r\n\r\n" % len(hidden)
        )
        connection.send(hidden)
        answer = connection.answer()
        connection.send(b"GET /next HTTP/1.1\r\nHost: a\r\n\r\n")
        following = connection.answer()
    assert (answer.facts["path"], answer.facts["size"]) == ("/h2c", len(hidden))
    assert following.facts["path"] == "/next"


@pytest.mark.parametrize(
    ("request_bytes", "status", "code"),
    [
        (b"GET /ws HTTP/1.1\r\n" + b"X: " + b"v" * 9000 + b"\r\n", 431, "HEADERS_TOO_LARGE"),
        (b"GET /ws HTTP/1.1\r\n" + b"X: v\r\n" * 120, 431, "HEADERS_TOO_LARGE"),
        (b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\n", 414, "URI_TOO_LONG"),
        (b"POST /ws HTTP/1.1\r\n", 400, "BAD_REQUEST"),
        (b"GET /ws HTTP/1.1\r\nContent-Length: 3\r\n", 400, "BAD_REQUEST"),
        (b"GET /ws HTTP/1.0\r\n", 400, "BAD_REQUEST"),
    ],
    ids=["long header", "many headers", "long target", "POST", "body", "HTTP/1.0"],
)
def test_a_websocket_begins_under_the_same_limits(
    service: Toy, request_bytes: bytes, status: int, code: str
) -> None:
    assert is_refused(service.exchange(request_bytes + UPGRADE + b"\r\n"), status, code)


def test_a_websocket_cannot_begin_behind_a_running_request(service: Toy) -> None:
    answer = service.exchange(
        b"GET /slow HTTP/1.1\r\nHost: a\r\n\r\nGET /ws HTTP/1.1\r\n" + UPGRADE + b"\r\n"
    )
    assert (answer.facts, answer.rest) == ({"slow": True}, b"")


def test_a_connection_that_says_nothing_is_ended_in_time(hasty: Toy) -> None:
    assert is_refused(hasty.exchange(b""), 408, "REQUEST_TIMEOUT")


def test_headers_that_drip_are_ended_in_time(hasty: Toy) -> None:
    began = time.monotonic()
    with hasty.connect() as connection:
        connection.send(b"GET / HTTP/1.1\r\nHost: a\r\n")
        answer = drip(connection._socket, b"X-Slow: " + b"v" * 1000)
    assert is_refused(Answer.read(answer), 408, "REQUEST_TIMEOUT")
    assert time.monotonic() - began < 5


def test_the_second_request_of_a_connection_may_not_drip_either(hasty: Toy) -> None:
    with hasty.connect() as connection:
        connection.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        assert connection.answer().status == 200
        answer = drip(connection._socket, b"GET / HTTP/1.1\r\nX-Slow: " + b"v" * 1000)
    assert is_refused(Answer.read(answer), 408, "REQUEST_TIMEOUT")


def test_a_body_that_stalls_is_ended_in_time(hasty: Toy) -> None:
    answer = hasty.exchange(b"POST /stalled HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nabc")
    assert is_refused(answer, 408, "REQUEST_TIMEOUT")
    hasty.wait_for("disconnected", "/stalled")


def test_a_body_that_drips_is_ended_in_time(hasty: Toy) -> None:
    began = time.monotonic()
    with hasty.connect() as connection:
        connection.send(b"POST /dripped HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n")
        answer = drip(connection._socket, b"x" * 1000)
    assert is_refused(Answer.read(answer), 408, "REQUEST_TIMEOUT")
    assert time.monotonic() - began < 5
    hasty.wait_for("disconnected", "/dripped")


def test_a_body_on_a_slow_line_may_take_its_time(hasty: Toy) -> None:
    with hasty.connect() as connection:
        connection.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3000\r\n\r\n")
        for _ in range(30):
            connection.send(b"x" * 100)
            time.sleep(0.05)
        assert connection.answer().facts["size"] == 3000


def test_a_body_that_stalls_after_its_answer_is_closed_in_silence(hasty: Toy) -> None:
    answer = hasty.exchange(b"POST /unread HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nabc")
    assert (answer.status, answer.rest) == (403, b"")


@pytest.mark.parametrize("expect", [b"", b"Expect: 100-continue\r\n"])
def test_an_application_that_takes_its_time_is_not_a_slow_client(hasty: Toy, expect: bytes) -> None:
    with hasty.connect() as connection:
        connection.send(b"POST /lazy HTTP/1.1\r\nHost: a\r\nContent-Length: 400000\r\n")
        connection.send(expect + b"\r\n")
        if expect:
            assert connection.until(b"\r\n\r\n").startswith(b"HTTP/1.1 100")
        connection.send(b"x" * 400_000)
        assert connection.answer().facts["size"] == 400_000


def test_a_running_request_is_not_idle(hasty: Toy) -> None:
    with hasty.connect() as connection:
        connection.send(b"GET /lazy HTTP/1.1\r\nHost: a\r\n\r\n")
        assert connection.answer().status == 200


def test_an_idle_connection_is_closed_without_a_word(hasty: Toy) -> None:
    with hasty.connect() as connection:
        connection.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        assert connection.answer().status == 200
        assert connection.rest() == b""


def test_an_open_websocket_is_neither_idle_nor_slow(hasty: Toy) -> None:
    with connect(f"ws://127.0.0.1:{hasty.port}/ws/echo", compression=None) as websocket:
        with pytest.raises(TimeoutError):
            websocket.recv(1)
        websocket.send("still there")
        assert websocket.recv(PATIENCE) == "still there"


def test_a_websocket_on_a_kept_connection_is_not_idle(hasty: Toy) -> None:
    with hasty.connect() as connection:
        connection.send(b"GET /x HTTP/1.1\r\nHost: a\r\n\r\n")
        assert connection.answer().status == 200
        connection.send(b"GET /ws/echo HTTP/1.1\r\n" + UPGRADE + b"\r\n")
        connection.until(b"\r\n\r\n")
        connection._socket.settimeout(1)
        with pytest.raises(TimeoutError):
            connection.rest()


def drip(connection: socket.socket, data: bytes) -> bytes:
    """Sends `data` byte by byte until the service answers; returns all that it answers."""
    connection.settimeout(0.05)
    got = b""
    for number in range(len(data)):
        try:
            connection.send(data[number : number + 1])
            got = connection.recv(65536)
            break
        except TimeoutError:
            continue
    connection.settimeout(PATIENCE)
    while part := connection.recv(65536):
        got += part
    return got
