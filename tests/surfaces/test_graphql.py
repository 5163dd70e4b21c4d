"""GraphQL over HTTP: the first nouns, problems as data, masked errors, limits, bad input."""

from pathlib import Path

import pytest

from tests.surfaces.conftest import Service, running

STATION = (
    "{ station { name version deviceCount recordCount parts { name state } limits { depth } } }"
)


async def test_the_station_says_what_it_is(service: Service) -> None:
    station = (await service.graphql(STATION))["data"]["station"]
    assert station["recordCount"] == 40
    assert station["deviceCount"] > 5
    assert station["limits"]["depth"] == 15
    assert {"name": "audit log", "state": "READY"} in station["parts"]


async def test_devices_are_paged_with_cursors(service: Service) -> None:
    query = (
        "query ($after: String) { devices(first: 3, after: $after) "
        "{ nodes { id } pageInfo { hasNextPage endCursor } totalCount } }"
    )
    seen, after, total = list[str](), None, 0
    while True:
        page = (await service.graphql(query, after=after))["data"]["devices"]
        seen += [node["id"] for node in page["nodes"]]
        total, after = page["totalCount"], page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            break
    assert len(seen) == len(set(seen)) == total


async def test_a_board_is_found_by_either_serial(service: Service) -> None:
    nodes = (await service.graphql("{ devices(first: 100) { nodes { id serial } } }"))["data"]
    full = next(
        n["serial"] for n in nodes["devices"]["nodes"] if n["serial"] and len(n["serial"]) == 16
    )
    query = "query ($serial: String) { device(serial: $serial) { serial } }"
    for serial in (full, full[-8:], full.upper()):
        assert (await service.graphql(query, serial=serial))["data"]["device"]["serial"] == full


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ('{ device(serial: "deadbeef") { serial } }', "DEVICE_NOT_FOUND"),
        ('{ device(serial: "") { serial } }', "MISSING_SERIAL"),
        ("{ device { serial } }", "MISSING_SERIAL"),
        ('{ device(serial: "a", port: "b") { serial } }', "MISSING_SERIAL"),
        ('{ latestStateRow(identifier: "../..") { state } }', "DEVICE_NOT_FOUND"),
        ('{ latestStateRow(identifier: "a\\u0000b") { state } }', "DEVICE_NOT_FOUND"),
        ("{ devices(first: 0) { totalCount } }", "INVALID_PAGE"),
        ("{ devices(first: 501) { totalCount } }", "INVALID_PAGE"),
        ('{ devices(after: "x") { totalCount } }', "INVALID_CURSOR"),
        ("{ nothing }", "GRAPHQL_VALIDATION_FAILED"),
        ("{", "GRAPHQL_PARSE_FAILED"),
        ("{ " + "a:__typename " * 1500 + "}", "TOKEN_LIMIT"),
        ("{ " + " ".join(f"a{i}: __typename" for i in range(31)) + " }", "ALIAS_LIMIT"),
        ("{ ...F } fragment F on Query { ...F }", "GRAPHQL_VALIDATION_FAILED"),
    ],
)
async def test_a_bad_question_gets_a_code(service: Service, query: str, code: str) -> None:
    errors = (await service.graphql(query))["errors"]
    assert errors[0]["extensions"]["code"] == code


async def test_renaming_is_answered_audited_and_kept(tmp_path: Path) -> None:
    query = (
        "mutation ($name: String!) { renameStation(input: {name: $name}) "
        "{ ... on StationRenamed { station { name } } ... on Problem { code field status } } }"
    )
    async with running(tmp_path) as service:
        answer = await service.graphql(query, name="  Line 3 jig ")
        refused = await service.graphql(query, name="a\nb")
        rows = await service.audit_rows()
    async with running(tmp_path) as again:
        name = (await again.graphql("{ station { name } }"))["data"]["station"]["name"]
    assert answer["data"]["renameStation"]["station"]["name"] == name == "Line 3 jig"
    assert refused["data"]["renameStation"] == {
        "code": "STATION_NAME_INVALID",
        "field": "name",
        "status": 400,
    }
    changes = [(r["event_type"], r["handler_path"], r["outcome"]) for r in rows]
    assert ("HANDLER_ACCESS", "/graphql#renameStation", "OK") in changes
    assert ("HANDLER_ACCESS", "/graphql#renameStation", "STATION_NAME_INVALID") in changes


async def test_a_change_is_refused_while_nobody_could_write_it_down(tmp_path: Path) -> None:
    (tmp_path / "srv/rpi-sb-provisioner/audit.db").mkdir(parents=True)
    query = 'mutation { renameStation(input: {name: "x"}) { ... on Problem { code status } } }'
    async with running(tmp_path) as service:
        answer = await service.graphql(query)
        name = (await service.graphql("{ station { name } }"))["data"]["station"]["name"]
    assert answer["data"]["renameStation"] == {"code": "AUDIT_UNAVAILABLE", "status": 503}
    assert name != "x"


async def test_every_root_field_leaves_one_row_with_its_caller(service: Service) -> None:
    before = len(await service.audit_rows())
    await service.graphql("{ a: station { name } devices { totalCount } }")
    rows = (await service.audit_rows())[before:]
    assert sorted(row["handler_path"] for row in rows) == ["/graphql#devices", "/graphql#station"]
    assert {row["caller"] for row in rows} == {"local"}
    assert len({row["correlation_id"] for row in rows}) == 1


async def test_mutations_never_come_by_get(service: Service) -> None:
    query = 'mutation { renameStation(input: {name: "x"}) { __typename } }'
    answer = await service.client.get("/graphql", params={"query": query})
    assert answer.status_code == 405
    assert answer.headers["allow"] == "POST"


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b"{", "application/json", 400),
        (b"[]", "application/json", 400),
        (b'{"query": 1}', "application/json", 400),
        (b'{"query": "{__typename}"}', "text/plain", 415),
        (b"x" * (2 << 20), "application/json", 413),
        (b"\xff\xfe", "application/json", 400),
        (b'{"query": "{__typename}", "variables": {"a": NaN}}', "application/json", 400),
    ],
)
async def test_a_bad_body_is_refused_and_the_service_goes_on(
    service: Service, body: bytes, kind: str, status: int
) -> None:
    answer = await service.client.post("/graphql", content=body, headers={"Content-Type": kind})
    assert answer.status_code == status
    assert (await service.graphql("{ __typename }"))["data"] == {"__typename": "Query"}


async def test_batches_are_refused(service: Service) -> None:
    answer = await service.client.post("/graphql", json=[{"query": "{ __typename }"}] * 2)
    assert answer.status_code == 400


async def test_a_browser_gets_graphiql_from_this_host(service: Service) -> None:
    answer = await service.client.get("/graphql", headers={"Accept": "text/html"})
    assert answer.headers["content-type"].startswith("text/html")
    assert "script-src 'self'" in answer.headers["content-security-policy"]
    assert "http://" not in answer.text
    assert "https://" not in answer.text


async def test_introspection_passes_the_limits(service: Service) -> None:
    from graphql import get_introspection_query

    answer = await service.graphql(get_introspection_query())
    assert "errors" not in answer


async def test_a_broken_database_is_told_and_counts_are_null(tmp_path: Path) -> None:
    file = tmp_path / "srv/rpi-sb-provisioner/state.db"
    file.parent.mkdir(parents=True)
    file.write_bytes(b"this is no database" * 1000)
    async with running(tmp_path) as service:
        station = (await service.graphql("{ station { deviceCount } }"))["data"]["station"]
        devices = await service.graphql("{ devices { totalCount } }")
    assert station["deviceCount"] is None
    assert devices["errors"][0]["extensions"]["status"] == 503
    assert str(tmp_path) not in str(devices)
