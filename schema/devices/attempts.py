"""Attempts as GraphQL clients see them."""

from datetime import datetime
from typing import Annotated, Protocol

import strawberry

import schema.devices.status_enums  # noqa: F401 -- describes the enums
from domain.devices import attempt_list
from domain.devices import attempts as domain
from domain.devices.attempts import Outcome, StageRun
from domain.devices.stages import Stage, Style
from domain.devices.status import Cause
from domain.paging import page_request
from resolvers.devices.attempts import (
    find_attempt_key,
    list_attempts,
    list_attempts_of_board,
)
from resolvers.parts import part_of
from schema.connections import Connection, connection
from schema.context import Info, who
from schema.devices.filters import AttemptFilterInput, attempt_filter
from schema.devices.paging import After, Before, First, Last


@strawberry.type(description="One stage of an attempt.")
class AttemptStage:
    """A stage."""

    stage: Stage = strawberry.field(description="Which one.")
    started_at: datetime | None = strawberry.field(
        description="When its first row was written; null where the row has no time."
    )
    ended_at: datetime | None = strawberry.field(
        description="When its end was written; null while it runs, and where nothing was written."
    )
    seconds: float | None = strawberry.field(
        description="How long it took; null while it runs, and where the rows cannot tell."
    )
    outcome: Outcome = strawberry.field(description="How it ended.")


@strawberry.type(description="The customer's key as a manufacturing record names it.")
class AttemptKey:
    """A key."""

    fingerprint: str | None = strawberry.field(
        description="SHA-256 of the public key, in hex; null where the record does not say."
    )
    label: str | None = strawberry.field(
        description="What the key is called; null where the record does not say."
    )


class Run(Protocol):
    """Something that knows its attempt."""

    attempt: domain.Attempt


async def _key_of(root: strawberry.Parent[Run], info: Info) -> AttemptKey | None:
    found = await part_of(
        find_attempt_key.policy,
        *who(info),
        lambda call: find_attempt_key.perform(call, attempt=root.attempt),
    )
    if found is None:
        return None
    return AttemptKey(fingerprint=found.fingerprint, label=found.label)


@strawberry.type(description="One run of one board, from plugging in to its end, or to nowhere.")
class Attempt:
    """An attempt."""

    attempt: strawberry.Private[domain.Attempt]
    id: strawberry.ID = strawberry.field(description="Stable for this attempt; opaque.")
    serial: str | None = strawberry.field(
        description="The longest serial that the board told; null where it told none."
    )
    serials: list[str] = strawberry.field(description="All serials that it told, as written.")
    port: str | None = strawberry.field(
        description="The USB path where it was; null where no row names one."
    )
    image: str | None = strawberry.field(
        description="The image meant for it; null where no row names one."
    )
    board_type: str | None = strawberry.field(
        description="Two hex digits of its revision code; null while unknown."
    )
    style: Style | None = strawberry.field(
        description="How it was provisioned; null where it did not come so far."
    )
    stage: Stage | None = strawberry.field(
        description="How far it came; null where no stage began."
    )
    outcome: Outcome = strawberry.field(description="How it ended.")
    cause: Cause | None = strawberry.field(
        description="Why it did not finish; null where it did, or goes on as it should."
    )
    reason: str | None = strawberry.field(
        description="The cause in a sentence; null where there is no more to say."
    )
    started_at: datetime | None = strawberry.field(
        description="When its first row was written; null where the row has no time."
    )
    ended_at: datetime | None = strawberry.field(
        description="When its end was written; null while it runs, and where nothing was written."
    )
    seconds: float | None = strawberry.field(
        description="How long it took; null while it runs, and where the rows cannot tell."
    )
    stages: list[AttemptStage] = strawberry.field(description="Its stages, in their order.")
    key: AttemptKey | None = strawberry.field(
        resolver=_key_of,
        description="The customer's key with which it was provisioned; null where no manufacturing "
        "record of it names one.",
    )


def attempt_of(run: domain.Attempt) -> Attempt:
    """Returns an attempt as clients see it."""
    return Attempt(
        attempt=run,
        id=strawberry.ID(str(run.id)),
        serial=run.serial,
        serials=list(run.serials),
        port=run.port,
        image=run.image or None,
        board_type=run.board_type or None,
        style=run.style,
        stage=run.stage,
        outcome=run.outcome,
        cause=run.cause,
        reason=run.reason or None,
        started_at=run.started_at,
        ended_at=run.ended_at,
        seconds=run.seconds,
        stages=[_stage(stage) for stage in run.stages],
    )


def _stage(run: StageRun) -> AttemptStage:
    return AttemptStage(
        stage=run.stage,
        started_at=run.started_at,
        ended_at=run.ended_at,
        seconds=run.seconds,
        outcome=run.outcome,
    )


class Board(Protocol):
    """What has attempts: something with the key of a board."""

    id: strawberry.ID


async def attempts_of_device(
    root: strawberry.Parent[Board],
    info: Info,
    first: First = None,
    after: After = None,
    last: Last = None,
    before: Before = None,
) -> Connection[Attempt]:
    """Resolves a page of one board's attempts."""
    page = page_request(attempt_list.ORDER, first=first, after=after, last=last, before=before)
    found = await part_of(
        list_attempts_of_board.policy,
        *who(info),
        lambda call: list_attempts_of_board.perform(call, board=str(root.id), page=page),
    )
    return connection(found, attempt_of)


Filter = Annotated[
    AttemptFilterInput | None, strawberry.argument(description="Which ones; absent means all.")
]


@strawberry.type
class AttemptQueries:
    """Root fields about attempts."""

    @strawberry.field(
        description="Every run of every board, the one that began last first. How many there are "
        "in all is only told without a filter."
    )
    async def attempts(
        self,
        info: Info,
        filter: Filter = None,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Connection[Attempt]:
        """Resolves a page."""
        page = page_request(attempt_list.ORDER, first=first, after=after, last=last, before=before)
        wanted = attempt_filter(filter)
        return connection(await list_attempts(*who(info), page=page, wanted=wanted), attempt_of)
