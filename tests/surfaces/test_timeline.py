"""A device's links and its timeline, told by GraphQL and compared with what REST says."""

import asyncio
import hashlib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from domain.caller import Role
from server.demo.station import build_station
from server.settings import Token
from tests.surfaces.conftest import Service, running
from tests.surfaces.test_story import write_row

DONE = "{ devices(first: 1, filter: {status: [COMPLETE]}) { nodes { serial } } }"
STORY = """query($serial: String!, $kinds: [TimelineKind!], $first: Int, $after: String) {
  device(serial: $serial) { serial
    records { totalCount nodes { id serial image } }
    timeline(kinds: $kinds, first: $first, after: $after) {
      nodes { kind at text failed state attempt { id outcome } log { kind path size }
        record { id serial } auditEntry { handlerPath outcome surface } }
      pageInfo { hasNextPage endCursor } gaps { kinds code reason } } } }"""
TOKENS = tuple(
    Token(name, role, hashlib.sha256(name.encode()).hexdigest())
    for name, role in (("vic", Role.VIEWER), ("eve", Role.ENGINEER))
)


async def done(service: Service) -> str:
    nodes = (await service.graphql(DONE))["data"]["devices"]["nodes"]
    return str(nodes[0]["serial"])


async def story(service: Service, serial: str, **variables: object) -> Any:
    answer = await service.graphql(STORY, serial=serial, **variables)
    return answer["data"]["device"]


async def test_both_surfaces_tell_the_same_of_a_finished_board(service: Service) -> None:
    serial = await done(service)
    device = await story(service, serial)
    told = device["timeline"]["nodes"]
    row = (await service.client.get(f"/devices/{serial}")).json()
    assert next(entry["state"] for entry in told if entry["state"]) == row["state"]
    records = (await service.client.get("/api/v2/manufacturing?limit=100")).json()
    mine = [record["image"] for record in device["records"]["nodes"]]
    listed = [one["os_image_filename"] for one in records if one["serial"] == serial]
    assert device["records"]["totalCount"] == len(mine) == 1
    assert mine == listed
    log = await service.client.get(f"/devices/{serial}/log/provisioner")
    sizes = {one["log"]["kind"]: int(one["log"]["size"]) for one in told if one["log"]}
    assert sizes["PROVISIONER"] == len(log.content)


async def test_what_was_asked_over_rest_is_part_of_the_story(service: Service) -> None:
    serial = await done(service)
    await service.client.get(f"/devices/{serial}/flags")
    await service.station.audit.durable()
    entry = (await story(service, serial, kinds=["AUDITED"], first=1))["timeline"]["nodes"][0]
    assert entry["auditEntry"] == {
        "handlerPath": f"/devices/{serial}/flags",
        "outcome": "OK",
        "surface": "rest",
    }


async def test_a_story_is_paged_from_its_end_to_its_beginning(service: Service) -> None:
    serial, kinds = await done(service), ["STATE_WRITTEN", "ATTEMPT_BEGAN", "RECORD_WRITTEN"]
    whole = (await story(service, serial, kinds=kinds))["timeline"]
    found, after = [], None
    while True:
        page = (await story(service, serial, kinds=kinds, first=3, after=after))["timeline"]
        found += page["nodes"]
        if not page["pageInfo"]["hasNextPage"]:
            break
        after = page["pageInfo"]["endCursor"]
    assert found == whole["nodes"]
    assert found[-1]["kind"] == "ATTEMPT_BEGAN"


async def test_what_cannot_be_asked_just_now_is_a_gap_and_spoils_nothing(
    service: Service,
) -> None:
    query = "{ devices(first: 3) { nodes { serial units { name } timeline { gaps { code } } } } }"
    answer = await service.graphql(query)
    nodes = answer["data"]["devices"]["nodes"]
    assert [node["units"] for node in nodes] == [None] * 3
    assert {error["extensions"]["code"] for error in answer["errors"]} == {"UNITS_UNAVAILABLE"}
    assert {gap["code"] for node in nodes for gap in node["timeline"]["gaps"]} == {
        "UNITS_UNAVAILABLE"
    }


@pytest.mark.parametrize("serial", ["ev\1il", "A" * 4096])
async def test_a_serial_that_no_filter_takes_spoils_no_list(tmp_path: Path, serial: str) -> None:
    for name, port in ((serial, "1-1.2"), ("a0b0c0d0", "1-1.3")):
        write_row(tmp_path, name, port, "TRIAGE-ABORTED")
    query = (
        "{ devices(first: 9) { nodes { records { totalCount nodes { id } } "
        "timeline(kinds: [STATE_WRITTEN, RECORD_WRITTEN, LOG_WRITTEN, AUDITED]) "
        "{ nodes { text } gaps { code } } } } }"
    )
    async with running(tmp_path) as service:
        answer = await service.graphql(query)
    assert answer["data"]["devices"]["nodes"] == 2 * [
        {
            "records": {"totalCount": 0, "nodes": []},
            "timeline": {"nodes": [{"text": "TRIAGE-ABORTED"}], "gaps": []},
        }
    ]


async def test_who_may_not_read_the_audit_log_does_not_find_it_here(tmp_path: Path) -> None:
    build_station(tmp_path, now=datetime(2026, 8, 1, tzinfo=UTC))
    async with running(tmp_path, tokens=TOKENS) as service:

        async def told(name: str, **variables: object) -> Any:
            body = {"query": STORY, "variables": {"serial": serial, **variables}}
            headers = {"Authorization": f"Bearer {name}"}
            return (await service.client.post("/graphql", json=body, headers=headers)).json()

        headers = {"Authorization": "Bearer eve"}
        rows = (await service.client.get("/devices", headers=headers)).json()["devices"]
        serial = next(row["serial"] for row in rows if row["state"].endswith("R-FINISHED"))
        await service.client.get(f"/devices/{serial}", headers=headers)
        await service.station.audit.durable()
        kinds = {
            name: {
                entry["kind"] for entry in (await told(name))["data"]["device"]["timeline"]["nodes"]
            }
            for name in ("vic", "eve")
        }
        refused = await told("vic", kinds=["AUDITED"])
    assert kinds["eve"] - kinds["vic"] == {"AUDITED"}
    assert refused["errors"][0]["extensions"]["code"] == "ROLE_TOO_LOW"


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ('after: "nonsense"', "INVALID_CURSOR"),
        ("first: 0", "INVALID_PAGE"),
        ("first: 501", "INVALID_PAGE"),
    ],
)
async def test_pages_that_cannot_be_are_refused(
    service: Service, arguments: str, code: str
) -> None:
    serial = await done(service)
    query = f'{{ device(serial: "{serial}") {{ timeline({arguments}) {{ nodes {{ at }} }} }} }}'
    answer = await service.graphql(query)
    assert answer["errors"][0]["extensions"]["code"] == code


async def test_many_askers_share_one_listing_of_units(service: Service) -> None:
    known = await asyncio.gather(
        *(service.station.services.list_known() for _ in range(3)), return_exceptions=True
    )
    assert len({id(one) for one in known}) == 1
