"""The service's end of the pipes to a child process that speaks to the system bus."""

import asyncio
import json
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

Plain = None | bool | int | float | str | list["Plain"] | dict[str, "Plain"]
Line = Mapping[str, Plain]

CHILD = Path(__file__).with_name("systemd_child.py")
LONGEST_LINE = 16 * 2**20
"""Bytes; a listing of 500 units has about 100,000."""
GRACE = 1.0
"""Seconds for a child to end by itself."""
KILLED_WITHIN = 2.0
"""Seconds until a killed child that the kernel still holds is left to it."""


class ChildGone(Exception):
    """The child ended, or could not be started."""


class BusPipe:
    """One child: `adapters/systemd_child.py` tells what it reads and says."""

    def __init__(self, child: Process) -> None:
        self._child = child

    @classmethod
    async def open(cls, purpose: str, address: str | None, *, limit: float) -> "BusPipe":
        """Starts a child for `calls` or `signals` on the bus at `address`, None for the system
        bus; raises `ChildGone`.

        `limit` is the seconds of a call; after twice as long a child that lost its service ends.
        """
        # -P: the child's folder holds modules with the names of libraries.
        command = (sys.executable, "-P", str(CHILD), purpose, address or "", f"{limit:f}")
        try:
            child = await asyncio.create_subprocess_exec(
                *command, stdin=PIPE, stdout=PIPE, limit=LONGEST_LINE, start_new_session=True
            )
        except OSError as error:
            raise ChildGone("the child could not be started") from error
        return cls(child)

    def send(self, request: Line) -> None:
        """Gives the child a request; never waits. Raises `ChildGone`."""
        if self._child.stdin is None:
            return
        try:
            self._child.stdin.write(json.dumps(request).encode() + b"\n")
        except RuntimeError as error:
            # uvloop, unlike asyncio's own loop, refuses to write where nobody reads any more.
            raise ChildGone("the child ended") from error

    async def receive(self) -> Line:
        """Returns the child's next line; raises `ChildGone` when there will be none."""
        raw = b"" if self._child.stdout is None else await self._child.stdout.readline()
        if not raw.endswith(b"\n"):
            raise ChildGone("the child ended")
        line: Line = json.loads(raw)
        return line

    def kill(self) -> None:
        """Ends the child whatever it hangs in."""
        # asyncio's own kill asks for the exit status first, and then its watcher finds none.
        if self._child.returncode is None:
            with suppress(ProcessLookupError):
                os.kill(self._child.pid, signal.SIGKILL)

    async def close(self) -> None:
        """Ends the child, which ends itself with its input unless it hangs; takes
        `GRACE` + `KILLED_WITHIN` seconds at most."""
        if self._child.stdin is not None:
            self._child.stdin.close()
        # A signal to a child that just ended would be a race with asyncio over its exit status.
        if await self._ended_within(GRACE):
            return
        self.kill()
        await self._ended_within(KILLED_WITHIN)

    async def _ended_within(self, seconds: float) -> bool:
        try:
            await asyncio.wait_for(self._child.wait(), seconds)
        except TimeoutError:
            return False
        return True
