"""Every connection of the schema, found by introspection, keeps the rules of Relay.

The rules: https://relay.dev/graphql/connections.htm
"""

from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from graphql import (
    GraphQLField,
    GraphQLObjectType,
    get_named_type,
    is_leaf_type,
    is_required_argument,
)

from domain.paging import MOST
from domain.services.units import Unit, UnitState
from schema.build import build_schema
from tests.fakes.journal import NOON, FakeJournal, own
from tests.fakes.units import FakeUnits
from tests.surfaces.conftest import Service, settle
from tests.surfaces.test_services import opened

TYPES = build_schema()._schema.type_map
UNIT = "rpi-sb-provisioner@1000000000a0b000.service"
ROOT_ARGUMENTS = {"unitJournal": f'name: "{UNIT}"'}
"""What the root connections need that have required arguments."""
WAYS = {
    "Device": "devices(first: 1) { nodes { %s } }",
    "Unit": "units(first: 1) { nodes { %s } }",
    "ManufacturingRecord": "manufacturingRecords(first: 1) { nodes { %s } }",
}
"""How an object is reached that has connections of its own."""
SENSELESS = {
    "first: -1": "INVALID_PAGE",
    f"first: {MOST + 1}": "INVALID_PAGE",
    'first: 1, after: "x"': "INVALID_CURSOR",
    'first: 1, after: ""': "INVALID_CURSOR",
    'first: 1, after: "W10"': "INVALID_CURSOR",
    'first: 1, after: "\\u00fc"': "INVALID_CURSOR",
    "last: 0": "INVALID_PAGE",
    "first: 1, last: 1": "INVALID_PAGE",
    'last: 1, before: "bm9uc2Vuc2U"': "INVALID_CURSOR",
}


@dataclass(frozen=True)
class Found:
    """One field that answers a connection."""

    parent: str
    name: str
    field: GraphQLField

    def __str__(self) -> str:
        return f"{self.parent}.{self.name}"

    @property
    def type(self) -> GraphQLObjectType:
        named = get_named_type(self.field.type)
        assert isinstance(named, GraphQLObjectType)
        return named

    @property
    def node(self) -> GraphQLObjectType:
        named = get_named_type(edge_of(self.type).fields["node"].type)
        assert isinstance(named, GraphQLObjectType)
        return named

    def query(self, arguments: str) -> str:
        """Returns a question for a page, with every plain field of its nodes."""
        given = ", ".join(filter(None, [ROOT_ARGUMENTS.get(self.name, ""), arguments]))
        leaves = [
            name
            for name, field in self.node.fields.items()
            if is_leaf_type(get_named_type(field.type)) and not field.args
        ]
        page = (
            f"{self.name}({given}) {{ edges {{ cursor node {{ {' '.join(leaves)} }} }} "
            f"nodes {{ __typename }} {'totalCount ' if 'totalCount' in self.type.fields else ''}"
            "pageInfo { hasNextPage hasPreviousPage startCursor endCursor } }"
        )
        return f"{{ {page if self.parent == 'Query' else WAYS[self.parent] % page} }}"


def edge_of(connection: GraphQLObjectType) -> GraphQLObjectType:
    edge = get_named_type(connection.fields["edges"].type)
    assert isinstance(edge, GraphQLObjectType)
    return edge


def connections() -> Iterator[Found]:
    for type_name, object_type in TYPES.items():
        if isinstance(object_type, GraphQLObjectType):
            for name, field in object_type.fields.items():
                if get_named_type(field.type).name.endswith("Connection"):
                    yield Found(type_name, name, field)


def written(type: object) -> str:
    return str(type)


@pytest.fixture
async def service(station_root: Path) -> AsyncIterator[Service]:
    """The demo station, with units of which one has a journal."""
    lines = [own(UNIT, f"line {n}", n, invocation=f"{n // 4:032x}") for n in range(1, 13)]
    units = FakeUnits(NOON)
    for name in (UNIT, *(f"rpi-sb-triage@{n}.service" for n in range(5))):
        unit = Unit(name, name, "loaded", "failed", "failed")
        units.loaded[name] = UnitState(unit, "exit-code", 1, "1" * 32, NOON, NOON)
    async with AsyncExitStack() as stack:
        started = (await opened(stack, station_root, FakeJournal(lines), units)).service
        await settle(started.station)
        yield started


FOUND = list(connections())
BOTH_WAYS = [found for found in FOUND if "last" in found.field.args]


def page_in(answer: Mapping[str, Any], name: str) -> Any:
    """Returns the connection in an answer, wherever it is."""
    inside: Any = answer["data"]
    while name not in inside:
        [inside] = inside.values() if isinstance(inside, dict) else inside
    return inside[name]


async def asked(service: Service, found: Found, arguments: str) -> Any:
    answer = await service.graphql(found.query(arguments))
    assert "errors" not in answer, answer
    return page_in(answer, found.name)


def test_there_are_connections_and_they_are_reached() -> None:
    assert len(FOUND) > 10
    assert {found.parent for found in FOUND} - {"Query"} <= WAYS.keys()


@pytest.mark.parametrize("found", FOUND, ids=str)
def test_a_connection_has_the_shape_of_relay(found: Found) -> None:
    edge, page_info = edge_of(found.type), TYPES["PageInfo"]
    assert isinstance(page_info, GraphQLObjectType)
    assert {name: written(field.type) for name, field in page_info.fields.items()} == {
        "hasNextPage": "Boolean!",
        "hasPreviousPage": "Boolean!",
        "startCursor": "String",
        "endCursor": "String",
    }
    assert written(found.type.fields["pageInfo"].type) == "PageInfo!"
    assert written(found.type.fields["edges"].type) == f"[{edge.name}!]!"
    assert edge.name.endswith("Edge")
    assert written(edge.fields["cursor"].type) == "String!"
    assert written(edge.fields["node"].type) == f"{found.node.name}!"
    assert written(found.type.fields["nodes"].type) == f"[{found.node.name}!]!"


@pytest.mark.parametrize("found", FOUND, ids=str)
def test_a_connection_takes_the_arguments_of_relay(found: Found) -> None:
    arguments = {name: written(each.type).rstrip("!") for name, each in found.field.args.items()}
    assert (arguments["first"], arguments["after"]) == ("Int", "String")
    assert ("last" in arguments) == ("before" in arguments)
    assert (arguments.get("last", "Int"), arguments.get("before", "String")) == ("Int", "String")
    required = [name for name, each in found.field.args.items() if is_required_argument(each)]
    assert required == [
        text.partition(":")[0] for text in [ROOT_ARGUMENTS.get(found.name, "")] if text
    ]


@pytest.mark.parametrize("found", FOUND, ids=str)
async def test_pages_forwards_meet_without_gap_or_repeat(service: Service, found: Found) -> None:
    whole = await asked(service, found, "first: 20")
    edges = whole["edges"]
    cursors = [edge["cursor"] for edge in edges]
    assert len(set(cursors)) == len(cursors) == len(whole["nodes"])
    assert whole["pageInfo"]["startCursor"] == (cursors[0] if cursors else None)
    assert whole["pageInfo"]["endCursor"] == (cursors[-1] if cursors else None)
    assert whole["pageInfo"]["hasPreviousPage"] is False
    seen = edges[:1]
    while len(seen) < len(edges):
        page = await asked(service, found, f'first: 3, after: "{seen[-1]["cursor"]}"')
        assert page["edges"]
        assert page["pageInfo"]["hasPreviousPage"] is True
        seen += page["edges"]
    assert seen[: len(edges)] == edges


@pytest.mark.parametrize("found", BOTH_WAYS, ids=str)
async def test_pages_backwards_are_the_same_in_the_same_order(
    service: Service, found: Found
) -> None:
    edges = (await asked(service, found, "first: 20"))["edges"]
    seen = edges[-1:]
    while len(seen) < len(edges):
        page = await asked(service, found, f'last: 3, before: "{seen[0]["cursor"]}"')
        assert page["edges"]
        assert page["pageInfo"]["hasNextPage"] is True
        seen = page["edges"] + seen
    assert seen[-len(edges) :] == edges


@pytest.mark.parametrize("found", BOTH_WAYS, ids=str)
async def test_the_last_page_ends_the_list(service: Service, found: Found) -> None:
    end = await asked(service, found, "last: 2")
    assert end["pageInfo"]["hasNextPage"] is False
    if end["edges"]:
        after = await asked(service, found, f'first: 2, after: "{end["edges"][-1]["cursor"]}"')
        assert (after["edges"], after["pageInfo"]["hasNextPage"]) == ([], False)
        assert after["pageInfo"]["startCursor"] is after["pageInfo"]["endCursor"] is None


@pytest.mark.parametrize("found", FOUND, ids=str)
async def test_a_page_that_makes_no_sense_is_refused_with_its_code(
    service: Service, found: Found
) -> None:
    for arguments, code in SENSELESS.items():
        is_forward_only = "last" in arguments and found not in BOTH_WAYS
        wanted = "GRAPHQL_VALIDATION_FAILED" if is_forward_only else code
        answer = await service.graphql(found.query(arguments))
        assert {error["extensions"]["code"] for error in answer["errors"]} == {wanted}, arguments


async def test_a_cursor_of_another_list_is_refused(service: Service) -> None:
    given = [(found, await asked(service, found, "first: 1")) for found in FOUND]
    for found, _ in given:
        for other, page in given:
            if page["edges"] and other.node is not found.node:
                cursor = page["edges"][0]["cursor"]
                answer = await service.graphql(found.query(f'first: 1, after: "{cursor}"'))
                codes = {error["extensions"]["code"] for error in answer.get("errors", ())}
                assert codes == {"INVALID_CURSOR"}, (str(found), str(other))
