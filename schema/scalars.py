"""Scalars of our own: byte counts beyond 2^31, and moments that say their zone."""

import re
from datetime import UTC, datetime
from typing import NewType

import strawberry
from graphql import GraphQLError, IntValueNode, ValueNode, print_ast

LONGEST = 2**63
"""First whole number that does not fit 64 bits with a sign."""

EXACT = 2**53
"""Up to here a JSON number that came as a float is the whole number it looks like (IEEE 754)."""

RFC_3339 = re.compile(
    r"\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}:\d{2}(\.\d+)?([Zz]|[+-]\d{2}:\d{2})", re.ASCII
)


def long_output(value: object) -> int:
    """Returns a 64-bit whole number as it is; raises GraphQLError for anything else."""
    if isinstance(value, bool) or not isinstance(value, int) or not -LONGEST <= value < LONGEST:
        raise GraphQLError(f"Long is a whole number of 64 bits, not {_short(value)}.")
    return value


def quick_long(value: int) -> int | None:
    """Returns what `long_output` does for a plain int, None where that would raise."""
    return value if -LONGEST <= value < LONGEST else None


def date_time_output(value: object) -> str:
    """Returns the moment in UTC with offset; raises ValueError unless it knows its offset."""
    if not isinstance(value, datetime) or value.utcoffset() is None:
        raise ValueError(f"DateTime is a moment with an offset, not {_short(value)}")
    return value.astimezone(UTC).isoformat()


def quick_date_time(value: datetime) -> str | None:
    """Returns what `date_time_output` does for a moment in UTC, None where more is to be done."""
    return value.isoformat() if value.tzinfo is UTC else None


def _long_value(value: object) -> int:
    if isinstance(value, float) and value.is_integer() and abs(value) <= EXACT:
        return int(value)
    return long_output(value)


def _long_literal(node: ValueNode, variables: dict[str, object] | None = None) -> int:
    del variables
    if not isinstance(node, IntValueNode) or len(node.value) > len(str(-LONGEST)):
        shown = _short(print_ast(node))
        raise GraphQLError(f"Long is a whole number of 64 bits, not {shown}.", node)
    return long_output(int(node.value))


def _date_time_value(value: object) -> datetime:
    if not isinstance(value, str) or not RFC_3339.fullmatch(value):
        raise GraphQLError(
            f"DateTime is written as RFC 3339 does, with an offset such as Z or +02:00 "
            f"(2026-08-01T12:00:00Z), not {_short(value)}."
        )
    try:
        return datetime.fromisoformat(value.upper()).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise GraphQLError(f"There is no such moment as {_short(value)}.") from error


def _short(value: object) -> str:
    shown = repr(value)
    return shown if len(shown) <= 60 else f"{shown[:57]}..."


Long = NewType("Long", int)
"""A field of this type is shown as `LONG`."""
LONG = strawberry.scalar(
    name="Long",
    description=(
        "A whole number of 64 bits with its sign: byte counts pass 2^31. Written as an integer, "
        "never as text or with a fraction."
    ),
    serialize=long_output,
    parse_value=_long_value,
    parse_literal=_long_literal,
)
DATE_TIME = strawberry.scalar(
    name="DateTime",
    description=(
        "A moment as RFC 3339 writes it. Answers are in UTC with the offset +00:00; inputs need "
        "an offset (Z or +02:00)."
    ),
    specified_by_url="https://www.rfc-editor.org/rfc/rfc3339",
    serialize=date_time_output,
    parse_value=_date_time_value,
)
