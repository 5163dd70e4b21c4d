"""What every GraphQL resolver finds in its context: the caller, the station, the limits."""

from collections.abc import Hashable
from dataclasses import dataclass
from typing import TypeAlias

from strawberry.types import Info as StrawberryInfo

from domain.caller import Caller
from domain.station import Station
from schema.limits import Limits


@dataclass(slots=True)
class Context:
    """One request, or one socket. `caller` has no entry yet: each root field is one of its own."""

    caller: Caller
    station: Station
    limits: Limits
    connection_params: dict[str, object] | None = None

    @property
    def share_key(self) -> Hashable:
        """Subscribers with the same key may share one execution: the role decides what is seen.

        The schema is one for all stations of a process, so the station belongs to the key.
        """
        return self.caller.role, id(self.station)


Info: TypeAlias = StrawberryInfo[Context, None]


def who(info: Info) -> tuple[Caller, Station]:
    """Returns the caller at this root field, and the station: the first two of every resolver."""
    context = info.context
    entry = f"/graphql#{info.field_name}"
    return context.caller.entering(entry, surface="graphql"), context.station
