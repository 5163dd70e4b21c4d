"""The configuration through both surfaces (contract configuration 2, 3, 4, 12)."""

import asyncio
import hashlib
import logging
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from domain.caller import Role
from domain.configuration.masking import MASK
from server.demo.station import build_station
from server.settings import Token
from tests.surfaces.conftest import Service, running
from tests.surfaces.image_store import subscribed
from tests.surfaces.test_story import Socket

SECRET = "simulated-not-a-token"
SETTING = "name kind choices value isSet source default needed secret irreversible fileOnly"
READ = f"{{ configuration {{ revision settings {{ {SETTING} }} }} }}"
UPDATE = """
mutation ($input: UpdateConfigurationInput!) { updateConfiguration(input: $input) {
    ... on ConfigurationUpdated { changes { name old new differs secret } }
    ... on Problem { code detail field status }
} }
"""
CONFIG = "etc/rpi-sb-provisioner/config"


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("configured")
    build_station(root, now=datetime(2026, 8, 1, tzinfo=UTC))
    return root


@pytest.fixture
async def demo(built: Path) -> AsyncIterator[Service]:
    before = (built / CONFIG).read_bytes()
    async with running(built) as service:
        yield service
    (built / CONFIG).write_bytes(before)


async def settings_of(service: Service) -> tuple[str, dict[str, Any]]:
    answer = (await service.graphql(READ))["data"]["configuration"]
    return answer["revision"], {one["name"]: one for one in answer["settings"]}


async def update(
    service: Service, revision: str, confirm: tuple[str, ...] = (), **values: str
) -> Any:
    given = {
        "revision": revision,
        "settings": [{"name": name, "value": value} for name, value in values.items()],
        "confirmIrreversible": list(confirm),
    }
    return (await service.graphql(UPDATE, input=given))["data"]["updateConfiguration"]


async def test_both_surfaces_show_the_same_values(demo: Service) -> None:
    answer = await demo.client.get("/options/get")
    assert answer.headers["content-type"].startswith("application/json")
    _, settings = await settings_of(demo)
    shown = {name: one["value"] for name, one in settings.items() if one["source"] != "UNSET"}
    assert answer.json() == shown
    assert shown["RPI_CONNECT_DESCRIPTION"] == "Line 3, jig 'A'"
    assert shown["RPI_CONNECT_API_KEY"] == MASK


async def test_each_setting_tells_what_it_is(demo: Service) -> None:
    _, settings = await settings_of(demo)
    assert settings["RPI_DEVICE_STORAGE_CIPHER"] == {
        "name": "RPI_DEVICE_STORAGE_CIPHER",
        "kind": "CHOICE",
        "choices": ["aes-xts-plain64", "xchacha12,aes-adiantum-plain64"],
        "value": "aes-xts-plain64",
        "isSet": True,
        "source": "PACKAGED",
        "default": "aes-xts-plain64",
        "needed": False,
        "secret": False,
        "irreversible": False,
        "fileOnly": False,
    }
    token = settings["RPI_CONNECT_API_KEY"]
    assert (token["isSet"], token["secret"], token["source"]) == (True, True, "USER")
    assert settings["RPI_SB_PROVISIONER_STATE_DB"]["source"] == "UNSET"


async def test_no_secret_leaves_the_station(
    demo: Service, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    for accept in ("application/json", "text/html"):
        answer = await demo.client.get("/options/get", headers={"Accept": accept})
        assert SECRET not in answer.text
    await demo.client.post("/options/set", json={"RPI_CONNECT_API_KEY": "new secret\n"})
    await demo.client.post("/options/set", json={"RPI_CONNECT_API_KEY": "rpoak_other"})
    told = str([tuple(row) for row in await demo.audit_rows()])
    assert "rpoak_other" not in told
    assert "new secret" not in told
    assert "rpoak_other" not in caplog.text
    assert "new secret" not in caplog.text


async def test_a_browser_gets_the_page(demo: Service) -> None:
    answer = await demo.client.get("/options/get", headers={"Accept": "text/html"})
    assert answer.headers["content-type"].startswith("text/html")


async def test_an_empty_station_has_no_values(empty_service: Service) -> None:
    assert (await empty_service.client.get("/options/get")).json() == {}


async def test_rest_sets_and_graphql_sees_it(demo: Service) -> None:
    body = {"RPI_DEVICE_RPIBOOT_GPIO": 8, "RPI_DEVICE_LOCK_JTAG": None, "_csrf_token": "x"}
    answer = await demo.client.post("/options/set", json=body)
    assert (answer.status_code, answer.content) == (200, b"")
    _, settings = await settings_of(demo)
    assert settings["RPI_DEVICE_RPIBOOT_GPIO"]["value"] == "8"
    assert settings["RPI_DEVICE_LOCK_JTAG"]["value"] == ""
    assert "_csrf_token" not in settings
    rows = [row for row in await demo.audit_rows() if row["operation"] == "WRITE"]
    assert (rows[-1]["target_path"], rows[-1]["success"]) == (f"/{CONFIG}", 1)


async def test_graphql_sets_and_rest_sees_it(demo: Service) -> None:
    revision, _ = await settings_of(demo)
    done = await update(demo, revision, RPI_DEVICE_FAMILY="4", RPI_CONNECT_API_KEY="rpoak_new")
    assert done["changes"] == [
        {"name": "RPI_DEVICE_FAMILY", "old": "5", "new": "4", "differs": True, "secret": False},
        {"name": "RPI_CONNECT_API_KEY", "old": MASK, "new": MASK, "differs": True, "secret": True},
    ]
    assert (await demo.client.get("/options/get")).json()["RPI_DEVICE_FAMILY"] == "4"
    assert await demo.station.configuration.value("RPI_CONNECT_API_KEY") == "rpoak_new"


async def test_everything_that_was_shown_may_be_sent_back(demo: Service) -> None:
    before = (demo.root / CONFIG).read_bytes()
    shown = (await demo.client.get("/options/get")).json()
    assert (await demo.client.post("/options/set", json=shown)).status_code == 200
    assert await demo.station.configuration.value("RPI_CONNECT_API_KEY") == SECRET
    assert before in (demo.root / CONFIG).read_bytes()


async def test_a_stale_edit_is_a_problem_with_the_difference(demo: Service) -> None:
    revision, _ = await settings_of(demo)
    await demo.client.post("/options/set", json={"RPI_DEVICE_FAMILY": "4"})
    problem = await update(demo, revision, RPI_DEVICE_FAMILY="2W")
    assert (problem["code"], problem["status"], problem["field"]) == (
        "CONFIG_STALE",
        409,
        "revision",
    )
    assert "RPI_DEVICE_FAMILY from `5` to `4`" in problem["detail"]
    assert await demo.station.configuration.value("RPI_DEVICE_FAMILY") == "4"


async def test_of_edits_at_once_one_wins(demo: Service) -> None:
    revision, _ = await settings_of(demo)
    names = [f"RPI_DEVICE_LOCAL_{number}" for number in range(5)]
    done = await asyncio.gather(*(update(demo, revision, (), **{name: "x"}) for name in names))
    codes = sorted(one.get("code", "") for one in done)
    assert codes == ["", *["CONFIG_STALE"] * 4]
    settings = (await settings_of(demo))[1]
    assert sum(name in settings for name in names) == 1


async def test_graphql_asks_before_it_burns(demo: Service) -> None:
    revision, _ = await settings_of(demo)
    problem = await update(demo, revision, RPI_DEVICE_LOCK_JTAG="1")
    assert (problem["code"], problem["field"]) == ("CONFIRMATION_NEEDED", "RPI_DEVICE_LOCK_JTAG")
    done = await update(demo, revision, ("RPI_DEVICE_LOCK_JTAG",), RPI_DEVICE_LOCK_JTAG="1")
    assert done["changes"][0]["new"] == "1"


BAD = [
    ({"OPENSSL": "x"}, "INVALID_CONFIG_KEY"),
    ({"LD_PRELOAD": "x"}, "INVALID_CONFIG_KEY"),
    ({"A;reboot": "x"}, "INVALID_CONFIG_KEY"),
    ({"foo-bar": "x"}, "INVALID_CONFIG_KEY"),
    ({"RPI_SB_PROVISIONER_ENABLE_PRIVATE_KEY_API": "true"}, "INVALID_CONFIG_KEY"),
    ({"RPI_CONNECT_DESCRIPTION": "a\nb"}, "INVALID_CONFIG_VALUE"),
    ({"RPI_CONNECT_DESCRIPTION": "a\0"}, "INVALID_CONFIG_VALUE"),
    ({"RPI_CONNECT_DESCRIPTION": "x" * 20_000}, "INVALID_CONFIG_VALUE"),
    ({"RPI_CONNECT_DESCRIPTION": "x" * 1_000_000}, "INVALID_CONFIG_VALUE"),
    ({"RPI_DEVICE_LOCK_JTAG": "0"}, "INVALID_CONFIG_VALUE"),
    ({"RPI_DEVICE_FAMILY": "4", "RPI_DEVICE_EEPROM_WP_SET": "yes"}, "INVALID_CONFIG_VALUE"),
]


@pytest.mark.parametrize(("values", "code"), BAD)
async def test_bad_input_changes_nothing_on_either_surface(
    demo: Service, values: dict[str, str], code: str
) -> None:
    before = (demo.root / CONFIG).read_bytes()
    answer = await demo.client.post("/options/set", json=values)
    assert (answer.status_code, answer.json()["error_code"]) == (400, code)
    revision, _ = await settings_of(demo)
    given = {"revision": revision, "settings": [{"name": k, "value": v} for k, v in values.items()]}
    problem = (await demo.graphql(UPDATE, input=given))["data"]["updateConfiguration"]
    assert (problem["code"], problem["status"]) == (code, 400)
    assert (demo.root / CONFIG).read_bytes() == before
    assert len(problem["detail"]) < 400


@pytest.mark.parametrize("value", ["$(touch x)", "`id`", 'it\'s "q"', "a;b|c&d", "ü ~ #"])
async def test_values_that_a_shell_would_run_are_kept_as_they_are(
    demo: Service, value: str
) -> None:
    body = {"RPI_CONNECT_DESCRIPTION": value}
    assert (await demo.client.post("/options/set", json=body)).status_code == 200
    assert (await demo.client.get("/options/get")).json()["RPI_CONNECT_DESCRIPTION"] == value


@pytest.mark.parametrize(
    "body", [b"{", b"[]", b'"x"', b'{"RPI_DEVICE_FAMILY": {}}', b'{"RPI_DEVICE_FAMILY": [1]}']
)
async def test_what_is_no_object_of_texts_is_invalid_json(demo: Service, body: bytes) -> None:
    for path in ("/options/set", "/options/validate"):
        sent = body.replace(b"RPI_DEVICE_FAMILY", b"value" if "validate" in path else b"A")
        sent = sent.replace(b'{"value"', b'{"field": "RPI_DEVICE_FAMILY", "value"')
        answer = await demo.client.post(
            path, content=sent, headers={"Content-Type": "application/json"}
        )
        assert (answer.status_code, answer.json()["error_code"]) == (400, "INVALID_JSON")


@pytest.mark.parametrize("body", [b"{}", b"null"])
async def test_nothing_to_set_is_no_error(demo: Service, body: bytes) -> None:
    answer = await demo.client.post(
        "/options/set", content=body, headers={"Content-Type": "application/json"}
    )
    assert (answer.status_code, answer.content) == (200, b"")


async def test_a_csrf_token_of_somebody_else_is_refused(demo: Service) -> None:
    token = (await demo.client.get("/options/csrf-token")).json()["token"]
    body = {"RPI_DEVICE_FAMILY": "4"}
    for sent, status in ((token, 200), ("x" * 32, 403)):
        headers = {"X-CSRF-Token": sent}
        answer = await demo.client.post("/options/set", json=body, headers=headers)
        assert answer.status_code == status


async def test_both_surfaces_check_values_alike(demo: Service) -> None:
    cases = {
        "GOLD_MASTER_OS_FILE": "/nope.img",
        "RPI_DEVICE_FAMILY": "5",
        "RPI_SB_PROVISIONER_MANUFACTURING_DB": "/srv/rpi-sb-provisioner/new.db",
    }
    for name, value in cases.items():
        rest = (
            await demo.client.post("/options/validate", json={"field": name, "value": value})
        ).json()
        query = "query ($n: String!, $v: String!) { settingCheck(name: $n, value: $v) "
        query += "{ name valid error message isArtefact } }"
        told = (await demo.graphql(query, n=name, v=value))["data"]["settingCheck"]
        assert (told["name"], told["valid"]) == (rest["field"], rest["valid"])
        assert (told["error"], told["message"]) == (rest.get("error"), rest.get("message"))


async def test_unknown_and_missing_fields_have_their_codes(demo: Service) -> None:
    for body, code in (({"value": "x"}, "MISSING_FIELD_NAME"), ({"field": "NO"}, "UNKNOWN_FIELD")):
        answer = await demo.client.post("/options/validate", json=body)
        assert (answer.status_code, answer.json()["error_code"]) == (400, code)


async def test_the_subscription_tells_the_present_and_each_change(demo: Service) -> None:
    query = "subscription { configurationChanges { snapshot configuration "
    query += "{ settings { name value } } } }"
    async with asyncio.TaskGroup() as tasks:
        socket = Socket(demo)
        serving = tasks.create_task(socket.run([]))
        await subscribed(socket, query)
        first = (await socket.frame())["payload"]["data"]["configurationChanges"]
        assert first["snapshot"]
        await demo.client.post("/options/set", json={"RPI_DEVICE_FAMILY": "4"})
        second = (await socket.frame())["payload"]["data"]["configurationChanges"]
        values = {one["name"]: one["value"] for one in second["configuration"]["settings"]}
        assert values["RPI_DEVICE_FAMILY"] == "4"
        serving.cancel()


async def test_who_may_not_change_may_look(built: Path) -> None:
    tokens = tuple(
        Token(role.words, role, hashlib.sha256(role.words.encode()).hexdigest())
        for role in (Role.OPERATOR, Role.ENGINEER)
    )
    wanted = {"operator": "RPI_DEVICE_FAMILY", "engineer": "CUSTOMER_KEY_FILE_PEM"}
    async with running(built, tokens=tokens) as service:
        for words, name in wanted.items():
            headers = {"Authorization": f"Bearer {words}"}
            assert (await service.client.get("/options/get", headers=headers)).status_code == 200
            answer = await service.client.post("/options/set", json={name: "4"}, headers=headers)
            assert (answer.status_code, answer.json()["error_code"]) == (403, "ROLE_TOO_LOW")
        # An engineer may send back the key that is configured, among other settings.
        shown = (await service.client.get("/options/get", headers=headers)).json()
        answer = await service.client.post("/options/set", json=shown, headers=headers)
        assert (answer.status_code, shown["CUSTOMER_KEY_FILE_PEM"] != "") == (200, True)


async def test_a_database_that_is_named_is_made(demo: Service) -> None:
    name = "RPI_SB_PROVISIONER_MANUFACTURING_DB"
    answer = await demo.client.post("/options/set", json={name: "/srv/new/line.db"})
    assert (answer.status_code, answer.content) == (200, b"")
    assert (await demo.client.get("/api/v2/manufacturing")).json() == []
    rows = [(row["operation"], row["target_path"]) for row in await demo.audit_rows()]
    assert ("CREATE", "/srv/new/line.db") in rows
    assert (await demo.client.post("/options/set", json={name: ""})).status_code == 200


async def test_a_database_that_cannot_be_made_changes_nothing(demo: Service) -> None:
    before = (demo.root / CONFIG).read_bytes()
    body = {"RPI_SB_PROVISIONER_MANUFACTURING_DB": f"/{CONFIG}/x.db", "RPI_DEVICE_FAMILY": "4"}
    answer = await demo.client.post("/options/set", json=body)
    assert (answer.status_code, answer.json()["error_code"]) == (500, "DB_CREATE_ERROR")
    assert answer.json()["details"] == f"Path: /{CONFIG}/x.db"
    assert (demo.root / CONFIG).read_bytes() == before


async def test_a_file_that_cannot_be_changed_safely_is_left_alone(demo: Service) -> None:
    file = demo.root / CONFIG
    file.write_text("RPI_CONNECT_DESCRIPTION=it's\n")
    body = {"RPI_DEVICE_FAMILY": "4"}
    answer = await demo.client.post("/options/set", json=body)
    assert (answer.status_code, answer.json()["error_code"]) == (500, "CONFIG_WRITE_ERROR")
    problem = await update(demo, (await settings_of(demo))[0], (), **body)
    assert (problem["code"], problem["status"]) == ("CONFIG_OBSCURE", 409)
    assert "line 1" in problem["detail"]
    assert file.read_text() == "RPI_CONNECT_DESCRIPTION=it's\n"


async def test_a_file_that_cannot_be_read_is_told_on_both_surfaces(demo: Service) -> None:
    (demo.root / CONFIG).unlink()
    (demo.root / CONFIG).mkdir()
    try:
        for method, path, status in (
            ("GET", "/options/get", 503),
            ("POST", "/options/validate", 503),
            ("POST", "/options/set", 500),
        ):
            body = {"field": "RPI_DEVICE_FAMILY"} if "validate" in path else {}
            answer = await demo.client.request(method, path, json=body)
            assert answer.status_code == status
            assert str(demo.root) not in answer.text
        errors = (await demo.graphql(READ))["errors"]
        assert errors[0]["extensions"]["code"] == "CONFIG_UNREADABLE"
    finally:
        (demo.root / CONFIG).rmdir()


async def test_a_database_at_no_path_is_refused(demo: Service) -> None:
    body = {"RPI_SB_PROVISIONER_MANUFACTURING_DB": "line.db"}
    answer = await demo.client.post("/options/set", json=body)
    assert (answer.status_code, answer.json()["error_code"]) == (400, "INVALID_PATH")
