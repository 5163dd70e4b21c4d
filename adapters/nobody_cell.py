"""A cell for scripts: the user nobody in namespaces of its own, without network, capabilities or
a place of the station to write to (unshare(1), setpriv(1), prlimit(1))."""

import asyncio
import os
import shutil
import signal
from asyncio.subprocess import PIPE, STDOUT, Process
from contextlib import suppress
from pathlib import Path
from time import monotonic

from domain.customisation.dry_runs import DryRun, DryRunOrder, DryRunRefused

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
TOOLS = ("unshare", "setpriv", "prlimit", "mount", "env")
INNER = Path(__file__).with_name("nobody_cell.sh")
READY = b"ready\n"
LONGEST_REASON = 300
GRACE_SECONDS = 15.0
"""Beyond the script's own time: for making the cell on a busy machine, and for taking it down."""


class NobodyCell:
    """Satisfies `domain.customisation.dry_runs.Cell`."""

    async def run(self, order: DryRunOrder, *, seconds: float, most_bytes: int) -> DryRun:
        """Runs the script; everything that it has started ends with it."""
        _require_rights()
        reader, writer = os.pipe()
        os.set_blocking(reader, False)
        try:
            try:
                cell = await _started(order, writer)
            finally:
                os.close(writer)
            return await _watched(cell, order, reader, seconds=seconds, most_bytes=most_bytes)
        finally:
            os.close(reader)


def _require_rights() -> None:
    if os.geteuid() != 0:
        raise DryRunRefused("The service does not run as root, so it cannot become nobody.")
    missing = [tool for tool in TOOLS if shutil.which(tool, path=PATH) is None]
    if missing:
        raise DryRunRefused(f"{', '.join(missing)} is not installed; a cell cannot be made.")


async def _started(order: DryRunOrder, writer: int) -> Process:
    command = [
        *("unshare", "--net", "--mount", "--pid", "--ipc", "--uts", "--fork", "--kill-child"),
        *("--mount-proc", "--propagation", "private", "--"),
        *("sh", str(INNER), str(writer), order.filename),
        *(str(len(order.hidden)), *order.hidden, str(len(order.environment))),
        *(f"{name}={value}" for name, value in order.environment.items()),
        *order.arguments,
    ]
    try:
        return await asyncio.create_subprocess_exec(
            *command,
            stdin=PIPE,
            stdout=PIPE,
            stderr=STDOUT,
            cwd="/",
            env={"PATH": PATH, "LC_ALL": "C.UTF-8"},
            pass_fds=(writer,),
            start_new_session=True,
        )
    except OSError as error:
        raise DryRunRefused(f"The cell cannot be made: {error.strerror}.") from error


async def _watched(
    cell: Process, order: DryRunOrder, reader: int, *, seconds: float, most_bytes: int
) -> DryRun:
    output, began, late = bytearray(), monotonic(), False
    try:
        async with asyncio.timeout(seconds + GRACE_SECONDS), asyncio.TaskGroup() as tasks:
            tasks.create_task(_give(cell, order.content))
            tasks.create_task(_take(cell, output, most_bytes))
            stopping = tasks.create_task(_stopped_after(cell, reader, seconds))
            await cell.wait()
            late = stopping.done()
            stopping.cancel()
    except TimeoutError:
        late = True
    finally:
        _kill(cell)
        await cell.wait()
    text = bytes(output[:most_bytes]).decode("utf-8", "replace")
    if not _is_ready(reader):
        reason = text.strip()[:LONGEST_REASON] or "it ended at once"
        raise DryRunRefused(f"The cell cannot be made: {reason}.")
    return DryRun(
        arguments=order.arguments,
        exit_status=None if late else cell.returncode,
        seconds=monotonic() - began,
        output=text,
        cut=len(output) > most_bytes,
    )


def _is_ready(reader: int) -> bool:
    try:
        return os.read(reader, len(READY)) == READY
    except BlockingIOError:
        return False


async def _give(cell: Process, content: bytes) -> None:
    if cell.stdin is None:
        return
    with suppress(BrokenPipeError, ConnectionResetError):
        cell.stdin.write(content)
        await cell.stdin.drain()
    cell.stdin.close()


async def _take(cell: Process, output: bytearray, most_bytes: int) -> None:
    # All is read, or a full pipe would hold up the script; what is too much is thrown away.
    while cell.stdout is not None and (part := await cell.stdout.read(1 << 16)):
        output += part[: max(0, most_bytes + 1 - len(output))]


async def _stopped_after(cell: Process, reader: int, seconds: float) -> None:
    # The script's time begins when its cell is complete, or gone.
    complete, loop = asyncio.Event(), asyncio.get_running_loop()
    loop.add_reader(reader, complete.set)
    try:
        await complete.wait()
    finally:
        loop.remove_reader(reader)
    await asyncio.sleep(seconds)
    _kill(cell)


def _kill(cell: Process) -> None:
    # The first process of the namespace dies with unshare, and takes all others along.
    if cell.returncode is None:
        with suppress(ProcessLookupError):
            os.killpg(cell.pid, signal.SIGKILL)
