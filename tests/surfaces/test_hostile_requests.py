"""Every route and every root field with what nobody should send: a clear answer, nothing changed,
and the service goes on."""

import re
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import pytest
from graphql import (
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLScalarType,
    get_named_type,
    is_leaf_type,
    is_required_argument,
    is_required_input_field,
    is_union_type,
)

from rest_compat.routes import ROUTES
from schema.build import build_schema
from server.demo.security import secured
from server.demo.station import build_station
from tests.surfaces.conftest import Service, running

PLACES = (
    "10000000deadbeef",
    "",
    "..",
    "%2e%2e",
    "a%2Fb",
    "..%2f..%2fetc%2fpasswd",
    "a%00b",
    "x" * 10_240,
    "%ff%fe",
    "%0d%0aSet-Cookie:%20x",
)
JSON = {"content-type": "application/json"}
BODIES: tuple[dict[str, Any], ...] = (
    {},
    {"content": b'{"a":1,}', "headers": JSON},
    {"content": b"[1,2", "headers": JSON},
    {"content": b"[[]]", "headers": JSON},
    {"content": b'{"name":{"a":1},"path":["x"],"content":5,"serial":null}', "headers": JSON},
    {"content": b"x" * 100, "headers": {"content-type": "text/xml"}},
    {"content": b"\xff\xfe=%zz", "headers": {"content-type": "application/x-www-form-urlencoded"}},
    {"content": b"--x\r\nno", "headers": {"content-type": "multipart/form-data; boundary=x"}},
)
TEXTS = ("", "..", "\0", "a\0b", "x" * 10_240, "' OR 1=1 --", "../../etc/passwd", "\r\n", "💩")
OURS = re.compile(r"(audit|service)\.db|record-index/|-wal$|-shm$|-journal$|\.lock$|\.token$")
UNEXPECTED = {"INTERNAL", "GRAPHQL_VALIDATION_FAILED"}
UNAVAILABLE = ("BUS_CONNECT_ERROR", "UNITS_UNAVAILABLE")


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A station whose board has a key to wrap secrets with."""
    made = tmp_path_factory.mktemp("hostile")
    station = build_station(made, now=datetime(2026, 8, 1, tzinfo=UTC))
    with secured(station.paths):
        yield made


@pytest.fixture
async def service(root: Path) -> AsyncIterator[Service]:
    async with running(root) as started:
        yield started


def contents(root: Path) -> dict[str, bytes]:
    """Returns every file of the station that is not this service's own."""
    return {
        str(path): path.read_bytes()
        for path in root.rglob("*")
        if path.is_file() and not OURS.search(str(path))
    }


def requests() -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yields a request of every kind to each path of each route."""
    for route in ROUTES:
        for path in route.paths:
            parts = re.split(r"\{\w+\}", path)
            for address in sorted({place.join(parts) for place in PLACES}):
                for body in BODIES if route.method not in ("GET", "HEAD") else ({},):
                    yield route.method, address, body


async def test_no_route_fails_or_changes_anything(service: Service, root: Path) -> None:
    # A request without a body asks for this, and is not a bad one: here it has nothing left to do.
    assert (await service.client.post("/options/migrate-secrets")).status_code == 200
    before, failed = contents(root), list[tuple[str, str, int]]()
    for method, address, body in requests():
        answer = await service.client.request(method, address, **body)
        told = answer.json().get("error_code") if answer.status_code >= 500 else None
        if answer.status_code >= 500 and answer.status_code != 501 and told not in UNAVAILABLE:
            failed.append((method, address[:80], answer.status_code))
    assert failed == []
    assert contents(root) == before
    assert (await service.client.get("/healthz")).status_code == 200


@pytest.mark.parametrize("kind", ["query", "mutation"])
async def test_no_field_fails_unexpectedly(service: Service, kind: str) -> None:
    failed = list[tuple[str, str, str]]()
    fields = getattr(build_schema()._schema, f"{kind}_type").fields
    for name, field in fields.items():
        for text in TEXTS if field.args else TEXTS[:1]:
            answer = await service.graphql(**question(kind, name, field, text))
            codes = {error["extensions"]["code"] for error in answer.get("errors", ())}
            failed += [(name, text[:20], code) for code in codes & UNEXPECTED]
    assert failed == []
    assert (await service.graphql("{ station { name } }"))["data"]["station"]["name"]


def question(kind: str, name: str, field: GraphQLField, text: str) -> dict[str, Any]:
    """Returns an operation that asks for one root field, each text argument being `text`."""
    wanted = {
        key: argument
        for key, argument in field.args.items()
        if is_required_argument(argument) or key not in ("first", "last", "after", "before")
    }
    declared = ", ".join(f"${key}: {argument.type}" for key, argument in wanted.items())
    used = ", ".join(f"{key}: ${key}" for key in wanted)
    takes, gives = (f" ({declared})", f"({used})") if wanted else ("", "")
    query = f"{kind}{takes} {{ {name}{gives} {selection(field.type)} }}"
    variables = {key: value(argument.type, text) for key, argument in wanted.items()}
    return {"query": query, **variables}


def selection(type_: GraphQLOutputType) -> str:
    """Returns what is asked of an answer: its plain members."""
    named = get_named_type(type_)
    if is_leaf_type(named):
        return ""
    if is_union_type(named):
        return "{ __typename ... on Problem { code } }"
    assert isinstance(named, GraphQLObjectType)
    plain = [
        key
        for key, field in named.fields.items()
        if is_leaf_type(get_named_type(field.type)) and not field.args
    ]
    return f"{{ __typename {' '.join(plain)} }}"


def value(type_: GraphQLInputType, text: str) -> Any:
    """Returns a value of this type; of an input object all members that are texts."""
    if isinstance(type_, GraphQLNonNull):
        return value(type_.of_type, text)
    if isinstance(type_, GraphQLList):
        return [value(type_.of_type, text)]
    if isinstance(type_, GraphQLInputObjectType):
        return {
            key: value(member.type, text)
            for key, member in type_.fields.items()
            if is_required_input_field(member) or get_named_type(member.type).name == "String"
        }
    if isinstance(type_, GraphQLScalarType):
        known: dict[str, Any] = {"Int": 1, "Long": 5, "Float": 1.5, "Boolean": False}
        known |= {"DateTime": "2026-01-01T00:00:00Z"}
        return known.get(type_.name, text)
    return next(iter(type_.values))


@pytest.mark.parametrize("path", ["/graphql", "/customisation/save-script"])
async def test_a_client_that_leaves_in_its_body_is_no_failure_of_the_service(
    service: Service, path: str, caplog: pytest.LogCaptureFixture
) -> None:
    messages: list[dict[str, Any]] = [
        {"type": "http.request", "body": b'{"query"', "more_body": True},
        {"type": "http.disconnect"},
    ]
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        return messages.pop(0)

    async def send(message: Any) -> None:
        sent.append(message)

    scope: dict[str, Any] = {"type": "http", "method": "POST", "path": path}
    scope |= {"raw_path": path.encode(), "query_string": b"", "client": ("127.0.0.1", 9)}
    scope["headers"] = [(b"host", b"127.0.0.1:3142"), (b"content-type", b"application/json")]
    await service.application.asgi(scope, receive, send)
    assert sent[0]["status"] == 400
    assert orjson.loads(sent[1]["body"])["error_code"] == "CLIENT_GONE"
    assert "unexpected" not in caplog.text
