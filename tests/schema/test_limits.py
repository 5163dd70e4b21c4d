"""Every limit holds, says its code, and lets through what clients really send."""

import asyncio
from typing import Any

import pytest
from graphql import get_introspection_query, parse
from strawberry import Schema
from strawberry.extensions import QueryDepthLimiter

from schema.document_checks import checks, oversize
from schema.limits import Limits
from schema.station_executor import station_executor
from tests.schema.driver import LIMIT
from tests.schema.toy import Context, Station, Ticked, toy_schema


def limited(**limits: Any) -> Schema:
    chosen = Limits(**limits)
    return toy_schema(extensions=[checks(chosen)], execution_context_class=station_executor(chosen))


async def refusal(schema: Schema, query: str, **arguments: Any) -> tuple[Any, str]:
    """Returns code and message of the one error."""
    arguments.setdefault("context_value", Context())
    result = await schema.execute(query, **arguments)
    assert result.data is None
    [error] = result.errors or []
    return (error.extensions or {}).get("code"), error.message


async def test_an_operation_is_as_deep_as_the_limit_and_no_deeper() -> None:
    schema = limited(depth=3)
    allowed = await schema.execute("{tool{owner{name}}}", context_value=Context())
    assert allowed.errors is None
    code, message = await refusal(schema, "{tool{owner{friend{name}}}}")
    assert code == "DEPTH_LIMIT"
    assert message == "The operation is 4 levels deep; 3 are possible."


async def test_depth_is_counted_through_fragments() -> None:
    query = """{tool{...A}} fragment A on Tool{...on Tool{owner{...B}}}
        fragment B on Person{friend{name}}"""
    assert (await refusal(limited(depth=3), query))[0] == "DEPTH_LIMIT"


async def test_aliases_count_each_time_their_fragment_is_spread() -> None:
    query = "{a:tool{...F} b:tool{...F}} fragment F on Tool{x:name y:name}"
    assert (await limited(aliases=6).execute(query, context_value=Context())).errors is None
    code, message = await refusal(limited(aliases=5), query)
    assert code == "ALIAS_LIMIT"
    assert message == "The operation has 6 aliases; 5 are possible."


async def test_root_fields_are_counted() -> None:
    query = "{tool{name} tools{name} rows{port}}"
    assert (await refusal(limited(root_fields=2), query))[0] == "ROOT_FIELD_LIMIT"


async def test_tokens_are_counted_before_anything_is_built() -> None:
    code, message = await refusal(limited(tokens=20), "{" + "echo " * 30 + "}")
    assert code == "TOKEN_LIMIT"
    assert message == "The document has more than 20 tokens; ask for less at once."


@pytest.mark.parametrize(
    "query", ["{", "{tool{name}", "}", "query Q Q {echo}", '{echo(at:"}', "\0"]
)
async def test_no_graphql_is_a_parse_failure(query: str) -> None:
    assert (await refusal(limited(), query))[0] == "GRAPHQL_PARSE_FAILED"


async def test_an_unknown_field_is_a_validation_failure_each_time() -> None:
    schema = limited()
    for _ in range(2):
        code, message = await refusal(schema, "{zzz}")
        assert code == "GRAPHQL_VALIDATION_FAILED"
        assert message == "Cannot query field 'zzz' on type 'Query'."


async def test_circular_fragments_are_refused() -> None:
    query = "{tool{...A}} fragment A on Tool{parts{...B}} fragment B on Tool{parts{...A}}"
    code, message = await refusal(limited(), query)
    assert code == "GRAPHQL_VALIDATION_FAILED"
    assert message == "Cannot spread fragment 'A' within itself via 'B'."


@pytest.mark.parametrize(
    "query",
    [
        "{" + "tool{owner{tools{" * 300 + "name" + "}}}" * 300 + "}",
        "{...F0}" + "".join(f"fragment F{i} on Query{{...F{i + 1}}}" for i in range(200)),
        "{" + "...on Query{" * 150 + "echo" + "}" * 150 + "}",
    ],
)
async def test_documents_made_to_exhaust_the_stack_are_too_deep(query: str) -> None:
    assert (await refusal(limited(tokens=9_999), query))[0] == "DEPTH_LIMIT"


async def test_fragments_that_double_in_each_layer_are_measured_at_once() -> None:
    layers = "".join(
        f"fragment F{i} on Tool{{a{i}:owner{{...on Person{{tools{{...F{i + 1}}}}}}} "
        f"b{i}:owner{{tools{{...F{i + 1}}}}}}}"
        for i in range(20)
    )
    document = parse(f"{{tool{{...F0}}}} {layers} fragment F20 on Tool{{name}}")
    codes = [(e.extensions or {})["code"] for e in oversize(document, Limits())]
    assert codes == ["DEPTH_LIMIT", "ALIAS_LIMIT"]


@pytest.mark.parametrize("descriptions", [True, False])
async def test_introspection_as_clients_send_it_passes(descriptions: bool) -> None:  # noqa: FBT001
    query = get_introspection_query(
        descriptions=descriptions, specified_by_url=True, directive_is_repeatable=True,
        schema_description=True, input_value_deprecation=True,
    )  # fmt: skip
    result = await limited().execute(query, context_value=Context())
    assert result.errors is None


async def test_introspection_in_circles_is_refused() -> None:
    query = "{__schema{types{fields{type{fields{type{fields{name}}}}}}}}"
    assert (await refusal(limited(), query))[0] == "GRAPHQL_VALIDATION_FAILED"


async def test_wrong_variables_have_their_code() -> None:
    query = "query ($at: DateTime!) {echo(at: $at)}"
    code, _ = await refusal(limited(), query, variable_values={"at": "soon"})
    assert code == "GRAPHQL_VARIABLES_INVALID"


async def test_several_operations_need_a_name() -> None:
    query = "query A{a:echo} query B{b:echo}"
    schema = limited()
    named = await schema.execute(query, operation_name="B", context_value=Context())
    assert named.data == {"b": "None None"}
    # Though the document is remembered as valid now.
    assert (await refusal(schema, query))[0] == "GRAPHQL_OPERATION_UNKNOWN"


async def test_a_query_that_takes_too_long_is_ended() -> None:
    code, message = await refusal(limited(execution_seconds=0.01), "{waits}")
    assert code == "EXECUTION_TIMEOUT"
    assert message == "The query took longer than 0.01 s and was ended; ask for less at once."


async def test_a_mutation_is_never_cut() -> None:
    station = Station()
    schema = limited(execution_seconds=0.01)
    mutation = 'mutation{write(text:"whole")}'
    running = asyncio.create_task(schema.execute(mutation, context_value=Context(station)))
    await asyncio.wait_for(station.entered.wait(), LIMIT)
    # A query that begins later reaches its limit first.
    await refusal(schema, "{waits}")
    station.gate.set()
    assert (await asyncio.wait_for(running, LIMIT)).data == {"write": "whole"}


async def test_a_mutation_goes_on_when_its_client_leaves() -> None:
    station = Station()
    executor = station_executor(Limits())
    schema = toy_schema(execution_context_class=executor)
    mutation = 'mutation{write(text:"whole")}'
    running = asyncio.create_task(schema.execute(mutation, context_value=Context(station)))
    await asyncio.wait_for(station.entered.wait(), LIMIT)
    running.cancel()
    await asyncio.wait([running])
    station.gate.set()
    await executor.work.ended(LIMIT)
    assert station.written == ["whole"]


async def test_work_that_does_not_end_is_cut_at_last(caplog: pytest.LogCaptureFixture) -> None:
    executor = station_executor(Limits())
    endless = executor.work.start(asyncio.Event().wait())
    await executor.work.ended(0.01)
    await asyncio.wait([endless], timeout=LIMIT)
    assert endless.cancelled()
    assert "GraphQL work was cut" in caplog.text


async def test_an_event_that_takes_too_long_is_an_error_and_the_subscription_goes_on() -> None:
    station = Station()
    schema = limited(execution_seconds=0.01)
    context = Context(station, share_key=None)
    frames = await schema.subscribe(
        "subscription{hangingTicks{number hang}}", context_value=context
    )
    first = await anext(frames)
    assert first.data is None
    assert [(e.extensions or {})["code"] for e in first.errors or []] == ["EXECUTION_TIMEOUT"]
    station.hub.publish(Ticked(1))
    assert (await anext(frames)).data == {"hangingTicks": {"number": 1, "hang": "no"}}
    await frames.aclose()


async def test_rules_made_anew_for_each_request_are_not_skipped() -> None:
    schema = toy_schema(extensions=[lambda: QueryDepthLimiter(max_depth=1), checks(Limits())])
    for _ in range(2):
        code, _ = await refusal(schema, "{tool{owner{friend{name}}}}")
        assert code == "GRAPHQL_VALIDATION_FAILED"
