"""A graphql-ws client of the line that is cut off and comes back misses nothing."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.node import client_command
from tests.e2e.process import Program
from tests.fakes.usb import BOARD
from tests.surfaces.jig import build_jig
from tests.surfaces.test_story import write_row

FIRST, SECOND = "a0b0c0d0", "a0b0c0d1"


class Follower:
    """The client in a process of its own; what it knows by its frames alone."""

    def __init__(self, program: Program) -> None:
        self.snapshots: list[str] = []
        self.nodes: dict[str, Any] = {}
        self.devices: dict[str, Any] = {}
        self.process = subprocess.Popen(
            client_command("line.mjs", f"ws{program.base[4:]}/graphql"),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> "Follower":
        return self

    def __exit__(self, *exception: object) -> None:
        self.process.communicate(timeout=10)

    def until(self, seen: Callable[[], bool]) -> None:
        """Takes frames until what they told is as wanted."""
        assert self.process.stdout is not None
        while not seen():
            told = json.loads(self.process.stdout.readline())
            self._take(told["name"], told["frame"])

    def state(self, serial: str) -> str | None:
        known: str | None = self.devices.get(serial, {}).get("state")
        return known

    def plugged(self, path: str) -> str | None:
        known: str | None = self.nodes.get(path, {}).get("serial")
        return known

    def _take(self, name: str, frame: Any) -> None:
        known = self.nodes if name == "topologyChanges" else self.devices
        if frame["snapshot"]:
            self.snapshots.append(name)
            known.clear()
        for node in frame.get("nodes", ()):
            self.nodes[node["id"]] = node
        for id in frame.get("removedNodes", ()):
            self.nodes.pop(id, None)
        for device in frame.get("devices", ()):
            self.devices[device["serial"]] = device


@pytest.mark.real
def test_a_client_that_is_cut_off_and_comes_back_misses_nothing(tmp_path: Path) -> None:
    sysfs = build_jig(tmp_path)
    with Program(tmp_path) as program, Follower(program) as client:
        client.until(lambda: len(client.snapshots) == 2)
        sysfs.plug("1-1.2", **BOARD, serial=FIRST)
        write_row(tmp_path, FIRST, "1-1.2", "BOOTSTRAP-STARTED")
        client.until(lambda: client.state(FIRST) == "BOOTSTRAP-STARTED")
        client.until(lambda: client.plugged("1-1.2") == FIRST)
        program.process.kill()
        program.process.wait()
        # What happens while nobody serves.
        sysfs.plug("3-1", **BOARD, serial=SECOND)
        sysfs.pull("1-1.2")
        write_row(tmp_path, FIRST, "1-1.2", "BOOTSTRAP-ABORTED")
        write_row(tmp_path, SECOND, "3-1", "BOOTSTRAP-STARTED")
        port = program.base.rsplit(":", 1)[1]
        with Program(tmp_path, ("--disable-https", "--port", port)):
            client.until(lambda: client.state(SECOND) == "BOOTSTRAP-STARTED")
            client.until(lambda: client.plugged("3-1") == SECOND)
            write_row(tmp_path, SECOND, "3-1", "bootstrap-firmware-updated")
            client.until(lambda: client.state(SECOND) == "bootstrap-firmware-updated")
    # At least: a frame that was too much at once is followed by a snapshot too.
    assert all(client.snapshots.count(name) >= 2 for name in ("deviceChanges", "topologyChanges"))
    assert client.state(FIRST) == "BOOTSTRAP-ABORTED"
    assert client.plugged("1-1.2") is None
