"""Long and DateTime take what they say and nothing else, in and out."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from schema.execution import QuickExecutor
from tests.schema.toy import Context, Station, tool_of, toy_schema

SCHEMAS = [toy_schema(), toy_schema(execution_context_class=QuickExecutor)]


async def echo(type_: str, name: str, value: object) -> Any:
    query = f"query ($v: {type_}) {{echo({name}: $v)}}"
    return await SCHEMAS[0].execute(query, {"v": value}, context_value=Context())


async def echo_literal(name: str, literal: str) -> Any:
    return await SCHEMAS[0].execute(f"{{echo({name}: {literal})}}", context_value=Context())


@pytest.mark.parametrize(
    ("given", "taken"),
    [(0, 0), (-1, -1), (2**63 - 1, 2**63 - 1), (-(2**63), -(2**63)), (3.0, 3), (2.0**53, 2**53)],
)
async def test_long_takes_whole_numbers_of_64_bits(given: float, taken: int) -> None:
    result = await echo("Long", "long", given)
    assert result.data == {"echo": f"{taken} None"}


@pytest.mark.parametrize(
    "given", [2**63, -(2**63) - 1, 1.5, True, "5", [], {}, 2.0**60, float("nan"), float("inf")]
)
async def test_long_refuses_everything_else(given: object) -> None:
    result = await echo("Long", "long", given)
    assert "Long is a whole number of 64 bits, not" in result.errors[0].message


@pytest.mark.parametrize(("literal", "taken"), [("9223372036854775807", 2**63 - 1), ("-5", -5)])
async def test_long_literals_are_integers(literal: str, taken: int) -> None:
    assert (await echo_literal("long", literal)).data == {"echo": f"{taken} None"}


@pytest.mark.parametrize(
    "literal", ["9223372036854775808", "1.0", "1e3", '"5"', "true", "[1, 2]", "9" * 5_000]
)
async def test_long_refuses_other_literals(literal: str) -> None:
    result = await echo_literal("long", literal)
    assert "Long is a whole number of 64 bits, not" in result.errors[0].message
    assert len(result.errors[0].message) < 200


@pytest.mark.parametrize(
    ("given", "taken"),
    [
        ("2026-08-01T12:00:00Z", datetime(2026, 8, 1, 12, tzinfo=UTC)),
        ("2026-08-01t12:00:00.25z", datetime(2026, 8, 1, 12, 0, 0, 250_000, tzinfo=UTC)),
        ("2026-08-01T12:00:00+02:00", datetime(2026, 8, 1, 10, tzinfo=UTC)),
    ],
)
async def test_date_time_takes_rfc_3339_and_reads_it_as_utc(given: str, taken: datetime) -> None:
    assert (await echo("DateTime", "at", given)).data == {"echo": f"None {taken!r}"}
    assert (await echo_literal("at", f'"{given}"')).data == {"echo": f"None {taken!r}"}


@pytest.mark.parametrize(
    "given",
    [
        "2026-08-01T12:00:00", "2026-08-01", "soon", "", 1785585600, "2026-13-01T00:00:00Z",
        "2026-W31-6T12:00:00Z", "0001-01-01T00:00:00+14:00", "2026-08-01T25:00:00Z",
        "\u06622026-08-01T12:00:00Z", True, None,
    ],
)  # fmt: skip
async def test_date_time_refuses_what_has_no_offset_or_is_no_moment(given: object) -> None:
    result = await echo("DateTime!", "at", given)
    assert result.errors


@pytest.mark.parametrize("schema", SCHEMAS)
@pytest.mark.parametrize("hours", [0, -5, 14])
async def test_date_time_answers_in_utc(schema: Any, hours: int) -> None:
    held = datetime(2026, 8, 1, 12, tzinfo=UTC).astimezone(timezone(timedelta(hours=hours)))
    context = Context(Station(tool=tool_of("saw", at=held)))
    result = await schema.execute("{tool{at}}", context_value=context)
    assert result.data == {"tool": {"at": "2026-08-01T12:00:00+00:00"}}


@pytest.mark.parametrize("schema", SCHEMAS)
async def test_a_moment_without_an_offset_is_no_answer(schema: Any) -> None:
    naive = datetime(2026, 8, 1, tzinfo=UTC).replace(tzinfo=None)
    context = Context(Station(tool=tool_of("saw", at=naive)))
    result = await schema.execute("{tool{at}}", context_value=context)
    assert result.data == {"tool": {"at": None}}
    assert "a moment with an offset" in result.errors[0].message
