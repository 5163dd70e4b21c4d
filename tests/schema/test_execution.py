"""The quick executor answers what the stock one answers."""

import asyncio
import gc
import warnings
from typing import Any

import pytest
import strawberry
from hypothesis import HealthCheck, given, settings
from strawberry import Schema
from strawberry.extensions import SchemaExtension

from schema.document_checks import checks
from schema.execution import QuickExecutor
from schema.limits import Limits
from tests.schema.queries import documents, stations
from tests.schema.toy import (
    BrokenTool,
    Context,
    Later,
    Station,
    Tool,
    person_of,
    plain_rows,
    tool_of,
    toy_schema,
)

WIDE = Limits(depth=99, tokens=100_000, aliases=9_999, root_fields=9_999)
STOCK = toy_schema()
QUICK = toy_schema(execution_context_class=QuickExecutor, extensions=[checks(WIDE)])
ROW = "{rows{serial port state image size changes secure colour weight at}}"


async def told(schema: Schema, query: str, station: Station, **variables: object) -> Any:
    """Returns everything a client sees; text, so that 1, 1.0 and True are not the same."""
    result = await schema.execute(query, variables, context_value=Context(station))
    errors = [
        (error.message, error.path, [(at.line, at.column) for at in error.locations or ()])
        for error in result.errors or ()
    ]
    return repr(result.data), errors


async def same(query: str, station: Station | None = None, **variables: object) -> Any:
    """Asserts that both executors answer alike, also the second time, and returns the answer."""
    station = station or Station()
    stock = await told(STOCK, query, station, **variables)
    assert await told(QUICK, query, station, **variables) == stock
    assert await told(QUICK, query, station, **variables) == stock
    return stock


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(document=documents(), station=stations())
def test_any_document_over_any_values_is_answered_as_by_the_stock_executor(
    document: str, station: Station
) -> None:
    async def both() -> None:
        await same(document, station, yes=True)
        await same(document, station, yes=False, word="you")

    with warnings.catch_warnings():
        # Awaitables that nobody reaches any more are the stock executor's business too.
        warnings.simplefilter("ignore", RuntimeWarning)
        asyncio.run(both())
        gc.collect(0)


async def test_rows_of_plain_fields_are_as_stock() -> None:
    data, errors = await same(ROW, Station(rows=plain_rows(20)))
    assert errors == []
    assert "'size': 8000000019" in data
    assert "'at': '2026-08-01T12:30:00+00:00'" in data


async def test_aliases_fragments_and_repeated_fields_are_merged() -> None:
    query = """{ tool { a: name name ...F ... on Tool { b: count } } tool { needed name } }
        fragment F on Tool { __typename name owner { name } owner { age } }"""
    tool = tool_of("saw", count=4, owner=person_of("Ada"))
    data, errors = await same(query, Station(tool=tool))
    assert errors == []
    assert "'owner': {'name': 'Ada', 'age': 40}" in data


@pytest.mark.parametrize("yes", [True, False])
async def test_a_directive_is_judged_anew_in_each_run(yes: bool) -> None:  # noqa: FBT001
    query = "query ($yes: Boolean!) { tool { name needed @skip(if: $yes) } }"
    data, _ = await same(query, Station(tool=tool_of("saw")), yes=yes)
    assert ("needed" in data) is not yes


async def test_a_null_that_may_not_be_takes_the_row_and_then_the_list() -> None:
    tools = [tool_of("saw"), tool_of("axe", needed=None)]
    data, errors = await same("{tools{name needed}}", Station(tools=tools))
    assert data == "{'tools': None}"
    assert errors == [
        (
            "Cannot return null for non-nullable field Tool.needed.",
            ["tools", 1, "needed"],
            [(1, 13)],
        )
    ]


async def test_a_property_that_raises_is_read_once() -> None:
    class Counting(Tool):
        reads = 0

        @property
        def text(self) -> str:
            Counting.reads += 1
            raise RuntimeError("cannot be read")

        @text.setter
        def text(self, value: str | None) -> None:
            pass

    station = Station(tool=Counting(id=strawberry.ID("1"), name="saw"))
    data, errors = await told(QUICK, "{tool{text}}", station)
    assert (data, errors) == (
        "{'tool': {'text': None}}",
        [("cannot be read", ["tool", "text"], [(1, 7)])],
    )
    assert Counting.reads == 1


async def test_an_error_deep_in_a_list_has_the_whole_path() -> None:
    inner = BrokenTool({"count"}, id="2", name="bit")
    owner = person_of("A", tools=[tool_of("x"), inner])
    tool = tool_of("drill", owner=owner)
    _, errors = await same("{tool{owner{tools{c:count}}}}", Station(tool=tool))
    assert errors == [("count cannot be read", ["tool", "owner", "tools", 1, "c"], [(1, 19)])]


async def test_awaitable_values_and_items_are_awaited() -> None:
    tools = [Later(tool_of("saw", text=Later("late"))), tool_of("axe")]
    data, errors = await same("{looseTools{name text slow}}", Station(tools=tools))
    assert errors == []
    assert "'text': 'late', 'slow': 'slow saw'" in data


async def test_an_operation_in_another_order_of_types_is_planned_for_each_type() -> None:
    things = [person_of("Ada"), tool_of("saw"), object(), None]
    data, errors = await same(
        "{things{__typename ... on Tool{id} ... on Named{name} ... on Person{age}}}",
        Station(tools=things[:2]),
    )
    assert errors == []
    assert data.startswith("{'things': [{'__typename': 'Person', 'name': 'Ada', 'age': 40}")
    await same("{things{__typename ... on Tool{id}}}", Station(tools=things))


async def test_middleware_sees_every_field() -> None:
    seen: list[str] = []

    class Watching(SchemaExtension):
        def resolve(self, _next: Any, root: Any, info: Any, *args: Any, **kwargs: Any) -> Any:
            seen.append(info.field_name)
            return _next(root, info, *args, **kwargs)

    schema = toy_schema(execution_context_class=QuickExecutor, extensions=[Watching])
    await schema.execute(
        "{tool{name needed}}",
        context_value=Context(Station(tool=tool_of("s"))),
    )
    assert seen == ["tool", "name", "needed"]


async def test_introspection_is_as_stock() -> None:
    query = "{__schema{types{name kind fields{name type{name ofType{name}}}} directives{name}}}"
    _, errors = await same(query)
    assert errors == []


async def test_a_number_outside_its_type_is_the_stock_error() -> None:
    tool = tool_of("saw", count=2**31, ratio=float("inf"), size=2**63)
    _, errors = await same("{tool{count ratio size}}", Station(tool=tool))
    assert [message for message, _, _ in errors] == [
        "Int cannot represent non 32-bit signed integer value: 2147483648",
        "Float cannot represent non numeric value: inf",
        "Long is a whole number of 64 bits, not 9223372036854775808.",
    ]


async def test_an_exception_as_an_item_is_that_items_error() -> None:
    rows = [*plain_rows(1), ValueError("as an item")]
    _, errors = await same("{rows{serial}}", Station(rows=rows))
    assert errors == [("as an item", ["rows", 1], [(1, 2)])]


async def test_a_leaf_in_a_list_that_cannot_be_shown_is_its_own_error() -> None:
    tool = tool_of("saw", numbers=[1, 2**40], words=["a", "b"])
    data, errors = await same("{tool{numbers words}}", Station(tool=tool))
    assert data == "{'tool': {'numbers': [1, None], 'words': ['a', 'b']}}"
    assert [path for _, path, _ in errors] == [["tool", "numbers", 1]]


async def test_a_list_that_fails_early_leaves_no_awaitable_behind() -> None:
    async def late() -> Tool:
        return tool_of("axe")

    with warnings.catch_warnings(action="ignore"):
        # What earlier tests left behind is not this one's.
        gc.collect()
    _, errors = await told(QUICK, "{tools{name}}", Station(tools=[None, late()]))
    assert errors[0][1] == ["tools", 0]
    # A coroutine that nobody awaited would warn here, and warnings are errors.
    gc.collect()
    await asyncio.sleep(0)
