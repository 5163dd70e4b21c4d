"""How boards stand, through the whole service over the simulated station's files."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from tests.surfaces.conftest import Service, running
from tests.surfaces.test_story import Socket, write_row

SERIAL, SHORT = "10000000a0b0c0d0", "a0b0c0d0"
WAY = ("BOOTSTRAP-STARTED", "BOOTSTRAP-FINISHED", "TRIAGE-STARTED", "TRIAGE-FINISHED")
STANDING = "status stage style since reason { cause sentence } nextAction { action sentence }"
DEVICE = f"query($serial: String) {{ device(serial: $serial) {{ {STANDING} }} }}"
LIVE = (
    "subscription { deviceChanges { sequence snapshot gone "
    "devices { serial port state status stage reason { cause } } } }"
)


def write_way(root: Path, *states: str) -> None:
    for state in states:
        write_row(root, SERIAL, "1-1.2", state)


async def devices(service: Service, filter: str, fields: str = "serial") -> Any:
    query = f"{{ devices(first: 100, filter: {filter}) {{ totalCount nodes {{ {fields} }} }} }}"
    return (await service.graphql(query))["data"]["devices"]


async def test_the_past_of_the_line_is_judged(service: Service) -> None:
    page = await devices(service, "{}", "serial state status stage style reason { cause }")
    by_state: dict[str, set[str]] = {}
    for node in page["nodes"]:
        by_state.setdefault(node["state"], set()).add(node["status"])
    assert by_state["SB-PROVISIONER-FINISHED"] == {"COMPLETE"}
    assert by_state["SB-PROVISIONER-ABORTED"] == {"FAILED"}
    assert by_state["BOOTSTRAP-ABORTED"] == {"FAILED"}
    assert by_state["PORT-EXCLUDED"] == {"SKIPPED"}
    assert "COMPLETE" not in by_state["SB-PROVISIONER-STARTED"]
    assert page["totalCount"] == len(page["nodes"]) > 10


@pytest.mark.parametrize(
    ("filter", "key", "values"),
    [
        ("{status: [FAILED]}", "status", {"FAILED"}),
        ("{status: [FAILED, SKIPPED]}", "status", {"FAILED", "SKIPPED"}),
        ("{stage: [COMPLETE]}", "stage", {"COMPLETE"}),
        ("{style: [NAKED]}", "style", {"NAKED"}),
        ('{port: "1-1.1"}', "port", {"1-1.1"}),
        ('{text: "port-excl"}', "state", {"PORT-EXCLUDED"}),
    ],
)
async def test_devices_are_filtered(
    service: Service, filter: str, key: str, values: set[str]
) -> None:
    page = await devices(service, filter, key)
    assert {node[key] for node in page["nodes"]} == values


async def test_devices_are_filtered_by_when_they_changed(service: Service) -> None:
    whole = (await devices(service, "{}"))["totalCount"]
    old = (await devices(service, '{until: "2026-07-20T00:00:00Z"}'))["totalCount"]
    new = (await devices(service, '{since: "2026-07-20T00:00:00Z"}'))["totalCount"]
    assert (old > 0, new > 0, old + new) == (True, True, whole)


async def test_pages_of_a_filter_fit_together(service: Service) -> None:
    query = """query($after: String) { devices(first: 2, after: $after, filter: {status: [FAILED]})
        { totalCount pageInfo { endCursor hasNextPage } nodes { id } } }"""
    seen, after, more = [], None, True
    while more:
        page = (await service.graphql(query, after=after))["data"]["devices"]
        seen += [node["id"] for node in page["nodes"]]
        after, more = page["pageInfo"]["endCursor"], page["pageInfo"]["hasNextPage"]
    assert len(set(seen)) == len(seen) == page["totalCount"]


async def test_evidence_says_what_could_not_be_asked(service: Service) -> None:
    page = await devices(service, "{status: [COMPLETE]}", "evidence { source stance text }")
    node = page["nodes"][0]
    stances = {one["source"]: one["stance"] for one in node["evidence"]}
    assert stances["STATE_ROWS"] == "SUPPORTS"
    assert stances["MANUFACTURING_RECORD"] == "SUPPORTS"
    assert stances["UNIT"] == "SILENT"
    assert all(one["text"].endswith(".") for one in node["evidence"])


async def test_a_failure_is_explained_by_its_log(tmp_path: Path) -> None:
    log = tmp_path / f"var/log/rpi-sb-provisioner/{SERIAL}/provisioner.log"
    log.parent.mkdir(parents=True)
    write_way(tmp_path, *WAY, "SB-PROVISIONER-STARTED", "SB-PROVISIONER-ABORTED")
    stamp = datetime.now().astimezone().strftime("[%Y-%m-%d %H:%M:%S.000]").encode()
    log.write_bytes(stamp + b" ERROR: \xfe storage: not enough room\n")
    async with running(tmp_path) as service:
        query = f'{{ device(serial: "{SHORT}") {{ status explanation }} }}'
        device = (await service.graphql(query))["data"]["device"]
    assert device == {"status": "FAILED", "explanation": "ERROR: \ufffd storage: not enough room"}


async def test_the_old_paths_answer_as_before(tmp_path: Path) -> None:
    write_way(tmp_path, "BOOTSTRAP-STARTED", "BOOTSTRAP-ABORTED")
    async with running(tmp_path) as service:
        whole = (await service.client.get("/devices")).json()
        one = (await service.client.get(f"/devices/{SERIAL}")).json()
    row = {"serial": SERIAL, "port": "1-1.2", "ip_address": "", "image": "os.img"}
    assert whole == {
        "devices": [row | {"state": "BOOTSTRAP-ABORTED"}, row | {"state": "BOOTSTRAP-STARTED"}]
    }
    assert one == {"serial": SERIAL, "port": "1-1.2", "state": "BOOTSTRAP-ABORTED"}


def write_record(root: Path, serial: str, *, secure: str, at: str) -> None:
    """Writes a record as the station's scripts do, into a table of the columns that matter."""
    file = root / "srv/rpi-sb-provisioner/manufacturing.db"
    with sqlite3.connect(file) as connection:
        connection.execute(
            "create table if not exists devices(id integer primary key, serial char(8), "
            "boardname text, processor text, secure integer, provision_ts timestamp)"
        )
        connection.execute(
            "insert into devices(serial, boardname, processor, secure, provision_ts) "
            "values(?, 'CM5', 'BCM2712', ?, ?)",
            (serial, secure, at),
        )
    connection.close()


async def standing(service: Service) -> Any:
    return (await service.graphql(DEVICE, serial=SERIAL))["data"]["device"]


@pytest.mark.parametrize(
    ("secure", "status", "cause"),
    [("1", "COMPLETE", None), ("0", "FAILED", "NOT_SECURE"), ("", "COMPLETE", None)],
)
async def test_the_record_confirms_or_denies(
    tmp_path: Path, secure: str, status: str, cause: str | None
) -> None:
    write_way(tmp_path, *WAY, "SB-PROVISIONER-STARTED")
    write_record(tmp_path, SERIAL, secure=secure, at="2099-01-01 00:00:00")
    write_way(tmp_path, "SB-PROVISIONER-FINISHED")
    async with running(tmp_path) as service:
        await service.station.statuses.settle()
        device = await standing(service)
    assert (device["status"], (device["reason"] or {}).get("cause")) == (status, cause)


async def test_a_board_without_a_record_is_not_complete_where_records_are_kept(
    tmp_path: Path,
) -> None:
    write_way(tmp_path, *WAY, "SB-PROVISIONER-STARTED", "SB-PROVISIONER-FINISHED")
    # The board's own older record shows that records were kept before this run.
    write_record(tmp_path, SERIAL, secure="1", at="2020-01-01 00:00:00")
    async with running(tmp_path) as service:
        device = await standing(service)
    assert (device["status"], device["reason"]["cause"]) in [
        ("ACTIVE", "CHECKING"),
        ("UNKNOWN", "RECORD_MISSING"),
    ]


@asynccontextmanager
async def watching(service: Service, query: str) -> AsyncIterator[AsyncIterator[Any]]:
    """Yields the frames of a subscription over a WebSocket."""
    async with asyncio.TaskGroup() as tasks:
        socket = Socket(service)
        serving = tasks.create_task(socket.run([]))
        assert (await socket.next())["type"] == "websocket.accept"
        await socket.send({"type": "connection_init"})
        assert (await socket.frame())["type"] == "connection_ack"
        await socket.send({"id": "1", "type": "subscribe", "payload": {"query": query}})

        async def frames() -> AsyncIterator[Any]:
            while True:
                yield (await socket.frame())["payload"]["data"]["deviceChanges"]

        yield frames()
        serving.cancel()


async def test_a_row_is_seen_live_with_its_status(tmp_path: Path) -> None:
    write_way(tmp_path, "BOOTSTRAP-STARTED")
    async with running(tmp_path) as service, watching(service, LIVE) as frames:
        first = await anext(frames)
        write_way(tmp_path, "BOOTSTRAP-ABORTED")
        async for live in frames:
            if live["devices"][0]["status"] == "FAILED":
                break
    assert (first["snapshot"], first["devices"][0]["status"]) == (True, "ACTIVE")
    assert live["sequence"] > first["sequence"]
    assert live["devices"] == [
        {
            "serial": SERIAL,
            "port": "1-1.2",
            "state": "BOOTSTRAP-ABORTED",
            "status": "FAILED",
            "stage": "BOOTSTRAP",
            "reason": {"cause": "ABORTED"},
        }
    ]


async def test_a_watcher_of_another_board_sees_nothing_of_this_one(tmp_path: Path) -> None:
    query = LIVE.replace("deviceChanges", 'deviceChanges(serial: "ffffffff")')
    async with running(tmp_path) as service, watching(service, query) as frames:
        first = await anext(frames)
        write_way(tmp_path, "BOOTSTRAP-ABORTED")
        write_row(tmp_path, "10000000ffffffff", "1-1.3", "TRIAGE-ABORTED")
        second = await anext(frames)
    assert first["devices"] == []
    assert [device["serial"] for device in second["devices"]] == ["10000000ffffffff"]


@pytest.mark.parametrize(
    ("field", "code"),
    [
        ("devices(first: 0) { totalCount }", "INVALID_PAGE"),
        ('attempts(after: "x") { totalCount }', "INVALID_CURSOR"),
        ("lineStatistics(utcOffsetMinutes: 900) { boards }", "INVALID_STATISTICS_QUESTION"),
        ('device(serial: "nobody") { status }', "DEVICE_NOT_FOUND"),
    ],
)
async def test_bad_questions_have_codes(service: Service, field: str, code: str) -> None:
    answer = await service.graphql(f"{{ {field} }}")
    assert answer["errors"][0]["extensions"]["code"] == code


async def test_a_station_without_a_database_has_no_boards(empty_service: Service) -> None:
    query = "{ devices { totalCount } attempts { totalCount } lineStatistics { boards } }"
    assert (await empty_service.graphql(query))["data"] == {
        "devices": {"totalCount": 0},
        "attempts": {"totalCount": 0},
        "lineStatistics": {"boards": 0},
    }
