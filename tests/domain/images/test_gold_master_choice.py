"""The choice of the gold master: what contradicts it, and what is written (contract images 6.1,
Beyond 8)."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from domain.configuration.variables import ConfigValueRefused
from domain.host_paths import HostPaths
from domain.images.analyses import Analyses, Analysis
from domain.images.gold_master import VARIABLE
from domain.images.gold_master_choice import GoldMasterChoice, GoldMasterContradicted, Terms
from domain.images.gold_master_preflight import Preflight, Topic, examine
from domain.images.hash_states import NOT_HASHED, STOPPED, HashState
from domain.images.image import ImageKind
from domain.images.names import ImageName, ImageNotFound
from tests.domain.images.descriptions import RIGHT, as_bytes, changed
from tests.domain.images.disk_files import MIB, bootable, needs, spoil, unfilled
from tests.domain.images.sparse_files import whole_sparse
from tests.domain.images.store import Store, make_store

STORE = "/srv/rpi-sb-provisioner/images"
FITTING = {
    "PROVISIONING_STYLE": "secure-boot",
    "RPI_DEVICE_FAMILY": "5",
    "RPI_DEVICE_STORAGE_TYPE": "emmc",
    "RPI_DEVICE_STORAGE_CIPHER": "aes-xts-plain64",
}
IDP = ImageName("idp")


class Bench:
    """A store with an artefact, and the choice over it."""

    def __init__(self, root: Path) -> None:
        self.store: Store = make_store(root)
        paths = HostPaths(root)
        paths.real(paths.config).parent.mkdir(parents=True)
        self.configuration = self.store.configuration
        analyses = Analyses(self.store.folder)
        self.choice = GoldMasterChoice(paths, self.store.images, analyses, self.configuration)
        self.put(RIGHT)
        self.configuration.update_now(FITTING)

    def put(self, description: object, *, name: str = "idp") -> None:
        files = {"boot_sparse": whole_sparse(), "root_sparse": whole_sparse()}
        self.store.put_artefact(name, image_json=as_bytes(description), **files)

    async def found(self, name: str = "idp", **terms: bool) -> Preflight:
        return await self.choice.preflight(ImageName(name), Terms(**terms))

    async def select(self, name: str = "idp", **terms: bool) -> str:
        done = await self.choice.select(ImageName(name), Terms(**terms), note=self.store.notes)
        return done.previous


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def topics(found: Preflight) -> list[tuple[Topic, bool]]:
    return [(one.topic, one.blocks) for one in found.findings]


async def test_a_fitting_artefact_is_selected(bench: Bench) -> None:
    found = await bench.found()
    assert (found.findings, found.needed_bytes) == ((), 2 * 8 * 4096)
    assert [found.family.agrees, found.storage.agrees, found.cipher.agrees] == [True] * 3
    assert await bench.select() == ""
    assert bench.store.gold_master == f"{STORE}/idp"
    assert bench.store.notes.rows == [("WRITE", "/etc/rpi-sb-provisioner/config", True)]
    assert (await bench.store.images.get(IDP)).is_gold_master


@pytest.mark.parametrize(
    ("variable", "value", "topic", "blocks"),
    [
        ("RPI_DEVICE_FAMILY", "4", Topic.FAMILY, True),
        ("RPI_DEVICE_FAMILY", "", Topic.FAMILY, True),
        ("RPI_DEVICE_STORAGE_TYPE", "sd", Topic.STORAGE, True),
        ("RPI_DEVICE_STORAGE_TYPE", "", Topic.STORAGE, True),
        ("RPI_DEVICE_STORAGE_CIPHER", "xchacha12,aes-adiantum-plain64", Topic.CIPHER, False),
    ],
)
async def test_what_is_configured_otherwise_contradicts(
    bench: Bench, variable: str, value: str, topic: Topic, *, blocks: bool
) -> None:
    bench.configuration.update_now({variable: value})
    found = await bench.found()
    assert topics(found) == [(topic, blocks)]
    assert found.findings[0].variable == variable
    assert variable in found.findings[0].remedy
    # The artefact's own values take the place of what is set.
    assert (await bench.found(adopt=True)).findings == ()


async def test_what_contradicts_is_only_selected_by_force(bench: Bench) -> None:
    bench.configuration.update_now({"RPI_DEVICE_FAMILY": "4"})
    with pytest.raises(GoldMasterContradicted, match="made for family 5, boards are"):
        await bench.select()
    assert (bench.store.gold_master, bench.store.notes.rows) == ("", [])
    await bench.select(force=True)
    assert bench.store.gold_master == f"{STORE}/idp"
    assert await bench.configuration.value("RPI_DEVICE_FAMILY") == "4"


async def test_adopting_sets_what_the_artefact_wants_in_one_step(bench: Bench) -> None:
    bench.configuration.update_now(
        {VARIABLE: "/elsewhere.img", "RPI_DEVICE_FAMILY": "4", "RPI_DEVICE_STORAGE_TYPE": "sd"}
    )
    assert await bench.select(adopt=True) == "/elsewhere.img"
    values = await bench.configuration.values()
    assert {name: values[name].value for name in FITTING} == FITTING


async def test_a_family_that_no_configuration_knows_changes_nothing(bench: Bench) -> None:
    bench.put(changed("IGmeta", "IGconf_device_class", to="pi3"), name="pi3")
    with pytest.raises(ConfigValueRefused):
        await bench.select("pi3", adopt=True)
    assert bench.store.gold_master == ""
    assert topics(await bench.found("pi3")) == [(Topic.FAMILY, True)]


BROKEN: list[tuple[Any, str]] = [
    (changed("IGversion", to=...), "breaks its schema 1 times, first at <root>"),
    (
        changed("layout", "partitionimages", "boot", "simage", to="gone"),
        "Partition boot: gone missing",
    ),
    (changed("layout", "partitionimages", "boot", to={}), "Partition boot: the file the descr"),
    (changed("layout", "provisionmap", to=...), "no provision map"),
    (
        changed("layout", "provisionmap", 1, "partitions", 0, "static", "role", to="system"),
        "No partition has the role boot",
    ),
    (
        changed("layout", "provisionmap", 1, "partitions", 0, "image", to="efi"),
        "names partitions that it does not have: efi",
    ),
]


@pytest.mark.parametrize(("description", "because"), BROKEN)
async def test_a_broken_artefact_is_told_before_any_board(
    bench: Bench, description: object, because: str
) -> None:
    bench.put(description, name="broken")
    found = await bench.found("broken")
    assert {topic for topic, blocks in topics(found) if blocks} == {Topic.SOUNDNESS}
    assert because in " ".join(one.because for one in found.findings)
    with pytest.raises(GoldMasterContradicted):
        await bench.select("broken")


async def test_what_is_no_image_is_never_selected(bench: Bench) -> None:
    (bench.store.real / "folder").mkdir()
    for name in ("folder", "gone.img"):
        with pytest.raises(ImageNotFound):
            await bench.select(name, force=True)
    assert topics(await bench.found("folder")) == [(Topic.SOUNDNESS, True)]


async def test_a_file_that_is_no_disk_is_told(bench: Bench) -> None:
    bench.store.put("a.img", b"x" * 700)
    because = [one.because for one in (await bench.found("a.img")).blockers]
    assert because == [
        "Its size of 700 bytes is no multiple of 512.",
        "It has no partition table.",
    ]


@needs("sfdisk", "mkfs.ext4", "mkfs.vfat", "mcopy")
async def test_a_disk_is_judged_by_its_files_style_and_room(bench: Bench, tmp_path: Path) -> None:
    made = bootable(tmp_path)
    made.rename(bench.store.real / "disk.img")
    fitting = await bench.found("disk.img")
    assert (fitting.findings, fitting.family.wanted) == ((), ("5",))
    bench.configuration.update_now({"RPI_DEVICE_FAMILY": "4", "PROVISIONING_STYLE": ""})
    found = await bench.found("disk.img")
    # That a file is missing is a hint; that no style is set is the end.
    assert topics(found) == [(Topic.STYLE, True), (Topic.FAMILY, False)]


@needs("sfdisk", "mkfs.ext4", "mkfs.vfat", "mcopy")
@pytest.mark.parametrize(
    ("place", "blocks"),
    [(64 * MIB - 512 + 60, False), (512 + 60, True), (1024 + 60, True), (510, True)],
    ids=["copy", "header", "entries", "boot record"],
)
async def test_a_disk_is_selected_only_where_linux_finds_its_partitions(
    bench: Bench, tmp_path: Path, place: int, *, blocks: bool
) -> None:
    made = bootable(tmp_path, label="gpt")
    spoil(made, place)
    made.rename(bench.store.real / "disk.img")
    assert topics(await bench.found("disk.img")) == [(Topic.SOUNDNESS, blocks)]


@needs("sfdisk", "mkfs.vfat", "mcopy", "mksquashfs")
async def test_a_disk_that_ends_before_its_last_partition_is_selected(
    bench: Bench, tmp_path: Path
) -> None:
    unfilled(tmp_path).rename(bench.store.real / "openwrt.img")
    found = await bench.found("openwrt.img")
    assert topics(found) == [(Topic.SOUNDNESS, False)]
    assert found.findings[0].remedy == f"Use boards whose storage has at least {61 * MIB} bytes."
    assert found.needed_bytes == 61 * MIB
    await bench.select("openwrt.img")
    assert bench.store.gold_master == f"{STORE}/openwrt.img"


async def test_the_room_of_the_working_folder_is_told(bench: Bench, tmp_path: Path) -> None:
    assert (await bench.found()).free_bytes is None
    bench.configuration.update_now({"RPI_SB_WORKDIR": "/srv/not/made/yet"})
    free = (await bench.found()).free_bytes
    assert free is not None
    assert free > 0
    bench.store.put("a.img", b"x" * 512)
    analysis = await Analyses(bench.store.folder).get(ImageName("a.img"))
    short = examine(analysis, FITTING, NOT_HASHED, free_bytes=511)
    assert (Topic.SPACE, False) in topics(short)


@pytest.mark.parametrize("state", [HashState.pending(0.5), HashState.failed("gone"), STOPPED])
def test_a_hash_that_is_not_known_is_a_hint(state: HashState) -> None:
    nothing = Analysis(IDP, ImageKind.IDP, "/x", error="JSON parse error")
    found = examine(nothing, FITTING, state, free_bytes=None)
    assert topics(found) == [(Topic.SOUNDNESS, True), (Topic.HASH, False)]


async def test_clearing_tells_what_was_selected(bench: Bench) -> None:
    assert await bench.choice.clear(note=bench.store.notes) == ""
    assert bench.store.notes.rows == []
    await bench.select()
    assert await bench.choice.clear(note=bench.store.notes) == f"{STORE}/idp"
    assert bench.store.gold_master == ""


async def test_no_image_is_deleted_while_it_is_selected(bench: Bench) -> None:
    async with bench.store.images.undisturbed():
        deleting = asyncio.create_task(bench.store.images.delete(IDP, note=bench.store.notes))
        selecting = asyncio.create_task(bench.select())
        await asyncio.sleep(0)
    await deleting
    with pytest.raises(ImageNotFound):
        await selecting
    assert bench.store.gold_master == ""
