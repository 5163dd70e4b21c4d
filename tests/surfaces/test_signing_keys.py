"""Signing keys through both surfaces, over a board's key that is made of software."""

import json
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from server.demo.firmware_crypto import write_stand_in
from tests.domain.keys.samples import ec_pem, openssl, public_pem, rsa_key, rsa_pem
from tests.fakes.firmware_crypto import DEVICE_KEY
from tests.surfaces.conftest import Service, running

KEYS = "/etc/rpi-sb-provisioner/keys"
WORKDIR = "/srv/rpi-sb-provisioner/workdir"
KEY = "id kind label path uri isActive isWrapped facts { isFit fingerprint algorithm bits status }"
LIST = f"{{ signingKeys {{ activeKey {{ id }} keys {{ {KEY} }} }} }}"


@pytest.fixture
async def keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Service]:
    """A service without keys, with a working folder, on a board with a key."""
    write_stand_in(tmp_path / "bin", {0: DEVICE_KEY})
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}")
    root = tmp_path / "root"
    (root / WORKDIR[1:]).mkdir(parents=True)
    config = root / "etc/rpi-sb-provisioner/config"
    config.parent.mkdir(parents=True)
    config.write_text(f"# ours\nRPI_SB_WORKDIR={WORKDIR}\n")
    async with running(root) as service:
        yield service


async def upload(service: Service, name: str, content: bytes, **headers: str) -> Any:
    """Uploads as a form does."""
    form = {"keyfile": (name, content, "application/x-pem-file")}
    return await service.client.post("/options/upload-key", files=form, headers=headers)


async def mutate(service: Service, name: str, fields: str, **given: object) -> Any:
    """Runs a mutation with one input and returns its result."""
    kind = {"uploadSigningKey": "UploadSigningKeyInput", "labelSigningKey": "LabelSigningKeyInput"}
    kind |= {"migrateSecrets": "MigrateSecretsInput"}
    query = (
        f"mutation($input: {kind.get(name, 'SigningKeyInput')}!) {{ {name}(input: $input) "
        f"{{ __typename ... on Problem {{ code detail field status }} {fields} }} }}"
    )
    return (await service.graphql(query, input=given))["data"][name]


def on_disk(service: Service, logical: str) -> Path:
    """Where a logical path is."""
    return service.root / logical[1:]


async def listed(service: Service) -> Any:
    """The keys as GraphQL has them."""
    return (await service.graphql(LIST))["data"]["signingKeys"]


async def test_one_story_through_both_surfaces(keys: Service) -> None:
    on_disk(keys, f"{WORKDIR}/old").write_text("prepared with another key")
    answer = await upload(keys, "first.pem", rsa_pem())
    body = answer.json()
    assert answer.status_code == 200
    assert (body["path"], body["filename"], body["activated"]) == (
        f"{KEYS}/first.pem",
        "first.pem",
        True,
    )
    assert body["keyInfo"]["isFitForPurpose"] is True
    assert list(on_disk(keys, WORKDIR).iterdir()) == []
    known = await listed(keys)
    rest = (await keys.client.get("/options/keys")).json()
    assert known["activeKey"]["id"] == rest["activeKeyId"] == body["keyId"]
    assert known["keys"][0]["facts"]["fingerprint"] == rest["keys"][0]["fingerprint"]
    assert (known["keys"][0]["isActive"], known["keys"][0]["isWrapped"]) == (True, True)
    stored = await mutate(
        keys,
        "uploadSigningKey",
        f"... on SigningKeyUploaded {{ activated key {{ {KEY} }} }}",
        fileName="first.pem",
        pem=rsa_pem(1).decode(),
        label="Line 3",
    )
    assert (stored["activated"], stored["key"]["path"], stored["key"]["label"]) == (
        False,
        f"{KEYS}/first-2.pem",
        "Line 3",
    )
    activated = await keys.client.post("/options/keys/activate", json={"id": stored["key"]["id"]})
    assert activated.json() == {"success": True, "activeKeyId": stored["key"]["id"]}
    options = (await keys.client.get("/options/get")).json()
    assert options["CUSTOMER_KEY_FILE_PEM"] == f"{KEYS}/first-2.pem"
    removed = await mutate(
        keys, "removeSigningKey", "... on SigningKeyRemoved { label }", id=body["keyId"]
    )
    assert removed == {"__typename": "SigningKeyRemoved", "label": "first.pem"}
    assert [key["id"] for key in (await listed(keys))["keys"]] == [stored["key"]["id"]]
    assert not on_disk(keys, f"{KEYS}/first.pem").exists()


async def test_what_was_set_directly_is_followed_before_the_reply(keys: Service) -> None:
    first = (await upload(keys, "first.pem", rsa_pem())).json()["keyId"]
    second = (await upload(keys, "second.pem", rsa_pem(1))).json()["keyId"]
    registry = on_disk(keys, f"{KEYS}/registry.json")
    assert json.loads(registry.read_text())["activeKeyId"] == second
    for path, active in ((f"{KEYS}/first.pem", first), ("", ""), ("/elsewhere.pem", "")):
        done = await keys.client.post("/options/set", json={"CUSTOMER_KEY_FILE_PEM": path})
        assert done.status_code == 200
        assert json.loads(registry.read_text())["activeKeyId"] == active


async def test_a_key_that_is_not_fit_is_kept_and_refused(keys: Service) -> None:
    body = (await upload(keys, "ec.key", ec_pem())).json()
    assert (body["success"], body["activated"], body["keyInfo"]["valid"]) == (True, False, True)
    refused = await keys.client.post("/options/keys/activate", json={"id": body["keyId"]})
    assert (refused.status_code, refused.json()["error_code"]) == (400, "KEY_ACTIVATE_FAILED")
    problem = await mutate(keys, "activateSigningKey", "", id=body["keyId"])
    assert (problem["code"], problem["status"], problem["field"]) == ("KEY_UNFIT", 409, "id")
    # The setting itself is no way round.
    path = "/etc/rpi-sb-provisioner/keys/ec.key"
    answer = await keys.client.post("/options/set", json={"CUSTOMER_KEY_FILE_PEM": path})
    assert (answer.status_code, answer.json()["error_code"]) == (400, "INVALID_CONFIG_VALUE")
    assert (await keys.client.get("/options/keys")).json()["activeKeyId"] == ""


async def test_the_file_of_a_removed_key_goes_whatever_its_ending(keys: Service) -> None:
    await upload(keys, "first.pem", rsa_pem())
    loud = (await upload(keys, "LOUD.PEM", rsa_pem(1))).json()
    first = (await keys.client.get("/options/keys")).json()["keys"][0]["id"]
    await keys.client.post("/options/keys/activate", json={"id": first})
    folder = keys.root / "etc/rpi-sb-provisioner/keys"
    assert (folder / "LOUD.PEM").exists()
    await keys.client.post("/options/keys/remove", json={"id": loud["keyId"]})
    assert not (folder / "LOUD.PEM").exists()


async def test_public_half_and_trial(keys: Service) -> None:
    body = (await upload(keys, "first.pem", rsa_pem())).json()
    query = "query($id: ID!) { signingKeyPublicKey(id: $id) { pem fingerprint otpWords } }"
    public = (await keys.graphql(query, id=body["keyId"]))["data"]["signingKeyPublicKey"]
    assert public["pem"].encode() == public_pem() == openssl("pkey", "-pubout", given=rsa_pem())
    assert public["fingerprint"] == body["keyInfo"]["fingerprint"]
    assert len(public["otpWords"]) == 8
    done = await mutate(
        keys, "testSigningKey", "... on SigningKeyTested { id milliseconds }", id=body["keyId"]
    )
    assert (done["id"], done["milliseconds"] > 0) == (body["keyId"], True)


async def test_labels_deactivation_and_removal_of_the_active_key(keys: Service) -> None:
    first = (await upload(keys, "first.pem", rsa_pem())).json()["keyId"]
    fields = f"... on SigningKeys {{ activeKey {{ id }} keys {{ {KEY} }} }}"
    named = await mutate(keys, "labelSigningKey", fields, id=first, label="Line 3")
    assert named["keys"][0]["label"] == "Line 3"
    bad = await mutate(keys, "labelSigningKey", fields, id=first, label="a\nb")
    assert (bad["code"], bad["field"]) == ("KEY_LABEL_INVALID", "label")
    refused = await keys.client.post("/options/keys/remove", json={"id": first})
    assert (refused.status_code, refused.json()["error_code"]) == (400, "KEY_REMOVE_FAILED")
    query = f"mutation {{ deactivateSigningKey {{ {fields} }} }}"
    off = (await keys.graphql(query))["data"]["deactivateSigningKey"]
    assert off["activeKey"] is None
    removed = await keys.client.post("/options/keys/remove", json={"id": first})
    assert removed.json() == {"success": True}


async def test_secrets_are_shown_and_wrapped(keys: Service) -> None:
    own = on_disk(keys, "/home/customer.pem")
    own.parent.mkdir()
    own.write_bytes(rsa_pem())
    await keys.client.post("/options/set", json={"CUSTOMER_KEY_FILE_PEM": "/home/customer.pem"})
    status = (await keys.client.get("/options/encryption-status")).json()
    assert status == {
        "pin": {"configured": False, "wrapped": True},
        "key": {"configured": True, "wrapped": False},
        "anyUnwrapped": True,
    }
    query = "{ encryptionStatus { key { isConfigured isWrapped } isAnyPlain plainPaths } }"
    assert (await keys.graphql(query))["data"]["encryptionStatus"] == {
        "key": {"isConfigured": True, "isWrapped": False},
        "isAnyPlain": True,
        "plainPaths": ["/home/customer.pem"],
    }
    done = await keys.client.post("/options/migrate-secrets")
    assert done.json() == {"success": True, "key": {"migrated": True}}
    again = await mutate(
        keys, "migrateSecrets", "... on SecretsMigrated { isComplete secrets { path isWrapped } }"
    )
    assert again["isComplete"] is True
    assert again["secrets"] == [{"path": "/home/customer.pem", "isWrapped": True}]
    assert own.read_bytes().startswith(b"RPISBW1\0")
    assert (await keys.client.get("/options/keys")).json()["keys"][0]["wrapped"] is True


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"target": "nonsense"}, "INVALID_TARGET"),
        ({"target": {}}, "INVALID_JSON"),
        ([], "INVALID_JSON"),
    ],
)
async def test_a_wrong_target_wraps_nothing(keys: Service, body: object, code: str) -> None:
    answer = await keys.client.post("/options/migrate-secrets", json=body)
    assert (answer.status_code, answer.json()["error_code"]) == (400, code)


async def test_without_a_device_key_everything_says_so(keys: Service, tmp_path: Path) -> None:
    first = (await upload(keys, "first.pem", rsa_pem())).json()["keyId"]
    plain = on_disk(keys, f"{KEYS}/first.pem")
    plain.chmod(0o600)
    plain.write_bytes(rsa_pem())
    write_stand_in(tmp_path / "bin", {})
    refused = await upload(keys, "second.pem", rsa_pem(1))
    assert (refused.status_code, refused.json()["error_code"]) == (500, "WRAP_ERROR")
    assert "genkey" in refused.json()["error"]
    wrap = await keys.client.post("/options/keys/wrap", json={"id": first})
    assert (wrap.status_code, wrap.json()["success"], bool(wrap.json()["error"])) == (
        500,
        False,
        True,
    )
    migrate = await keys.client.post("/options/migrate-secrets", json={})
    assert (migrate.status_code, migrate.json()["key"]) == (500, {"migrated": False})
    problem = await mutate(keys, "uploadSigningKey", "", fileName="x.pem", pem=rsa_pem(1).decode())
    assert problem["code"] == "DEVICE_KEY_MISSING"
    assert sorted(path.name for path in on_disk(keys, KEYS).iterdir()) == [
        ".registry.json.lock",
        "first.pem",
        "registry.json",
    ]


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [
        ("k.pem", b"x" * (64 * 1024 + 1), "FILE_TOO_LARGE"),
        ("k.pem", b"x" * (2 << 20), "FILE_TOO_LARGE"),
        ("k.txt", rsa_pem(), "INVALID_FILE_TYPE"),
        ("k.pem", b"\0\1\2", "INVALID_KEY_FORMAT"),
        ("my key.pem", rsa_pem(), "KEY_NAME_INVALID"),
        (".hidden.pem", rsa_pem(), "KEY_NAME_INVALID"),
    ],
    ids=["64 KiB + 1", "2 MiB", "txt", "binary", "space", "dot"],
)
async def test_a_bad_upload_changes_nothing(
    keys: Service, name: str, content: bytes, code: str
) -> None:
    answer = await upload(keys, name, content)
    assert (answer.status_code, answer.json()["error_code"]) == (400, code)
    assert not on_disk(keys, f"{KEYS}/registry.json").exists()
    if len(content) > 1 << 20:
        return
    problem = await mutate(
        keys, "uploadSigningKey", "", fileName=name, pem=content.decode("latin-1")
    )
    assert problem["code"] == code


@pytest.mark.parametrize(
    ("body", "kind", "code"),
    [
        (b"{}", "application/json", "PARSE_ERROR"),
        (b"", "multipart/form-data; boundary=x", "PARSE_ERROR"),
        (b"--x\r\nContent-Disp", "multipart/form-data; boundary=x", "PARSE_ERROR"),
        (b"garbage", "multipart/form-data; boundary=x", "PARSE_ERROR"),
        (
            b'--x\r\nContent-Disposition: form-data; name="k"; filename=""\r\n\r\n\r\n--x--\r\n',
            "multipart/form-data; boundary=x",
            "PARSE_ERROR",
        ),
        (
            b'--x\r\nContent-Disposition: form-data; name="k"\r\n\r\nv\r\n--x--\r\n',
            "multipart/form-data; boundary=x",
            "NO_FILE",
        ),
        (
            (
                b"--x\r\nContent-Disposition: form-data; name=\"k\"; filename*=UTF-8''k.pem\r\n\r\n"
                b"v\r\n--x--\r\n"
            ),
            "multipart/form-data; boundary=x",
            "NO_FILE",
        ),
    ],
)
async def test_a_bad_form_is_told(keys: Service, body: bytes, kind: str, code: str) -> None:
    answer = await keys.client.post(
        "/options/upload-key", content=body, headers={"Content-Type": kind}
    )
    assert (answer.status_code, answer.json()["error_code"]) == (400, code)


@pytest.mark.parametrize("shape", [b"", b'{"keys":[{]}', b"[]", b'{"keys": "x"}', b"\xff"])
async def test_a_registry_of_another_shape_is_told_and_kept(keys: Service, shape: bytes) -> None:
    first = (await upload(keys, "first.pem", rsa_pem())).json()["keyId"]
    registry = on_disk(keys, f"{KEYS}/registry.json")
    registry.write_bytes(shape)
    answer = await keys.client.get("/options/keys")
    assert (answer.status_code, answer.json()["error_code"]) == (500, "REGISTRY_LOAD_ERROR")
    refused = await upload(keys, "second.pem", rsa_pem(1))
    assert (refused.status_code, refused.json()["error_code"]) == (500, "REGISTRY_ERROR")
    for path, status in (("activate", 400), ("remove", 400), ("wrap", 500)):
        answer = await keys.client.post(f"/options/keys/{path}", json={"id": first})
        assert answer.status_code == status
    assert registry.read_bytes() == shape
    errors = (await keys.graphql(LIST))["errors"]
    assert errors[0]["extensions"]["code"] == "REGISTRY_LOAD_ERROR"


PARTS = [line for line in rsa_pem().decode().splitlines() if not line.startswith("-")]
NUMBER = str(rsa_key().private_numbers().d)


async def test_no_key_material_gets_out(keys: Service, caplog: pytest.LogCaptureFixture) -> None:
    """Whatever goes wrong or right: no answer, log line, audit row or file holds a part of the
    key."""
    caplog.set_level("DEBUG")
    # As every start of the service does.
    caplog.set_level("CRITICAL", "strawberry.execution")
    pem = rsa_pem().decode()
    answers = [(await upload(keys, name, rsa_pem())).text for name in ("a.pem", "b.txt", "c d.pem")]
    cut = rsa_pem()[:-200]
    answers += [(await upload(keys, "cut.pem", cut)).text]
    answers += [(await upload(keys, pem[:200], rsa_pem())).text]
    queries: list[tuple[str, dict[str, object]]] = [
        (
            "mutation($i: UploadSigningKeyInput!) { uploadSigningKey(input: $i) { __typename } }",
            {"i": given},
        )
        for given in (
            {"fileName": "d.pem", "pem": pem},
            {"fileName": "d.pem", "pem": pem, "unknown": 1},
            {"pem": pem},
            {"fileName": 7, "pem": pem},
            {"fileName": "d.pem", "pem": [pem]},
            {"fileName": "d.pem", "pem": {"x": pem}},
            pem,
        )
    ]
    literal = json.dumps(pem)
    texts = (f'fileName: "e.pem", pem: {literal}', f"pem: {literal}", f"pem: [{literal}]")
    queries += [
        (f"mutation {{ uploadSigningKey(input: {{{text}}}) {{ __typename }} }}", {})
        for text in (*texts, f"pem: {PARTS[0]}")
    ]
    answers += [json.dumps(await keys.graphql(query, **given)) for query, given in queries]
    answers.append((await keys.client.get("/options/keys")).text)
    answers.append(json.dumps(await listed(keys)))
    answers.append(json.dumps([dict(row) for row in await keys.audit_rows()]))
    answers.append(caplog.text)
    said = "\n".join(answers)
    assert [part for part in (*PARTS, NUMBER) if part in said] == []
    files = [path for path in keys.root.rglob("*") if path.is_file()]
    assert len(files) > 4
    for path in files:
        content = path.read_bytes()
        assert not [part for part in PARTS if part.encode() in content], path
