"""The journal file of the simulated host, written by systemd's own systemd-journal-remote."""

import asyncio
import contextlib
import subprocess
from pathlib import Path

from domain.host_paths import HostPaths
from server.demo.configuration import MACHINE_ID

TOOL = Path("/lib/systemd/systemd-journal-remote")
PACKAGE = "systemd-journal-remote"
LONGEST_WRITE = 10.0
STOP_SECONDS = 1.0
MOST_WAITING = 4 * 2**20
"""Bytes that wait for the tool; it has stopped reading when there are more."""


def journal_file(paths: HostPaths) -> Path:
    """Returns where the journal's file is."""
    return paths.real(f"/var/log/journal/{MACHINE_ID}/system.journal")


def can_write_journals() -> bool:
    """Whether the tool is there."""
    return TOOL.exists()


def write_entries(paths: HostPaths, entries: bytes) -> None:
    """Appends entries to the file; raises OSError and subprocess.SubprocessError."""
    command = _command(journal_file(paths))
    subprocess.run(command, input=entries, capture_output=True, check=True, timeout=LONGEST_WRITE)


class JournalFile:
    """Appends entries while they come, through a child process that ends with this one."""

    def __init__(self, process: asyncio.subprocess.Process, entrance: asyncio.StreamWriter) -> None:
        self._process = process
        self._entrance = entrance
        self._loop = asyncio.get_running_loop()

    @classmethod
    async def open(cls, paths: HostPaths) -> "JournalFile":
        """Starts the tool; raises OSError."""
        null = asyncio.subprocess.DEVNULL
        process = await asyncio.create_subprocess_exec(
            *_command(journal_file(paths)), stdin=asyncio.subprocess.PIPE, stdout=null, stderr=null
        )
        if process.stdin is None:
            raise OSError("the tool has no standard input")
        return cls(process, process.stdin)

    def feed(self, entries: bytes) -> None:
        """Appends entries; called from any thread, and never waits."""
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._write, entries)

    async def aclose(self) -> None:
        """Lets the tool finish the file, and ends it if that takes too long."""
        self._entrance.close()
        try:
            async with asyncio.timeout(STOP_SECONDS):
                await self._process.wait()
        except TimeoutError:
            self.kill()
            await self._process.wait()

    def kill(self) -> None:
        """Ends the tool at once."""
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()

    def _write(self, entries: bytes) -> None:
        transport = self._entrance.transport
        if transport.is_closing() or transport.get_write_buffer_size() > MOST_WAITING:
            return
        self._entrance.write(entries)


def _command(file: Path) -> list[str]:
    return [str(TOOL), "-o", str(file), "-"]
