"""The answers for single values (contract configuration 4)."""

import json
from pathlib import Path
from typing import Any

import pytest

from domain.configuration.configuration import Configuration
from domain.configuration.masking import MASK
from domain.events import Hub
from domain.firmware.firmware import Firmware
from domain.host_paths import HostPaths
from domain.preflight.fields import FieldNameMissing, Fields, FieldUnknown

DESCRIPTOR = {
    "IGversion": "2.0.0",
    "layout": {"partitionimages": {"boot": {"simage": "boot.simg"}}},
}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    etc = tmp_path / "etc/rpi-sb-provisioner"
    etc.mkdir(parents=True)
    (etc / "config").write_text("RPI_CONNECT_API_KEY=t\nLOCAL_NAME=x\nPATH_OF_OURS=y\n")
    (etc / "bootloader.conf").write_text("[all]\n")
    (tmp_path / "srv/images").mkdir(parents=True)
    (tmp_path / "srv/images/a.img").write_bytes(b"x")
    (tmp_path / "srv/images/a..b.img").write_bytes(b"x")
    (tmp_path / "srv/images/a.IMG").write_bytes(b"x")
    (tmp_path / "srv/images/.img").write_bytes(b"x")
    (tmp_path / "srv/link").symlink_to("/srv/images")
    (tmp_path / "srv/current").symlink_to("/srv/images/a.img")
    (tmp_path / "srv/other.img").symlink_to("/srv/images/a.IMG")
    return tmp_path


def ask(root: Path, name: str, value: str) -> Any:
    paths = HostPaths(root)
    return fields(paths).check_now(name, value)


def fields(paths: HostPaths) -> Fields:
    configuration = Configuration(paths, Hub())
    return Fields(paths, configuration, Firmware(paths, configuration))


GOOD = [
    ("PROVISIONING_STYLE", "fde-only"),
    ("CUSTOMER_KEY_FILE_PEM", ""),
    ("CUSTOMER_KEY_FILE_PEM", "/etc/rpi-sb-provisioner/bootloader.conf"),
    ("CUSTOMER_KEY_PKCS11_NAME", "pkcs11:object=k;type=private"),
    ("GOLD_MASTER_OS_FILE", "/srv/images/a.img"),
    ("GOLD_MASTER_OS_FILE", "/srv/link/a.img"),
    ("GOLD_MASTER_OS_FILE", "/srv/images/a..b.img"),
    ("GOLD_MASTER_OS_FILE", "/srv/current"),
    ("GOLD_MASTER_OS_FILE", "/srv/../srv/images/../images/a.img"),
    ("RPI_DEVICE_STORAGE_TYPE", "nvme"),
    ("RPI_DEVICE_BOOT_ORDER_MATCH_STORAGE", "off"),
    ("RPI_DEVICE_STORAGE_CIPHER", ""),
    ("RPI_DEVICE_LOCK_JTAG", "1"),
    ("RPI_DEVICE_RETRIEVE_KEYPAIR", "/srv/images"),
    ("RPI_SB_WORKDIR", "/srv/new"),
    ("RPI_SB_PROVISIONER_MANUFACTURING_DB", "/srv/images/a.img"),
    ("RPI_CONNECT_API_KEY", MASK),
    ("RPI_CONNECT_API_KEY", ""),
    ("RPI_CONNECT_DESCRIPTION", "any 'thing' $(x)"),
    ("LOCAL_NAME", "anything"),
    ("RPI_SB_PROVISIONER_ENABLE_PRIVATE_KEY_API", "true"),
]


@pytest.mark.parametrize(("name", "value"), GOOD)
def test_good_values(root: Path, name: str, value: str) -> None:
    answer = ask(root, name, value)
    assert (answer.is_valid, answer.error, answer.message) == (True, "", "")


BAD = [
    ("PROVISIONING_STYLE", ""),
    ("PROVISIONING_STYLE", "Naked"),
    ("CUSTOMER_KEY_FILE_PEM", "/nope"),
    ("CUSTOMER_KEY_FILE_PEM", "/srv"),
    ("CUSTOMER_KEY_PKCS11_NAME", "object=k;type=private"),
    ("CUSTOMER_KEY_PKCS11_NAME", "pkcs11:type=private"),
    ("CUSTOMER_KEY_PKCS11_NAME", "pkcs11:object=k"),
    ("GOLD_MASTER_OS_FILE", ""),
    ("GOLD_MASTER_OS_FILE", "a.img"),
    ("GOLD_MASTER_OS_FILE", "/srv/images/a.IMG"),
    ("GOLD_MASTER_OS_FILE", "/srv/images"),
    ("GOLD_MASTER_OS_FILE", "/srv/other.img"),
    ("GOLD_MASTER_OS_FILE", "/srv/images/.img"),
    ("RPI_DEVICE_STORAGE_TYPE", ""),
    ("RPI_DEVICE_STORAGE_CIPHER", "rot13"),
    ("RPI_DEVICE_FAMILY", "3"),
    ("RPI_DEVICE_BOOTLOADER_CONFIG_FILE", "/nope"),
    ("RPI_DEVICE_FIRMWARE_FILE", "/nope"),
    ("RPI_DEVICE_LOCK_JTAG", "0"),
    ("RPI_DEVICE_RPIBOOT_GPIO", "3"),
    ("RPI_DEVICE_RETRIEVE_KEYPAIR", "/no/such"),
    ("RPI_DEVICE_RETRIEVE_KEYPAIR", "/srv/images/a.img"),
    ("RPI_SB_WORKDIR", "/no/such"),
    ("RPI_SB_WORKDIR", "/srv/images/a.img"),
    ("RPI_SB_PROVISIONER_MANUFACTURING_DB", ""),
    ("RPI_SB_PROVISIONER_MANUFACTURING_DB", "/srv"),
    ("RPI_SB_PROVISIONER_MANUFACTURING_DB", "/no/such/x.db"),
    ("RPI_CONNECT_API_KEY", "a b"),
    ("RPI_CONNECT_DESCRIPTION", "a\nb"),
    ("RPI_CONNECT_DESCRIPTION", "x" * (1 << 20)),
    ("RPI_SB_WORKDIR", "/a\0b"),
]


@pytest.mark.parametrize(("name", "value"), BAD)
def test_bad_values(root: Path, name: str, value: str) -> None:
    answer = ask(root, name, value)
    assert not answer.is_valid
    assert answer.message == ""
    assert str(root) not in answer.error
    assert len(answer.error) < 400


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("RPI_DEVICE_RETRIEVE_KEYPAIR", "/srv/pairs"),
        ("RPI_SB_PROVISIONER_MANUFACTURING_DB", "/srv/new.db"),
    ],
)
def test_what_is_to_be_made_is_said(root: Path, name: str, value: str) -> None:
    answer = ask(root, name, value)
    assert answer.is_valid
    assert value in answer.message


@pytest.mark.parametrize("name", ["NOT_A_FIELD", "rpi_device_family", "A\nB", "x" * 5000])
def test_unknown_names(root: Path, name: str) -> None:
    with pytest.raises(FieldUnknown) as caught:
        ask(root, name, "x")
    assert len(caught.value.message) < 200
    assert "\n" not in caught.value.message


async def test_no_name_is_missing(root: Path) -> None:
    paths = HostPaths(root)
    with pytest.raises(FieldNameMissing):
        await fields(paths).check("", "x")


def artefact(root: Path, descriptor: object = DESCRIPTOR, *, files: tuple[str, ...] = ()) -> str:
    folder = root / "srv/images/idp"
    folder.mkdir()
    (folder / "image.json").write_text(json.dumps(descriptor))
    for name in files:
        (folder / name).write_bytes(b"x")
    return "/srv/images/idp"


def test_firmware_is_of_the_familys_chip_and_of_its_size(root: Path) -> None:
    for chip, size in (("2711", 524288), ("2712", 2097152)):
        folder = root / f"lib/firmware/raspberrypi/bootloader-{chip}/latest"
        folder.mkdir(parents=True)
        with (folder / "pieeprom-2026-01-01.bin").open("wb") as file:
            file.truncate(size)
        (folder / "pieeprom-2026-02-02.bin").write_bytes(b"short")
    (root / "etc/rpi-sb-provisioner/config").write_text("RPI_DEVICE_FAMILY=5\n")
    base = "/lib/firmware/raspberrypi/bootloader-"
    good = ask(root, "RPI_DEVICE_FIRMWARE_FILE", f"{base}2712/latest/pieeprom-2026-01-01.bin")
    assert good.is_valid
    assert "2026-01-01" in good.message
    for bad in (
        "2711/latest/pieeprom-2026-01-01.bin",
        "2712/latest/pieeprom-2026-02-02.bin",
        "2712",
    ):
        assert not ask(root, "RPI_DEVICE_FIRMWARE_FILE", base + bad).is_valid


def test_an_artefact_is_named_by_its_description(root: Path) -> None:
    answer = ask(root, "GOLD_MASTER_OS_FILE", artefact(root, files=("boot.simg",)))
    assert (answer.is_valid, answer.is_artefact, answer.faults) == (True, True, ())
    assert "image.json" in answer.message


def test_an_artefact_without_its_files_is_refused(root: Path) -> None:
    answer = ask(root, "GOLD_MASTER_OS_FILE", artefact(root))
    assert (answer.is_valid, answer.is_artefact, answer.message) == (False, False, "")
    assert "boot.simg" in answer.error


def test_a_file_outside_the_artefact_is_missing(root: Path) -> None:
    layout = {"partitionimages": {"boot": {"simage": "../a.img"}}}
    answer = ask(root, "GOLD_MASTER_OS_FILE", artefact(root, {**DESCRIPTOR, "layout": layout}))
    assert "../a.img" in answer.error


@pytest.mark.parametrize("descriptor", [[], "x", {"layout": "x"}, {"IGversion": 1, "layout": {}}])
def test_a_description_of_another_shape_has_faults(root: Path, descriptor: object) -> None:
    answer = ask(root, "GOLD_MASTER_OS_FILE", artefact(root, descriptor))
    assert not answer.is_valid
    assert answer.faults
    assert answer.faults[0].description in answer.error


def test_a_description_that_is_no_json_is_refused(root: Path) -> None:
    place = artefact(root)
    (root / place[1:] / "image.json").write_text("{")
    assert "image.json" in ask(root, "GOLD_MASTER_OS_FILE", place).error


def test_two_descriptions_are_refused(root: Path) -> None:
    place = artefact(root)
    (root / place[1:] / "more.json").write_text("{}")
    assert "2 JSON files" in ask(root, "GOLD_MASTER_OS_FILE", place).error


@pytest.mark.parametrize("name", ["GOLD_MASTER_OS_FILE", "RPI_SB_PROVISIONER_MANUFACTURING_DB"])
def test_a_pin_in_the_wrong_field_is_not_repeated(root: Path, name: str) -> None:
    answer = ask(root, name, "pkcs11:object=k?pin-value=1234")
    assert "1234" not in answer.error + answer.message
