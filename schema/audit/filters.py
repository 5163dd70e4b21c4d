"""The filter of audit entries as GraphQL clients give it."""

from datetime import datetime

import strawberry

from domain.audit import filters as domain
from domain.audit.entries import EventType


@strawberry.input(
    description="Which audit entries are wanted: every member given narrows. Texts are compared "
    f"exactly, but for `text`; they have 1 to {domain.LONGEST} characters."
)
class AuditFilter:
    """A filter."""

    event_type: EventType | None = strawberry.field(
        default=None, description="The kind of entry; null for all."
    )
    operation: str | None = strawberry.field(
        default=None, description="What was done, such as SET_FLAG; null for all."
    )
    path: str | None = strawberry.field(
        default=None, description="The request's path, the file or the unit; null for all."
    )
    path_prefix: str | None = strawberry.field(
        default=None,
        description="How that path begins; null for all. Not together with `path`.",
    )
    address: str | None = strawberry.field(
        default=None, description="The client's address; null for all."
    )
    caller: str | None = strawberry.field(
        default=None, description="Who did it, by name; null for all."
    )
    success: bool | None = strawberry.field(
        default=None,
        description="True for what went well, false for what did not: the outcome of a request, "
        "the success of a file access. Null for all.",
    )
    outcome: str | None = strawberry.field(
        default=None, description="OK or the code of an error; null for all."
    )
    correlation_id: str | None = strawberry.field(
        default=None, description="The request that caused the entry; null for all."
    )
    surface: str | None = strawberry.field(
        default=None, description="rest or graphql; null for all."
    )
    text: str | None = strawberry.field(
        default=None,
        description="Occurs in a path, the operation, the information, the caller or the user "
        "agent; upper and lower case of ASCII letters are the same. Null for all.",
    )
    since: datetime | None = strawberry.field(
        default=None, description="Not before this moment; null for all."
    )
    until: datetime | None = strawberry.field(
        default=None, description="Not after this moment; null for all."
    )


def filter_of(given: AuditFilter | None) -> domain.AuditFilter:
    """Returns the checked filter; raises `AuditFilterInvalid`."""
    if given is None:
        return domain.AuditFilter()
    return domain.AuditFilter(
        event_type=given.event_type,
        operation=given.operation,
        path=given.path,
        path_prefix=given.path_prefix,
        address=given.address,
        caller=given.caller,
        success=given.success,
        outcome=given.outcome,
        correlation_id=given.correlation_id,
        surface=given.surface,
        text=given.text,
        since=given.since,
        until=given.until,
    )
