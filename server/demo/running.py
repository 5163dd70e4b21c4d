"""`provisioner-service demo`: the service on a throw-away station whose line runs."""

import asyncio
import contextlib
import logging
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from domain.errors import ProvisionerError, Unavailable
from server.background import Background
from server.demo.generator import GENERATOR, Generator
from server.demo.journal_file import PACKAGE, JournalFile, can_write_journals
from server.demo.line import Line
from server.demo.notices import Notices
from server.demo.security import PACKAGE as SOFT_TOKENS
from server.demo.security import build_token, can_make_tokens, secured, wrap_key
from server.demo.station import DemoStation, build_station, things_to_try, write_past
from server.running import run_service
from server.settings import Settings

REMOVE_SECONDS = 2.0
_log = logging.getLogger("provisioner.demo")


class DemoFolderUnusable(Unavailable):
    """Nothing can be written into the folder for a simulated station."""

    code = "DEMO_FOLDER_UNUSABLE"
    title = "Folder Unusable"
    meaning = "The folder for a simulated station cannot be made or written."
    remedy = "Name another folder."


@dataclass(frozen=True, slots=True)
class Demo:
    """What is asked of a demo: how many times faster than a real station its line runs, which of
    all possible lines it is, and a folder to keep, None for one that is removed at the end."""

    speed: float = 10.0
    seed: int = 1
    keep: Path | None = None


async def run_demo(settings: Settings, demo: Demo) -> None:
    """Builds the station, runs service and line until SIGTERM or SIGINT, and removes it all.

    Raises `DemoFolderNotEmpty`, `DemoFolderUnusable`, and what `run_service` raises.
    """
    async with AsyncExitStack() as stack:
        folder = stack.enter_context(_folder(demo.keep))
        station = _build(folder, demo.seed)
        await _write_journal(station, stack)
        stack.enter_context(secured(station.paths))
        await asyncio.to_thread(wrap_key, station.paths, station.key.path)
        await _build_token(station)
        notices = Notices(station.paths)
        background = Background()
        stack.push_async_callback(background.aclose)
        generator = Generator(station.paths, station.host, station.key, speed=demo.speed)
        stack.callback(generator.close)
        station.host.units.offer(GENERATOR.prefix, generator.start)
        line = Line(station, speed=demo.speed, notify=notices.post)
        await run_service(
            replace(settings, root=folder, https=False, log_level=_level(settings)),
            announce=partial(_begin, folder, line, notices, background),
            simulated_units=station.host.units,
        )


def _build(folder: Path, seed: int) -> DemoStation:
    try:
        return build_station(folder, now=datetime.now(UTC), seed=seed)
    except OSError as error:
        message = f"No station can be simulated in {folder}: {error.strerror}."
        raise DemoFolderUnusable(message) from error


def _level(settings: Settings) -> str:
    """The line makes requests all the time: what went well is told only when asked for."""
    return "warn" if settings.source("log_level") == "default" else settings.log_level


def _begin(
    folder: Path, line: Line, notices: Notices, background: Background, addresses: list[str]
) -> None:
    notices.base_url = addresses[0]
    background.run("the simulated line", line.run)
    place = f"at {addresses[0]} with its files in {folder}"
    text = f"A simulated station runs {place} (Ctrl+C ends it). Try:"
    sys.stdout.write("\n".join([text, "", *things_to_try(addresses[0]), ""]))
    sys.stdout.flush()


@contextlib.contextmanager
def _folder(keep: Path | None) -> Iterator[Path]:
    if keep is not None:
        yield keep.absolute()
        return
    folder = Path(tempfile.mkdtemp(prefix="provisioner-demo-"))
    try:
        yield folder
    finally:
        _remove(folder)


def _remove(folder: Path) -> None:
    """Removes the folder; when that takes long, since the line ran for long, another process
    ends it after this one."""
    removing = subprocess.Popen(["rm", "-rf", "--", folder], start_new_session=True)  # noqa: S607
    with contextlib.suppress(subprocess.TimeoutExpired):
        removing.wait(REMOVE_SECONDS)


async def _build_token(station: DemoStation) -> None:
    if not can_make_tokens():
        sys.stderr.write(f"No token is simulated: install the Debian package {SOFT_TOKENS}.\n")
        return
    try:
        await build_token(station.paths)
    except (OSError, subprocess.SubprocessError, ProvisionerError) as error:
        _log.warning("no token is simulated: %s", error)


async def _write_journal(station: DemoStation, stack: AsyncExitStack) -> None:
    if not can_write_journals():
        sys.stderr.write(f"No journal is simulated: install the Debian package {PACKAGE}.\n")
        return
    try:
        write_past(station)
        journal = await JournalFile.open(station.paths)
    except (OSError, subprocess.SubprocessError) as error:
        _log.warning("no journal is simulated: %s", error)
        return
    stack.push_async_callback(journal.aclose)
    station.host.journal.feed_to(journal.feed)
