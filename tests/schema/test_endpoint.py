"""GraphQL over HTTP: what is asked how, and what comes back as what."""

from typing import Any

import orjson
import pytest

from schema.limits import Limits
from tests.schema.driver import Answer, ask
from tests.schema.serving import Toy, toy
from tests.schema.toy import plain_rows, tool_of

GRAPHQL = "application/graphql-response+json"
JSON = "application/json"


@pytest.fixture
def served() -> Toy:
    return toy(graphql_ide_html="<h1>GraphiQL</h1>")


async def post(served: Toy, body: object, **headers: str) -> Answer:
    return await ask(served.endpoint, body=body, **headers)


async def test_a_query_by_post_is_answered_as_json(served: Toy) -> None:
    served.station.rows = plain_rows(2)
    answer = await post(served, {"query": "{rows{serial size}}"})
    assert answer.status == 200
    assert answer.headers["content-type"] == "application/json; charset=utf-8"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.body == (
        b'{"data":{"rows":[{"serial":"0000000000000000","size":8000000000},'
        b'{"serial":"0000000000000001","size":8000000001}]}}'
    )


async def test_variables_and_the_operations_name_are_taken_by_both_methods(served: Toy) -> None:
    query = "query A($n: Long){echo(long:$n)} query B{echo}"
    expected = {"data": {"echo": "5 None"}}
    members = {"query": query, "variables": {"n": 5}, "operationName": "A", "extensions": {}}
    assert (await post(served, members)).json == expected
    string = "query=query+A(%24n:Long){echo(long:%24n)}&variables={%22n%22:5}&operationName=A"
    assert (await ask(served.endpoint, "GET", query=string)).json == expected


@pytest.mark.parametrize(
    ("accept", "media_type"),
    [
        ("", JSON),
        ("*/*", JSON),
        ("application/*", JSON),
        (JSON, JSON),
        (GRAPHQL, GRAPHQL),
        (f"{GRAPHQL}, {JSON}", GRAPHQL),
        (f"{JSON}, {GRAPHQL}", GRAPHQL),
        (f"{GRAPHQL};q=0.5, {JSON}", JSON),
        (f"{GRAPHQL}; charset=utf-8, {JSON};q=0.9", GRAPHQL),
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", JSON),
        (f"*/*, {JSON};q=0", GRAPHQL),
    ],
)
async def test_the_answer_is_in_the_type_that_is_accepted(
    served: Toy, accept: str, media_type: str
) -> None:
    answer = await post(served, {"query": "{echo}"}, accept=accept)
    assert (answer.status, answer.headers["vary"]) == (200, "Accept")
    assert answer.headers["content-type"] == f"{media_type}; charset=utf-8"


@pytest.mark.parametrize("accept", ["text/html", "application/xml;q=1", f"{JSON};q=0", "x"])
async def test_nothing_acceptable_is_406(served: Toy, accept: str) -> None:
    answer = await post(served, {"query": "{echo}"}, accept=accept)
    assert (answer.status, answer.code) == (406, "GRAPHQL_NOT_ACCEPTABLE")


@pytest.mark.parametrize(
    ("members", "code"),
    [
        ({"query": "{"}, "GRAPHQL_PARSE_FAILED"),
        ({"query": "{zzz}"}, "GRAPHQL_VALIDATION_FAILED"),
        ({"query": "query($n:Long!){echo(long:$n)}"}, "GRAPHQL_VARIABLES_INVALID"),
        ({"query": "{tool{owner{friend{friend{name}}}}}"}, "DEPTH_LIMIT"),
        ({"query": "query A{a:echo} query B{b:echo}"}, "GRAPHQL_OPERATION_UNKNOWN"),
    ],
)
async def test_a_wrong_document_is_400_only_for_who_knows_the_newer_type(
    members: dict[str, Any], code: str
) -> None:
    served = toy(limits=Limits(depth=4))
    for media_type, status in ((JSON, 200), (GRAPHQL, 400)):
        answer = await post(served, members, accept=media_type)
        assert (answer.status, answer.code) == (status, code)
        assert "data" not in answer.json


async def test_an_error_of_a_field_keeps_the_data_and_200(served: Toy) -> None:
    served.station.tool = tool_of("saw", count=2**40)
    answer = await post(served, {"query": "{tool{name count}}"}, accept=GRAPHQL)
    assert answer.status == 200
    assert answer.json["data"] == {"tool": {"name": "saw", "count": None}}
    assert answer.json["errors"][0]["path"] == ["tool", "count"]


async def test_a_query_out_of_time_has_null_data() -> None:
    answer = await post(toy(limits=Limits(execution_seconds=0.01)), {"query": "{waits}"})
    assert (answer.status, answer.json["data"], answer.code) == (200, None, "EXECUTION_TIMEOUT")


@pytest.mark.parametrize("accept", [JSON, GRAPHQL])
@pytest.mark.parametrize(
    "body",
    [
        b"", b"{", b"nonsense", b"\xff\xfe", b'"text"', b"5", b"null", b"{}", {"query": None},
        {"query": ""}, {"query": 5}, {"query": ["{echo}"]}, {"id": "persisted"},
        {"query": "{echo}", "variables": []}, {"query": "{echo}", "variables": "{}"},
        {"query": "{echo}", "operationName": 5}, {"query": "{echo}", "operationName": {}},
        {"query": "{echo}", "extensions": "text"}, b"[" * 100_000,
    ],
)  # fmt: skip
async def test_what_is_no_request_is_400_in_json(served: Toy, body: object, accept: str) -> None:
    answer = await post(served, body, accept=accept)
    assert (answer.status, answer.code) == (400, "GRAPHQL_REQUEST_INVALID")
    assert answer.headers["content-type"] == f"{accept}; charset=utf-8"


async def test_a_batch_is_refused_clearly(served: Toy) -> None:
    answer = await post(served, [{"query": "{echo}"}, {"query": "{echo}"}])
    assert (answer.status, answer.code) == (400, "GRAPHQL_REQUEST_INVALID")
    assert answer.json["errors"][0]["message"].startswith("Send one operation in one request")


async def test_an_operation_that_is_not_there_is_400(served: Toy) -> None:
    members = {"query": "query A{echo}", "operationName": "B"}
    answer = await post(served, members)
    assert (answer.status, answer.code) == (400, "GRAPHQL_OPERATION_UNKNOWN")
    no_operation = await post(served, {"query": "fragment F on Query{echo}"})
    assert (no_operation.status, no_operation.code) == (400, "GRAPHQL_OPERATION_UNKNOWN")


@pytest.mark.parametrize(
    "content_type",
    ["", "text/plain", "application/graphql", "multipart/form-data; boundary=x",
     "application/x-www-form-urlencoded", "application/json; charset=latin1", "application/jsonx"],
)  # fmt: skip
async def test_a_body_that_is_not_json_in_utf_8_is_415(served: Toy, content_type: str) -> None:
    answer = await post(served, {"query": "{echo}"}, content_type=content_type)
    assert (answer.status, answer.code) == (415, "GRAPHQL_MEDIA_TYPE_UNSUPPORTED")


@pytest.mark.parametrize(
    "content_type", ["application/json; charset=utf-8", 'Application/JSON;charset="UTF-8"']
)
async def test_the_charset_may_be_said(served: Toy, content_type: str) -> None:
    answer = await post(served, {"query": "{echo}"}, content_type=content_type)
    assert answer.json == {"data": {"echo": "None None"}}


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "HEAD", "OPTIONS"])
async def test_other_methods_are_405(served: Toy, method: str) -> None:
    answer = await ask(served.endpoint, method)
    assert (answer.status, answer.headers["allow"]) == (405, "GET, POST")
    assert answer.code == "GRAPHQL_METHOD_NOT_ALLOWED"


async def test_get_changes_nothing(served: Toy) -> None:
    served.station.gate.set()
    answer = await ask(served.endpoint, "GET", query='query=mutation{write(text:"x")}')
    assert (answer.status, answer.headers["allow"]) == (405, "POST")
    assert served.station.written == []


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_subscription_is_sent_to_the_socket(served: Toy, method: str) -> None:
    text = "subscription{ticks{number}}"
    answer = await ask(served.endpoint, method, body={"query": text}, query=f"query={text}")
    assert (answer.status, answer.code) == (400, "GRAPHQL_OPERATION_REFUSED")


@pytest.mark.parametrize("string", ["", "query=", "query={echo}&variables={", "variables={}",
                                    "query={echo}&extensions=5", "query={echo}%23%ff",
                                    "query={echo}&operationName=%c3", "query={echo}&%ff=1",
                                    "query={echo}%23%ed%a0%80"])  # fmt: skip
async def test_get_without_a_proper_query_is_400(served: Toy, string: str) -> None:
    answer = await ask(served.endpoint, "GET", query=string)
    assert (answer.status, answer.code) == (400, "GRAPHQL_REQUEST_INVALID")


async def test_a_mutation_by_post_is_made(served: Toy) -> None:
    served.station.gate.set()
    answer = await post(served, {"query": 'mutation{write(text:"x")}'})
    assert answer.json == {"data": {"write": "x"}}
    assert served.station.written == ["x"]


async def test_browsers_get_the_page(served: Toy) -> None:
    answer = await ask(served.endpoint, "GET", accept="text/html,*/*;q=0.8")
    assert (answer.status, answer.body) == (200, b"<h1>GraphiQL</h1>")
    assert answer.headers["content-type"].startswith("text/html")


async def test_no_page_no_html() -> None:
    answer = await ask(toy().endpoint, "GET", accept="text/html")
    assert (answer.status, answer.code) == (406, "GRAPHQL_NOT_ACCEPTABLE")


async def test_a_file_name_that_is_no_unicode_is_answered(served: Toy) -> None:
    served.station.tool = tool_of("saw", text="caf\udce9.img")
    answer = await post(served, {"query": "{tool{text}}"})
    assert answer.json["data"] == {"tool": {"text": "caf\ufffd.img"}}


async def test_what_nobody_masked_is_masked(served: Toy, caplog: pytest.LogCaptureFixture) -> None:
    served.station.tool = tool_of("saw")
    answer = await post(served, {"query": "{tool{name slowFailing}}"})
    [error] = answer.json["errors"]
    assert error["extensions"] == {"code": "INTERNAL"}
    assert "too slow" not in answer.body.decode()
    assert "too slow" in caplog.text


async def test_a_whole_answer_can_be_read_by_any_json_parser(served: Toy) -> None:
    served.station.rows = plain_rows(100)
    answer = await post(served, {"query": "{rows{serial weight at}}"})
    assert len(orjson.loads(answer.body)["data"]["rows"]) == 100
