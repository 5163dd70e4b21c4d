"""Logs, key pairs and flags of one device, told through GraphQL and REST: the facts are the
same."""

import asyncio
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from domain.caller import Role
from server.settings import Token
from tests.surfaces.conftest import Service, running
from tests.surfaces.test_story import Socket, write_row

LONG, SHORT, PORT = "10000000a0b0c0d0", "a0b0c0d0", "1-1.2"
LOGS, ETC = "/var/log/rpi-sb-provisioner", "/etc/rpi-sb-provisioner"
TRIAGE = f"{LOGS}/{LONG}/{LONG}/keypair/{LONG}"
ENABLED = b"RPI_SB_PROVISIONER_ENABLE_PRIVATE_KEY_API=true\n"
KEY = ec.derive_private_key(12345, ec.SECP256R1())
PUBLIC = KEY.public_key().public_bytes(
    serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
)
PRIVATE = KEY.private_bytes(
    serialization.Encoding.PEM,
    serialization.PrivateFormat.PKCS8,
    serialization.NoEncryption(),
)
FLAGS = "{ serial flags { flag mode active name setBy setAt warning constraint } }"
SET = (
    "mutation ($input: SetDeviceFlagInput!) { setDeviceFlag(input: $input) { __typename "
    f"... on DeviceFlags {FLAGS} ... on Problem {{ code field status }} }} }}"
)


def write(root: Path, path: str, content: bytes, mode: int = 0o644) -> Path:
    file = root / path.lstrip("/")
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content)
    file.chmod(mode)
    return file


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A station with one board that went through bootstrap and triage."""
    write_row(tmp_path, SHORT, PORT, "BOOTSTRAP-FINISHED")
    write_row(tmp_path, LONG, PORT, "TRIAGE-FINISHED")
    write(tmp_path, f"{LOGS}/{LONG}/bootstrap.log", b"[2026-08-01 10:00:00.000] boot\n")
    write(tmp_path, f"{LOGS}/{LONG}/triage.log", b"[2026-08-01 10:00:01.000] one\ntwo\n\x1b\n")
    write(tmp_path, f"{TRIAGE}.pub", PUBLIC)
    write(tmp_path, f"{TRIAGE}.der", PRIVATE)
    return tmp_path


def files(rows: list[sqlite3.Row]) -> list[tuple[str, str, int]]:
    facts = [(row["operation"], row["target_path"], row["success"]) for row in rows]
    return [fact for fact in facts if fact[0]]


def entries(rows: list[sqlite3.Row]) -> list[tuple[str, str]]:
    return [(row["handler_path"], row["outcome"]) for row in rows if row["handler_path"]]


async def test_a_log_is_the_same_on_both_surfaces(root: Path) -> None:
    query = (
        "query ($serial: String, $port: String) { deviceLog(serial: $serial, port: $port, "
        "kind: TRIAGE) { kind path size modifiedAt tail(lines: 2) { lines { at text startByte } } "
        "page(fromByte: 0) { lines { at text } startByte endByte size } } }"
    )
    async with running(root) as service:
        raw = (await service.client.get(f"/devices/{SHORT}/log/triage")).content
        by_serial = (await service.graphql(query, serial=LONG.upper()))["data"]["deviceLog"]
        by_port = (await service.graphql(query, port=PORT))["data"]["deviceLog"]
        rows = await service.audit_rows()
    assert by_serial == by_port
    assert (by_port["size"], by_port["path"]) == (len(raw), f"{LOGS}/{LONG}/triage.log")
    assert [line["text"] for line in by_port["page"]["lines"]] == ["one", "two", "␛"]
    assert by_port["page"]["lines"][0]["at"].endswith("+00:00")
    assert [line["startByte"] for line in by_port["tail"]["lines"]] == [30, 34]
    assert set(files(rows)) == {("READ", f"{LOGS}/{LONG}/triage.log", 1)}
    assert ("/graphql#deviceLog", "OK") in entries(rows)
    assert not any("tail" in entry for entry, _ in entries(rows))


async def test_a_log_that_is_not_there_is_noted_alike(root: Path) -> None:
    query = f'{{ deviceLog(serial: "{LONG}", kind: PROVISIONER) {{ size }} }}'
    async with running(root) as service:
        answer = await service.client.get(f"/devices/{LONG}/log/provisioner")
        errors = (await service.graphql(query))["errors"]
        rows = await service.audit_rows()
    missing = f"{LOGS}/{LONG}/provisioner.log"
    assert (answer.status_code, answer.json()["error_code"]) == (400, "LOG_NOT_FOUND")
    assert missing in answer.json()["details"]
    assert errors[0]["extensions"]["code"] == "LOG_NOT_FOUND"
    assert errors[0]["extensions"]["status"] == 404
    assert files(rows) == [("READ", missing, 0), ("READ", missing, 0)]


async def test_a_device_lists_its_files(root: Path) -> None:
    parts = "logs { kind size tail { lines { text } } } keypair { hasPrivateKey } flags { mode }"
    async with running(root) as service:
        query = f'{{ device(serial: "{SHORT}") {{ {parts} }} }}'
        device = (await service.graphql(query))["data"]["device"]
        others = await service.graphql(f'{{ deviceLogs(port: "{PORT}") {{ kind path }} }}')
        nowhere = await service.graphql('{ deviceLogs(serial: "feedface") { kind } }')
        rows = await service.audit_rows()
    assert [log["kind"] for log in device["logs"]] == ["BOOTSTRAP", "TRIAGE"]
    assert device["keypair"] == {"hasPrivateKey": True}
    assert device["flags"] == [{"mode": "OFF"}, {"mode": "OFF"}]
    assert len(others["data"]["deviceLogs"]) == 2
    assert nowhere["data"] == {"deviceLogs": []}
    assert entries(rows)[0] == ("/graphql#device", "OK")
    assert ("READ_PUBLIC_KEY", f"{TRIAGE}.pub", 1) in files(rows)


async def test_the_demo_stations_boards_have_logs_and_keys(service: Service) -> None:
    query = (
        "{ devices(first: 100) { nodes { serial state logs { kind size page { lines { at } } } "
        "keypair { publicKey { fingerprint algorithm } files { form warning } } } } }"
    )
    nodes = (await service.graphql(query))["data"]["devices"]["nodes"]
    done = [node for node in nodes if node["state"].endswith("PROVISIONER-FINISHED")]
    kinds = {tuple(log["kind"] for log in node["logs"]) for node in done}
    # Whose boot ROM told no serial has left its first log at the port, where others followed.
    assert kinds == {("PROVISIONER", "BOOTSTRAP", "TRIAGE"), ("PROVISIONER", "TRIAGE")}
    assert {node["keypair"]["publicKey"]["algorithm"] for node in done} == {"EC secp256r1"}
    assert len({node["keypair"]["publicKey"]["fingerprint"] for node in done}) == len(done)


async def _begin(socket: Socket, query: str) -> None:
    assert (await socket.next())["type"] == "websocket.accept"
    await socket.send({"type": "connection_init"})
    assert (await socket.frame())["type"] == "connection_ack"
    await socket.send({"id": "1", "type": "subscribe", "payload": {"query": query}})


async def _data(socket: Socket) -> Any:
    return (await socket.frame())["payload"]["data"]


async def test_a_log_is_followed_live_by_each_from_its_own_begin(root: Path) -> None:
    query = (
        f'subscription {{ deviceLogLines(serial: "{SHORT}", kind: TRIAGE, tail: 1) '
        "{ sequence snapshot log { size } lines { text } } }"
    )
    log = root / LOGS.lstrip("/") / LONG / "triage.log"
    async with running(root) as service, asyncio.TaskGroup() as tasks:
        first, second = Socket(service), Socket(service)
        serving = [tasks.create_task(socket.run([])) for socket in (first, second)]
        await _begin(first, query)
        begun = (await _data(first))["deviceLogLines"]
        with log.open("a") as file:
            file.write("three\n")
        grown = (await _data(first))["deviceLogLines"]
        await _begin(second, query)
        later = (await _data(second))["deviceLogLines"]
        for task in serving:
            task.cancel()
        rows = await service.audit_rows()
    assert (begun["snapshot"], begun["lines"]) == (True, [{"text": "␛"}])
    assert (grown["snapshot"], grown["lines"]) == (False, [{"text": "three"}])
    assert (later["sequence"], later["lines"]) == (1, [{"text": "three"}])
    assert files(rows).count(("READ", f"{LOGS}/{LONG}/triage.log", 1)) == 2


async def test_flags_are_watched_live(root: Path) -> None:
    query = "subscription { flagChanges { snapshot flags { flag name mode setBy } } }"
    async with running(root) as service, asyncio.TaskGroup() as tasks:
        socket = Socket(service)
        serving = tasks.create_task(socket.run([]))
        await _begin(socket, query)
        first = (await _data(socket))["flagChanges"]
        body = {"flag": "skip-eeprom", "mode": "once"}
        await service.client.post(f"/devices/{LONG}/flags", json=body)
        changed = (await _data(socket))["flagChanges"]
        (root / f"{ETC}/special-skip-eeprom/{SHORT}".lstrip("/")).unlink()
        consumed = (await _data(socket))["flagChanges"]
        serving.cancel()
    flag = {"flag": "SKIP_EEPROM", "name": SHORT}
    assert first == {"snapshot": True, "flags": []}
    assert changed["flags"] == [{**flag, "mode": "ONCE", "setBy": "local"}]
    assert consumed["flags"] == [{**flag, "mode": "OFF", "setBy": None}]


async def test_a_flag_set_on_one_surface_shows_on_the_other(root: Path) -> None:
    choice = {"serial": LONG, "flag": "REPROVISION_DEVICE", "mode": "PERSISTENT"}
    async with running(root) as service:
        done = (await service.graphql(SET, input=choice))["data"]["setDeviceFlag"]
        rest = (await service.client.get(f"/devices/{PORT}/flags")).json()
        off = {"flag": "reprovision-device", "mode": "off"}
        gone = (await service.client.post(f"/devices/{SHORT}/flags", json=off)).json()
        query = f'{{ deviceFlags(port: "{PORT}") {FLAGS} }}'
        after = (await service.graphql(query))["data"]["deviceFlags"]
        rows = await service.audit_rows()
    flag = done["flags"][1]
    assert (flag["mode"], flag["name"], flag["setBy"]) == ("PERSISTENT", SHORT, "local")
    assert flag["setAt"].endswith("+00:00")
    assert "Pi 5" in flag["constraint"]
    assert rest["serial"] == LONG
    assert [(f["id"], f["active"], f["mode"]) for f in rest["flags"]] == [
        ("skip-eeprom", False, "off"),
        ("reprovision-device", True, "persistent"),
    ]
    assert "constraint" not in rest["flags"][0]
    assert gone == {
        "success": True,
        "flag": "reprovision-device",
        "mode": "off",
        "serial": SHORT,
    }
    assert [flag["mode"] for flag in after["flags"]] == ["OFF", "OFF"]
    target = f"{ETC}/special-reprovision-device/{SHORT}"
    assert files(rows) == [("SET_FLAG", target, 1), ("DELETE_FLAG", target, 1)]
    assert (f"/devices/{SHORT}/flags", "OK") in entries(rows)


async def test_a_serial_never_seen_is_for_graphql_only(root: Path) -> None:
    unseen = {"flag": "SKIP_EEPROM", "mode": "ONCE"}
    async with running(root) as service:
        done = (await service.graphql(SET, input={**unseen, "serial": "20000000FEEDFACE"}))["data"]
        bad = (await service.graphql(SET, input={**unseen, "serial": "nonsense"}))["data"]
        nowhere = (await service.graphql(SET, input={**unseen, "port": "feedface"}))["data"]
        both = (await service.graphql(SET, input={**unseen, "serial": "a", "port": "b"}))["data"]
        body = {"flag": "skip-eeprom", "mode": "once"}
        rest = await service.client.post("/devices/20000000feedface/flags", json=body)
        listed = (await service.graphql("{ flags { nodes { name mode } totalCount } }"))["data"]
    assert done["setDeviceFlag"]["serial"] == "20000000feedface"
    problem = {"__typename": "Problem", "status": 409, "code": "SERIAL_NOT_RESOLVED"}
    assert bad["setDeviceFlag"] == {**problem, "field": "serial"}
    assert nowhere["setDeviceFlag"]["code"] == "SERIAL_NOT_RESOLVED"
    assert both["setDeviceFlag"]["code"] == "MISSING_SERIAL"
    assert (rest.status_code, rest.json()["error_code"]) == (409, "SERIAL_NOT_RESOLVED")
    assert listed["flags"] == {"nodes": [{"name": "feedface", "mode": "ONCE"}], "totalCount": 1}


@pytest.mark.parametrize(
    ("identifier", "body", "status", "code"),
    [
        ("", b"[]", 400, "MISSING_SERIAL"),
        (LONG, b"", 400, "INVALID_JSON"),
        (LONG, b"[1]", 400, "INVALID_JSON"),
        (LONG, b'{"flag": "skip-eeprom", /* */ "mode": "once"}', 400, "INVALID_JSON"),
        (LONG, b'{"flag": {}, "mode": "once"}', 400, "INVALID_JSON"),
        (LONG, b'{"flag": "skip-eeprom", "mode": []}', 400, "INVALID_JSON"),
        (LONG, b"{}", 400, "MISSING_FLAG"),
        (LONG, b'{"flag": null, "mode": "once"}', 400, "MISSING_FLAG"),
        (LONG, b'{"flag": "nonsense"}', 400, "INVALID_MODE"),
        (LONG, b'{"flag": 1, "mode": "once"}', 400, "UNKNOWN_FLAG"),
        ("feedface", b'{"flag": "skip-eeprom", "mode": "off"}', 409, "SERIAL_NOT_RESOLVED"),
        ("x" * 9000, b'{"flag": "skip-eeprom", "mode": "once"}', 409, "SERIAL_NOT_RESOLVED"),
        ("%00", b'{"flag": "skip-eeprom", "mode": "once"}', 409, "SERIAL_NOT_RESOLVED"),
        ("a%2Fb", b"{}", 404, "NOT_FOUND"),
    ],
)
async def test_a_bad_flag_order_is_refused_in_the_contracts_order(
    root: Path, identifier: str, body: bytes, status: int, code: str
) -> None:
    async with running(root) as service:
        answer = await service.client.post(
            f"/devices/{identifier}/flags",
            content=body,
            headers={"Content-Type": "application/json"},
        )
    assert (answer.status_code, answer.json()["error_code"]) == (status, code)
    assert not (root / ETC.lstrip("/")).exists()


async def test_a_flag_needs_json_and_no_foreign_page(root: Path) -> None:
    body = b'{"flag": "skip-eeprom", "mode": "once"}'
    kind = {"Content-Type": "application/json"}
    async with running(root) as service:
        path = f"/devices/{LONG}/flags"
        plain = await service.client.post(path, content=body)
        foreign = await service.client.post(
            path, content=body, headers={**kind, "Origin": "http://evil.example"}
        )
        put = await service.client.put(path, content=body, headers=kind)
    assert plain.json()["error_code"] == "INVALID_JSON"
    assert foreign.json()["error_code"] == "ORIGIN_REFUSED"
    assert (put.status_code, put.headers["allow"]) == (405, "GET, HEAD, OPTIONS, POST")


async def test_a_disk_that_fails_is_500_with_the_legacy_code_and_noted(root: Path) -> None:
    write(root, f"{ETC}/special-skip-eeprom", b"a file in the folder's place")
    body = {"flag": "skip-eeprom", "mode": "once"}
    async with running(root) as service:
        answer = await service.client.post(f"/devices/{LONG}/flags", json=body)
        rows = await service.audit_rows()
    assert (answer.status_code, answer.json()["error_code"]) == (500, "FLAG_DIR_ERROR")
    assert str(root) not in answer.text
    assert files(rows) == [("SET_FLAG", f"{ETC}/special-skip-eeprom/{SHORT}", 0)]


async def test_the_public_key_is_the_same_on_both_surfaces(root: Path) -> None:
    query = (
        f'{{ deviceKeypair(serial: "{SHORT}") {{ hasPrivateKey publicKey {{ pem bits }} '
        "files { part path mode form warning } } }"
    )
    async with running(root) as service:
        rest = await service.client.get(f"/devices/{LONG}/key/public")
        answer = await service.graphql(query)
        nothing = await service.graphql('{ deviceKeypair(serial: "feedface") { files { path } } }')
        missing = await service.client.get("/devices/feedface/key/public")
        rows = await service.audit_rows()
    pair = answer["data"]["deviceKeypair"]
    assert (rest.content, rest.headers["content-type"]) == (PUBLIC, "application/octet-stream")
    assert pair["publicKey"] == {"pem": PUBLIC.decode(), "bits": 256}
    assert pair["files"][1]["mode"] == "0644"
    assert "chmod 600" in pair["files"][1]["warning"]
    assert PRIVATE.decode().splitlines()[1] not in str(answer)
    assert nothing["data"] == {"deviceKeypair": None}
    assert (missing.status_code, missing.json()["error_code"]) == (400, "KEY_NOT_FOUND")
    assert f"{LOGS}/feedface/keypair/feedface.pub" in missing.json()["details"]
    assert files(rows)[:2] == [("READ_PUBLIC_KEY", f"{TRIAGE}.pub", 1)] * 2


async def test_the_private_key_is_refused_while_it_is_not_enabled(root: Path) -> None:
    async with running(root) as service:
        answer = await service.client.get("/devices/a%20b/key/private")
        rows = await service.audit_rows()
    assert (answer.status_code, answer.json()["error_code"]) == (403, "PRIVATE_KEY_API_DISABLED")
    assert "RPI_SB_PROVISIONER_ENABLE_PRIVATE_KEY_API" in answer.json()["error"]
    assert "security feature" in answer.json()["details"]
    assert entries(rows) == [("/devices/a b/key/private", "PRIVATE_KEY_API_DISABLED")]
    target = f"{LOGS}/a b/keypair/a b.der"
    assert files(rows) == [("DENIED_PRIVATE_KEY_ACCESS", target, 0)]
    assert "127.0.0.1" in rows[-1]["additional_info"]


async def test_the_private_key_is_handed_out_once_it_is_written_down(root: Path) -> None:
    write(root, f"{ETC}/config", ENABLED, 0o600)
    async with running(root) as service:
        answer = await service.client.get(f"/devices/{LONG}/key/private")
        # Without waiting: the row was durable before the answer.
        with sqlite3.connect(root / "srv/rpi-sb-provisioner/audit.db") as connection:
            found = connection.execute("select handler_path, additional_info from audit_log")
            durable = found.fetchall()
        empty = await service.client.get("/devices//key/private")
        missing = await service.client.get("/devices/feedface/key/private")
        rows = await service.audit_rows()
    assert (answer.status_code, answer.content) == (200, PRIVATE)
    assert answer.headers["cache-control"] == "no-store"
    assert "access-control-allow-origin" not in answer.headers
    assert (empty.status_code, empty.json()["error_code"]) == (400, "MISSING_SERIAL")
    assert (missing.status_code, missing.json()["error_code"]) == (400, "KEY_NOT_FOUND")
    assert durable[0][0] == f"/devices/{LONG}/key/private"
    assert durable[1][1].startswith("CRITICAL:")
    absent = f"{LOGS}/feedface/keypair/feedface.der"
    assert files(rows) == [
        ("READ_PRIVATE_KEY", f"{TRIAGE}.der", 1),
        ("READ_PRIVATE_KEY", absent, 0),
    ]
    assert PRIVATE.decode().splitlines()[1] not in str([tuple(row) for row in rows])


async def test_the_private_key_is_not_handed_out_while_nobody_could_write_it_down(
    root: Path,
) -> None:
    write(root, f"{ETC}/config", ENABLED, 0o600)
    (root / "srv/rpi-sb-provisioner/audit.db").mkdir()
    async with running(root) as service:
        answer = await service.client.get(f"/devices/{LONG}/key/private")
    assert (answer.status_code, answer.json()["error_code"]) == (503, "AUDIT_UNAVAILABLE")


async def _private_key(
    service: Service, *, peer: str, scheme: str, headers: dict[str, str]
) -> tuple[int, bytes]:
    messages: list[Any] = []

    async def receive() -> Any:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        messages.append(message)

    path = f"/devices/{LONG}/key/private"
    scope = {
        "type": "http",
        "method": "GET",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "headers": [(b"host", b"127.0.0.1"), *_encoded(headers)],
        "client": (peer, 5000),
        "scheme": scheme,
    }
    await service.application.asgi(scope, receive, send)
    return messages[0]["status"], b"".join(m.get("body", b"") for m in messages)


def _encoded(headers: dict[str, str]) -> list[tuple[bytes, bytes]]:
    return [(name.lower().encode(), value.encode()) for name, value in headers.items()]


PROXIED = {"X-Forwarded-For": "192.0.2.7"}


@pytest.mark.parametrize(
    ("peer", "scheme", "headers", "status"),
    [
        ("127.0.0.1", "http", {}, 200),
        ("::1", "http", {}, 200),
        ("::ffff:127.0.0.1", "http", {}, 200),
        ("192.0.2.7", "https", {}, 200),
        ("192.0.2.7", "http", {}, 403),
        ("192.0.2.7", "http", {"X-Forwarded-Proto": "https"}, 403),
        ("127.0.0.9", "http", PROXIED, 403),
        ("127.0.0.9", "http", {**PROXIED, "X-Forwarded-Proto": "https"}, 200),
        ("192.0.2.7", "http", {**PROXIED, "X-Forwarded-Proto": "https"}, 403),
    ],
)
async def test_the_private_key_never_crosses_the_network_in_clear(
    root: Path, peer: str, scheme: str, headers: dict[str, str], status: int
) -> None:
    write(root, f"{ETC}/config", ENABLED, 0o600)
    async with running(root, trusted_proxies=("127.0.0.9",)) as service:
        answer = await _private_key(service, peer=peer, scheme=scheme, headers=headers)
    assert answer[0] == status
    assert (answer[1] == PRIVATE) is (status == 200)
    if status == 403:
        assert b"PRIVATE_KEY_NEEDS_HTTPS" in answer[1]


async def test_roles_hold_on_both_surfaces(root: Path) -> None:
    from hashlib import sha256

    write(root, f"{ETC}/config", ENABLED, 0o600)
    tokens = tuple(
        Token(role.words, role, sha256(role.words.encode()).hexdigest())
        for role in (Role.VIEWER, Role.OPERATOR, Role.ENGINEER, Role.KEY_OFFICER)
    )
    body = {"flag": "skip-eeprom", "mode": "once"}
    seen: dict[str, tuple[int, ...]] = {}
    async with running(root, tokens=tokens) as service:
        for token in tokens:
            who = {"Authorization": f"Bearer {token.name}"}
            answers = (
                await service.client.get(f"/devices/{LONG}/log/triage", headers=who),
                await service.client.post(f"/devices/{LONG}/flags", json=body, headers=who),
                await service.client.get(f"/devices/{LONG}/key/private", headers=who),
            )
            seen[token.name] = tuple(answer.status_code for answer in answers)
        nobody = await service.client.get(f"/devices/{LONG}/key/public")
    assert nobody.status_code == 401
    assert seen == {
        "viewer": (200, 403, 403),
        "operator": (200, 200, 403),
        "engineer": (200, 200, 403),
        "key-officer": (200, 200, 200),
    }
