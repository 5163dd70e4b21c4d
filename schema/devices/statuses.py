"""How boards stand as GraphQL clients see it: reasons, evidence, what to do now."""

from datetime import datetime
from typing import Protocol

import strawberry

import schema.devices.status_enums  # noqa: F401 -- describes the enums
from domain.devices.device_filters import DeviceView
from domain.devices.evidence import Evidence as Said
from domain.devices.evidence import Source, Stance, list_evidence
from domain.devices.next_actions import Action, next_action
from domain.devices.next_actions import NextAction as ToDo
from domain.devices.status import Cause, Verdict
from resolvers.devices.attempts import explain_device
from resolvers.parts import part_of
from schema.context import Info, who


@strawberry.type(description="Why a board stands so.")
class StatusReason:
    """A reason."""

    cause: Cause = strawberry.field(description="The reason in a word.")
    sentence: str = strawberry.field(description="The reason in a sentence.")


@strawberry.type(description="What one source says of a board.")
class Evidence:
    """A piece of evidence."""

    source: Source = strawberry.field(description="Who says it.")
    stance: Stance = strawberry.field(description="Whether it fits what the board's last row says.")
    text: str = strawberry.field(description="What it says, in a sentence.")
    at: datetime | None = strawberry.field(
        description="Of which moment that is; null where the source tells none."
    )


@strawberry.type(description="What a person at the jig does now.")
class NextAction:
    """An action."""

    action: Action = strawberry.field(description="The action in a word.")
    sentence: str = strawberry.field(description="The action in a sentence.")


class Judged(Protocol):
    """Something that was judged."""

    view: DeviceView


def reason_of(verdict: Verdict) -> StatusReason | None:
    """Returns the reason as clients see it."""
    if verdict.cause is None:
        return None
    return StatusReason(cause=verdict.cause, sentence=verdict.reason)


def evidence_of(root: strawberry.Parent[Judged]) -> list[Evidence]:
    """Resolves the evidence."""
    return [_evidence(said) for said in list_evidence(root.view.verdict.facts)]


def next_action_of(root: strawberry.Parent[Judged]) -> NextAction | None:
    """Resolves what to do."""
    found = next_action(root.view.verdict)
    return None if found is None else _action(found)


async def explanation_of(root: strawberry.Parent[Judged], info: Info) -> str | None:
    """Resolves the line of a log."""
    return await part_of(
        explain_device.policy,
        *who(info),
        lambda call: explain_device.perform(call, view=root.view),
    )


def _evidence(said: Said) -> Evidence:
    return Evidence(source=said.source, stance=said.stance, text=said.text, at=said.at)


def _action(found: ToDo) -> NextAction:
    return NextAction(action=found.action, sentence=found.sentence)
