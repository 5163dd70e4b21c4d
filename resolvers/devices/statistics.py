"""What people and programs ask about the line as a whole."""

from datetime import datetime

from domain.caller import Role
from domain.devices.statistics import LineStatistics
from resolvers.operation import Call, Effect, operation


@operation(role=Role.VIEWER, effect=Effect.READ, graphql="Query.lineStatistics")
async def count_line(
    call: Call, *, since: datetime | None, until: datetime | None, offset_minutes: int
) -> LineStatistics:
    """Returns how many attempts finished, failed and stalled in a time, and how long they took."""
    statistics = call.station.statistics
    return await statistics.count(since=since, until=until, offset_minutes=offset_minutes)
