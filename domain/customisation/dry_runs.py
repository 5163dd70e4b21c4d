"""Dry runs: a script is tried with sample arguments, where it can do no harm."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from domain.customisation.arguments import arguments_of, environment_of
from domain.customisation.hidden_places import HiddenPlaces
from domain.customisation.hooks import Hook
from domain.customisation.names import ScriptName
from domain.customisation.refusals import MOST_BYTES, ScriptTooLarge
from domain.customisation.script_folder import ScriptFolder
from domain.customisation.scripts import Scripts
from domain.errors import Conflict, Unavailable
from domain.file_accesses import FileAccess

LIMIT_SECONDS = 10.0
MOST_OUTPUT = 64 << 10
"""Bytes of its output that are kept."""


class DryRunRefused(Unavailable):
    """The script cannot be shut in on this machine, so it is not run."""

    code = "SCRIPT_DRY_RUN_UNAVAILABLE"
    title = "Dry Run Unavailable"
    meaning = (
        "A script is only tried as the user nobody, in namespaces of its own without a network; "
        "this machine or the service's rights do not allow that."
    )
    remedy = "Run the service as root with util-linux installed; or try the script elsewhere."


class DryRunBusy(Conflict):
    """Another script is being tried."""

    code = "SCRIPT_DRY_RUN_BUSY"
    title = "Dry Run Busy"
    meaning = "One script is tried at a time."
    remedy = f"Try again; a dry run ends after {LIMIT_SECONDS:g} s at the latest."


@dataclass(frozen=True, slots=True)
class DryRunOrder:
    """What to run: a file of this name and content, with nothing but these arguments and this
    environment. `hidden` are the places of this machine, without links, that it must not see."""

    filename: str
    content: bytes
    arguments: tuple[str, ...]
    environment: Mapping[str, str]
    hidden: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class DryRun:
    """How it went. `exit_status` is None where it was stopped because it took too long; from 129
    on it is a signal's number and 128. `cut` says that there was more output."""

    arguments: tuple[str, ...]
    exit_status: int | None
    seconds: float
    output: str
    cut: bool


class Cell(Protocol):
    """Where scripts are shut in."""

    async def run(self, order: DryRunOrder, *, seconds: float, most_bytes: int) -> DryRun:
        """Runs it for so long, keeping so much of its output; raises `DryRunRefused`."""


class DryRuns:
    """Tries scripts, one at a time."""

    def __init__(
        self, folder: ScriptFolder, scripts: Scripts, cell: Cell, hidden: HiddenPlaces
    ) -> None:
        self._folder = folder
        self._scripts = scripts
        self._cell = cell
        self._hidden = hidden
        self._turn = asyncio.Lock()

    async def run(self, name: ScriptName, content: bytes | None, *, note: FileAccess) -> DryRun:
        """Tries `content` as if it were the script of this hook point, without it what lies
        there.

        Raises `ScriptNameInvalid`, `ScriptUnreadable`, `ScriptTooLarge`, `DryRunBusy`,
        `DryRunRefused` and `ConfigUnreadable`.
        """
        hook = name.hook
        if content is None:
            content = (await self._scripts.get(name)).content
        if len(content) > MOST_BYTES:
            raise ScriptTooLarge(f"At most {MOST_BYTES} bytes are tried.", field="content")
        if self._turn.locked():
            raise DryRunBusy("Another script is being tried just now; try again in some seconds.")
        async with self._turn:
            order = order_of(hook, content, hidden=await self._hidden.list_all())
            done = await self._cell.run(order, seconds=LIMIT_SECONDS, most_bytes=MOST_OUTPUT)
        ended = "stopped" if done.exit_status is None else f"exit status {done.exit_status}"
        note("DRY_RUN_SCRIPT", self._folder.path(hook.filename), info=f"as nobody: {ended}")
        return done


def order_of(hook: Hook, content: bytes, *, hidden: tuple[str, ...] = ()) -> DryRunOrder:
    """Returns a run of a hook point with its sample arguments and its sample environment."""
    return DryRunOrder(
        filename=hook.filename,
        content=content,
        arguments=tuple(argument.sample for argument in arguments_of(hook)),
        environment={variable.name: variable.sample for variable in environment_of(hook)},
        hidden=hidden,
    )
