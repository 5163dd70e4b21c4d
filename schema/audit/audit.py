"""The audit log's fields: what GraphQL clients ask of it, and follow."""

from collections.abc import AsyncGenerator, Sequence
from typing import Annotated

import strawberry
from strawberry.types.nodes import SelectedField, Selection

from domain.audit import trail as domain
from domain.paging import DEFAULT_SIZE, PageInvalid, page_request
from resolvers.audit import (
    get_audit_chain,
    get_audit_entry,
    page_audit_entries,
    watch_audit_entries,
)
from schema.audit.entries import (
    AuditChain,
    AuditEntriesAdded,
    AuditEntry,
    chain_of,
    entry_of,
)
from schema.audit.filters import AuditFilter, filter_of
from schema.connections import Connection, connection
from schema.context import Info, who

Wanted = Annotated[
    AuditFilter | None,
    strawberry.argument(name="filter", description="Which entries; null for all."),
]


@strawberry.type
class AuditQueries:
    """Root fields about the audit log."""

    @strawberry.field(
        description="The audit log, newest entry first (role engineer). `totalCount` is exact; it "
        "costs more than a page, and is null where counting would take longer than some seconds."
    )
    async def audit_entries(
        self,
        info: Info,
        wanted: Wanted = None,
        first: Annotated[
            int | None, strawberry.argument(description="How many of the newest.")
        ] = None,
        after: Annotated[
            str | None, strawberry.argument(description="Older than the entry at this cursor.")
        ] = None,
        last: Annotated[
            int | None, strawberry.argument(description="How many of the oldest.")
        ] = None,
        before: Annotated[
            str | None, strawberry.argument(description="Newer than the entry at this cursor.")
        ] = None,
    ) -> Connection[AuditEntry]:
        """Resolves a page."""
        request = page_request(domain.ORDER, first=first, after=after, last=last, before=before)
        page = await page_audit_entries(
            *who(info), wanted=filter_of(wanted), page=request, counted=_asks_for_total(info)
        )
        return connection(page, entry_of)

    @strawberry.field(description="One entry of the audit log (role engineer).")
    async def audit_entry(
        self,
        info: Info,
        id: Annotated[strawberry.ID, strawberry.argument(description="The entry's `id`.")],
    ) -> AuditEntry:
        """Resolves one entry."""
        return entry_of(await get_audit_entry(*who(info), id=id))

    @strawberry.field(
        description="Where the chain of hashes over the audit log stands (role engineer)."
    )
    async def audit_chain(self, info: Info) -> AuditChain:
        """Resolves the chain."""
        return chain_of(await get_audit_chain(*who(info)))


@strawberry.type
class AuditSubscriptions:
    """What one can watch of the audit log."""

    @strawberry.subscription(
        description="The newest entries of the audit log, then each as soon as it is on the disk "
        "(role engineer)."
    )
    async def audit_entry_added(
        self,
        info: Info,
        wanted: Wanted = None,
        last: Annotated[
            int,
            strawberry.argument(
                description=f"How many entries to begin with; 0 to {domain.MOST_SHOWN}."
            ),
        ] = DEFAULT_SIZE,
    ) -> AsyncGenerator[AuditEntriesAdded, None]:
        """Yields frames."""
        if not 0 <= last <= domain.MOST_SHOWN:
            raise PageInvalid(
                f"`last` is {last}; it must be from 0 to {domain.MOST_SHOWN}.", field="last"
            )
        updates = watch_audit_entries(*who(info), wanted=filter_of(wanted), shown=last)
        try:
            async for update in updates:
                yield AuditEntriesAdded(
                    sequence=update.sequence,
                    snapshot=update.snapshot,
                    entries=[entry_of(entry) for entry in update.value],
                )
        finally:
            await updates.aclose()


def _asks_for_total(info: Info) -> bool:
    return any(_names_total(field.selections) for field in info.selected_fields)


def _names_total(selections: Sequence[Selection]) -> bool:
    return any(
        selection.name == "totalCount"
        if isinstance(selection, SelectedField)
        else _names_total(selection.selections)
        for selection in selections
    )
