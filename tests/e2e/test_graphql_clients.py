"""graphql-transport-ws, spoken by the npm packages ws and graphql-ws with the served station.

The protocol: https://github.com/enisdenjo/graphql-ws/blob/master/PROTOCOL.md
"""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from server.demo.station import build_station
from tests.e2e.node import run_client
from tests.e2e.process import Program

TOKEN = f'[[tokens]]\nname = "mes"\nrole = "viewer"\nsha256 = "{"a" * 64}"\n'
CLOSED = {
    "unknownType": 4400,
    "noJson": 4400,
    "notANumber": 4400,
    "loneSurrogate": 4400,
    "binary": 4400,
    "noId": 4400,
    "beforeInit": 4401,
    "noToken": 4403,
    "oldProtocol": 4406,
    "noProtocol": 4406,
    "silence": 4408,
    "sameId": 4409,
    "secondInit": 4429,
}


def address(program: Program) -> str:
    return f"ws{program.base[4:]}/graphql"


@pytest.mark.real
def test_each_broken_rule_closes_with_its_code(tmp_path: Path) -> None:
    locked = tmp_path / "locked/etc/rpi-sb-provisioner"
    locked.mkdir(parents=True)
    (locked / "service.toml").write_text(TOKEN)
    (tmp_path / "open").mkdir()
    with Program(tmp_path / "open") as program, Program(tmp_path / "locked") as wanting:
        came = run_client("wire.mjs", address(program), address(wanting))
    results, codes = came["results"], came["codes"]
    assert {name: closed["code"] for name, closed in results.items()} == CLOSED
    assert all(0 < len(closed["reason"].encode()) <= 123 for closed in results.values())
    assert (results["beforeInit"]["code"], results["noToken"]["code"]) == (
        codes["Unauthorized"],
        codes["Forbidden"],
    )
    assert results["silence"]["code"] == codes["ConnectionInitialisationTimeout"]


@pytest.mark.real
def test_the_client_graphql_ws_subscribes_changes_and_leaves(tmp_path: Path) -> None:
    build_station(tmp_path, now=datetime.now(UTC))
    with Program(tmp_path) as program:
        came = run_client("subscribe.mjs", address(program))
        status = program.stop()
    assert (len(came["names"]), came["names"][-1]) == (2, "Line 8")
    assert len(came["answer"][0]["data"]["devices"]["nodes"]) == 2
    assert came["codes"] == ["GRAPHQL_VALIDATION_FAILED"]
    assert came["events"][0] == "connected"
    assert {"ping", "pong"} <= set(came["events"])
    assert [event for event in came["events"] if event.startswith("closed")] == ["closed 1000"]
    assert status == 0
