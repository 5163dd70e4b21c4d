"""What the README tells people to try is possible."""

import json
import re

import pytest
from graphql import parse, validate

from rest_compat.routes import RouteTable
from schema.build import build_schema
from tests.surfaces.repository import ROOT

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
TEXT = {str(page.relative_to(ROOT)): page.read_text("utf-8") for page in PAGES}
BODIES = [
    (name, found[1])
    for name, text in TEXT.items()
    for found in re.finditer(r"-d '(\{\"query\".*?\})'", text, re.DOTALL)
]
ADDRESSES = re.findall(r"curl [^\n]*?http://127\.0\.0\.1:3142(/[^\s'?]*)", TEXT["README.md"])


@pytest.mark.parametrize(("page", "body"), BODIES)
def test_every_query_for_curl_is_valid(page: str, body: str) -> None:
    document = parse(json.loads(body)["query"])
    assert validate(build_schema()._schema, document) == []


def test_the_readme_has_queries() -> None:
    assert BODIES


@pytest.mark.parametrize("address", sorted(set(ADDRESSES) - {"/graphql"}))
def test_every_path_for_curl_is_served(address: str) -> None:
    assert RouteTable().find(address).place.routes
