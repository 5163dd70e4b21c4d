"""An operation: who may do it, what is written down, and one call to the domain.

Both surfaces call the same operation. It checks the role, runs, and leaves one `HANDLER_ACCESS`
row with the outcome, followed by the `FILE_ACCESS` rows it caused. A change is acknowledged only
when its rows are on the disk; reads are recorded without waiting (design 3, 5, 6).
"""

from asyncio import CancelledError
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import Enum
from functools import update_wrapper
from types import TracebackType
from typing import Concatenate, Generic, ParamSpec, TypeVar

from domain.audit.entries import OK, AuditEntry, access_entry, file_entry, unit_log_entry
from domain.audit.log import AuditUnavailable
from domain.caller import Caller, Role, acting
from domain.errors import Denied, ProvisionerError
from domain.station import Station

CANCELLED = "CANCELLED"
"""The outcome where the client went away, or the service stopped, before the end."""

P = ParamSpec("P")
R = TypeVar("R")


class Effect(Enum):
    """What an operation does to the station, and so how it is written down."""

    READ = "read"
    """Changes nothing; recorded without waiting."""
    CHANGE = "change"
    """Changes something; refused while nobody could write it down, acknowledged when it is."""
    UNRECORDED = "unrecorded"
    """Changes nothing and tells nothing of boards or people (health, tokens); not recorded."""


@dataclass(slots=True)
class Call:
    """One run of an operation: who asks, the station, and what will be written down of it."""

    caller: Caller
    station: Station
    entries: list[AuditEntry] = field(default_factory=list)
    began: datetime = field(default_factory=lambda: datetime.now(UTC))
    is_noted: bool = False

    def file_access(
        self, operation: str, target: str, *, success: bool = True, info: str = ""
    ) -> None:
        """Writes down that a file was touched; `operation` is a word of contract audit section
        4."""
        now = datetime.now(UTC)
        entry = file_entry(self.caller, operation, target, at=now, success=success, info=info)
        self.entries.append(entry)

    def unit_log_access(self, unit: str) -> None:
        """Writes down that a unit's log was read; `unit` is the name as asked for."""
        self.entries.append(unit_log_entry(self.caller, unit, at=datetime.now(UTC)))

    async def note_first(self) -> None:
        """Writes down who asks before the work instead of after it, without its outcome: whoever
        reads the audit log finds this reading in it.

        Returns when the row is on the disk, or cannot be just now.
        """
        self.is_noted = True
        self.station.audit.record(access_entry(self.caller, at=self.began, outcome=None))
        with suppress(AuditUnavailable):
            await self.station.audit.durable()


@dataclass(frozen=True, slots=True)
class Policy:
    """What is the same of every operation: the role it needs, its effect, and its GraphQL field."""

    role: Role
    effect: Effect
    graphql: str


REGISTERED: dict[str, Policy] = {}
"""Every operation by its name; the role matrix and the checks of completeness read it."""


class Operation(Generic[P, R]):
    """A resolver with its policy; made by `operation`."""

    def __init__(self, run: Callable[Concatenate[Call, P], Awaitable[R]], policy: Policy) -> None:
        update_wrapper(self, run)
        self.name = run.__name__
        self.policy = policy
        self._run = run
        REGISTERED[self.name] = policy

    async def __call__(
        self, caller: Caller, station: Station, *args: P.args, **kwargs: P.kwargs
    ) -> R:
        """Runs the operation for `caller`; raises `Denied` errors and what the domain raises."""
        async with recorded(self.policy, caller, station) as call:
            return await self._run(call, *args, **kwargs)

    async def perform(self, call: Call, *args: P.args, **kwargs: P.kwargs) -> R:
        """Runs inside a record that the caller opened with `recorded`."""
        return await self._run(call, *args, **kwargs)


class Watch(Generic[P, R]):
    """A resolver that yields for as long as somebody watches; made by `watch`."""

    def __init__(
        self, run: Callable[Concatenate[Call, P], AsyncGenerator[R, None]], policy: Policy
    ) -> None:
        update_wrapper(self, run)
        self.name = run.__name__
        self.policy = policy
        self._run = run
        REGISTERED[self.name] = policy

    async def __call__(
        self, caller: Caller, station: Station, *args: P.args, **kwargs: P.kwargs
    ) -> AsyncGenerator[R, None]:
        """Yields what the domain yields; who began to watch is written down once."""
        async with recorded(self.policy, caller, station) as call:
            updates = self._run(call, *args, **kwargs)
        try:
            async for update in updates:
                yield update
        finally:
            await updates.aclose()


def operation(
    *, role: Role, effect: Effect, graphql: str
) -> Callable[[Callable[Concatenate[Call, P], Awaitable[R]]], Operation[P, R]]:
    """Makes a function an operation; `graphql` is its field, such as `Query.device`."""
    policy = Policy(role, effect, graphql)
    return lambda run: Operation(run, policy)


def watch(
    *, role: Role, graphql: str
) -> Callable[[Callable[Concatenate[Call, P], AsyncGenerator[R, None]]], Watch[P, R]]:
    """Makes an async generator a watch; `graphql` is its field, such as `Subscription.x`."""
    policy = Policy(role, Effect.READ, graphql)
    return lambda run: Watch(run, policy)


def recorded(policy: Policy, caller: Caller, station: Station) -> "Record":
    """Checks the role and writes down how the body ended.

    For a change the context ends only when its rows are durable; raises `AuditUnavailable` before
    the body while the log cannot be written.
    """
    return Record(policy, Call(caller, station))


class Record:
    """The context of `recorded`; every request runs in one, so it is a class and no generator."""

    __slots__ = ("_call", "_policy")

    def __init__(self, policy: Policy, call: Call) -> None:
        self._policy = policy
        self._call = call

    async def __aenter__(self) -> Call:
        try:
            self._call.caller.require(self._policy.role)
            if self._policy.effect is Effect.CHANGE:
                await self._call.station.audit.probe()
        except BaseException as error:
            self._write(error)
            raise
        if self._policy.effect is Effect.CHANGE:
            acting.set(self._call.caller)
        return self._call

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._write(error)
        if self._policy.effect is Effect.CHANGE:
            acting.set(None)
            if error is None:
                await self._call.station.audit.durable()

    def _write(self, error: BaseException | None) -> None:
        call = self._call
        if self._policy.effect is Effect.UNRECORDED:
            return
        own = []
        if not call.is_noted:
            own = [access_entry(call.caller, at=call.began, outcome=_outcome(error))]
        call.station.audit.record(*own, *call.entries)


def _outcome(error: BaseException | None) -> str:
    if error is None:
        return OK
    if isinstance(error, ProvisionerError):
        return error.code
    return CANCELLED if isinstance(error, CancelledError) else "INTERNAL"


def record_refusal(caller: Caller, station: Station, refusal: Denied) -> None:
    """Writes down that `caller` was refused at the door, before any operation began."""
    station.audit.record(access_entry(caller, at=datetime.now(UTC), outcome=refusal.code))
