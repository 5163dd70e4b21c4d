"""The real program in a process of its own, over a throw-away station."""

import os
import signal
import subprocess
import sys
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

import orjson

PATIENCE = 30.0
"""Seconds until a start or a stop that takes longer counts as failed."""
NO_BUS = "unix:path=/nonexistent/bus"


@dataclass
class Program:
    """`with Program(root) as program:` starts it on a free port and ends it."""

    root: Path
    flags: tuple[str, ...] = ("--disable-https",)

    def __enter__(self) -> "Program":
        command = [sys.executable, "-m", "server.main", "serve", "--root", str(self.root)]
        self.log = (self.root / "service.log").open("wb")
        self.process = subprocess.Popen(
            [*command, "--port", "0", *self.flags],
            env={**os.environ, "DBUS_SYSTEM_BUS_ADDRESS": NO_BUS, "TZ": "UTC"},
            stdout=self.log,
            stderr=self.log,
            cwd=Path(__file__).parents[2],
        )
        self.base = self._address()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.log.close()

    def _address(self) -> str:
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end and self.process.poll() is None:
            for line in (self.root / "service.log").read_bytes().splitlines():
                if b"listening on " in line:
                    message = str(orjson.loads(line)["message"])
                    return message.removeprefix("listening on ").split(",")[0]
            time.sleep(0.02)
        raise AssertionError((self.root / "service.log").read_text())

    def graphql(self, query: str) -> dict[str, object]:
        """Returns the data of a GraphQL answer."""
        request = urllib.request.Request(
            self.base + "/graphql",
            orjson.dumps({"query": query}),
            {"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=10) as answer:
            data: dict[str, object] = orjson.loads(answer.read())["data"]
        return data

    def get(self, path: str) -> bytes:
        """Returns the body of an answer."""
        with urllib.request.urlopen(self.base + path, timeout=10) as answer:
            body: bytes = answer.read()
        return body

    def memory(self) -> float:
        """Returns the memory that it holds, in MiB."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        line = next(line for line in status.splitlines() if line.startswith("VmRSS"))
        return int(line.split()[1]) / 1024

    def stop(self) -> int:
        """Sends SIGTERM and returns the exit status."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(PATIENCE)
