"""The audit log through both surfaces, and live: who may read it, and what is written into it."""

import asyncio
import hashlib
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from adapters.audit.verifying import verify_file
from domain.audit.chain import head_of
from domain.caller import Role
from server.settings import Token
from tests.surfaces.conftest import Service, running
from tests.surfaces.test_story import Socket

AUDIT_DB = "srv/rpi-sb-provisioner/audit.db"
TOKENS = tuple(
    Token(name, role, hashlib.sha256(name.encode()).hexdigest())
    for name, role in (("vic", Role.VIEWER), ("ola", Role.OPERATOR), ("eve", Role.ENGINEER))
)
PAGE = """query ($filter: AuditFilter, $first: Int, $after: String) {
  auditEntries(filter: $filter, first: $first, after: $after) {
    totalCount pageInfo { hasNextPage endCursor }
    nodes { id at timestamp eventType rawEventType caller address userAgent handlerPath
      operation targetPath success outcome additionalInfo surface correlationId } } }"""
RENAME = 'mutation { renameStation(input: {name: "Jig"}) { __typename } }'


@pytest.fixture
async def fresh(tmp_path: Path) -> AsyncIterator[Service]:
    async with running(tmp_path) as started:
        yield started


async def _rest(service: Service, **parameters: str) -> list[dict[str, str]]:
    answer = await service.client.get("/auditlog", params=parameters)
    assert answer.status_code == 200
    body = answer.json()
    assert body["count"] == len(body["audit_entries"])
    entries: list[dict[str, str]] = body["audit_entries"]
    return entries


async def _page(service: Service, **variables: object) -> Any:
    return (await service.graphql(PAGE, **variables))["data"]["auditEntries"]


async def test_the_newest_entry_is_this_request(fresh: Service) -> None:
    await fresh.client.get("/devices")
    newest = await _rest(fresh, limit="2")
    assert [entry["handler_path"] for entry in newest] == ["/auditlog", "/devices"]
    page = await _page(fresh, first=1)
    assert page["nodes"][0]["handlerPath"] == "/graphql#auditEntries"


async def test_every_member_is_a_text_and_what_is_null_is_absent(fresh: Service) -> None:
    await fresh.graphql(RENAME)
    _, file, request = await _rest(fresh)
    assert set(request) == {
        "id",
        "timestamp",
        "event_type",
        "client_ip",
        "user_agent",
        "handler_path",
    }
    assert file == {
        "id": "2",
        "timestamp": file["timestamp"],
        "event_type": "FILE_ACCESS",
        "operation": "WRITE",
        "target_path": "/srv/rpi-sb-provisioner/service.db",
        "success": "Yes",
        "username": "",
        "additional_info": "station renamed",
    }


async def test_both_surfaces_tell_the_same_entries(fresh: Service) -> None:
    await fresh.client.get("/devices/nobody")
    await fresh.graphql(RENAME)
    rest = {entry["id"]: entry for entry in await _rest(fresh)}
    nodes = {node["id"]: node for node in (await _page(fresh))["nodes"]}
    names = {
        "timestamp": "timestamp",
        "event_type": "rawEventType",
        "client_ip": "address",
        "user_agent": "userAgent",
        "handler_path": "handlerPath",
        "operation": "operation",
        "target_path": "targetPath",
        "additional_info": "additionalInfo",
    }
    for id, entry in rest.items():
        assert {old: nodes[id][new] for old, new in names.items()} == {
            old: entry.get(old) for old in names
        }
    assert [nodes[id]["outcome"] for id in ("1", "2", "3")] == ["DEVICE_NOT_FOUND", "OK", None]
    assert nodes["2"]["correlationId"] == nodes["3"]["correlationId"]


async def test_all_are_streamed_when_the_limit_is_negative(fresh: Service) -> None:
    for _ in range(3):
        await asyncio.gather(*(fresh.graphql("{ station { name } }") for _ in range(300)))
    everything = await _rest(fresh, limit="-1")
    assert [int(entry["id"]) for entry in everything] == list(range(901, 0, -1))
    assert len(await _rest(fresh)) == 100
    assert await _rest(fresh, limit="0") == []


async def test_dates_narrow_in_both_forms(fresh: Service) -> None:
    old = "insert into audit_log(timestamp, event_type, handler_path) values(?, ?, ?)"
    with closing(sqlite3.connect(fresh.root / AUDIT_DB)) as connection, connection:
        for stamp in ("2025-01-24 23:59:59", "2025-01-25 14:30:00", "2025-01-25 15:00:00"):
            connection.execute(old, (stamp, "HANDLER_ACCESS", "/old"))
    cases = [
        ({"end_date": "2025-01-25"}, ["2025-01-24 23:59:59"]),
        ({"start_date": "2025-01-25", "end_date": "2025-01-25T14:30"}, ["2025-01-25 14:30:00"]),
        ({"start_date": "2025-01-25 14:31", "end_date": "2026-01-01"}, ["2025-01-25 15:00:00"]),
        ({"start_date": "", "end_date": "2025-01-24", "event_type": ""}, []),
    ]
    for parameters, stamps in cases:
        assert [entry["timestamp"] for entry in await _rest(fresh, **parameters)] == stamps


async def test_a_browser_gets_the_page_and_is_written_down(fresh: Service) -> None:
    answer = await fresh.client.get("/auditlog", headers={"Accept": "text/html"})
    assert answer.headers["content-type"].startswith("text/html")
    assert "Accept" in answer.headers["vary"]
    assert len(await _rest(fresh)) == 2


@pytest.mark.parametrize(
    ("make", "code", "graphql"),
    [
        (lambda file: file.mkdir(), "DB_OPEN_ERROR", "AUDIT_NOT_OPEN"),
        (lambda file: file.write_bytes(b"no database" * 999), "QUERY_ERROR", "AUDIT_NOT_READ"),
    ],
)
async def test_a_broken_log_is_500_on_rest_with_the_legacy_code(
    tmp_path: Path, make: Any, code: str, graphql: str
) -> None:
    file = tmp_path / AUDIT_DB
    file.parent.mkdir(parents=True)
    make(file)
    async with running(tmp_path) as service:
        answer = await service.client.get("/auditlog")
        errors = (await service.graphql(PAGE))["errors"]
    assert (answer.status_code, answer.json()["error_code"]) == (500, code)
    assert errors[0]["extensions"]["code"] == graphql
    assert str(tmp_path) not in answer.text + str(errors)


async def test_only_engineers_read_it_on_either_surface(tmp_path: Path) -> None:
    async with running(tmp_path, tokens=TOKENS) as service:
        statuses = {}
        for name in ("vic", "ola", "eve"):
            headers = {"Authorization": f"Bearer {name}"}
            rest = await service.client.get("/auditlog", headers=headers)
            body = {"query": "{ auditEntries { totalCount } auditChain { head } }"}
            answer = (await service.client.post("/graphql", json=body, headers=headers)).json()
            codes = {error["extensions"]["code"] for error in answer.get("errors", [])}
            statuses[name] = (rest.status_code, codes)
    low = (403, {"ROLE_TOO_LOW"})
    assert statuses == {"vic": low, "ola": low, "eve": (200, set())}


async def test_whoever_is_refused_is_written_down(tmp_path: Path) -> None:
    async with running(tmp_path, tokens=TOKENS) as service:
        vic = {"Authorization": "Bearer vic"}
        await service.client.get("/devices")
        await service.client.get("/auditlog", headers=vic)
        await service.client.post("/graphql", json={"query": RENAME}, headers=vic)
        await service.client.post("/graphql", json={"query": "{ devices { totalCount } }"})
        await service.client.post("/devices", headers=vic)
        rows = await service.audit_rows()
    assert [(row["caller"], row["handler_path"], row["outcome"]) for row in rows] == [
        ("nobody", "/devices", "UNAUTHENTICATED"),
        ("vic", "/auditlog", "ROLE_TOO_LOW"),
        ("vic", "/graphql#renameStation", "ROLE_TOO_LOW"),
        ("nobody", "/graphql#devices", "UNAUTHENTICATED"),
        ("vic", "/devices", "METHOD_NOT_ALLOWED"),
    ]


async def test_what_tells_nothing_of_people_or_boards_is_not_written_down(fresh: Service) -> None:
    for path in ("/healthz", "/readyz", "/metrics", "/nothing", "/static/x", "/"):
        await fresh.client.get(path)
    await fresh.client.options("/devices")
    await fresh.client.post("/internal/state-changed")
    await fresh.client.post("/internal/manufacturing-recorded")
    assert await fresh.audit_rows() == []


async def test_pages_meet_every_entry_once(fresh: Service) -> None:
    for _ in range(25):
        await fresh.client.get("/devices")
    wanted, seen, after = {"path": "/devices", "success": True}, list[str](), None
    while True:
        page = await _page(fresh, filter=wanted, first=10, after=after)
        seen += [node["id"] for node in page["nodes"]]
        after = page["pageInfo"]["endCursor"]
        assert page["totalCount"] == 25
        if not page["pageInfo"]["hasNextPage"]:
            break
    assert seen == [str(id) for id in range(25, 0, -1)]


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ('{ auditEntries(filter: {text: ""}) { totalCount } }', "AUDIT_FILTER_INVALID"),
        (
            '{ auditEntries(filter: {path: "/a", pathPrefix: "/"}) { totalCount } }',
            "AUDIT_FILTER_INVALID",
        ),
        ("{ auditEntries(first: 501) { totalCount } }", "INVALID_PAGE"),
        ('{ auditEntries(after: "WyJkZXZpY2VzIiwxXQ") { totalCount } }', "INVALID_CURSOR"),
        ('{ auditEntry(id: "999") { id } }', "AUDIT_ENTRY_NOT_FOUND"),
        ('{ auditEntry(id: "x") { id } }', "AUDIT_ENTRY_ID_INVALID"),
        ("{ auditEntries(filter: {eventType: NOPE}) { totalCount } }", "GRAPHQL_VALIDATION_FAILED"),
        ('{ auditEntries(filter: {since: "today"}) { totalCount } }', "GRAPHQL_VALIDATION_FAILED"),
    ],
)
async def test_a_bad_question_gets_a_code(fresh: Service, query: str, code: str) -> None:
    assert (await fresh.graphql(query))["errors"][0]["extensions"]["code"] == code


async def test_sql_in_a_text_is_a_text(fresh: Service) -> None:
    evil = "'; drop table audit_log; --"
    await fresh.client.get("/devices", headers={"User-Agent": evil})
    page = await _page(fresh, filter={"text": evil})
    assert [node["userAgent"] for node in page["nodes"]] == [evil]


async def test_the_chain_tells_the_head_that_verifying_finds(fresh: Service) -> None:
    await fresh.client.get("/devices")
    await fresh.audit_rows()
    query = "{ auditChain { head headId coveredFrom prunedUpTo } }"
    chain = (await fresh.graphql(query))["data"]["auditChain"]
    report = verify_file(fresh.root / AUDIT_DB, [head_of(chain["head"])])
    assert (chain["headId"], chain["coveredFrom"], chain["prunedUpTo"]) == (1, 1, 0)
    assert report.is_whole


async def test_entries_come_live_and_filtered_after_the_snapshot(fresh: Service) -> None:
    query = (
        'subscription { auditEntryAdded(filter: {path: "/devices"}, last: 5) '
        "{ sequence snapshot entries { id handlerPath outcome } } }"
    )
    await fresh.client.get("/devices")
    await fresh.audit_rows()
    async with asyncio.TaskGroup() as tasks:
        socket = Socket(fresh)
        serving = tasks.create_task(socket.run([]))
        assert (await socket.next())["type"] == "websocket.accept"
        await socket.send({"type": "connection_init"})
        await socket.frame()
        await socket.send({"id": "1", "type": "subscribe", "payload": {"query": query}})
        first = (await socket.frame())["payload"]["data"]["auditEntryAdded"]
        await fresh.client.get("/readyz")
        await fresh.client.get("/options/csrf-token")
        await fresh.client.get("/devices")
        second = (await socket.frame())["payload"]["data"]["auditEntryAdded"]
        serving.cancel()
    rows = await fresh.audit_rows()
    assert (first["snapshot"], [entry["id"] for entry in first["entries"]]) == (True, ["1"])
    assert (second["snapshot"], second["entries"][0]["outcome"]) == (False, "OK")
    assert second["sequence"] > first["sequence"]
    subscribed = [row for row in rows if row["handler_path"] == "/graphql#auditEntryAdded"]
    assert [row["outcome"] for row in subscribed] == ["OK"]


async def test_a_subscription_that_is_refused_is_written_down(tmp_path: Path) -> None:
    async with running(tmp_path, tokens=TOKENS) as service, asyncio.TaskGroup() as tasks:
        socket = Socket(service)
        serving = tasks.create_task(socket.run([]))
        await socket.send({"type": "connection_init", "payload": {"authorization": "Bearer vic"}})
        query = "subscription { auditEntryAdded { sequence } }"
        await socket.send({"id": "1", "type": "subscribe", "payload": {"query": query}})
        while (frame := await socket.next())["type"] == "websocket.accept":
            pass
        answer = await socket.frame()
        rows = await service.audit_rows()
        serving.cancel()
    assert frame["type"] == "websocket.send"
    assert "ROLE_TOO_LOW" in str(answer)
    assert [(row["caller"], row["outcome"]) for row in rows] == [("vic", "ROLE_TOO_LOW")]


async def test_a_log_that_was_deleted_is_in_readiness_and_changes_go_on(fresh: Service) -> None:
    await fresh.client.get("/devices")
    await fresh.audit_rows()
    (fresh.root / AUDIT_DB).unlink()
    renamed = await fresh.graphql(RENAME)
    answer = await fresh.client.get("/readyz")
    parts = {part["name"]: part for part in answer.json()["parts"]}
    assert renamed["data"]["renameStation"]["__typename"] == "StationRenamed"
    assert answer.status_code == 200
    assert parts["audit log"]["state"] == "READY"
    assert parts["audit history"]["state"] == "UNAVAILABLE"
    assert "deleted" in parts["audit history"]["reason"]
    assert verify_file(fresh.root / AUDIT_DB).is_whole


async def test_retention_prunes_what_the_settings_say(tmp_path: Path) -> None:
    async with running(tmp_path) as service:
        await asyncio.gather(*(service.graphql("{ station { name } }") for _ in range(1500)))
    async with running(tmp_path, audit_keep_rows=1200) as service:
        async with asyncio.timeout(20):
            while (rows := await service.audit_rows())[0]["id"] == 1 or rows[-1][
                "operation"
            ] is None:
                await asyncio.sleep(0.05)
    assert rows[0]["id"] == 301
    assert (rows[-1]["operation"], rows[-1]["caller"]) == ("DELETE", None)
    assert verify_file(tmp_path / AUDIT_DB).is_whole
