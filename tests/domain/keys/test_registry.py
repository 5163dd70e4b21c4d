import json
import shutil
import stat
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.host_paths import HostPaths
from domain.keys.registry import (
    KeyKind,
    KeyNotFound,
    Registry,
    RegistryUnreadable,
    encode_registry,
    new_key,
    parse_registry,
)
from domain.keys.registry_file import RegistryFile, RegistryLocked, RegistryNotWritten
from domain.keys.reports import rsa_report

NOW = datetime(2026, 8, 1, 12, 0, tzinfo=UTC)
REPORT = rsa_report((1 << 2047) + 1, 65537)
ENTRY = {
    "id": "a1",
    "type": "pem",
    "label": "production-2026",
    "path": "/etc/rpi-sb-provisioner/keys/production-2026.pem",
    "fingerprint": REPORT.fingerprint,
    "algorithm": "RSA",
    "keySize": 2048,
    "isFitForPurpose": True,
    "statusMessage": "Valid for secure boot",
    "statusLevel": "valid",
    "wrapped": False,
    "addedAt": "2026-06-30T10:15:00Z",
}


def text(*entries: object, **members: object) -> bytes:
    return json.dumps({"activeKeyId": "a1", "keys": list(entries), **members}).encode()


def test_what_is_read_is_written_again_with_every_member() -> None:
    before = text({**ENTRY, "note": {"from": "others"}}, version=3)
    after = json.loads(encode_registry(parse_registry(before)))
    assert after == json.loads(before)
    assert list(after["keys"][0]) == [*ENTRY, "note"]


def test_a_new_key_has_the_members_of_the_contract() -> None:
    key = new_key(
        KeyKind.PKCS11, "pkcs11:object=k", label="k", report=REPORT, is_wrapped=True, now=NOW
    )
    written = json.loads(encode_registry(Registry().with_key(key)))["keys"][0]
    assert (len(written["id"]), set(written["id"]) - set("0123456789abcdef")) == (32, set())
    assert written == {
        "id": key.id,
        "type": "pkcs11",
        "label": "k",
        "uri": "pkcs11:object=k",
        "fingerprint": REPORT.fingerprint,
        "algorithm": "RSA",
        "keySize": 2048,
        "isFitForPurpose": True,
        "statusMessage": "Valid for secure boot",
        "statusLevel": "valid",
        "wrapped": True,
        "addedAt": "2026-08-01T12:00:00Z",
    }


def test_a_key_takes_the_place_of_itself_and_no_other() -> None:
    registry = parse_registry(text(ENTRY, {**ENTRY, "id": "b2", "path": "/x"}))
    again = registry.with_key(registry.get("a1")).without("b2")
    assert [key.id for key in again.keys] == ["a1"]
    assert again.find_place(KeyKind.PEM, str(ENTRY["path"])) == registry.get("a1")
    assert again.find_place(KeyKind.PKCS11, str(ENTRY["path"])) is None
    assert registry.active == registry.get("a1")
    assert registry.activating("").active is None
    with pytest.raises(KeyNotFound) as missing:
        registry.get("x\ny")
    assert missing.value.detail == "x\ny"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        text(ENTRY)[:-40],
        b"[]",
        b"null",
        b'{"keys": {}}',
        b'{"keys": [1]}',
        b'{"keys": [{}]}',
        b'{"activeKeyId": 7}',
        b"\xff\xfe",
        b"[" * 100_000,
        text({**ENTRY, "keySize": "2048"}),
        text({**ENTRY, "keySize": 2**40}),
        text({**ENTRY, "keySize": -1}),
        text({**ENTRY, "theirs": 2**64}),
        text({**ENTRY, "theirs": float("nan")}),
        text({**ENTRY, "label": "\ud800"}),
        text({**ENTRY, "keySize": True}),
        text({**ENTRY, "type": "ssh"}),
        text({**ENTRY, "label": None}),
        text(ENTRY, ENTRY),
    ],
)
def test_what_is_no_registry_is_refused_and_stays(tmp_path: Path, content: bytes) -> None:
    paths = HostPaths(tmp_path)
    real = paths.real(paths.key_registry)
    real.parent.mkdir(parents=True)
    real.write_bytes(content)
    with pytest.raises(RegistryUnreadable):
        RegistryFile(paths).read()
    assert real.read_bytes() == content


def test_a_registry_of_old_may_lack_members() -> None:
    registry = parse_registry(b'{"keys": [{"id": "1", "type": "pem"}]}')
    assert (registry.active_id, registry.keys[0].report.bits) == ("", 0)
    assert parse_registry(b"{}") == Registry(known={})


def test_the_file_is_private_and_jq_reads_it_as_the_scripts_do(tmp_path: Path) -> None:
    if not shutil.which("jq"):
        pytest.skip("the Debian package jq is absent")
    paths = HostPaths(tmp_path)
    file = RegistryFile(paths)
    with file.lock():
        file.write(parse_registry(text(ENTRY)))
    real = paths.real(paths.key_registry)
    assert (stat.S_IMODE(real.stat().st_mode), stat.S_IMODE(real.parent.stat().st_mode)) == (
        0o600,
        0o700,
    )
    asked = ".activeKeyId as $a | .keys[] | select(.id == $a) | .fingerprint, .label"
    said = subprocess.run(["jq", "-r", asked, real], capture_output=True, text=True, check=True)
    assert said.stdout.split() == [REPORT.fingerprint, "production-2026"]
    assert real.read_text().startswith('{\n\t"activeKeyId"')
    assert real.read_text().endswith("}\n")


def test_nothing_there_is_an_empty_registry(tmp_path: Path) -> None:
    assert RegistryFile(HostPaths(tmp_path)).read() == Registry()


def test_a_second_writer_waits_and_then_is_told(tmp_path: Path) -> None:
    first, second = RegistryFile(HostPaths(tmp_path)), RegistryFile(HostPaths(tmp_path))
    with first.lock(), pytest.raises(RegistryLocked), second.lock(patience=0.05):
        pass
    with second.lock(patience=0.05):
        pass


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "etc").write_text("a file")
    with pytest.raises(RegistryNotWritten), RegistryFile(HostPaths(tmp_path)).lock():
        pass


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)
ODD = st.fixed_dictionaries(
    {"id": st.text(min_size=1, max_size=4), "type": st.sampled_from(["pem", "pkcs11"])},
    optional=dict.fromkeys(sorted({*ENTRY, "uri", "note"} - {"id", "type"}), JSON),
)


@given(
    st.fixed_dictionaries({}, optional={"keys": JSON | st.lists(ODD), "activeKeyId": JSON}) | JSON
)
def test_a_registry_of_any_shape_is_kept_whole_or_refused(whole: object) -> None:
    content = json.dumps(whole).encode()
    try:
        registry = parse_registry(content)
    except RegistryUnreadable:
        return
    written = json.loads(encode_registry(registry))
    assert isinstance(whole, dict)
    for before, after in zip(whole.get("keys", []), written["keys"], strict=True):
        same = {name for name in before if name != "statusLevel"}
        assert {name: after[name] for name in same} == {name: before[name] for name in same}
