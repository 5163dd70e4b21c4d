"""Only known documents run, however a request names them."""

from typing import Any

import pytest

from schema.trusted_documents import TrustedDocuments, digest_of
from tests.schema.driver import ask, connected
from tests.schema.serving import Toy, toy

ECHO = "query($n: Long){echo(long:$n)}"
WRITE = 'mutation{write(text:"x")}'
TICKS = "subscription{ticks{number}}"
HASH = digest_of(ECHO)


@pytest.fixture
def served() -> Toy:
    return toy(trusted=TrustedDocuments.of([ECHO, WRITE, TICKS]))


def persisted(name: str) -> dict[str, Any]:
    return {"persistedQuery": {"version": 1, "sha256Hash": name}}


NAMED: list[dict[str, Any]] = [
    {"query": ECHO},
    {"documentId": f"sha256:{HASH}"},
    {"documentId": HASH.upper()},
    {"extensions": persisted(HASH)},
    {"query": ECHO, "documentId": HASH, "extensions": persisted(HASH)},
]
UNKNOWN: list[dict[str, Any]] = [
    {"query": ECHO + " "},
    {"query": "{__schema{types{name}}}"},
    {"documentId": "sha256:" + "0" * 64},
    {"documentId": "x" * 10_000},
    {"documentId": "sha1:" + HASH},
    {"extensions": persisted("")},
]


@pytest.mark.parametrize("members", NAMED)
async def test_a_known_document_runs_however_it_is_named(
    served: Toy, members: dict[str, Any]
) -> None:
    answer = await ask(served.endpoint, body={**members, "variables": {"n": 4}})
    assert (answer.status, answer.json) == (200, {"data": {"echo": "4 None"}})
    async with connected(served.endpoint) as socket:
        await socket.init()
        await socket.send({"id": "1", "type": "subscribe", "payload": members})
        assert (await socket.next())["payload"] == {"data": {"echo": "None None"}}


@pytest.mark.parametrize("members", UNKNOWN)
async def test_no_other_document_runs(served: Toy, members: dict[str, Any]) -> None:
    async with connected(served.endpoint) as socket:
        await socket.init()
        answer = await ask(served.endpoint, body=members)
        assert (answer.status, answer.code) == (403, "GRAPHQL_DOCUMENT_NOT_TRUSTED")
        await socket.send({"id": "1", "type": "subscribe", "payload": members})
        refused = await socket.next()
        assert (refused["id"], refused["type"]) == ("1", "error")
        assert refused["payload"][0]["extensions"]["code"] == "GRAPHQL_DOCUMENT_NOT_TRUSTED"
        await socket.send({"id": "1", "type": "subscribe", "payload": {"documentId": HASH}})
        assert (await socket.next())["type"] == "next"


@pytest.mark.parametrize(
    "members", [{"query": ECHO, "documentId": digest_of(WRITE)}, {"extensions": persisted("y")}]
)
async def test_two_documents_in_one_request_are_refused(
    served: Toy, members: dict[str, Any]
) -> None:
    answer = await ask(served.endpoint, body={"query": ECHO, **members})
    assert (answer.status, answer.code) == (400, "GRAPHQL_REQUEST_INVALID")


async def test_get_takes_the_hash_too_and_still_changes_nothing(served: Toy) -> None:
    read = await ask(served.endpoint, "GET", query=f"documentId=sha256:{HASH}&variables=%7B%7D")
    assert read.json == {"data": {"echo": "None None"}}
    written = await ask(served.endpoint, "GET", query=f"documentId={digest_of(WRITE)}")
    assert (written.status, written.code) == (405, "GRAPHQL_METHOD_NOT_ALLOWED")
    assert served.station.written == []


@pytest.mark.parametrize("members", [{"documentId": HASH}, {"extensions": persisted(HASH)}])
async def test_where_every_document_may_run_none_is_known_by_hash(members: dict[str, Any]) -> None:
    answer = await ask(toy().endpoint, body=members)
    assert (answer.status, answer.code) == (400, "GRAPHQL_REQUEST_INVALID")
    assert "send the text" in answer.json["errors"][0]["message"]


@pytest.mark.parametrize(
    "members", [{"documentId": 5}, {"documentId": ""}, {"documentId": HASH, "query": ""}]
)
async def test_a_hash_that_is_no_text_is_400(served: Toy, members: dict[str, Any]) -> None:
    answer = await ask(served.endpoint, body=members)
    assert (answer.status, answer.code) == (400, "GRAPHQL_REQUEST_INVALID")


async def test_a_parameter_of_get_that_comes_twice_is_refused() -> None:
    answer = await ask(toy().endpoint, "GET", query="query={echo}&query={__typename}")
    assert (answer.status, answer.code) == (400, "GRAPHQL_REQUEST_INVALID")
    assert "`query` came more than once" in answer.json["errors"][0]["message"]
