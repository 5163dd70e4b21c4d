"""The runs of a unit as GraphQL clients see them."""

from datetime import datetime

import strawberry

from domain.services.runs import RunOutcome
from domain.services.runs import UnitRun as Run
from schema.enums import describe_enum

describe_enum(
    RunOutcome,
    name="UnitRunOutcome",
    description="How a run of a unit ended.",
    values={
        RunOutcome.RUNNING: "It has not ended.",
        RunOutcome.SUCCEEDED: "systemd wrote that it ended well.",
        RunOutcome.FAILED: "systemd wrote that it failed.",
        RunOutcome.INTERRUPTED: "Nobody wrote its end and the station has started again since: the "
        "power was cut, or the station was stopped hard.",
        RunOutcome.UNKNOWN: "The journal tells no end, and systemd knows nothing of it or cannot "
        "be asked.",
    },
)


@strawberry.type(description="One run of a unit, from its start to its end.")
class UnitRun:
    """A run."""

    invocation_id: str = strawberry.field(
        description="systemd's number of the run; good for the journal's filter."
    )
    boot_id: str | None = strawberry.field(
        description="The boot in which it ran; null while only systemd knows of the run."
    )
    started_at: datetime | None = strawberry.field(
        description="When it was started; null where nobody knows."
    )
    ready_at: datetime | None = strawberry.field(
        description="When systemd counted it as started (a unit of type oneshot: as finished); "
        "null where it never came to that."
    )
    ended_at: datetime | None = strawberry.field(
        description="When it ended; null while it runs, and where nobody wrote it down."
    )
    seconds: float | None = strawberry.field(
        description="How long it took; null where its start or its end is not known."
    )
    outcome: RunOutcome = strawberry.field(description="How it ended.")
    result: str | None = strawberry.field(
        description="systemd's word for it: success, exit-code, signal, timeout, ...; null where "
        "there is none."
    )
    job_result: str | None = strawberry.field(
        description="systemd's word for the start alone: done, failed, timeout, ...; null where "
        "there is none."
    )
    exit_code: str | None = strawberry.field(
        description="How the main process ended: exited, killed or dumped; null where nobody wrote "
        "it down."
    )
    exit_status: int | None = strawberry.field(
        description="The exit status of the main process, or the number of the signal that ended "
        "it; null where nobody wrote it down."
    )
    failure: str | None = strawberry.field(
        description="systemd's sentence about the failure; null where there is none."
    )


def run_of(run: Run) -> UnitRun:
    """Returns the run as clients see it."""
    return UnitRun(
        invocation_id=run.invocation,
        boot_id=run.boot,
        started_at=run.started_at,
        ready_at=run.ready_at,
        ended_at=run.ended_at,
        seconds=run.seconds,
        outcome=run.outcome,
        result=run.result,
        job_result=run.job_result,
        exit_code=run.exit_code,
        exit_status=run.exit_status,
        failure=run.failure,
    )
