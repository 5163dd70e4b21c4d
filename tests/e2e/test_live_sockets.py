"""The legacy WebSocket and the scripts' announcements over real connections."""

import json
import shutil
import subprocess
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from tests.e2e.process import Program
from tests.fakes.usb import BOARD
from tests.surfaces.jig import build_jig


def opened(program: Program, path: str = "/ws/devices") -> ClientConnection:
    return connect(program.base.replace("http", "ws", 1) + path, compression=None, open_timeout=10)


def frame(socket: ClientConnection) -> Any:
    return json.loads(socket.recv(timeout=10))


def test_a_plug_is_pushed_and_sigterm_closes_with_1001(tmp_path: Path) -> None:
    sysfs = build_jig(tmp_path)
    with Program(tmp_path) as program, opened(program) as socket:
        first = frame(socket)
        socket.send("anything")
        sysfs.plug("1-1.2", **BOARD, serial="a0b0c0d0")
        pushed = frame(socket)
        status = program.stop()
        with pytest.raises(ConnectionClosed) as closed:
            socket.recv(timeout=10)
    assert first["type"] == "topology"
    assert {n["id"]: n.get("serial") for n in pushed["nodes"]}["1-1.2"] == "a0b0c0d0"
    assert (closed.value.rcvd.code if closed.value.rcvd else None, status) == (1001, 0)


def test_garbage_and_floods_harm_only_their_sender(tmp_path: Path) -> None:
    sysfs = build_jig(tmp_path)
    with (
        Program(tmp_path) as program,
        opened(program) as good,
        opened(program) as flood,
        opened(program) as large,
        opened(program) as broken,
    ):
        frame(good)
        before = program.memory()
        for number in range(3000):
            flood.send(b"\x00\xff" * 50 if number % 2 else "[1, 2, 3]" * 20)
        large.send("x" * (128 * 1024 + 1))
        # A frame with reserved bits set, which no client may send (RFC 6455 section 5.2).
        broken.socket.sendall(b"\xf1\x80\x00\x00\x00\x00")
        codes = [closing_code(socket) for socket in (large, broken)]
        sysfs.plug("1-1.2", **BOARD, serial="a0b0c0d0")
        told = [shown(good), shown(flood)]
        grown = program.memory() - before
    assert codes == [1009, 1002]
    assert [{n["id"] for n in one["nodes"]} >= {"1-1.2"} for one in told] == [True, True]
    assert grown < 16


def closing_code(socket: ClientConnection) -> int | None:
    """Returns with which code the service closes the socket."""
    with suppress(ConnectionClosed):
        while True:
            socket.recv(timeout=10)
    return socket.protocol.close_code


def shown(socket: ClientConnection) -> Any:
    """Returns the first frame that shows the board."""
    while True:
        told = frame(socket)
        if any(node.get("serial") for node in told["nodes"]):
            return told


def test_an_unknown_socket_is_refused_with_404_and_is_no_error_of_the_service(
    tmp_path: Path,
) -> None:
    with Program(tmp_path) as program:
        with pytest.raises(InvalidStatus) as refused, opened(program, "/ws/none"):
            pytest.fail("the handshake went through")
        assert program.stop() == 0
    assert refused.value.response.status_code == 404
    levels = [json.loads(line)["level"] for line in _log(tmp_path).splitlines()]
    assert "error" not in levels


def _log(root: Path) -> str:
    return (root / "service.log").read_text()


@pytest.mark.real
def test_curl_announces_a_row_as_the_scripts_do(tmp_path: Path) -> None:
    curl = shutil.which("curl")
    if curl is None:
        pytest.skip("needs the scripts' client: Debian package curl")
    with Program(tmp_path) as program:
        file = tmp_path / "run/rpi-sb-provisioner/internal.token"
        url = f"{program.base}/internal/state-changed"
        # Neither a body nor a Content-Length, and no more than a second (contract devices 6.9).
        command = [curl, "-sf", "--max-time", "1", "-X", "POST", "-o", "-", "-w", "%{http_code}"]
        header = f"X-Internal-Token: {file.read_text()}"
        told = subprocess.run([*command, "-H", header, url], capture_output=True, check=False)
        refused = subprocess.run([*command, url], capture_output=True, check=False)
    assert (told.returncode, told.stdout) == (0, b"204")
    assert (refused.returncode, refused.stdout[-3:]) == (22, b"404")
