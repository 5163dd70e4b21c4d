"""The one schema: root types joined from each noun, with the engine under them."""

from datetime import datetime
from functools import cache

import strawberry
from strawberry.schema.config import StrawberryConfig

from schema.devices.devices import DeviceQueries
from schema.errors import Masked
from schema.limits import Limits, checks
from schema.scalars import DATE_TIME
from schema.station import StationMutations, StationQueries, StationSubscriptions
from schema.station_executor import station_executor


@strawberry.type(description="Everything that can be asked of this station.")
class Query(StationQueries, DeviceQueries):
    """Root of queries."""


@strawberry.type(description="Everything that can be changed; each answers what it did or why not.")
class Mutation(StationMutations):
    """Root of mutations."""


@strawberry.type(description="Everything that can be watched: the present first, then changes.")
class Subscription(StationSubscriptions):
    """Root of subscriptions."""


@cache
def build_schema(limits: Limits | None = None) -> strawberry.Schema:
    """Returns the schema; built once for each set of limits, since types cannot be built twice."""
    return strawberry.Schema(
        query=Query,
        mutation=Mutation,
        subscription=Subscription,
        config=StrawberryConfig(scalar_map={datetime: DATE_TIME}),
        execution_context_class=station_executor(limits or Limits()),
        extensions=[checks(limits or Limits()), Masked],
    )
