"""The simulated generator makes packages that Debian's own tools take, and tells why it cannot."""

import asyncio
import hashlib
import os
import shutil
import struct
import subprocess
import tracemalloc
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from domain.images.boot_package_files import PackageFolder
from domain.services.units import UnitChanged, UnitRefused
from server.demo.boot_package import MOST_BOOT_BYTES, OUTPUT, NothingToSign, make_package
from server.demo.generator import GENERATOR, LOG, Generator
from server.demo.services import PROVISIONERS
from server.demo.station import DemoStation, build_station

LIMIT = 30.0
MIB = 1 << 20
NOW = datetime(2026, 8, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def station(tmp_path_factory: pytest.TempPathFactory) -> DemoStation:
    return build_station(tmp_path_factory.mktemp("demo") / "root", now=NOW)


@pytest.fixture
def generator(station: DemoStation) -> Iterator[Generator]:
    made = Generator(station.paths, station.host, station.key, speed=1000)
    station.host.units.offer(GENERATOR.prefix, made.start)
    yield made
    made.close()


def name_of(station: DemoStation, part: str) -> str:
    return station.images[part].path.rpartition("/")[2]


async def ended(station: DemoStation, image: str) -> str:
    """Starts the unit of an image and returns how it ended."""
    seen: asyncio.Queue[UnitChanged] = asyncio.Queue()
    await station.host.units.watch(seen.put_nowait)
    unit = GENERATOR.unit(image)
    await station.host.units.start(unit)
    async with asyncio.timeout(LIMIT):
        while True:
            change = await seen.get()
            if change.name == unit and change.result:
                return change.result


def test_an_older_image_has_its_package_from_the_beginning(station: DemoStation) -> None:
    image = name_of(station, "older")
    package = PackageFolder(station.paths).find(image)
    assert package is not None
    assert package.image_sha256 == station.images["older"].sha256
    assert package.version == f"0.{station.images['older'].sha256[:12]}"


@pytest.mark.skipif(not shutil.which("dpkg-deb"), reason="needs dpkg-deb (Debian package dpkg)")
def test_a_package_is_one_for_debian(station: DemoStation, tmp_path: Path) -> None:
    package = PackageFolder(station.paths).open(name_of(station, "older"))
    assert package is not None
    real = station.paths.real(package.file.path)
    package.close()
    name = subprocess.run(
        ["dpkg-deb", "--field", real, "Package", "Version"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    subprocess.run(["dpkg-deb", "--extract", real, tmp_path], check=True)
    boot = (tmp_path / "boot/firmware/boot.img").read_bytes()
    signed, signature = (tmp_path / "boot/firmware/boot.sig").read_text().splitlines()
    assert name == f"Package: rpi-sb-boot-update\nVersion: {package.package.version}\n"
    assert signed == hashlib.sha256(boot).hexdigest()
    key = serialization.load_pem_private_key(
        station.paths.real(station.key.path).read_bytes(), password=None
    )
    assert isinstance(key, rsa.RSAPrivateKey)
    raw = bytes.fromhex(signature.removeprefix("rsa2048: "))
    key.public_key().verify(raw, boot, padding.PKCS1v15(), hashes.SHA256())


async def test_a_started_unit_makes_a_package(station: DemoStation, generator: Generator) -> None:
    del generator
    image = name_of(station, "gold")
    assert PackageFolder(station.paths).find(image) is None
    assert await ended(station, image) == "success"
    assert PackageFolder(station.paths).find(image) is not None


async def test_what_cannot_be_booted_fails_and_says_so(
    station: DemoStation, generator: Generator
) -> None:
    del generator
    store = station.paths.real(OUTPUT).parent
    (store / "empty one.img").write_bytes(bytes(4096))
    assert await ended(station, "empty one.img") == "exit-code"
    assert (
        station.paths.real(LOG).read_text().endswith("No boot partition found in empty one.img\n")
    )
    with pytest.raises(NothingToSign):
        make_package(station.paths, f"{OUTPUT}/../empty one.img", key=station.key.path)


def test_an_image_is_not_loaded_as_a_whole(station: DemoStation, tmp_path: Path) -> None:
    image = f"{OUTPUT}/../large.img"
    real = station.paths.real(image)
    shutil.copy(station.paths.real(station.images["gold"].path), real)
    os.truncate(real, 256 * MIB)
    tracemalloc.start()
    try:
        made = make_package(station.paths, image, key=station.key.path)
        assert tracemalloc.get_traced_memory()[1] < 64 * MIB
    finally:
        tracemalloc.stop()
        real.unlink()
    assert len(made.files["large.boot.img"]) == 4 * MIB


async def test_a_boot_partition_that_is_too_large_is_not_read(
    station: DemoStation, generator: Generator
) -> None:
    del generator
    real = station.paths.real(f"{OUTPUT}/../broad.img")
    shutil.copy(station.paths.real(station.images["gold"].path), real)
    with real.open("r+b") as file:
        file.seek(446 + 12)
        file.write(struct.pack("<I", MOST_BOOT_BYTES // 512 + 1))
    assert await ended(station, "broad.img") == "exit-code"
    told = station.paths.real(LOG).read_text()
    assert told.endswith("broad.img: its boot partition has 536871424 bytes, more than 536870912\n")
    real.unlink()


async def test_no_other_unit_can_be_started(station: DemoStation, generator: Generator) -> None:
    del generator
    with pytest.raises(UnitRefused):
        await station.host.units.start(PROVISIONERS["SB"].unit("1000000000a0b000"))
