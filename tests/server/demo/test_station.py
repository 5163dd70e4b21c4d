"""The simulated station is laid out as a real one."""

import hashlib
import json
import shutil
import stat
import struct
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key
from graphql import build_schema as build_graphql_schema
from graphql import parse, validate

from domain.host_paths import HostPaths
from schema.build import build_schema
from server.demo.signing_keys import generate_key, key_fingerprint
from server.demo.station import DemoFolderNotEmpty, DemoStation, build_station, things_to_try

NOW = datetime(2026, 8, 1, 12, tzinfo=UTC)
IMAGES = "/srv/rpi-sb-provisioner/images"
KEYS = "/etc/rpi-sb-provisioner/keys"


@pytest.fixture(scope="module")
def station(tmp_path_factory: pytest.TempPathFactory) -> DemoStation:
    return build_station(tmp_path_factory.mktemp("station"), now=NOW)


def _text(station: DemoStation, logical: str) -> str:
    return station.paths.real(logical).read_text()


def _mode(station: DemoStation, logical: str) -> int:
    return stat.S_IMODE(station.paths.real(logical).stat().st_mode)


def _everything(root: Path) -> dict[str, tuple[int, str]]:
    found = {}
    for path in sorted(root.rglob("*")):
        state = path.lstat()
        content = b""
        if path.is_symlink():
            content = str(path.readlink()).encode()
        elif path.is_file():
            content = path.read_bytes()
        digest = hashlib.sha256(content).hexdigest()
        found[str(path.relative_to(root))] = (state.st_mode, digest)
    return found


def test_the_same_seed_and_time_make_the_same_station(tmp_path: Path) -> None:
    for name in ("one", "two"):
        build_station(tmp_path / name, now=NOW, seed=7)
    build_station(tmp_path / "three", now=NOW, seed=8)
    one, two, three = (_everything(tmp_path / name) for name in ("one", "two", "three"))
    assert one == two
    assert one != three


def test_keys_come_from_the_factory_that_is_given(tmp_path: Path) -> None:
    asked: list[int] = []

    def factory(bits: int) -> rsa.RSAPrivateKey:
        asked.append(bits)
        return generate_key(bits)

    build_station(tmp_path, now=NOW, keys=factory)
    assert sorted(asked) == [2048, 4096]


def test_a_folder_that_holds_something_is_refused_untouched(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("keep")
    with pytest.raises(DemoFolderNotEmpty):
        build_station(tmp_path, now=NOW)
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


def test_a_time_without_offset_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="offset"):
        build_station(tmp_path, now=datetime(2026, 8, 1))  # noqa: DTZ001


def test_sh_sources_the_configuration(station: DemoStation) -> None:
    files = [station.paths.real(path) for path in (station.paths.defaults, station.paths.config)]
    names = ("PROVISIONING_STYLE", "GOLD_MASTER_OS_FILE", "RPI_CONNECT_DESCRIPTION")
    shown = "; ".join(f'echo "${name}"' for name in names)
    script = f". {files[0]}; . {files[1]}; {shown}"
    found = subprocess.run(["sh", "-eu", "-c", script], capture_output=True, text=True, check=True)
    expected = ["secure-boot", f"{IMAGES}/raspios-trixie-arm64-lite.img", "Line 3, jig 'A'"]
    assert found.stdout.splitlines() == expected


def test_what_the_configuration_names_is_there(station: DemoStation) -> None:
    for line in _text(station, station.paths.config).splitlines():
        value = line.partition("=")[2].strip("'")
        if value.startswith("/"):
            assert station.paths.real(value).exists(), line


@pytest.mark.real
def test_jq_reads_the_active_key_as_the_scripts_do(station: DemoStation) -> None:
    if not shutil.which("jq"):
        pytest.skip("needs jq (Debian package jq)")
    query = ".activeKeyId as $id | .keys[] | select(.id == $id) | .label, .fingerprint"
    file = str(station.paths.real(f"{KEYS}/registry.json"))
    found = subprocess.run(["jq", "-r", query, file], capture_output=True, text=True, check=True)
    assert found.stdout.splitlines() == [station.key.label, station.key.fingerprint]


def test_fingerprints_follow_the_vector_of_the_contract() -> None:
    expected = "13e79241ca3e2e040439620378dad48be67d94aebeff3a717386992b1a318feb"
    assert key_fingerprint(2**2047 + 1, 65537) == expected


def test_the_fingerprint_is_that_of_the_stored_key(station: DemoStation) -> None:
    key = load_pem_private_key(station.paths.real(station.key.path).read_bytes(), None)
    assert isinstance(key, rsa.RSAPrivateKey)
    numbers = key.public_key().public_numbers()
    # Byte by byte, not by int.to_bytes: another way than the code under test.
    content = bytes(numbers.n >> 8 * place & 255 for place in range(256))
    content += struct.pack("<Q", numbers.e)
    assert hashlib.sha256(content).hexdigest() == station.key.fingerprint


def test_one_key_is_fit_and_one_is_not(station: DemoStation) -> None:
    registry = json.loads(_text(station, f"{KEYS}/registry.json"))
    facts = [(key["keySize"], key["isFitForPurpose"]) for key in registry["keys"]]
    assert facts == [(2048, True), (4096, False)]
    assert registry["keys"][1]["fingerprint"] == ""
    modes = [_mode(station, path) for path in (KEYS, f"{KEYS}/registry.json", station.key.path)]
    assert modes == [0o700, 0o600, 0o400]


def test_sidecars_hold_the_hash_and_are_not_older(station: DemoStation) -> None:
    for part in ("gold", "older"):
        image = station.images[part]
        real, side = (station.paths.real(image.path + end) for end in ("", ".sha256"))
        assert hashlib.sha256(real.read_bytes()).hexdigest() + "\n" == side.read_text()
        assert side.stat().st_mtime >= real.stat().st_mtime


def test_disk_images_hold_a_fat_and_an_ext_partition(station: DemoStation) -> None:
    disk = station.paths.real(station.images["gold"].path).read_bytes()
    kinds, starts, sectors = zip(
        *(struct.unpack_from("<4xB3xII", disk, 446 + 16 * number) for number in range(2)),
        strict=True,
    )
    fat, ext = (disk[start * 512 :] for start in starts)
    assert (kinds, disk[510:512]) == ((0x0E, 0x83), b"\x55\xaa")
    assert (starts[1] + sectors[1]) * 512 == len(disk) == 8 << 20
    assert (fat[54:62], fat[510:512]) == (b"FAT16   ", b"\x55\xaa")
    assert b"arm_64bit=1" in fat[: sectors[0] * 512]
    assert struct.unpack_from("<H", ext, 1024 + 0x38) == (0xEF53,)


def test_sparse_images_add_up_to_their_headers(station: DemoStation) -> None:
    folder = station.paths.real(station.images["artefact"].path)
    named = json.loads((folder / "image.json").read_text())["layout"]["partitionimages"]
    assert len(list(folder.glob("*.json"))) == 1
    for image in named.values():
        content = (folder / image["simage"]).read_bytes()
        magic, total, chunks = struct.unpack_from("<I12xII", content)
        place, blocks = 28, 0
        for _ in range(chunks):
            count, size = struct.unpack_from("<4xII", content, place)
            place, blocks = place + size, blocks + count
        assert (magic, blocks, place) == (0xED26FF3A, total, len(content))


def test_hooks_are_sh_and_one_is_disabled(station: DemoStation) -> None:
    scripts = sorted(station.paths.real("/etc/rpi-sb-provisioner/scripts").iterdir())
    for script in scripts:
        subprocess.run(["sh", "-n", str(script)], check=True)
    disabled = [script.name for script in scripts if not script.stat().st_mode & stat.S_IXUSR]
    assert (len(scripts), disabled) == (3, ["sb-provisioner-bootfs-mounted.sh"])


@pytest.mark.parametrize(("chip", "size"), [("2711", 524288), ("2712", 2097152)])
def test_the_newest_release_has_notes_and_the_size_of_its_flash(
    station: DemoStation, chip: str, size: int
) -> None:
    base = f"/lib/firmware/raspberrypi/bootloader-{chip}"
    releases = sorted(station.paths.real(f"{base}/stable").glob("pieeprom-*.bin"))
    newest = releases[-1].stem.removeprefix("pieeprom-")
    assert releases[-1].stat().st_size == size
    assert f"\n## {newest}" in _text(station, f"{base}/release-notes.md")
    assert station.paths.entry("/lib").readlink() == Path("usr/lib")


def test_the_machine_has_an_id_and_an_empty_journal(station: DemoStation) -> None:
    machine = _text(station, "/etc/machine-id").strip()
    assert list(station.paths.real(f"/var/log/journal/{machine}").iterdir()) == []


def test_key_pairs_lie_in_the_doubled_folder(station: DemoStation) -> None:
    logs = station.paths.real("/var/log/rpi-sb-provisioner")
    pairs = list(logs.glob("*/*/keypair/*.pub"))
    assert len(pairs) > 5
    for public in pairs:
        assert public.parts[-4] == public.parts[-3] == public.stem
        load_pem_public_key(public.read_bytes())


def test_everything_stays_below_the_root(station: DemoStation) -> None:
    """The relative links of sysfs lead where the files are, also without HostPaths."""
    for link in station.paths.real("/sys/bus/usb/devices").iterdir():
        assert link.resolve().is_relative_to(station.paths.root.resolve())
        assert link.resolve() == HostPaths(station.paths.root.resolve()).real(
            f"/sys/bus/usb/devices/{link.name}"
        )


def test_three_things_to_try_name_the_address() -> None:
    tried = things_to_try("http://127.0.0.1:3142")
    assert len(tried) == 3
    assert all("http://127.0.0.1:3142" in line for line in tried)


def test_the_operations_to_try_are_of_the_schema() -> None:
    schema = build_graphql_schema(build_schema().as_str())
    first, _, third = things_to_try("http://127.0.0.1:3142")
    query = json.loads(first.partition(" -d ")[2].strip("'"))["query"]
    live = third.splitlines()[-1].strip()
    assert [validate(schema, parse(text)) for text in (query, live)] == [[], []]
