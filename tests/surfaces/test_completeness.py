"""Every documented path is served or pending; routes have resolvers, resolvers have fields."""

import subprocess
import sys

import pytest
from graphql import GraphQLObjectType
from openapi_spec_validator import validate

from resolvers.operation import REGISTERED
from rest_compat.pending import PENDING
from rest_compat.routes import ROUTES, SOCKETS
from schema.build import build_schema
from server.running import openapi_document
from tests.surfaces.documented_paths import DOCUMENTED, DOCUMENTED_SOCKETS
from tests.surfaces.repository import ROOT

SERVED = {(route.method, path) for route in ROUTES for path in route.paths}
WAITING = {(later.method, later.path) for later in PENDING}


def test_every_documented_path_is_served_or_pending() -> None:
    assert set() == DOCUMENTED - SERVED - WAITING


def test_nothing_is_pending() -> None:
    assert PENDING == ()
    assert {socket.path for socket in SOCKETS} == DOCUMENTED_SOCKETS


def test_no_path_is_both_served_and_pending() -> None:
    assert set() == SERVED & WAITING


def test_nothing_is_pending_that_nobody_documented() -> None:
    assert set() == WAITING - DOCUMENTED


def test_no_socket_is_served_that_nobody_documented() -> None:
    assert {socket.path for socket in SOCKETS} <= DOCUMENTED_SOCKETS
    assert {socket.serves.name for socket in SOCKETS} <= set(REGISTERED)


def test_every_route_has_a_resolver_but_the_start_page() -> None:
    assert [route.path for route in ROUTES if route.serves is None] == ["/"]


@pytest.mark.parametrize("name", sorted(REGISTERED))
def test_every_resolver_has_a_graphql_operation(name: str) -> None:
    root, _, field = REGISTERED[name].graphql.partition(".")
    found = build_schema()._schema.get_type(root)
    assert isinstance(found, GraphQLObjectType)
    assert field in found.fields


def test_the_openapi_document_is_valid_and_describes_every_route() -> None:
    described = openapi_document()
    validate(described)
    paths = described["paths"]
    assert isinstance(paths, dict)
    assert {path for _, path in SERVED} <= set(paths)


def test_the_committed_pages_are_what_the_code_says() -> None:
    # In a process of its own: here the errors of other tests would be listed too.
    command = [sys.executable, "-m", "server.documentation", "--check", "docs"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_committed_schema_is_what_the_code_says() -> None:
    committed = (ROOT / "schema/schema.graphql").read_text("utf-8")
    assert committed == build_schema().as_str() + "\n", "run `make docs`"


def test_every_type_and_field_is_described() -> None:
    bare = []
    for kind in build_schema()._schema.type_map.values():
        if kind.name.startswith("__"):
            continue
        if not kind.description:
            bare.append(kind.name)
        for name, field in getattr(kind, "fields", {}).items():
            if not field.description:
                bare.append(f"{kind.name}.{name}")
    assert bare == []
