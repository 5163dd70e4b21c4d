"""The life of the process: its listeners, its signals, its end."""

import asyncio
import signal
import socket
import ssl
import threading
import time
import urllib.request
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from domain.host_paths import HostPaths
from server.doors import Listening
from server.serve import serve
from server.tls import Certificates
from tests.server.toy_app import (
    PATIENCE,
    Answer,
    Connection,
    Toy,
    quiet_service,
    start_toy,
    toy,
    toy_service,
)

GET = b"GET /%s HTTP/1.1\r\nHost: a\r\n\r\n"


def socket_to(toy: Toy, path: str) -> ClientConnection:
    return connect(f"ws://127.0.0.1:{toy.port}{path}")


def close_code(websocket: ClientConnection) -> int:
    with pytest.raises(ConnectionClosed) as closed:
        websocket.recv(PATIENCE)
    assert closed.value.rcvd is not None
    return closed.value.rcvd.code


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_service_in_time_with_status_0(
    tmp_path: Path, number: signal.Signals
) -> None:
    with toy_service(tmp_path) as toy:
        status, seconds = toy.stop(number)
        assert (status, toy.wait_for("left")) == (0, True)
    assert seconds < 5
    assert [next(iter(said)) for said in toy.said] == ["ready", "closing", "closed", "left"]


@pytest.mark.parametrize("path", ["/ws/echo", "/ws/ever"])
def test_sigterm_closes_websockets_with_1001(tmp_path: Path, path: str) -> None:
    with toy_service(tmp_path) as toy, socket_to(toy, path) as websocket:
        if path == "/ws/ever":
            toy.wait_for("running")
        toy.process.terminate()
        assert close_code(websocket) == 1001
        assert toy.process.wait(5) == 0


def test_the_handler_of_a_websocket_learns_of_the_end(tmp_path: Path) -> None:
    with toy_service(tmp_path) as toy, socket_to(toy, "/ws/echo") as websocket:
        websocket.send("x")
        assert websocket.recv(PATIENCE) == "x"
        toy.process.terminate()
        assert toy.wait_for("disconnected") == 1001


def test_a_handler_that_waits_for_ever_uses_up_no_grace_period(tmp_path: Path) -> None:
    with toy_service(tmp_path, grace_seconds=15) as toy, socket_to(toy, "/ws/ever") as websocket:
        toy.wait_for("running")
        threading.Thread(target=close_code, args=(websocket,)).start()
        status, seconds = toy.stop()
    assert status == 0
    assert seconds < 5


def test_a_client_that_never_answers_the_close_frame_holds_nothing_up(tmp_path: Path) -> None:
    with toy_service(tmp_path) as toy, toy.connect() as connection:
        connection.send(
            GET[:-2].replace(b"%s", b"ws/echo") + b"Connection: Upgrade\r\nUpgrade: websocket\r\n"
            b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        )
        assert connection.until(b"\r\n\r\n").startswith(b"HTTP/1.1 101")
        status, seconds = toy.stop()
        assert connection.rest() == b"\x88\x02\x03\xe9"  # FIN and close, 1001 (RFC 6455 section 5)
    assert status == 0
    assert seconds < 5


def test_a_running_request_may_finish(tmp_path: Path) -> None:
    with toy_service(tmp_path) as toy, toy.connect() as connection:
        connection.send(GET % b"slow")
        toy.wait_for("running")
        assert toy.stop()[0] == 0
        answer = Answer.read(connection.rest())
    assert (answer.facts, answer.headers["connection"]) == ({"slow": True}, "close")


def test_a_request_that_does_not_finish_is_told_so_and_cancelled(tmp_path: Path) -> None:
    with toy_service(tmp_path, grace_seconds=0.2) as toy, toy.connect() as connection:
        connection.send(GET % b"wait")
        toy.wait_for("running")
        assert toy.stop()[0] == 0
        answer = Answer.read(connection.rest())
        assert toy.wait_for("closed")
    assert (answer.status, answer.facts["error_code"]) == (503, "STOPPING")


def test_an_answer_that_does_not_finish_is_cut_off_where_clients_notice(tmp_path: Path) -> None:
    with toy_service(tmp_path, grace_seconds=0.2) as toy, toy.connect() as connection:
        connection.send(GET % b"stream")
        connection.until(b"5\r\nfirst\r\n")
        assert toy.stop()[0] == 0
        assert connection.rest() == b""


def test_idle_connections_hold_nothing_up(tmp_path: Path) -> None:
    with toy_service(tmp_path) as toy, toy.connect() as silent, toy.connect() as kept:
        kept.send(GET % b"x")
        assert kept.answer().status == 200
        status, seconds = toy.stop()
        assert (silent.rest(), kept.rest(), status) == (b"", b"", 0)
    assert seconds < 2


def test_nothing_new_is_accepted_while_the_service_stops(tmp_path: Path) -> None:
    with toy_service(tmp_path) as toy, toy.connect() as connection:
        connection.send(GET % b"wait")
        toy.wait_for("running")
        toy.process.terminate()
        assert comes_true(lambda: refuses(toy.port), seconds=2)
        assert toy.process.poll() is None


@pytest.mark.parametrize("closing", ["hanging", "failing", "blocking"])
def test_what_cannot_be_closed_does_not_hold_the_end_up(tmp_path: Path, closing: str) -> None:
    with toy_service(tmp_path, closing=closing, grace_seconds=0.5) as toy:
        status, seconds = toy.stop()
    assert status == 0
    assert seconds < 4


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_second_signal_ends_at_once(tmp_path: Path, number: signal.Signals) -> None:
    with toy_service(tmp_path, closing="blocking", grace_seconds=60) as toy:
        toy.process.send_signal(number)
        toy.wait_for("closing")
        status, seconds = toy.stop(number)
    assert status == -number
    assert seconds < 2


def test_a_port_in_use_is_told_in_one_sentence_and_status_1(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        process = start_toy(tmp_path, port=port)
        output, error = process.communicate(timeout=PATIENCE)
    assert process.returncode == 1
    assert error.startswith(f"Port {port} of 127.0.0.1 is in use by another program; stop that")
    assert error.count("\n") == 1
    assert "closing" not in output


def test_an_address_of_another_machine_is_told_in_one_sentence(tmp_path: Path) -> None:
    process = start_toy(tmp_path, address="192.0.2.1", port=3142)
    _, error = process.communicate(timeout=PATIENCE)
    assert process.returncode == 1
    assert error.startswith("The service cannot listen on port 3142 of 192.0.2.1 (")
    assert error.count("\n") == 1


def test_the_port_is_free_again_at_once(tmp_path: Path) -> None:
    with toy_service(tmp_path) as toy, toy.connect() as connection:
        connection.send(GET % b"x")
        connection.answer()
        toy.stop()
    with toy_service(tmp_path, port=toy.port) as again:
        assert again.port == toy.port


def test_https_answers_beside_http(tmp_path: Path) -> None:
    with toy_service(tmp_path, https_port=0) as toy:
        trusted = ssl.create_default_context(
            cafile=tmp_path / "srv/rpi-sb-provisioner/tls/cert.pem"
        )
        assert [address.split(":")[0] for address in toy.addresses] == ["http", "https"]
        with urllib.request.urlopen(toy.addresses[1], timeout=PATIENCE, context=trusted) as answer:
            assert answer.status == 200


def test_websockets_over_tls_are_closed_with_1001(tmp_path: Path) -> None:
    with toy_service(tmp_path, https_port=0) as toy:
        trusted = ssl.create_default_context(
            cafile=tmp_path / "srv/rpi-sb-provisioner/tls/cert.pem"
        )
        address = toy.addresses[1].replace("https", "wss") + "/ws/ever"
        with connect(address, ssl=trusted) as websocket:
            toy.wait_for("running")
            toy.process.terminate()
            assert close_code(websocket) == 1001
            assert toy.process.wait(5) == 0


def test_without_a_certificate_http_goes_on_and_the_reason_is_told(tmp_path: Path) -> None:
    (tmp_path / "srv").write_text("in the way")
    with toy_service(tmp_path, https_port=0) as toy:
        assert [address.split(":")[0] for address in toy.addresses] == ["http"]
        assert "/srv/rpi-sb-provisioner/tls" in str(toy.said[0]["https_off"])
        assert str(tmp_path) not in str(toy.said[0]["https_off"])


def test_without_the_https_port_http_goes_on_and_the_reason_is_told(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with toy_service(tmp_path, https_port=port) as toy:
            assert str(toy.said[0]["https_off"]).startswith(f"Port {port} of 127.0.0.1 is in use")


async def test_an_event_ends_the_service_and_the_signals_stay_as_they_were(tmp_path: Path) -> None:
    stop, addresses, closed = asyncio.Event(), asyncio.Queue[list[str]](), asyncio.Event()
    before = [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)]

    async def before_close() -> None:
        closed.set()

    serving = asyncio.create_task(
        serve(
            toy,
            Listening(port=0, https_port=None),
            ready=addresses.put_nowait,
            before_close=before_close,
            tls=Certificates(HostPaths(tmp_path), "127.0.0.1", "", lambda: datetime.now(UTC)),
            https_off=pytest.fail,
            stop=stop,
        )
    )
    port = int((await asyncio.wait_for(addresses.get(), PATIENCE))[0].rsplit(":", 1)[1])
    assert [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)] == before
    stop.set()
    await asyncio.wait_for(serving, PATIENCE)
    assert closed.is_set()
    assert refuses(port)


def test_ipv6_is_listened_on(tmp_path: Path) -> None:
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError as error:
        pytest.skip(f"this machine has no IPv6 loopback: {error}")
    with toy_service(tmp_path, address="::1") as toy:
        with urllib.request.urlopen(toy.addresses[0], timeout=PATIENCE) as answer:
            assert answer.status == 200
        assert toy.addresses[0] == f"http://[::1]:{toy.port}"


def test_a_message_beyond_the_limit_closes_the_websocket_with_1009(tmp_path: Path) -> None:
    with toy_service(tmp_path) as toy, socket_to(toy, "/ws/echo") as websocket:
        websocket.send("x" * 1024 * 1024)
        assert len(websocket.recv(PATIENCE)) == 1024 * 1024
        websocket.send("x" * (1024 * 1024 + 1))
        assert close_code(websocket) == 1009


def test_a_text_that_is_no_utf_8_closes_the_websocket_with_1007_quietly(tmp_path: Path) -> None:
    with quiet_service(tmp_path) as toy, socket_to(toy, "/ws/echo") as websocket:
        websocket.socket.sendall(b"\x81\x82\0\0\0\0\xff\xfe")
        assert close_code(websocket) == 1007


def test_a_client_that_answers_no_ping_is_given_up(tmp_path: Path) -> None:
    limits = {"ping_seconds": 0.2, "pong_seconds": 0.2}
    with toy_service(tmp_path, limits=limits) as toy, toy.connect() as connection:
        connection.send(
            GET[:-2].replace(b"%s", b"ws/echo") + b"Connection: Upgrade\r\nUpgrade: websocket\r\n"
            b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        )
        connection.until(b"\r\n\r\n")
        frames = connection.rest()
    assert frames[0] == 0x89  # a ping (RFC 6455 section 5.5.2)
    assert frames[6:10] == b"\x88\x18\x03\xf3"  # then close, 1011


def test_no_compression_is_agreed_upon(tmp_path: Path) -> None:
    with toy_service(tmp_path) as toy, socket_to(toy, "/ws/echo") as websocket:
        assert websocket.response is not None
        assert "Sec-WebSocket-Extensions" not in websocket.response.headers


def refuses(port: int) -> bool:
    try:
        Connection(port).__exit__(None, None, None)
    except ConnectionRefusedError:
        return True
    return False


def comes_true(fact: Callable[[], bool], *, seconds: float) -> bool:
    end = time.monotonic() + seconds
    while not fact():
        if time.monotonic() > end:
            return False
        time.sleep(0.01)
    return True
