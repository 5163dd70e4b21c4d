"""What people and programs ask before they plug in the next board."""

from domain.caller import Role
from domain.preflight.findings import Preflight
from resolvers.operation import Call, Effect, operation


@operation(role=Role.VIEWER, effect=Effect.READ, graphql="Query.readiness")
async def check_readiness(call: Call) -> Preflight:
    """Returns whether boards can be made as the station stands, and else why not."""
    return await call.station.preflights.check()
