"""Runs of hooks, real and tried, as GraphQL clients see them."""

from datetime import datetime
from typing import Annotated

import strawberry

from domain.customisation import hook_lines as domain
from domain.customisation.dry_runs import DryRun
from domain.customisation.hook_lines import HookOutcome
from domain.customisation.hook_runs import ORDER, DeviceHook
from domain.customisation.hooks import Provisioner, Stage
from domain.paging import page_request
from resolvers.hook_runs import dry_run_script, list_device_hooks, page_hook_runs
from schema.connections import Connection, connection
from schema.context import Info, who
from schema.customisation.scripts import NAME
from schema.enums import describe_enum
from schema.errors import Problem, Problems

describe_enum(
    HookOutcome,
    description="How a run of a hook ended.",
    values={
        HookOutcome.SUCCEEDED: "The script ended with status 0.",
        HookOutcome.FAILED: "The script ended with another status.",
        HookOutcome.SKIPPED: "The script was disabled, so it was not run.",
    },
)


@strawberry.type(
    description="One run of a hook, as the journal and the device's provisioner log show it. What "
    "the script printed is in the unit's journal between `startedAt` and `endedAt`."
)
class HookRun:
    """A run."""

    name: str = strawberry.field(description="The hook point's name.")
    provisioner: Provisioner = strawberry.field(description="Whose run.")
    stage: Stage = strawberry.field(description="Which moment of it.")
    unit: str = strawberry.field(description="The unit that ran it.")
    serial: str | None = strawberry.field(
        description="The board's serial; null where the unit's name does not tell it (bootstrap)."
    )
    invocation: str | None = strawberry.field(
        description="Which run of the unit, 32 hex digits; null where nobody wrote it down."
    )
    started_at: datetime | None = strawberry.field(
        description="When it began; null where nothing tells that any more."
    )
    ended_at: datetime | None = strawberry.field(
        description="When it ended; null where nothing tells that."
    )
    seconds: float | None = strawberry.field(
        description="How long it took; null where one of its ends is not told."
    )
    outcome: HookOutcome | None = strawberry.field(
        description="How it ended; null where nothing was written down: it still runs, or the "
        "unit ended with it. The unit's result tells more."
    )
    exit_status: int | None = strawberry.field(
        description="The script's exit status; null where nothing was written down."
    )


@strawberry.type(description="A hook point and what it did for one board.")
class DeviceHookState:
    """A hook point of a device."""

    name: str = strawberry.field(description="The hook point's name.")
    provisioner: Provisioner = strawberry.field(description="Whose run.")
    stage: Stage = strawberry.field(description="Which moment of it.")
    last_run: HookRun | None = strawberry.field(
        description="Its newest run for this board; null where nothing was recorded."
    )


@strawberry.type(
    description="How a script went that was tried as the user nobody, without a network."
)
class ScriptDryRun:
    """A dry run."""

    arguments: list[str] = strawberry.field(description="The sample arguments it was given.")
    exit_status: int | None = strawberry.field(
        description="Its exit status, from 129 on a signal's number and 128; null where it was "
        "stopped because it took too long."
    )
    timed_out: bool = strawberry.field(description="Whether it was stopped.")
    seconds: float = strawberry.field(description="How long it took, its cell included.")
    output: str = strawberry.field(description="What it printed, both streams together.")
    output_cut: bool = strawberry.field(description="Whether it printed more than is kept.")


@strawberry.input(description="Which script to try.")
class DryRunScriptInput:
    """Input of `dryRunScript`."""

    name: str = strawberry.field(description=NAME)
    content: str | None = strawberry.field(
        default=None,
        description="A text that is tried in its place, saved or not; null: what lies there, or "
        "the template.",
    )


DryRunScriptResult = Annotated[
    ScriptDryRun | Problem,
    strawberry.union("DryRunScriptResult", description="How it went, or why it was not run."),
]


def _run(run: domain.HookRun) -> HookRun:
    return HookRun(
        name=run.hook.name,
        provisioner=run.hook.provisioner,
        stage=run.hook.stage,
        unit=run.unit,
        serial=run.serial,
        invocation=run.invocation,
        started_at=run.started_at,
        ended_at=run.ended_at,
        seconds=run.seconds,
        outcome=run.outcome,
        exit_status=run.exit_status,
    )


def _state(state: DeviceHook) -> DeviceHookState:
    return DeviceHookState(
        name=state.hook.name,
        provisioner=state.hook.provisioner,
        stage=state.hook.stage,
        last_run=None if state.last_run is None else _run(state.last_run),
    )


def _dry_run(done: DryRun) -> ScriptDryRun:
    return ScriptDryRun(
        arguments=list(done.arguments),
        exit_status=done.exit_status,
        timed_out=done.exit_status is None,
        seconds=done.seconds,
        output=done.output,
        output_cut=done.cut,
    )


@strawberry.type
class HookRunQueries:
    """Root fields about runs of hooks."""

    @strawberry.field(
        description="The runs of hooks that the journal and the devices' logs tell of, the newest "
        "first; the 50 units and the 50 logs with the newest lines are looked at."
    )
    async def hook_runs(
        self,
        info: Info,
        hook: Annotated[
            str | None, strawberry.argument(description="Only of this hook point, by its name.")
        ] = None,
        serial: Annotated[
            str | None,
            strawberry.argument(description="Only for this board, by a serial of either length."),
        ] = None,
        first: Annotated[
            int | None, strawberry.argument(description="How many, from the beginning on.")
        ] = None,
        after: Annotated[
            str | None, strawberry.argument(description="The cursor after which to begin.")
        ] = None,
        last: Annotated[
            int | None, strawberry.argument(description="How many, up to the end.")
        ] = None,
        before: Annotated[
            str | None, strawberry.argument(description="The cursor before which to end.")
        ] = None,
    ) -> Connection[HookRun]:
        """Resolves a page."""
        page = page_request(ORDER, first=first, after=after, last=last, before=before)
        found = await page_hook_runs(*who(info), page=page, name=hook, serial=serial)
        return connection(found, _run)

    @strawberry.field(
        description="Every hook point with its newest run for one board. Bootstrap knows no "
        "serial: its hooks have no run here, see `hookRuns`."
    )
    async def device_hooks(
        self,
        info: Info,
        serial: Annotated[
            str, strawberry.argument(description="The board's serial, of either length.")
        ],
    ) -> list[DeviceHookState]:
        """Resolves the hook points."""
        return [_state(state) for state in await list_device_hooks(*who(info), serial=serial)]


@strawberry.type
class DryRunMutations:
    """Trying a script."""

    @strawberry.mutation(
        description="Tries a script with sample arguments, as the user nobody, without a network "
        "and for 10 s at most (role engineer). Nothing of the station is shown to it.",
        extensions=[Problems()],
    )
    async def dry_run_script(
        self,
        info: Info,
        input: Annotated[DryRunScriptInput, strawberry.argument(description="Which script.")],
    ) -> DryRunScriptResult:
        """Tries."""
        return _dry_run(await dry_run_script(*who(info), name=input.name, content=input.content))
