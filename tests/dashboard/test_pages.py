"""The bytes of the pages and what a browser is told of them."""

import hashlib
import re

import pytest

from dashboard.pages import STATIC_FOLDER, Asset, favicon, find_asset, graphiql_page, plain_page

OWN_PAGES = [plain_page(), graphiql_page()]


@pytest.mark.parametrize(
    ("name", "content_type"),
    [
        ("plain.html", "text/html; charset=utf-8"),
        ("plain.js", "text/javascript; charset=utf-8"),
        ("plain.css", "text/css; charset=utf-8"),
        ("favicon.svg", "image/svg+xml"),
        ("vendor/manifest.json", "application/json"),
        ("vendor/react/LICENSE", "text/plain; charset=utf-8"),
    ],
)
def test_a_file_is_found_with_its_bytes_and_type(name: str, content_type: str) -> None:
    found = find_asset(name)

    assert found is not None
    assert found.body == (STATIC_FOLDER / name).read_bytes()
    assert found.content_type == content_type


@pytest.mark.parametrize(
    "name",
    ["", ".", "vendor", "vendor/", "../pages.py", "vendor/../plain.js", "/plain.js", "none.js"],
)
def test_a_name_that_is_no_file_of_the_folder_is_not_found(name: str) -> None:
    assert find_asset(name) is None


def test_the_tag_is_strong_and_follows_the_bytes() -> None:
    page = plain_page()

    assert page.etag == f'"{hashlib.sha256(page.body).hexdigest()[:32]}"'
    assert page.etag != graphiql_page().etag


@pytest.mark.parametrize("header", ["{tag}", "W/{tag}", '"another", {tag}', '"another",{tag}', "*"])
def test_a_request_that_names_the_tag_knows_the_bytes(header: str) -> None:
    page = plain_page()

    assert page.is_known_to(header.replace("{tag}", page.etag))


@pytest.mark.parametrize("header", [None, "", '"another"', 'W/"another"'])
def test_a_request_that_names_no_such_tag_needs_the_bytes(header: str | None) -> None:
    assert not plain_page().is_known_to(header)


@pytest.mark.parametrize("page", OWN_PAGES)
def test_no_page_may_run_a_script_that_is_not_a_file_of_this_host(page: Asset) -> None:
    directives = dict(part.split(maxsplit=1) for part in page.content_security_policy.split("; "))
    html = page.body.decode()

    assert directives["default-src"] == "'none'"
    assert directives["script-src"] == "'self'"
    assert re.findall(r"<script[^>]*>[^<]", html) == []
    assert re.search(r"\son\w+=|javascript:|\sstyle=|<style", html) is None


def test_only_graphiql_may_write_styles_into_its_page() -> None:
    assert "style-src 'self';" in plain_page().content_security_policy
    assert "'unsafe-inline'" not in plain_page().content_security_policy
    assert "style-src 'self' 'unsafe-inline'" in graphiql_page().content_security_policy


@pytest.mark.parametrize("page", OWN_PAGES)
def test_every_file_that_a_page_names_is_there(page: Asset) -> None:
    named = re.findall(r'(?:src|href)="/static/([^"]+)"', page.body.decode())

    assert len(named) >= 4
    assert [name for name in named if find_asset(name) is None] == []


def test_the_icon_is_a_picture_of_our_own() -> None:
    assert favicon().body.startswith(b"<svg ")
    assert favicon() == find_asset("favicon.svg")


def test_the_plain_page_never_writes_markup_from_values() -> None:
    for name in ("plain.js", "graphql.js", "graphiql.js"):
        script = (STATIC_FOLDER / name).read_text()
        assert (
            re.search(r"innerHTML|outerHTML|insertAdjacent|document\.write|eval\(", script) is None
        )
