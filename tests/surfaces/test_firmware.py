"""The bootloader firmware through both surfaces (contract configuration 12)."""

import hashlib
from pathlib import Path
from typing import Any

import pytest

from domain.caller import Role
from server.settings import Token
from tests.domain.firmware.tree import BASE, FirmwareTree, build_tree
from tests.surfaces.conftest import Service, running

BACK = """
mutation ($input: RollbackConfigurationInput!) { rollbackConfiguration(input: $input) {
    __typename ... on Problem { code }
} }
"""

SELECT = (
    "mutation($input: SelectFirmwareInput!) { selectFirmware(input: $input) "
    "{ ... on Firmware { selection { path state inForce { version } } } "
    "... on Problem { code status field } } }"
)
NEW = f"{BASE}/bootloader-2712/latest/pieeprom-2026-07-02.bin"
CONFIG = "/etc/rpi-sb-provisioner/config"


@pytest.fixture
def tree(tmp_path: Path) -> FirmwareTree:
    tree = build_tree(tmp_path)
    tree.release("2712", "default", "2026-05-11")
    tree.release("2712", "latest", "2026-07-02")
    tree.release("2711", "latest", "2026-06-09")
    tree.write_notes("2712", "## 2026-07-02: New\n* a\n## 2026-05-11: Old\n* b\n")
    tree.write_notes("2711", "## 2026-06-09: Four\n* c\n")
    return tree


async def _select(service: Service, path: str) -> Any:
    answer = await service.graphql(SELECT, input={"path": path})
    return answer["data"]["selectFirmware"]


async def test_both_surfaces_list_the_same_releases(tree: FirmwareTree) -> None:
    query = "{ firmware { family chip releases { version channel name path sizeBytes } } }"
    async with running(tree.root) as service:
        rest = (await service.client.get("/options/firmware/list")).json()
        documented = (await service.client.get("/options/firmware")).json()
        told = (await service.graphql(query))["data"]["firmware"]
    assert rest == documented
    assert (rest["deviceFamily"], rest["chipNumber"]) == (told["family"], told["chip"])
    assert rest["firmwareList"] == [
        {
            "version": release["version"],
            "filename": release["name"],
            "filepath": release["path"],
            "releaseChannel": release["channel"],
            "size": str(release["sizeBytes"]),
        }
        for release in told["releases"]
    ]
    assert [release["version"] for release in told["releases"]] == ["2026-07-02", "2026-05-11"]


async def test_a_browser_gets_the_page_at_the_documented_path(tree: FirmwareTree) -> None:
    async with running(tree.root) as service:
        for path in ("/options/firmware", "/options/firmware/"):
            answer = await service.client.get(path, headers={"Accept": "text/html"})
            assert answer.headers["content-type"].startswith("text/html")


async def test_both_surfaces_select_and_write_it_down(tree: FirmwareTree) -> None:
    async with running(tree.root) as service:
        body = {"firmware_path": NEW.removeprefix("/usr")}
        answer = await service.client.post("/options/firmware/set", json=body)
        assert (answer.status_code, answer.content) == (200, b"")
        listed = (await service.client.get("/options/firmware/list")).json()
        assert listed["selectedFirmwareFile"] == NEW
        told = await _select(service, "")
        assert told["selection"]["state"] == "AUTOMATIC"
        again = await _select(service, NEW)
        assert again["selection"] == {
            "path": NEW,
            "state": "PINNED",
            "inForce": {"version": "2026-07-02"},
        }
        rows = [row for row in await service.audit_rows() if row["target_path"] == CONFIG]
    assert [row["operation"] for row in rows] == ["WRITE"] * 3
    assert f"RPI_DEVICE_FIRMWARE_FILE={NEW}\n" in (tree.root / CONFIG[1:]).read_text()


@pytest.mark.parametrize(
    ("path", "code", "kind"),
    [
        ("/etc/passwd", "INVALID_FIRMWARE_PATH", 400),
        (f"{BASE}/bootloader-2712/latest/none.bin", "FIRMWARE_NOT_FOUND", 404),
        (f"{BASE}/bootloader-2712/latest", "NOT_A_FILE", 400),
        (f"{BASE}/bootloader-2711/latest/pieeprom-2026-06-09.bin", "FIRMWARE_UNSUITABLE", 400),
        ("x", "INVALID_PATH", 400),
        ("/" + "x" * 10000, "INVALID_FIRMWARE_PATH", 400),
    ],
)
async def test_both_surfaces_refuse_the_same(
    tree: FirmwareTree, path: str, code: str, kind: int
) -> None:
    before = (tree.root / CONFIG[1:]).read_bytes()
    async with running(tree.root) as service:
        answer = await service.client.post("/options/firmware/set", json={"firmware_path": path})
        told = await _select(service, path)
    assert (answer.status_code, answer.json()["error_code"]) == (400, code)
    assert (told["code"], told["status"]) == (code, kind)
    assert (tree.root / CONFIG[1:]).read_bytes() == before


@pytest.mark.parametrize(
    "path",
    ["/etc/passwd", "x", f"{BASE}/bootloader-2711/latest/pieeprom-2026-06-09.bin", "/usr/../etc"],
)
async def test_a_setting_is_no_way_round_the_checks(tree: FirmwareTree, path: str) -> None:
    before = (tree.root / CONFIG[1:]).read_bytes()
    async with running(tree.root) as service:
        body = {"RPI_DEVICE_FIRMWARE_FILE": path, "RPI_CONNECT_DESCRIPTION": "x"}
        answer = await service.client.post("/options/set", json=body)
        assert (answer.status_code, answer.json()["error_code"]) == (400, "INVALID_CONFIG_VALUE")
        assert (tree.root / CONFIG[1:]).read_bytes() == before
        good = await service.client.post("/options/set", json={"RPI_DEVICE_FIRMWARE_FILE": NEW})
        gone = await service.client.post("/options/set", json={"RPI_DEVICE_FIRMWARE_FILE": ""})
    assert (good.status_code, gone.status_code) == (200, 200)


async def test_a_step_back_is_no_way_round_the_checks_either(tree: FirmwareTree) -> None:
    config = tree.root / CONFIG[1:]
    async with running(tree.root) as service:
        await service.station.configuration.look()
        # An administrator's own doing, which the service cannot keep away.
        config.write_text(config.read_text() + "RPI_DEVICE_FIRMWARE_FILE=/etc/passwd\n")
        await service.station.configuration.look()
        await service.client.post("/options/set", json={"RPI_DEVICE_FIRMWARE_FILE": NEW})
        asked = await service.graphql(
            "{ configuration { revision } configurationHistory(first: 1) { nodes { id } } }"
        )
        data = asked["data"]
        told = await service.graphql(
            BACK,
            input={
                "change": data["configurationHistory"]["nodes"][0]["id"],
                "revision": data["configuration"]["revision"],
                "confirmIrreversible": [],
            },
        )
        assert told["data"]["rollbackConfiguration"]["code"] == "INVALID_CONFIG_VALUE"
        assert await service.station.configuration.value("RPI_DEVICE_FIRMWARE_FILE") == NEW


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"{}", "MISSING_FIRMWARE_PATH"),
        (b'{"firmware_path": null}', "MISSING_FIRMWARE_PATH"),
        (b'{"firmware_path": ["x"]}', "INVALID_JSON"),
        (b'{"firmware_path": 5}', "INVALID_JSON"),
        (b"[]", "INVALID_JSON"),
        (b"{", "INVALID_JSON"),
    ],
)
async def test_a_bad_body_does_not_undo_the_selection(
    tree: FirmwareTree, body: bytes, code: str
) -> None:
    await tree.firmware.select(NEW, note=tree.notes)
    async with running(tree.root) as service:
        headers = {"Content-Type": "application/json"}
        answer = await service.client.post("/options/firmware/set", content=body, headers=headers)
        assert (answer.status_code, answer.json()["error_code"]) == (400, code)
        assert await service.station.configuration.value("RPI_DEVICE_FIRMWARE_FILE") == NEW


async def test_only_a_post_with_a_good_token_selects(tree: FirmwareTree) -> None:
    async with running(tree.root) as service:
        assert (await service.client.get("/options/firmware/set")).status_code == 405
        answer = await service.client.post(
            "/options/firmware/set",
            json={"firmware_path": NEW},
            headers={"X-CSRF-Token": "wrong"},
        )
        assert (answer.status_code, answer.json()["error_code"]) == (403, "CSRF_VALIDATION_FAILED")
        assert await service.station.configuration.value("RPI_DEVICE_FIRMWARE_FILE") == ""


async def test_selecting_needs_an_engineer(tree: FirmwareTree) -> None:
    token = Token("o", Role.OPERATOR, hashlib.sha256(b"operator").hexdigest())
    async with running(tree.root, tokens=(token,)) as service:
        service.client.headers["Authorization"] = "Bearer operator"
        answer = await service.client.post("/options/firmware/set", json={"firmware_path": NEW})
        assert answer.status_code == 403
        assert (await _select(service, NEW))["status"] == 403


async def test_both_surfaces_tell_the_same_notes(tree: FirmwareTree) -> None:
    query = (
        '{ firmwareNotes(version: "2026-05-11") { version notes } '
        'four: firmwareNotes(version: "2026-06-09", chip: BCM2711) { notes } '
        'firmwareNotesBetween(after: "2026-05-11") { version } }'
    )
    async with running(tree.root) as service:
        rest = (await service.client.get("/options/firmware/notes/2026-05-11")).json()
        other = await service.client.get("/options/firmware/notes/2026-06-09?chip=2711")
        told = (await service.graphql(query))["data"]
        missing = await service.client.get("/options/firmware/notes/1999-01-01")
        empty = await service.client.get("/options/firmware/notes/")
        refused = await service.graphql('{ firmwareNotes(version: "1999-01-01") { notes } }')
    assert (
        rest
        == told["firmwareNotes"]
        == {
            "version": "2026-05-11",
            "notes": "## 2026-05-11: Old\n* b\n",
        }
    )
    assert other.json()["notes"] == told["four"]["notes"]
    assert [notes["version"] for notes in told["firmwareNotesBetween"]] == ["2026-07-02"]
    assert (missing.status_code, missing.json()["error_code"]) == (404, "FIRMWARE_NOTES_NOT_FOUND")
    assert empty.status_code == 400
    assert refused["errors"][0]["extensions"]["code"] == "FIRMWARE_NOTES_NOT_FOUND"
