"""An operation as a part of another one: a field below a root field."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from domain.caller import Caller
from domain.station import Station
from resolvers.operation import Call, Policy

R = TypeVar("R")


async def part_of(
    policy: Policy, caller: Caller, station: Station, run: Callable[[Call], Awaitable[R]]
) -> R:
    """Runs what belongs to an operation that was asked for and written down already.

    The role is checked, and the files that are touched are written down; the row of who asked is
    the root field's (design 5).
    """
    caller.require(policy.role)
    call = Call(caller, station)
    try:
        return await run(call)
    finally:
        if call.entries:
            station.audit.record(*call.entries)
