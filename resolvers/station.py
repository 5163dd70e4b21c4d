"""What people and programs ask of the station itself."""

from collections.abc import AsyncGenerator

from domain.caller import Role
from domain.events import Update
from domain.readiness import Part
from domain.station import StationView
from resolvers.operation import Call, Effect, operation, watch


@operation(role=Role.VIEWER, effect=Effect.READ, graphql="Query.station")
async def get_station(call: Call) -> StationView:
    """Returns what the station says of itself."""
    return await call.station.view()


@operation(role=Role.NOBODY, effect=Effect.UNRECORDED, graphql="Query.station")
async def list_parts(call: Call) -> tuple[bool, list[Part]]:
    """Asks every part now; returns whether the essential ones work, and all answers."""
    parts = await call.station.readiness.check()
    return call.station.readiness.ready, parts


@operation(role=Role.ENGINEER, effect=Effect.CHANGE, graphql="Mutation.renameStation")
async def rename_station(call: Call, *, name: str) -> StationView:
    """Gives the station another name and returns its view."""
    await call.station.identity.rename(name)
    call.file_access("WRITE", call.station.paths.service_db, info="station renamed")
    return await call.station.view()


@watch(role=Role.VIEWER, graphql="Subscription.stationChanges")
def watch_station(call: Call) -> AsyncGenerator[Update[StationView], None]:
    """Yields the station's view now and after each change."""
    return call.station.watch()


@operation(role=Role.NOBODY, effect=Effect.UNRECORDED, graphql="Query.csrfToken")
async def issue_csrf_token(call: Call) -> str:
    """Returns a CSRF token for this client (contract configuration section 2.1)."""
    caller = call.caller
    return call.station.csrf_tokens.issue(caller.peer_address, caller.user_agent)
