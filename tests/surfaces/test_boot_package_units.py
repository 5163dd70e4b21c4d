"""Boot packages over a real systemd: a template unit that makes one, skips one, and fails (contract
images 8.4)."""

import asyncio
import importlib.util
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest

from domain.images.boot_package_states import BootPackageState, BootPackageStatus
from domain.images.generator import TEMPLATE
from domain.station import Station
from server.settings import Settings
from server.wiring.station import open_station
from tests.adapters.systemd_manager import RealSystemd, missing, real_systemd
from tests.fakes.device_files import Accesses
from tests.surfaces.image_store import STORE, put

PATIENCE = 20.0
UNIT = """[Unit]
DefaultDependencies=no
[Service]
Type=oneshot
ExecStart=/bin/sh {folder}/generate %I
"""
SCRIPT = """set -eu
out={images}/bootimg-output
case "$1" in
  skip*) exit 0;;
  fail*) exit 7;;
esac
[ -f "{images}/$1" ]
mkdir -p "$out"
printf deb > "$out/made.deb"
note="$out/${{1%.*}}.package-info.txt"
printf 'Filename: made.deb\\nVersion: 0.1\\nSource Image: %s\\n' "$1" > "$note"
"""
pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(
        importlib.util.find_spec("pystemd") is None,
        reason="pystemd is not built: install the Debian packages gcc, pkg-config, libsystemd-dev",
    ),
]


class Bench:
    """A root with images, and a systemd that runs a generator on them."""

    def __init__(self, root: Path, manager: RealSystemd) -> None:
        self.root = root
        self.manager = manager


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    reason = missing()
    if reason is not None:
        pytest.skip(reason)
    folder = tmp_path_factory.mktemp("bench")
    root = folder / "root"
    images = root / STORE[1:]
    for name in ("an image-1 é.img", "skip.img", "fail.img"):
        put(root, name, b"x" * 512)
    config = root / "etc/rpi-sb-provisioner/config"
    config.parent.mkdir(parents=True)
    config.write_text("PROVISIONING_STYLE=secure-boot\nCUSTOMER_KEY_FILE_PEM=/k.pem\n")
    (folder / "generate").write_text(SCRIPT.format(images=images))
    units = {f"{TEMPLATE}@.service": UNIT.format(folder=folder)}
    with real_systemd(tmp_path_factory.mktemp("systemd"), units) as manager:
        yield Bench(root, manager)


@asynccontextmanager
async def running(bench: Bench) -> AsyncIterator[Station]:
    async with AsyncExitStack() as stack:
        settings = Settings(root=bench.root, bus_address=bench.manager.address)
        yield await open_station(settings, stack)


async def made(station: Station, image: str) -> BootPackageState:
    """Has a package made and returns how it ended."""
    ends = (BootPackageStatus.AVAILABLE, BootPackageStatus.FAILED)
    async with asyncio.timeout(PATIENCE):
        await station.boot_packages.generate(image, note=Accesses())
        async for update in station.boot_packages.watch(image):
            if update.value.status in ends:
                return update.value
    raise AssertionError("the watch ended")


async def test_an_image_with_any_name_gets_its_package(bench: Bench) -> None:
    async with running(bench) as station:
        state = await made(station, "an image-1 é.img")
    assert state.status is BootPackageStatus.AVAILABLE
    assert state.package is not None
    assert (state.package.name, state.package.version) == ("made.deb", "0.1")


async def test_a_unit_that_fails_tells_its_status(bench: Bench) -> None:
    async with running(bench) as station:
        state = await made(station, "fail.img")
    assert state.reason == "The generator ended with exit status 7."
    async with running(bench) as again:
        # systemd remembers what failed; so does a service that was started anew.
        async with asyncio.timeout(PATIENCE):
            async for update in again.boot_packages.watch("fail.img"):
                if update.value.status is BootPackageStatus.FAILED:
                    break
        assert update.value.reason == state.reason


async def test_a_unit_that_skips_the_image_is_no_success(bench: Bench) -> None:
    async with running(bench) as station:
        state = await made(station, "skip.img")
    assert "RPI_DEVICE_FAMILY is not set" in (state.reason or "")
