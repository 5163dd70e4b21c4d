"""Scalars of our own: byte counts beyond 2^31, and moments that say their zone."""

from datetime import UTC, datetime

import strawberry
from graphql import GraphQLError

LONGEST = 2**63


def _long(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not -LONGEST <= value < LONGEST:
        raise GraphQLError(f"Long is a whole number of 64 bits, not {value!r}.")
    return value


def _shown(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat()


def _moment(value: object) -> datetime:
    try:
        moment = datetime.fromisoformat(str(value))
    except ValueError as error:
        raise GraphQLError(f"DateTime is written as in RFC 3339, not {value!r}.") from error
    if moment.tzinfo is None:
        raise GraphQLError("DateTime needs an offset, such as Z or +02:00.")
    return moment.astimezone(UTC)


LONG = strawberry.scalar(
    name="Long",
    description="A whole number of 64 bits: byte counts pass 2^31.",
    serialize=_long,
    parse_value=_long,
)
DATE_TIME = strawberry.scalar(
    name="DateTime",
    description="A moment in UTC with its offset (RFC 3339); inputs need an offset too.",
    serialize=_shown,
    parse_value=_moment,
)
