"""The fields about services: what GraphQL clients ask of units, and follow."""

from collections.abc import AsyncGenerator
from typing import Annotated, ClassVar
from urllib.parse import quote

import strawberry

from domain.paging import page_request
from domain.services import services as domain
from domain.services.log_following import MOST_LINES
from domain.services.states import ServiceFilter, ServiceState
from resolvers.services import (
    follow_unit_log,
    get_service,
    name_unit_log,
    page_services,
    watch_units,
)
from schema.connections import Connection, connection
from schema.context import Info, who
from schema.services.journal import After, Before, First, Last, Wanted
from schema.services.lines import JournalLine, filter_of, line_of
from schema.services.units import Unit, unit_of

Name = Annotated[str, strawberry.argument(description="The unit; `.service` may be left out.")]


@strawberry.input(description="Which units are wanted: every member given narrows.")
class UnitFilter:
    """A filter."""

    base_name: str | None = strawberry.field(
        default=None, description="The name before the `@`; null for all."
    )
    instance: str | None = strawberry.field(
        default=None,
        description="What stands behind the `@`, such as a serial, escaped or not; null for all.",
    )
    state: ServiceState | None = strawberry.field(
        default=None, description="How the unit is now; null for all."
    )


@strawberry.type(description="Where a unit's whole log can be downloaded.")
class UnitLogDownload:
    """An address."""

    url: str = strawberry.field(
        description="The path to GET on this service: plain text, streamed, oldest line first."
    )
    file_name: str = strawberry.field(description="What a browser calls the file.")


@strawberry.type(description="New lines of a unit's log that is followed.")
class UnitLogLines:
    """One frame of `unitLog`."""

    # Each follower began at its own time: equal numbers are not equal frames.
    shareable: ClassVar[bool] = False

    sequence: int = strawberry.field(description="Counts the frames of this subscription.")
    snapshot: bool = strawberry.field(
        description="True where `lines` are the end of the log to begin with: the first frame, "
        "after lines vanished from the journal, or after the client was too slow. Show them "
        "instead of all lines before."
    )
    lines: list[JournalLine] = strawberry.field(description="The lines, oldest first.")


@strawberry.type(description="A unit's state just now.")
class UnitNews:
    """A state."""

    name: str = strawberry.field(description="The unit's whole name.")
    state: ServiceState = strawberry.field(description="How it is now.")
    active_state: str = strawberry.field(description="systemd's own word for it.")
    sub_state: str = strawberry.field(description="systemd's finer word for it.")
    result: str | None = strawberry.field(
        description="How a run ended (success, exit-code, ...) or a job (done, failed, ...); null "
        "where neither did just now."
    )


@strawberry.type(description="Units that changed.")
class UnitChange:
    """One frame of `unitChanges`."""

    sequence: int = strawberry.field(description="Grows with each change; gaps are normal.")
    snapshot: bool = strawberry.field(
        description="True where `units` are all that systemd has loaded: the first frame, or after "
        "the client was too slow."
    )
    units: list[UnitNews] = strawberry.field(description="The units.")


@strawberry.type
class ServiceQueries:
    """Root fields about services."""

    @strawberry.field(
        description="The units that the journal or systemd tells of, the one with the newest line "
        "first."
    )
    async def units(
        self,
        info: Info,
        wanted: Annotated[
            UnitFilter | None,
            strawberry.argument(name="filter", description="Which units; null for all."),
        ] = None,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Connection[Unit]:
        """Resolves a page."""
        request = page_request(domain.ORDER, first=first, after=after, last=last, before=before)
        page = await page_services(*who(info), page=request, wanted=_filter_of(wanted))
        return connection(page, unit_of)

    @strawberry.field(description="One unit of the station.")
    async def unit(self, info: Info, name: Name) -> Unit:
        """Resolves one unit."""
        return unit_of(await get_service(*who(info), name=name))

    @strawberry.field(description="Where the whole log of a unit can be downloaded.")
    async def unit_log_download(self, info: Info, name: Name) -> UnitLogDownload:
        """Resolves an address."""
        full = await name_unit_log(*who(info), name=name)
        return UnitLogDownload(
            url=f"/api/v2/service-log/{quote(full, safe='@:')}/download", file_name=f"{full}.log"
        )


@strawberry.type
class ServiceSubscriptions:
    """What one can watch of services."""

    @strawberry.subscription(
        description="The units that systemd has loaded, then each that changes its state."
    )
    async def unit_changes(self, info: Info) -> AsyncGenerator[UnitChange, None]:
        """Yields frames."""
        updates = watch_units(*who(info))
        try:
            async for update in updates:
                yield UnitChange(
                    sequence=update.sequence,
                    snapshot=update.snapshot,
                    units=[_news_of(news) for news in update.value],
                )
        finally:
            await updates.aclose()

    @strawberry.subscription(
        description="The last lines of a unit's log, then new ones as they are written; waits for "
        "a unit that has not run yet, and goes on when the journal is rotated."
    )
    async def unit_log(
        self,
        info: Info,
        name: Name,
        wanted: Wanted = None,
        tail: Annotated[
            int,
            strawberry.argument(description=f"How many lines to begin with; 0 to {MOST_LINES}."),
        ] = 100,
    ) -> AsyncGenerator[UnitLogLines, None]:
        """Yields frames."""
        updates = follow_unit_log(*who(info), name=name, tail=tail, wanted=filter_of(wanted))
        try:
            async for update in updates:
                yield UnitLogLines(
                    sequence=update.sequence,
                    snapshot=update.snapshot,
                    lines=[line_of(line) for line in update.lines],
                )
        finally:
            await updates.aclose()


def _filter_of(given: UnitFilter | None) -> ServiceFilter:
    if given is None:
        return ServiceFilter()
    return ServiceFilter(base_name=given.base_name, instance=given.instance, state=given.state)


def _news_of(news: domain.UnitNews) -> UnitNews:
    return UnitNews(
        name=news.name,
        state=news.state,
        active_state=news.active_state,
        sub_state=news.sub_state,
        result=news.result,
    )
