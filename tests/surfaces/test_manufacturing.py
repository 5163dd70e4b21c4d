"""The manufacturing records through both surfaces: one story, and what can go wrong."""

import asyncio
import csv
import io
import json
import sqlite3
import subprocess
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from adapters.manufacturing.new_database import SCHEMA
from tests.surfaces.conftest import Service, running
from tests.surfaces.test_story import Socket

DATABASE = "srv/rpi-sb-provisioner/manufacturing.db"
DEFAULTS = "usr/share/rpi-sb-provisioner/defaults/config"
CONFIGURED = "RPI_SB_PROVISIONER_MANUFACTURING_DB"


def write_records(root: Path, *rows: tuple[str, str, str, object], table: str = SCHEMA) -> None:
    """Appends rows (serial, DUID, board, secure) as the station's scripts do: by the sqlite3
    program."""
    file = root / DATABASE
    file.parent.mkdir(parents=True, exist_ok=True)
    table = "" if file.exists() else f"PRAGMA journal_mode=WAL; {table};"
    inserts = "".join(
        "INSERT INTO devices(serial, rpi_duid, boardname, secure, eth_mac, wifi_mac, bt_mac, "
        "mmc_size, mmc_cid, board_revision, processor, memory, manufacturer, os_image_filename) "
        f"VALUES ('{serial}', '{duid}', '{board}', '{secure}', '', '', '', '0', '', '0x0', "
        "'BCM2712', '2GB', 'Sony UK', 'line.img');"
        for serial, duid, board, secure in rows
    )
    command = ["sqlite3", "-cmd", ".timeout 5000", str(file)]
    script = f"{table}BEGIN;{inserts}COMMIT;"
    subprocess.run(command, input=script, text=True, check=True, capture_output=True)


def configure(root: Path, line: str = f"{CONFIGURED}=/{DATABASE}") -> None:
    file = root / DEFAULTS
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(line + "\n")


THREE = (
    ("10000000a0b0c0d0", "d0", "CM5", "1"),
    ("10000000a0b0c0d1", "d1", "CM4", "0"),
    ("10000000a0b0c0d0", "d0", "CM5", ""),
)


@pytest.fixture
async def line(tmp_path: Path) -> AsyncIterator[Service]:
    """A station that finished three boards, one of them twice."""
    configure(tmp_path)
    write_records(tmp_path, *THREE)
    async with running(tmp_path) as service:
        yield service


EMPTY_RANGE = '{since: "2026-08-01T00:00:00Z", until: "2026-07-01T00:00:00Z"}'


async def records(service: Service, arguments: str = "") -> Any:
    query = f"{{ manufacturingRecords{arguments} {{ totalCount nodes {{ number board }} }} }}"
    answer = await service.graphql(query)
    assert "errors" not in answer, answer
    found = answer["data"]["manufacturingRecords"]
    return found["totalCount"], [node["number"] for node in found["nodes"]]


async def test_one_record_is_the_same_on_both_surfaces(line: Service) -> None:
    rest = (await line.client.get("/api/v2/manufacturing?limit=1&offset=1")).json()[0]
    members = "id serial duid board secure mmcSize image jtagLocked provisionedAt connectStatus"
    query = f'{{ manufacturingRecord(serial: "a0b0c0d1") {{ {members} memory }} }}'
    record = (await line.graphql(query))["data"]["manufacturingRecord"]
    assert (rest["serial"], rest["secure"], rest["jtag_locked"]) == ("10000000a0b0c0d1", "0", "")
    assert record == {
        "id": rest["id"],
        "serial": rest["serial"],
        "duid": rest["rpi_duid"],
        "board": rest["boardname"],
        "secure": False,
        "mmcSize": None,
        "image": rest["os_image_filename"],
        "jtagLocked": None,
        "provisionedAt": rest["provision_ts"].replace(" ", "T") + "+00:00",
        "connectStatus": "NOT_CONFIGURED",
        "memory": "2GB",
    }


async def test_all_runs_of_a_board_are_found_by_any_of_its_names(line: Service) -> None:
    runs = "{ number runs(first: 1) { totalCount nodes { number } pageInfo { hasNextPage } } }"
    for name in ('serial: "10000000A0B0C0D0"', 'serial: "a0b0c0d0"', 'duid: "d0"'):
        answer = await line.graphql(f"{{ manufacturingRecord({name}) {runs} }}")
        record = answer["data"]["manufacturingRecord"]
        assert record["number"] == 3
        assert record["runs"] == {
            "totalCount": 2,
            "nodes": [{"number": 3}],
            "pageInfo": {"hasNextPage": True},
        }


@pytest.mark.parametrize(
    ("arguments", "total", "numbers"),
    [
        ("", 3, [3, 2, 1]),
        ("(first: 2)", 3, [3, 2]),
        ("(last: 2)", 3, [2, 1]),
        ("(orderBy: {descending: false})", 3, [1, 2, 3]),
        ("(orderBy: {by: BOARD, descending: false})", 3, [2, 1, 3]),
        ('(filter: {board: "CM5"})', 2, [3, 1]),
        ('(filter: {board: ["CM5", "CM4"], secure: YES})', 1, [1]),
        ("(filter: {secure: UNKNOWN})", 1, [3]),
        ('(filter: {serial: "A0B0C0D1"})', 1, [2]),
        ('(filter: {duid: "d0"}, orderBy: {by: TIME})', 2, [3, 1]),
        ("(filter: {connectStatus: REGISTERED})", 0, []),
        ('(filter: {text: "cm4"})', 1, [2]),
        ('(filter: {text: "%"})', 0, []),
        ('(filter: {text: "\' OR 1=1 --"})', 0, []),
        ('(filter: {until: "2020-01-01T00:00:00Z"})', 0, []),
        ('(filter: {since: "2020-01-01T00:00:00Z", imageSha256: []})', 3, [3, 2, 1]),
    ],
)
async def test_records_are_filtered_ordered_and_counted(
    line: Service, arguments: str, total: int, numbers: list[int]
) -> None:
    assert await records(line, arguments) == (total, numbers)


async def test_pages_follow_their_cursors(line: Service) -> None:
    query = (
        "query($after: String) { manufacturingRecords(first: 1, after: $after, "
        "orderBy: {by: SERIAL}) { nodes { number } pageInfo { endCursor hasNextPage } } }"
    )
    seen, after, more = list[int](), None, True
    while more:
        page = (await line.graphql(query, after=after))["data"]["manufacturingRecords"]
        seen += [node["number"] for node in page["nodes"]]
        after, more = page["pageInfo"]["endCursor"], page["pageInfo"]["hasNextPage"]
    assert seen == [2, 3, 1]


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ('{ manufacturingRecords(after: "x") { totalCount } }', "INVALID_CURSOR"),
        ("{ manufacturingRecords(first: 501) { totalCount } }", "INVALID_PAGE"),
        ('{ manufacturingRecords(filter: {text: "a\\u0000"}) { totalCount } }', "INVALID_FILTER"),
        (
            f"{{ manufacturingStatistics(by: DAY, filter: {EMPTY_RANGE}) {{ complete }} }}",
            "INVALID_FILTER",
        ),
        (
            '{ manufacturingRecords(filter: {since: "yesterday"}) { totalCount } }',
            "GRAPHQL_VALIDATION_FAILED",
        ),
        ('{ manufacturingRecord(serial: "deadbeef") { id } }', "RECORD_NOT_FOUND"),
        ("{ manufacturingRecord { id } }", "RECORD_NOT_NAMED"),
        ('{ manufacturingRecord(serial: "a", duid: "b") { id } }', "RECORD_NOT_NAMED"),
        (
            "{ manufacturingStatistics(by: DAY, utcOffsetMinutes: 900) { complete } }",
            "INVALID_UTC_OFFSET",
        ),
    ],
)
async def test_what_makes_no_sense_has_a_code(line: Service, query: str, code: str) -> None:
    assert (await line.graphql(query))["errors"][0]["extensions"]["code"] == code


async def test_an_enormous_filter_names_its_member(line: Service) -> None:
    query = "query($boards: [String!]) { manufacturingRecords(filter: {board: $boards}) "
    answer = await line.graphql(query + "{ totalCount } }", boards=["x"] * 101)
    assert answer["errors"][0]["extensions"]["field"] == "board"


async def test_a_cursor_of_another_order_is_refused(line: Service) -> None:
    query = "{ manufacturingRecords(first: 1, orderBy: {by: SERIAL}) { pageInfo { endCursor } } }"
    page = (await line.graphql(query))["data"]["manufacturingRecords"]
    query = "query($after: String) { manufacturingRecords(after: $after) { totalCount } }"
    answer = await line.graphql(query, after=page["pageInfo"]["endCursor"])
    assert answer["errors"][0]["extensions"]["code"] == "INVALID_CURSOR"


async def test_records_are_counted_by_time_board_and_image(line: Service) -> None:
    counts = "{ complete counts { start name records boards secure notSecure } }"
    answer = await line.graphql(
        f"{{ board: manufacturingStatistics(by: BOARD) {counts} "
        f"day: manufacturingStatistics(by: DAY) {counts} }}"
    )
    by_board = answer["data"]["board"]["counts"]
    assert [(c["name"], c["records"], c["boards"]) for c in by_board] == [
        ("CM5", 2, 1),
        ("CM4", 1, 1),
    ]
    [day] = answer["data"]["day"]["counts"]
    assert (day["records"], day["boards"], day["secure"], day["notSecure"]) == (3, 2, 1, 1)
    assert day["start"].endswith("T00:00:00+00:00")


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("", 3),
        ("?limit=2", 2),
        ("?limit=2abc", 2),
        ("?limit=%20%2B2", 2),
        ("?limit=0", 3),
        ("?limit=-1", 3),
        ("?limit=99999999999", 3),
        ("?limit=x", 3),
        ("?limit=1&limit=2", 2),
        ("?offset=1", 2),
        ("?limit=5&offset=2", 1),
        ("?limit=5&offset=9", 0),
        ("?limit=5&offset=-3", 3),
    ],
)
async def test_the_old_listing_reads_numbers_as_before(
    line: Service, query: str, count: int
) -> None:
    answer = await line.client.get(f"/api/v2/manufacturing{query}", headers={"Accept": "text/html"})
    assert answer.headers["content-type"] == "application/json; charset=utf-8"
    assert answer.text.endswith("]\n")
    assert len(answer.json()) == count


async def test_every_value_of_the_old_listing_is_a_text_in_byte_order(line: Service) -> None:
    for row in (await line.client.get("/api/v2/manufacturing")).json():
        assert list(row) == sorted(row)
        assert len(row) == 30
        assert {type(value) for value in row.values()} == {str}


async def test_many_rows_are_one_array(line: Service) -> None:
    write_records(line.root, *(THREE * 500))
    rows = (await line.client.get("/api/v2/manufacturing")).json()
    assert len(rows) == 1503
    assert len({row["id"] for row in rows}) == 1503


async def test_the_page_is_there_whatever_the_database_does(empty_service: Service) -> None:
    for path in ("/manu-db", "/scantool"):
        answer = await empty_service.client.get(path, headers={"Accept": "application/json"})
        assert (answer.status_code, answer.headers["content-type"]) == (
            200,
            "text/html; charset=utf-8",
        )


async def test_reading_is_written_down(line: Service) -> None:
    await line.client.get("/api/v2/manufacturing")
    await line.client.get("/manu-db")
    await line.client.get("/scantool")
    await line.graphql("{ manufacturingRecords { totalCount } }")
    rows = [
        (row["handler_path"], row["operation"], row["target_path"], row["success"])
        for row in await line.audit_rows()
    ]
    read = (None, "READ", f"/{DATABASE}", 1)
    assert rows == [
        ("/api/v2/manufacturing", None, None, None),
        read,
        ("/manu-db", None, None, None),
        ("/graphql#manufacturingRecords", None, None, None),
        read,
    ]


async def test_a_path_that_nobody_configured_is_said(tmp_path: Path) -> None:
    write_records(tmp_path, *THREE)
    async with running(tmp_path) as service:
        answer = await service.client.get("/api/v2/manufacturing")
        assert (answer.status_code, answer.json()["error_code"]) == (500, "DB_PATH_NOT_SET")
        assert await records(service) == (3, [3, 2, 1])


@pytest.mark.parametrize("line_", [f"{CONFIGURED}=", f"{CONFIGURED}=/{DATABASE}"])
async def test_a_missing_file_is_said_and_not_made(tmp_path: Path, line_: str) -> None:
    configure(tmp_path, line_)
    async with running(tmp_path) as service:
        answer = await service.client.get("/api/v2/manufacturing")
        assert (answer.status_code, answer.json()["error_code"]) == (500, "DB_FILE_NOT_FOUND")
        assert answer.json()["details"] == f"Path: {line_.partition('=')[2]}"
        assert await records(service) == (0, [])
        read = [row for row in await service.audit_rows() if row["operation"] == "READ"]
        assert read[0]["success"] == 0
    assert not (tmp_path / DATABASE).exists()


async def test_an_empty_file_is_an_empty_list(tmp_path: Path) -> None:
    configure(tmp_path)
    (tmp_path / DATABASE).parent.mkdir(parents=True)
    (tmp_path / DATABASE).touch()
    async with running(tmp_path) as service:
        answer = await service.client.get("/api/v2/manufacturing")
        assert (answer.status_code, answer.text) == (200, "[]\n")
        export = await service.client.get("/api/v2/manufacturing/export")
        assert (export.status_code, export.text) == (200, "")


async def test_a_table_without_times_cannot_be_listed_and_is_told_otherwise(tmp_path: Path) -> None:
    configure(tmp_path)
    old = "CREATE TABLE devices(id integer primary key, serial char(8) not null)"
    (tmp_path / DATABASE).parent.mkdir(parents=True)
    with closing(sqlite3.connect(tmp_path / DATABASE)) as connection, connection:
        connection.execute(old)
        connection.execute("INSERT INTO devices(serial) VALUES ('deadbeef')")
    async with running(tmp_path) as service:
        answer = await service.client.get("/api/v2/manufacturing")
        assert (answer.status_code, answer.json()["error_code"]) == (500, "SQL_PREPARE_ERROR")
        query = "{ manufacturingRecords { nodes { serial board secure provisionedAt } } }"
        nodes = (await service.graphql(query))["data"]["manufacturingRecords"]["nodes"]
        nothing = {"board": None, "secure": None, "provisionedAt": None}
        assert nodes == [{"serial": "deadbeef", **nothing}]


@pytest.mark.parametrize("content", [b"hello, I am no database" * 100, None])
async def test_what_is_no_database_is_said_on_both_surfaces(
    tmp_path: Path, content: bytes | None
) -> None:
    configure(tmp_path)
    file = tmp_path / DATABASE
    file.parent.mkdir(parents=True)
    file.mkdir() if content is None else file.write_bytes(content)
    code = "DB_OPEN_ERROR" if content is None else "SQL_PREPARE_ERROR"
    async with running(tmp_path) as service:
        answer = await service.client.get("/api/v2/manufacturing")
        assert (answer.status_code, answer.json()["error_code"]) == (500, code)
        answer = await service.graphql('{ manufacturingRecord(serial: "a") { id } }')
        assert answer["errors"][0]["extensions"]["code"] == code
        assert (await service.client.get("/healthz")).status_code == 200


async def test_the_station_speaks_of_the_file_that_is_configured_now(line: Service) -> None:
    write_records(line.root / "other", ("deadbeef", "x", "5", "1"))
    assert (await records(line))[0] == 3
    configure(line.root, f"{CONFIGURED}=/other/{DATABASE}")
    assert await records(line, '(filter: {text: "deadbeef"})') == (1, [1])
    assert len((await line.client.get("/api/v2/manufacturing")).json()) == 1


async def export(service: Service, arguments: str) -> Any:
    fields = "{ url fileName mediaType recordCount }"
    answer = await service.graphql(f"{{ manufacturingExport({arguments}) {fields} }}")
    return answer["data"]["manufacturingExport"]


async def test_an_export_is_fetched_where_graphql_says(line: Service) -> None:
    write_records(line.root, ("10000000a0b0c0d9", "=1+1", "CM5", "1"))
    told = await export(line, 'format: CSV, filter: {board: "CM5"}, orderBy: {by: SERIAL}')
    answer = await line.client.get(told["url"])
    rows = list(csv.DictReader(io.StringIO(answer.text, newline="")))
    assert told["recordCount"] == len(rows) == 3
    assert told["mediaType"] == answer.headers["content-type"] == "text/csv; charset=utf-8"
    disposition = answer.headers["content-disposition"]
    assert disposition.startswith('attachment; filename="manufacturing-records-20')
    assert disposition.endswith('Z.csv"')
    assert rows[0]["rpi_duid"] == "'=1+1"
    assert len(rows[0]) == 30


@pytest.mark.parametrize("format", ["JSON", "NDJSON"])
async def test_json_exports_are_typed(line: Service, format: str) -> None:
    told = await export(line, f"format: {format}, orderBy: {{descending: false}}")
    text = (await line.client.get(told["url"])).text
    rows = json.loads(text) if format == "JSON" else [json.loads(row) for row in text.splitlines()]
    assert [(row["id"], row["secure"]) for row in rows] == [(1, True), (2, False), (3, None)]


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("format=xlsx", "INVALID_EXPORT"),
        ("bord=CM5", "INVALID_EXPORT"),
        ("text=%00", "INVALID_FILTER"),
    ],
)
async def test_a_bad_export_is_refused(line: Service, query: str, code: str) -> None:
    answer = await line.client.get(f"/api/v2/manufacturing/export?{query}")
    assert (answer.status_code, answer.json()["error_code"]) == (400, code)


async def test_an_export_of_a_missing_file_is_said(empty_service: Service) -> None:
    answer = await empty_service.client.get("/api/v2/manufacturing/export?format=json")
    assert (answer.status_code, answer.json()["error_code"]) == (503, "DB_FILE_NOT_FOUND")


ADDED = "subscription { manufacturingRecordAdded(newest: 1) { sequence snapshot "
ADDED += "records { number board } } }"


async def test_a_new_record_is_told_at_once(line: Service) -> None:
    async with asyncio.TaskGroup() as tasks:
        socket = Socket(line)
        serving = tasks.create_task(socket.run([]))
        await socket.send({"type": "connection_init"})
        assert (await socket.next())["type"] == "websocket.accept"
        assert (await socket.frame())["type"] == "connection_ack"
        await socket.send({"id": "1", "type": "subscribe", "payload": {"query": ADDED}})
        first = (await socket.frame())["payload"]["data"]["manufacturingRecordAdded"]
        assert (first["snapshot"], first["records"]) == (True, [{"number": 3, "board": "CM5"}])
        seen: list[int] = []
        for number in range(4, 12):
            write_records(line.root, (f"{number:08x}", "x", "5", "1"))
        while len(seen) < 8:
            frame = (await socket.frame())["payload"]["data"]["manufacturingRecordAdded"]
            assert not frame["snapshot"]
            assert frame["sequence"] > first["sequence"]
            seen += [record["number"] for record in frame["records"]]
        serving.cancel()
    assert seen == list(range(4, 12))
