"""The journal of a unit as GraphQL clients see it: pages with stable cursors."""

from typing import Annotated

import strawberry

from domain.paging import MOST, page_request
from domain.services.line_filters import LineFilter
from domain.services.unit_logs import LogPage, log_order
from domain.services.unit_names import permitted
from resolvers.parts import part_of
from resolvers.services import count_unit_log, page_unit_log
from schema.connections import Edge, PageInfo
from schema.context import Info, who
from schema.services.lines import JournalFilter, JournalLine, JournalOrder, filter_of, line_of

Wanted = Annotated[
    JournalFilter | None,
    strawberry.argument(name="filter", description="Which lines; null for all."),
]
Order = Annotated[JournalOrder, strawberry.argument(description="Which line comes first.")]
First = Annotated[
    int | None, strawberry.argument(description=f"How many from the beginning; 1 to {MOST}.")
]
After = Annotated[
    str | None, strawberry.argument(description="Behind this cursor of the same list.")
]
Last = Annotated[
    int | None, strawberry.argument(description=f"How many from the end; 1 to {MOST}.")
]
Before = Annotated[
    str | None, strawberry.argument(description="In front of this cursor of the same list.")
]


@strawberry.type(
    description="A page of a unit's journal: the unit's own lines and systemd's about it. Cursors "
    "stay good while lines come and old ones go."
)
class JournalConnection:
    """A Relay connection."""

    edges: list[Edge[JournalLine]] = strawberry.field(description="The lines with their places.")
    nodes: list[JournalLine] = strawberry.field(description="The lines alone.")
    page_info: PageInfo = strawberry.field(
        description="Where the page lies. After a search that stopped early the cursor where it "
        "stopped is told even on an empty page."
    )
    complete: bool = strawberry.field(
        description="False where the search for a text took too long and stopped: ask on from "
        "`endCursor` (from `startCursor`, with `before`)."
    )
    unit: strawberry.Private[str]
    wanted: strawberry.Private[LineFilter]

    @strawberry.field(
        description="How many lines there are by origin; null where the filter has other members. "
        "Walks over the unit's lines once, then over new ones only."
    )
    async def total_count(self, info: Info) -> int | None:
        """Resolves the count."""
        if not self.wanted.is_open:
            return None
        return await part_of(
            count_unit_log.policy,
            *who(info),
            lambda call: count_unit_log.perform(call, name=self.unit, origin=self.wanted.origin),
        )


@strawberry.type
class JournalQueries:
    """Root fields about the journal."""

    @strawberry.field(
        description="The journal of one unit, of all boots; empty for a unit that it knows nothing "
        "of."
    )
    async def unit_journal(
        self,
        info: Info,
        name: Annotated[
            str, strawberry.argument(description="The unit; `.service` may be left out.")
        ],
        wanted: Wanted = None,
        order: Order = JournalOrder.NEWEST_FIRST,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> JournalConnection:
        """Resolves a page."""
        newest_first, lines = order is JournalOrder.NEWEST_FIRST, filter_of(wanted)
        page = page_request(
            log_order(permitted(name), newest_first=newest_first),
            first=first,
            after=after,
            last=last,
            before=before,
        )
        found = await page_unit_log(
            *who(info), name=name, page=page, wanted=lines, newest_first=newest_first
        )
        return journal_of(found, name, lines)


def journal_of(page: LogPage, unit: str, wanted: LineFilter) -> JournalConnection:
    """Returns the page as clients see it."""
    nodes = [line_of(line) for line in page.lines]
    return JournalConnection(
        edges=[Edge(cursor=c, node=n) for c, n in zip(page.cursors, nodes, strict=True)],
        nodes=nodes,
        page_info=PageInfo(
            has_next_page=page.has_next,
            has_previous_page=page.has_previous,
            start_cursor=page.start,
            end_cursor=page.end,
        ),
        complete=page.complete,
        unit=unit,
        wanted=wanted,
    )
