"""Boot packages: which one belongs to an image, and what the generator's unit did (contract images
8)."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from domain.host_paths import HostPaths
from domain.images.boot_package_files import PackageFolder, base_of
from domain.images.boot_package_refusals import (
    BootPackageNameMissing,
    BootPackageNotFound,
    BootPackageUnreadable,
    GeneratorNotStarted,
    NotBootable,
    StyleUnsupported,
)
from domain.images.boot_package_states import BootPackageState, BootPackageStatus
from domain.images.boot_packages import BootPackages
from domain.images.generator import GeneratorUnit, image_of
from domain.images.names import ImageNotFound
from domain.services.units import UnitChanged
from tests.domain.images.packages import DEB, put_package
from tests.domain.images.store import LIMIT, Store, make_store, sha256
from tests.fakes.units import Ending, FakeUnits

TEMPLATE = "rpi-sb-image-bootimg-generator@.service"
UNIT = "rpi-sb-image-bootimg-generator@a.img.service"
NOON = datetime(2026, 8, 1, 12, tzinfo=UTC)
Status = BootPackageStatus


@dataclass
class Bench:
    """A store with an image, systemd's stand-in, and the boot packages."""

    store: Store
    units: FakeUnits
    packages: BootPackages
    root: Path

    async def status(self, image: str = "a.img") -> BootPackageStatus:
        return (await self.packages.state(image)).status

    async def generate(self, image: str = "a.img") -> BootPackageState:
        return await self.packages.generate(image, note=self.store.notes)

    def configure(self, **values: str) -> None:
        self.store.configuration.update_now(values)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    store, units = make_store(tmp_path), FakeUnits(NOON)
    paths = HostPaths(tmp_path)
    paths.real(paths.config).parent.mkdir(parents=True)
    packages = BootPackages(
        paths,
        store.hub,
        folder=store.folder,
        configuration=store.configuration,
        units=units,
    )
    store.put("a.img")
    made = Bench(store, units, packages, tmp_path)
    made.configure(
        PROVISIONING_STYLE="secure-boot", RPI_DEVICE_FAMILY="5", CUSTOMER_KEY_FILE_PEM="/k.pem"
    )
    return made


@asynccontextmanager
async def hearing(bench: Bench) -> AsyncIterator[None]:
    """Hears within the context how runs go."""
    await bench.units.watch(bench.store.hub.publish)
    before = bench.store.hub.subscribers
    task = asyncio.create_task(bench.packages.runs.run())
    while bench.store.hub.subscribers == before:
        await asyncio.sleep(0)
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task], timeout=LIMIT)


async def until(
    bench: Bench, *statuses: BootPackageStatus, image: str = "a.img"
) -> BootPackageState:
    """Waits until it stands so with the package."""
    async with asyncio.timeout(LIMIT):
        async for update in bench.packages.watch(image):
            if update.value.status in statuses:
                return update.value
    raise AssertionError("the watch ended")


@pytest.mark.parametrize(
    ("image", "base"), [("a.img", "a"), ("a.b.img", "a.b"), ("plain", "plain"), ("x.", "x")]
)
def test_the_generator_cuts_names_at_the_last_dot(image: str, base: str) -> None:
    assert base_of(image) == base


async def test_the_package_is_the_one_that_the_note_names(bench: Bench) -> None:
    put_package(bench.store.real, "b", name="aaa.deb")
    put_package(bench.store.real, "a", name="zzz.deb", Version="0.1")
    state = await bench.packages.state("a.img")
    assert state.package is not None
    assert (state.status, state.package.name, state.package.version) == (
        Status.AVAILABLE,
        "zzz.deb",
        "0.1",
    )
    assert state.package.file.path == "/srv/rpi-sb-provisioner/images/bootimg-output/zzz.deb"


async def test_an_image_with_the_same_base_has_not_the_same_package(bench: Bench) -> None:
    put_package(bench.store.real, "a", Source_Image="/srv/rpi-sb-provisioner/images/a.img")
    assert await bench.status("a.img") is Status.AVAILABLE
    assert await bench.status("a.bin") is Status.NOT_FOUND


@pytest.mark.parametrize("same", [True, False])
async def test_a_package_of_another_content_says_so(bench: Bench, *, same: bool) -> None:
    bench.store.put_sidecar("a.img", sha256(b"image"))
    put_package(bench.store.real, "a", Image_SHA256=sha256(b"image" if same else b"older"))
    assert (await bench.packages.state("a.img")).is_current is same


@pytest.mark.parametrize(
    "name", ["../a.img", "gone.deb", "", "x.txt", ".deb", "folder.deb", "fifo.deb", "out.deb"]
)
async def test_what_is_no_package_is_none(bench: Bench, tmp_path: Path, name: str) -> None:
    put_package(bench.store.real, "a")
    folder = bench.store.real / "bootimg-output"
    (folder / "folder.deb").mkdir()
    os.mkfifo(folder / "fifo.deb")
    (tmp_path / "secret").write_bytes(b"secret")
    (folder / "out.deb").symlink_to("/secret")
    (folder / "a.package-info.txt").write_text(f"Filename: {name}\n")
    assert await bench.status() is Status.NOT_FOUND
    with pytest.raises(BootPackageNotFound):
        await bench.packages.open("a.img", note=bench.store.notes)


@pytest.mark.parametrize("image", ["../state.db", ".", "/etc/passwd", "x" * 300, "a\0b", "nope"])
async def test_impossible_names_have_no_package(bench: Bench, image: str) -> None:
    assert await bench.status(image) is Status.NOT_FOUND


async def test_a_folder_that_cannot_be_read_is_told(bench: Bench) -> None:
    (bench.store.real / "bootimg-output").symlink_to("bootimg-output")
    with pytest.raises(BootPackageUnreadable):
        await bench.packages.state("a.img")


@pytest.mark.parametrize("style", ["naked", ""])
async def test_other_styles_have_none(bench: Bench, style: str) -> None:
    put_package(bench.store.real, "a")
    bench.configure(PROVISIONING_STYLE=style)
    state = await bench.packages.state("a.img")
    assert (state.status, state.package) == (Status.UNSUPPORTED, None)
    assert (style or "unknown") in (state.reason or "")
    with pytest.raises(StyleUnsupported, match=f"current: {style or 'unknown'}"):
        await bench.generate("")


async def test_generating_checks_name_and_image(bench: Bench) -> None:
    bench.store.put_artefact("idp")
    for image, error in (
        ("", BootPackageNameMissing),
        ("nope.img", ImageNotFound),
        ("../a.img", ImageNotFound),
        ("idp", NotBootable),
    ):
        with pytest.raises(error):
            await bench.generate(image)
    assert bench.units.started == []
    assert bench.store.notes.rows == []


async def test_a_package_is_made_and_told(bench: Bench) -> None:
    bench.units.endings[TEMPLATE] = Ending()
    async with hearing(bench):
        begun = await started(bench)
        assert begun.status is Status.GENERATING
        assert begun.since is not None
        put_package(bench.store.real, "a")
        bench.units.end(UNIT, Ending())
        state = await until(bench, Status.AVAILABLE, Status.FAILED)
    assert state.status is Status.AVAILABLE
    assert bench.units.started == [UNIT]


async def started(bench: Bench, image: str = "a.img") -> BootPackageState:
    """Starts a run that goes on until the test ends it."""
    bench.units.holds = True
    return await bench.generate(image)


async def test_a_run_that_fails_tells_its_reason_and_last_words(bench: Bench) -> None:
    bench.units.endings[TEMPLATE] = Ending()
    log = bench.root / "var/log/rpi-sb-provisioner/bootimg-generator/bootimg-generator.log"
    log.parent.mkdir(parents=True)
    log.write_text("an older run said this\n")
    async with hearing(bench):
        await started(bench)
        with log.open("a") as file:
            file.write("No boot partition found\n\n")
        bench.units.end(UNIT, Ending("exit-code", 1))
        state = await until(bench, Status.FAILED)
    assert state.reason == (
        "The generator ended with exit status 1. Its last words: No boot partition found"
    )


def put_log(bench: Bench, line: str) -> None:
    """The generator of any image says something."""
    log = bench.root / "var/log/rpi-sb-provisioner/bootimg-generator/bootimg-generator.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("a") as file:
        file.write(f"{line}\n")


@pytest.mark.parametrize("other_ends", [False, True])
async def test_a_run_does_not_quote_another_that_wrote_into_the_same_log(
    bench: Bench, *, other_ends: bool
) -> None:
    bench.units.endings[TEMPLATE] = Ending()
    bench.store.put("b.img")
    async with hearing(bench):
        await started(bench)
        await started(bench, "b.img")
        put_log(bench, "a.img: no boot partition")
        put_log(bench, "b.img: signed")
        if other_ends:
            put_package(bench.store.real, "b")
            bench.units.end(UNIT.replace("a.img", "b.img"), Ending())
            await until(bench, Status.AVAILABLE, image="b.img")
        bench.units.end(UNIT, Ending("exit-code", 1))
        state = await until(bench, Status.FAILED)
        assert state.reason == (
            "The generator ended with exit status 1. Another one wrote into the same log "
            "meanwhile; what this one said last is in the unit's journal."
        )
        await started(bench)
        put_log(bench, "alone again")
        if not other_ends:
            return
        bench.units.end(UNIT, Ending("exit-code", 1))
        state = await until(bench, Status.FAILED)
        assert (state.reason or "").endswith("Its last words: alone again")


async def test_both_of_two_runs_at_once_do_not_quote_the_other(bench: Bench) -> None:
    bench.units.endings[TEMPLATE] = Ending()
    bench.store.put("b.img")
    async with hearing(bench):
        await started(bench)
        await started(bench, "b.img")
        bench.units.end(UNIT, Ending("exit-code", 1))
        await until(bench, Status.FAILED)
        put_log(bench, "b.img: no boot partition")
        bench.units.end(UNIT.replace("a.img", "b.img"), Ending("exit-code", 2))
        state = await until(bench, Status.FAILED, image="b.img")
    assert "last words" not in (state.reason or "")


async def test_a_run_that_skips_the_image_says_why(bench: Bench) -> None:
    bench.units.endings[TEMPLATE] = Ending()
    bench.configure(RPI_DEVICE_FAMILY="")
    put_package(bench.store.real, "a")
    async with hearing(bench):
        await bench.generate()
        state = await until(bench, Status.FAILED)
    assert "RPI_DEVICE_FAMILY is not set" in (state.reason or "")
    assert state.package is not None


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"PROVISIONING_STYLE": "fde-only"}, "'fde-only'"),
        ({"CUSTOMER_KEY_FILE_PEM": ""}, "no signing key is configured"),
        ({}, "it does not say why"),
    ],
)
async def test_each_silent_skip_has_its_reason(
    bench: Bench, values: dict[str, str], reason: str
) -> None:
    bench.units.endings[TEMPLATE] = Ending()
    bench.configure(**values)
    async with hearing(bench):
        await bench.generate()
        assert reason in ((await until(bench, Status.FAILED)).reason or "")


async def test_who_asks_twice_starts_once(bench: Bench) -> None:
    bench.units.endings[TEMPLATE] = Ending()
    async with hearing(bench):
        await started(bench)
        again = await bench.generate()
    assert (again.status, bench.units.started) == (Status.GENERATING, [UNIT])


async def test_who_asks_at_the_same_time_starts_once(bench: Bench) -> None:
    bench.units.endings[TEMPLATE] = Ending()
    bench.units.holds = True
    states = await asyncio.gather(*(bench.generate() for _ in range(5)))
    assert {state.status for state in states} == {Status.GENERATING}
    assert bench.units.started == [UNIT]


@pytest.mark.parametrize("how", ["unknown", "refused", "unavailable"])
async def test_a_generator_that_is_not_started_is_told(bench: Bench, how: str) -> None:
    if how == "refused":
        bench.units.endings[TEMPLATE] = Ending()
        bench.units.refused.add(UNIT)
    if how == "unavailable":
        bench.units.reason = "there is no system bus"
    with pytest.raises(GeneratorNotStarted) as caught:
        await bench.generate()
    assert caught.value.detail == UNIT
    assert await bench.status() is Status.NOT_FOUND
    assert bench.store.notes.rows == []


async def test_what_ran_before_this_service_is_taken_over(bench: Bench) -> None:
    bench.units.endings[TEMPLATE] = Ending()
    bench.units.holds = True
    await bench.units.start(UNIT)
    async with hearing(bench):
        await until(bench, Status.GENERATING)
        put_package(bench.store.real, "a")
        bench.units.end(UNIT, Ending())
        assert (await until(bench, Status.AVAILABLE)).package is not None


async def test_a_run_that_somebody_else_starts_is_seen(bench: Bench) -> None:
    bench.units.endings[TEMPLATE] = Ending()
    async with hearing(bench):
        bench.units.holds = True
        await bench.units.start(UNIT)
        await until(bench, Status.GENERATING)
        bench.units.end(UNIT, Ending("signal", 9))
        state = await until(bench, Status.FAILED)
    assert state.reason == "The generator was ended by signal 9."


@pytest.mark.parametrize("makes", [True, False])
async def test_an_end_that_nobody_told_is_found_by_asking(bench: Bench, *, makes: bool) -> None:
    bench.units.endings[TEMPLATE] = Ending()
    async with hearing(bench):
        await started(bench)
        # Forgotten as systemd forgets what ended well, and nobody was told.
        bench.units.loaded.clear()
        if makes:
            put_package(bench.store.real, "a")
        state = await until(bench, Status.AVAILABLE, Status.FAILED)
    assert state.status is (Status.AVAILABLE if makes else Status.FAILED)
    assert ("it does not say why" in (state.reason or "")) is not makes


async def test_an_end_that_nobody_saw_is_no_success(bench: Bench) -> None:
    bench.units.endings[TEMPLATE] = Ending()
    async with hearing(bench):
        await started(bench)
        bench.store.hub.publish(UnitChanged(UNIT, "inactive", "dead", ""))
        assert "unseen" in ((await until(bench, Status.FAILED)).reason or "")
        put_package(bench.store.real, "a")
        assert await bench.status() is Status.AVAILABLE


async def test_a_package_is_read_to_its_end_and_noted(bench: Bench) -> None:
    put_package(bench.store.real, "a")
    opened = await bench.packages.open("a.img", note=bench.store.notes)
    try:
        assert (opened.read(0, 8), opened.read(8, 10**6)) == (DEB[:8], DEB[8:])
        assert opened.read(len(DEB), 5) == b""
    finally:
        opened.close()
        opened.close()
    assert [row[0] for row in bench.store.notes.rows] == ["DOWNLOAD"]


NAMES = [
    ("a b.img", "a\\x20b.img"),
    ("raspios-lite.img", "raspios\\x2dlite.img"),
    ("é.img", "\\xc3\\xa9.img"),
    ("a\\x20b", "a\\x5cx20b"),
    ("a@b:c.img", "a\\x40b:c.img"),
]


@pytest.mark.parametrize(("image", "instance"), NAMES)
def test_names_are_escaped_and_come_back(tmp_path: Path, image: str, instance: str) -> None:
    unit = GeneratorUnit(HostPaths(tmp_path)).name_for(image)
    assert unit == f"rpi-sb-image-bootimg-generator@{instance}.service"
    assert image_of(unit) == image


@pytest.mark.parametrize(
    ("place", "line", "instance"),
    [
        ("usr/lib/systemd/system", "ExecStart=/usr/bin/gen %i", "raspios-lite.img"),
        ("usr/lib/systemd/system", "ExecStart=/usr/bin/gen %I", "raspios\\x2dlite.img"),
        ("etc/systemd/system", "ExecStart=/usr/bin/gen", "raspios\\x2dlite.img"),
    ],
)
def test_the_unit_of_old_gets_names_as_they_stand(
    tmp_path: Path, place: str, line: str, instance: str
) -> None:
    folder = tmp_path / place
    folder.mkdir(parents=True)
    (folder / TEMPLATE).write_text(f"[Service]\n{line}\n")
    unit = GeneratorUnit(HostPaths(tmp_path))
    assert unit.name_for("raspios-lite.img").partition("@")[2] == f"{instance}.service"
    # What cannot stand there is escaped all the same: it fails with a reason.
    assert unit.name_for("a b").endswith("@a\\x20b.service")
    drop_in = tmp_path / "etc/systemd/system" / f"{TEMPLATE}.d" / "name.conf"
    drop_in.parent.mkdir(parents=True)
    drop_in.write_text("[Service]\nExecStart=\nExecStart=/usr/bin/gen %I\n")
    assert "\\x2d" in unit.name_for("raspios-lite.img")


def test_units_of_other_kinds_have_no_image() -> None:
    assert image_of("rpi-sb-triage@10000000a0b0c0d0.service") is None


async def test_a_folder_without_anything_has_none(tmp_path: Path) -> None:
    assert PackageFolder(HostPaths(tmp_path)).find("a.img") is None
