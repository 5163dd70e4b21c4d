"""The station as GraphQL clients see it."""

from collections.abc import AsyncGenerator
from typing import Annotated

import strawberry

from domain.events import Update
from domain.readiness import Part as DomainPart
from domain.readiness import PartState
from domain.station import StationView
from resolvers import station as resolvers
from schema.context import Info, who
from schema.errors import Problem, Problems

strawberry.enum(PartState, description="Whether a part of the station can be used.")


@strawberry.type(description="A part of the station: a database, systemd, the audit log, ...")
class Part:
    """A part and whether it works."""

    name: str = strawberry.field(description="The part's name.")
    state: PartState = strawberry.field(description="Whether it can be used now.")
    reason: str = strawberry.field(description="Why not; empty when it works.")
    remedy: str = strawberry.field(description="What to do; empty when it works.")


@strawberry.type(description="What runs on the station.")
class Versions:
    """Versions."""

    service: str = strawberry.field(description="This service.")
    package: str = strawberry.field(description="The station's package, `unknown` if not found.")
    python: str = strawberry.field(description="The interpreter.")


@strawberry.type(description="Limits that every GraphQL operation keeps.")
class OperationLimits:
    """Limits told to clients."""

    depth: int = strawberry.field(description="How deep selections may nest.")
    tokens: int = strawberry.field(description="How many tokens a document may have.")
    aliases: int = strawberry.field(description="How many aliases a document may have.")
    page_size: int = strawberry.field(description="The most entries of one page.")
    body_bytes: int = strawberry.field(description="The largest body of a request, in bytes.")
    operations_per_socket: int = strawberry.field(
        description="How many operations one WebSocket may run at once."
    )
    execution_seconds: float = strawberry.field(
        description="How long a query may run, in seconds; a mutation is never cut."
    )


@strawberry.type(description="This provisioning station.")
class Station:
    """The station."""

    name: str = strawberry.field(description="The name people gave it, else the host's name.")
    version: str = strawberry.field(description="The version of this service.")
    versions: Versions = strawberry.field(description="All versions that matter.")
    parts: list[Part] = strawberry.field(description="Its parts, and why one does not work.")
    ready: bool = strawberry.field(description="Whether every essential part works.")
    device_count: int | None = strawberry.field(
        description="How many boards it has seen; null while the state database is unavailable."
    )
    record_count: int | None = strawberry.field(
        description="How many manufacturing records there are; null while unavailable."
    )

    @strawberry.field(description="The limits that GraphQL operations keep here.")
    def limits(self, info: Info) -> OperationLimits:
        """Resolves the limits."""
        limits = info.context.limits
        return OperationLimits(
            depth=limits.depth,
            tokens=limits.tokens,
            aliases=limits.aliases,
            page_size=limits.page_size,
            body_bytes=limits.body_bytes,
            operations_per_socket=limits.operations_per_socket,
            execution_seconds=limits.execution_seconds,
        )


@strawberry.type(description="The station at one moment.")
class StationChange:
    """One frame of `stationChanges`."""

    sequence: int = strawberry.field(description="Grows with each frame; gaps are normal.")
    snapshot: bool = strawberry.field(
        description="True for the first frame, and after the client was too slow."
    )
    station: Station = strawberry.field(description="The station as it is now.")


@strawberry.input(description="Another name for the station.")
class RenameStationInput:
    """Input of `renameStation`."""

    name: str = strawberry.field(description="1 to 64 printable characters.")


@strawberry.type(description="The station was renamed.")
class StationRenamed:
    """Success of `renameStation`."""

    station: Station = strawberry.field(description="The station with its new name.")


RenameStationResult = Annotated[
    StationRenamed | Problem,
    strawberry.union(
        "RenameStationResult", description="The renamed station, or why it kept its name."
    ),
]


def _part(part: DomainPart) -> Part:
    return Part(name=part.name, state=part.state, reason=part.reason, remedy=part.remedy)


def station_of(view: StationView) -> Station:
    """Returns the view as clients see it."""
    versions = view.versions
    return Station(
        name=view.name,
        version=versions.service,
        versions=Versions(
            service=versions.service, package=versions.package, python=versions.python
        ),
        parts=[_part(part) for part in view.parts],
        ready=view.ready,
        device_count=view.device_count,
        record_count=view.record_count,
    )


def _change(update: Update[StationView]) -> StationChange:
    return StationChange(
        sequence=update.sequence, snapshot=update.snapshot, station=station_of(update.value)
    )


@strawberry.type
class StationQueries:
    """Root fields about the station."""

    @strawberry.field(description="This station: its name, versions, parts and counts.")
    async def station(self, info: Info) -> Station:
        """Resolves the station."""
        return station_of(await resolvers.get_station(*who(info)))

    @strawberry.field(description="A token for the header X-CSRF-Token of the old form posts.")
    async def csrf_token(self, info: Info) -> str:
        """Resolves a token."""
        return await resolvers.issue_csrf_token(*who(info))


@strawberry.type
class StationMutations:
    """Changes of the station."""

    @strawberry.mutation(
        description="Gives the station another name (role engineer).", extensions=[Problems()]
    )
    async def rename_station(self, info: Info, input: RenameStationInput) -> RenameStationResult:
        """Renames."""
        view = await resolvers.rename_station(*who(info), name=input.name)
        return StationRenamed(station=station_of(view))


@strawberry.type
class StationSubscriptions:
    """What one can watch of the station."""

    @strawberry.subscription(description="The station now, and again after each change.")
    async def station_changes(self, info: Info) -> AsyncGenerator[StationChange, None]:
        """Yields frames."""
        updates = resolvers.watch_station(*who(info))
        try:
            async for update in updates:
                yield _change(update)
        finally:
            await updates.aclose()
