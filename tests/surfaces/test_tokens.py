"""Tokens and the stored PIN through both surfaces (contract configuration 9, 12)."""

import hashlib
import logging
import os
from pathlib import Path
from typing import Any

import pytest

from domain.caller import Role
from server.demo.firmware_crypto import write_stand_in
from server.settings import Token
from tests.adapters.soft_hsm import SoftHsm, missing
from tests.domain.keys.samples import ec_pem, openssl, rsa_pem
from tests.surfaces.conftest import Service, running

PIN, OTHER = "fleet-PIN-4711", "spare-PIN-0815"
PIN_FILE = "/etc/rpi-sb-provisioner/keys/pkcs11.pin"
TOKENS = "{ tokens { isAvailable problem module tokens { label pinState isInitialised } } }"
STORED = "{ tokenPin { isStored } }"
SET = (
    "mutation($input: SetTokenPinInput!) { setTokenPin(input: $input) "
    "{ ... on TokenPin { isStored } ... on Problem { code status detail field } } }"
)
REMOVE = (
    "mutation { removeTokenPin { ... on TokenPin { isStored } ... on Problem { code detail } } }"
)
DISCOVER = (
    "mutation($input: DiscoverTokenKeysInput!) { discoverTokenKeys(input: $input) "
    "{ ... on TokenKeys { keys { uri label token keySize isFitForPurpose fingerprint } } "
    "... on Problem { code status detail field } } }"
)
hsm_needed = [
    pytest.mark.real,
    pytest.mark.skipif(missing() is not None, reason=missing() or ""),
]


@pytest.fixture
def board(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A station on a board with a key in its one-time memory; returns the root."""
    programs = tmp_path / "programs"
    write_stand_in(programs, {0: bytes(range(32))})
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    return tmp_path / "root"


@pytest.fixture(scope="module")
def hsm(tmp_path_factory: pytest.TempPathFactory) -> SoftHsm:
    made = SoftHsm.make(tmp_path_factory.mktemp("hsm"))
    made.add_token("fleet", PIN)
    made.add_token("spare", OTHER)
    made.import_key("fleet", "boot key", b"\x01", rsa_pem(0), pin=PIN)
    made.import_key("fleet", "big", b"\x02", rsa_pem(0, bits=4096), pin=PIN)
    made.import_key("fleet", "curve", b"\x03", ec_pem(), pin=PIN)
    return made


@pytest.fixture
def plugged_in(hsm: SoftHsm, monkeypatch: pytest.MonkeyPatch) -> SoftHsm:
    monkeypatch.setenv("SOFTHSM2_CONF", str(hsm.configuration))
    return hsm


async def _post(service: Service, path: str, body: object) -> tuple[int, Any]:
    answer = await service.client.post(f"/options/{path}", json=body)
    return answer.status_code, answer.json()


async def _ask(service: Service, query: str, **wanted: str) -> Any:
    answer = await service.graphql(query, input=wanted)
    return next(iter(answer["data"].values()))


async def _is_stored(service: Service) -> tuple[bool, bool]:
    rest = (await service.client.get("/options/pkcs11-pin-status")).json()
    told = (await service.graphql(STORED))["data"]["tokenPin"]
    assert rest == {"configured": told["isStored"]}
    return rest["configured"], (service.root / PIN_FILE[1:]).exists()


async def test_both_surfaces_store_and_remove_the_pin(board: Path) -> None:
    async with running(board) as service:
        assert await _is_stored(service) == (False, False)
        stored = await _post(service, "set-pkcs11-pin", {"pin": PIN})
        assert stored == (200, {"success": True, "configured": True})
        assert await _is_stored(service) == (True, True)
        status, removed = await _post(service, "set-pkcs11-pin", {"pin": ""})
        assert (status, removed["configured"], bool(removed["message"])) == (200, False, True)
        assert await _is_stored(service) == (False, False)
        assert await _ask(service, SET, pin=PIN) == {"isStored": True}
        assert await _is_stored(service) == (True, True)
        assert (await service.graphql(REMOVE))["data"]["removeTokenPin"] == {"isStored": False}
        assert await _is_stored(service) == (False, False)
        rows = [row for row in await service.audit_rows() if row["target_path"] == PIN_FILE]
    assert [row["operation"] for row in rows] == ["WRITE_PIN", "DELETE_PIN"] * 2
    assert {row["success"] for row in rows} == {1}


async def test_a_number_is_a_pin_too(board: Path) -> None:
    async with running(board) as service:
        assert (await _post(service, "set-pkcs11-pin", {"pin": 123456}))[0] == 200
        pin = await service.station.stored_pin.read()
    assert pin is not None
    assert pin.text == "123456"


@pytest.mark.parametrize(
    ("pin", "code"),
    [("x" * 257, "PIN_TOO_LONG"), ("ü" * 129, "PIN_TOO_LONG"), (f"{PIN}\n", "INVALID_PIN")],
)
async def test_both_surfaces_refuse_a_bad_pin_without_repeating_it(
    board: Path, pin: str, code: str
) -> None:
    async with running(board) as service:
        status, told = await _post(service, "set-pkcs11-pin", {"pin": pin})
        problem = await _ask(service, SET, pin=pin)
        assert (status, told["error_code"]) == (400, code)
        assert (problem["status"], problem["code"], problem["field"]) == (400, code, "pin")
        assert pin.strip() not in str(told) + str(problem)
        assert await _is_stored(service) == (False, False)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "INVALID_JSON"),
        (b"{", "INVALID_JSON"),
        (b"[]", "INVALID_JSON"),
        (b'"1234"', "INVALID_JSON"),
        (b"{}", "MISSING_PIN"),
        (b"null", "MISSING_PIN"),
        (b'{"pin": null}', "MISSING_PIN"),
        (b'{"pin": {}}', "INVALID_JSON"),
        (b'{"pin": ["1"]}', "INVALID_JSON"),
        (b'{"pin": true}', "INVALID_JSON"),
        (b'{"pin": 1.5}', "INVALID_JSON"),
    ],
)
async def test_a_bad_body_changes_nothing(board: Path, body: bytes, code: str) -> None:
    headers = {"Content-Type": "application/json"}
    async with running(board) as service:
        await _post(service, "set-pkcs11-pin", {"pin": PIN})
        answer = await service.client.post("/options/set-pkcs11-pin", content=body, headers=headers)
        assert (answer.status_code, answer.json()["error_code"]) == (400, code)
        assert (await service.station.stored_pin.read()) is not None


async def test_without_a_device_key_no_pin_is_stored(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(write_stand_in(tmp_path / "programs", {}).parent))
    async with running(tmp_path / "root") as service:
        status, told = await _post(service, "set-pkcs11-pin", {"pin": PIN})
        problem = await _ask(service, SET, pin=PIN)
        assert (status, told["error_code"]) == (500, "PIN_SAVE_ERROR")
        assert (problem["code"], problem["status"]) == ("DEVICE_KEY_MISSING", 503)
        monkeypatch.setenv("PATH", "/nonexistent")
        assert (await _ask(service, SET, pin=PIN))["code"] == "FIRMWARE_CRYPTO_UNAVAILABLE"
        assert await _is_stored(service) == (False, False)
        rows = [row for row in await service.audit_rows() if row["target_path"] == PIN_FILE]
        assert [(row["operation"], row["success"]) for row in rows] == [("WRITE_PIN", 0)] * 3


async def test_only_a_key_officer_touches_pins_and_tokens(board: Path) -> None:
    token = Token("e", Role.ENGINEER, hashlib.sha256(b"engineer").hexdigest())
    async with running(board, tokens=(token,)) as service:
        service.client.headers["Authorization"] = "Bearer engineer"
        assert (await _post(service, "set-pkcs11-pin", {"pin": PIN}))[0] == 403
        assert (await _post(service, "pkcs11-discover", {"pin": PIN}))[0] == 403
        assert (await _ask(service, SET, pin=PIN))["status"] == 403
        assert (await _ask(service, DISCOVER, pin=PIN))["status"] == 403
        assert await _is_stored(service) == (False, False)


async def test_a_bad_csrf_token_stops_all_of_it(board: Path) -> None:
    headers = {"X-CSRF-Token": "bogus"}
    async with running(board) as service:
        for path in ("set-pkcs11-pin", "pkcs11-discover"):
            answer = await service.client.post(
                f"/options/{path}", json={"pin": PIN}, headers=headers
            )
            assert (answer.status_code, answer.json()["error_code"]) == (
                403,
                "CSRF_VALIDATION_FAILED",
            )


async def test_without_a_module_both_surfaces_say_why(board: Path) -> None:
    async with running(board, pkcs11_module="/nonexistent.so") as service:
        assert (await service.client.get("/options/pkcs11-status")).json() == {
            "providerAvailable": False
        }
        told = (await service.graphql(TOKENS))["data"]["tokens"]
        assert (told["isAvailable"], told["module"], told["tokens"]) == (False, None, [])
        status, found = await _post(service, "pkcs11-discover", {"pin": PIN})
        assert (status, found["providerAvailable"], found["objects"]) == (200, False, [])
        assert found["errorMessage"] == told["problem"]
        assert (await _ask(service, DISCOVER))["code"] == "TOKENS_UNAVAILABLE"


class TestWithTokens:
    """Two SoftHSM tokens behind p11-kit."""

    pytestmark = hsm_needed

    async def test_looking_is_no_login(self, board: Path, plugged_in: SoftHsm) -> None:
        async with running(board) as service:
            assert (await _post(service, "set-pkcs11-pin", {"pin": "wrong"}))[0] == 200
            for path in ("pkcs11-status", "pkcs11-pin-status"):
                assert (await service.client.get(f"/options/{path}")).status_code == 200
            told = (await service.graphql(TOKENS))["data"]["tokens"]
        assert (told["isAvailable"], told["problem"]) == (True, None)
        states = {one["label"]: one["pinState"] for one in told["tokens"] if one["isInitialised"]}
        assert states == {"fleet": "READY", "spare": "READY"}

    async def test_both_surfaces_discover_the_rsa_keys(
        self, board: Path, plugged_in: SoftHsm
    ) -> None:
        wanted = {"token": "fleet", "pin": PIN}
        async with running(board) as service:
            status, rest = await _post(service, "pkcs11-discover", wanted)
            told = (await _ask(service, DISCOVER, **wanted))["keys"]
            assert (status, rest["providerAvailable"], "errorMessage" in rest) == (200, True, False)
            # The stored PIN opens the token that is named just as well.
            await _post(service, "set-pkcs11-pin", {"pin": PIN})
            assert (await _post(service, "pkcs11-discover", {"token": "fleet"}))[1] == rest
        assert rest["objects"] == [
            {
                "uri": f"pkcs11:token=fleet;object={encoded};type=private;id={key_id}",
                "label": label,
                "token": "fleet",
                "type": "private",
            }
            for label, encoded, key_id in [
                ("big", "big", "%02"),
                ("boot key", "boot%20key", "%01"),
            ]
        ]
        facts = {key["label"]: (key["keySize"], key["isFitForPurpose"]) for key in told}
        assert facts == {"boot key": (2048, True), "big": (4096, False)}

    async def test_a_pin_is_not_tried_where_several_tokens_fit(
        self, board: Path, plugged_in: SoftHsm
    ) -> None:
        async with running(board) as service:
            status, found = await _post(service, "pkcs11-discover", {"pin": "wrong"})
            problem = await _ask(service, DISCOVER, pin="wrong")
            told = (await service.graphql(TOKENS))["data"]["tokens"]["tokens"]
        assert (status, found["objects"]) == (200, [])
        assert "`fleet`" in found["errorMessage"]
        assert "`spare`" in found["errorMessage"]
        assert problem["code"] == "TOKEN_AMBIGUOUS"
        assert {one["pinState"] for one in told if one["isInitialised"]} == {"READY"}

    async def test_a_wrong_pin_is_told_and_lands_nowhere(
        self, board: Path, plugged_in: SoftHsm, caplog: pytest.LogCaptureFixture, capfd: Any
    ) -> None:
        caplog.set_level(logging.DEBUG)
        secret = "0000-SECRET-0000"
        async with running(board) as service:
            _, found = await _post(service, "pkcs11-discover", {"token": "spare", "pin": secret})
            problem = await _ask(service, DISCOVER, token="spare", pin=secret)
            assert (await _ask(service, DISCOVER, token="spare", pin=OTHER)) == {"keys": []}
            await _post(service, "set-pkcs11-pin", {"pin": secret})
            rows = [tuple(row) for row in await service.audit_rows()]
        assert found["errorMessage"].startswith("The token `spare`")
        assert (problem["code"], problem["status"], problem["field"]) == ("PIN_WRONG", 400, "pin")
        printed = "".join(capfd.readouterr())
        assert secret not in f"{found} {problem} {rows} {caplog.text} {printed}"
        kept = [path for path in board.rglob("*") if path.is_file()]
        assert not [path for path in kept if secret.encode() in path.read_bytes()]
        assert kept

    @pytest.mark.parametrize(
        "body", [b"", b"{", b"null", b"{}", b'{"pin": null}', b'{"token": null}']
    )
    async def test_a_body_that_says_nothing_means_no_pin(
        self, board: Path, plugged_in: SoftHsm, body: bytes
    ) -> None:
        headers = {"Content-Type": "application/json"}
        async with running(board) as service:
            answer = await service.client.post(
                "/options/pkcs11-discover", content=body, headers=headers
            )
        assert (answer.status_code, answer.json()["objects"]) == (200, [])

    @pytest.mark.parametrize(
        "body", [b"[]", b'{"pin": {}}', b'{"pin": true}', b'{"token": 5, "pin": "x"}']
    )
    async def test_a_body_of_wrong_types_is_refused(
        self, board: Path, plugged_in: SoftHsm, body: bytes
    ) -> None:
        headers = {"Content-Type": "application/json"}
        async with running(board) as service:
            answer = await service.client.post(
                "/options/pkcs11-discover", content=body, headers=headers
            )
        assert (answer.status_code, answer.json()["error_code"]) == (400, "INVALID_JSON")


BOOT = "pkcs11:token=fleet;object=boot%20key;type=private"
CHECK = (
    "mutation($input: CheckTokenKeyInput!) { checkTokenKey(input: $input) "
    "{ ... on KeyFacts { isValid isFit fingerprint bits } ... on Problem { code field detail } } }"
)
REGISTER = (
    "mutation($input: RegisterTokenKeyInput!) { registerTokenKey(input: $input) "
    "{ ... on TokenKeyRegistered { activated key { id label uri kind isActive isWrapped } } "
    "... on Problem { code status field detail } } }"
)
KEYS = "{ signingKeys { activeKey { id } keys { id uri label kind facts { fingerprint } } } }"
TRY = (
    "mutation($input: SigningKeyInput!) { testSigningKey(input: $input) "
    "{ ... on SigningKeyTested { id } ... on Problem { code detail } } }"
)
PUBLIC = "query($id: ID!) { signingKeyPublicKey(id: $id) { pem fingerprint } }"


async def _states(service: Service) -> dict[str, str]:
    told = (await service.graphql(TOKENS))["data"]["tokens"]["tokens"]
    return {one["label"]: one["pinState"] for one in told if one["isInitialised"]}


class TestKeysOnTokens:
    """Keys of SoftHSM tokens as signing keys of the station."""

    pytestmark = hsm_needed

    async def test_one_story_through_both_surfaces(self, board: Path, plugged_in: SoftHsm) -> None:
        async with running(board) as service:
            order = {"uri": BOOT, "label": "Line 3", "pin": PIN}
            status, done = await _post(service, "keys/register-pkcs11", order)
            assert (status, done["success"], done["activated"]) == (200, True, True)
            info = done["keyInfo"]
            assert (info["algorithm"], info["keySize"], info["valid"]) == ("RSA", 2048, True)
            listed = (await service.client.get("/options/keys")).json()
            assert listed["activeKeyId"] == done["keyId"]
            (entry,) = listed["keys"]
            assert (entry["type"], entry["uri"], entry["wrapped"]) == ("pkcs11", BOOT, True)
            assert (entry["label"], entry["fingerprint"]) == ("Line 3", info["fingerprint"])
            told = (await service.graphql(KEYS))["data"]["signingKeys"]
            assert told["activeKey"]["id"] == done["keyId"]
            assert told["keys"][0]["facts"]["fingerprint"] == info["fingerprint"]
            options = (await service.client.get("/options/get")).json()
            assert options["CUSTOMER_KEY_PKCS11_NAME"] == BOOT
            assert options["CUSTOMER_KEY_FILE_PEM"] == ""
            # Signing needs the PIN, which was for the registration alone.
            assert (await _ask(service, TRY, id=done["keyId"]))["code"] == "PIN_REQUIRED"
            await _post(service, "set-pkcs11-pin", {"pin": PIN})
            assert await _ask(service, TRY, id=done["keyId"]) == {"id": done["keyId"]}
            rows = [tuple(row) for row in await service.audit_rows()]
        assert [row for row in rows if "REGISTER_KEY" in row and BOOT in row]
        kept = [path.read_bytes() for path in board.rglob("*") if path.is_file()]
        assert not [content for content in kept if PIN.encode() in content]
        assert PIN not in str(rows)

    async def test_another_spelling_is_the_same_key(self, board: Path, plugged_in: SoftHsm) -> None:
        other = "pkcs11:type=private;object=boot%20%6bey;token=fleet"
        async with running(board) as service:
            _, first = await _post(service, "keys/register-pkcs11", {"uri": BOOT, "pin": PIN})
            second = await _ask(service, REGISTER, uri=other, pin=PIN)
            assert second["key"]["id"] == first["keyId"]
            assert len((await service.client.get("/options/keys")).json()["keys"]) == 1

    @pytest.mark.parametrize("label", ["big", "curve"])
    async def test_a_key_that_is_not_fit_is_kept_and_never_active(
        self, board: Path, plugged_in: SoftHsm, label: str
    ) -> None:
        uri = f"pkcs11:token=fleet;object={label};type=private"
        async with running(board) as service:
            status, done = await _post(
                service, "keys/register-pkcs11", {"uri": uri, "pin": PIN, "activate": True}
            )
            assert (status, done["activated"]) == (200, False)
            assert done["keyInfo"]["isFitForPurpose"] is False
            again = await _ask(service, REGISTER, uri=uri, pin=PIN)
            assert (again["activated"], again["key"]["id"]) == (False, done["keyId"])
            assert (await service.client.get("/options/keys")).json()["activeKeyId"] == ""

    @pytest.mark.parametrize(
        ("uri", "pin", "code"),
        [
            ("nope", PIN, "INVALID_PKCS11_URI"),
            ("pkcs11:token=fleet;object=boot%20key", PIN, "INVALID_PKCS11_URI"),
            (f"{BOOT}?pin-value={PIN}", "", "INVALID_PKCS11_URI"),
            (BOOT, "", "PIN_REQUIRED"),
            (BOOT, "0000", "PIN_WRONG"),
            (BOOT.replace("fleet", "none"), PIN, "TOKEN_NOT_FOUND"),
            (BOOT.replace("token=fleet;", ""), PIN, "TOKEN_AMBIGUOUS"),
            (BOOT.replace("boot", "boat"), PIN, "TOKEN_KEY_NOT_FOUND"),
        ],
    )
    async def test_both_surfaces_refuse_with_the_reason(
        self, board: Path, plugged_in: SoftHsm, uri: str, pin: str, code: str
    ) -> None:
        order = {"uri": uri, "pin": pin}
        async with running(board) as service:
            status, told = await _post(service, "keys/register-pkcs11", order)
            problem = await _ask(service, REGISTER, **order)
            checked = await _ask(service, CHECK, **order)
            assert (status, told["error_code"]) == (400, "INVALID_PKCS11_KEY")
            assert (problem["code"], checked["code"]) == (code, code)
            assert problem["detail"] == told["error"] == checked["detail"]
            assert PIN not in f"{told}{problem}"
            assert not (board / "etc/rpi-sb-provisioner/keys/registry.json").exists()
            # The counter goes back, for the other tests.
            assert (await _ask(service, CHECK, uri=BOOT, pin=PIN))["isFit"]

    @pytest.mark.parametrize(
        ("body", "code"),
        [
            (b"", "MISSING_PKCS11_URI"),
            (b"[]", "MISSING_PKCS11_URI"),
            (b'{"uri": null}', "MISSING_PKCS11_URI"),
            (b'{"uri": {}}', "INVALID_JSON"),
            (b'{"uri": "pkcs11:object=k", "activate": "yes"}', "INVALID_JSON"),
            (b'{"uri": "pkcs11:object=k", "pin": []}', "INVALID_JSON"),
            (b'{"uri": "pkcs11:object=k", "pin": "1\\n"}', "INVALID_PIN"),
        ],
    )
    async def test_a_bad_body_registers_nothing(
        self, board: Path, plugged_in: SoftHsm, body: bytes, code: str
    ) -> None:
        headers = {"Content-Type": "application/json"}
        async with running(board) as service:
            answer = await service.client.post(
                "/options/keys/register-pkcs11", content=body, headers=headers
            )
        assert (answer.status_code, answer.json()["error_code"]) == (400, code)

    async def test_validation_tells_facts_or_the_reason(
        self, board: Path, plugged_in: SoftHsm
    ) -> None:
        async with running(board) as service:
            status, good = await _post(service, "validate-key", {"uri": BOOT, "pin": PIN})
            facts = await _ask(service, CHECK, uri=BOOT, pin=PIN)
            assert (status, good["keyType"]) == (200, "pkcs11")
            assert good["keyInfo"]["fingerprint"] == facts["fingerprint"] != ""
            status, bad = await _post(service, "validate-key", {"uri": BOOT, "pin": "0000"})
            assert (status, bad["keyInfo"]["valid"], bad["keyInfo"]["statusLevel"]) == (
                200,
                False,
                "error",
            )
            assert "refused the PIN" in bad["keyInfo"]["errorMessage"]
            status, wrong = await _post(service, "validate-key", {"uri": "nope", "pin": PIN})
            assert (status, wrong["error_code"]) == (400, "INVALID_PKCS11_URI")
            status, long = await _post(service, "validate-key", {"uri": BOOT, "pin": "x" * 257})
            assert (status, long["error_code"]) == (400, "PIN_TOO_LONG")
            assert (await _ask(service, CHECK, uri=BOOT, pin=PIN))["isFit"]

    async def test_no_reading_ever_logs_in(self, board: Path, plugged_in: SoftHsm) -> None:
        async with running(board) as service:
            order = {"uri": BOOT, "pin": PIN}
            _, done = await _post(service, "keys/register-pkcs11", order)
            await _post(service, "set-pkcs11-pin", {"pin": "0000"})
            for path in ("keys", "encryption-status", "pkcs11-status", "pkcs11-pin-status", "get"):
                assert (await service.client.get(f"/options/{path}")).status_code == 200
            public = (await service.graphql(PUBLIC, id=done["keyId"]))["data"]
            pem = public["signingKeyPublicKey"]["pem"].encode()
            assert pem == openssl("pkey", "-pubout", given=rsa_pem(0))
            assert await _states(service) == {"fleet": "READY", "spare": "READY"}

    async def test_a_key_is_activated_with_the_stored_pin(
        self, board: Path, plugged_in: SoftHsm
    ) -> None:
        async with running(board) as service:
            done = await _ask(service, REGISTER, uri=BOOT, pin=PIN)
            off = "mutation { deactivateSigningKey { __typename } }"
            await service.graphql(off)
            body = {"id": done["key"]["id"]}
            status, told = await _post(service, "keys/activate", body)
            assert (status, told["error_code"]) == (400, "KEY_ACTIVATE_FAILED")
            await _post(service, "set-pkcs11-pin", {"pin": PIN})
            assert (await _post(service, "keys/activate", body))[0] == 200
            assert (await service.client.get("/options/keys")).json()["activeKeyId"] == body["id"]
