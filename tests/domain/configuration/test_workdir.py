"""When the working folder is emptied, and when never (contract configuration 6)."""

import os
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from domain.configuration.configuration import Configuration, Done
from domain.configuration.settings import SettingChange
from domain.configuration.workdir import WorkdirState, WorkingFolder
from domain.errors import ProvisionerError, Unavailable
from domain.events import Hub
from domain.host_paths import HostPaths
from tests.domain.images.immutable import immutable
from tests.fakes.device_files import Accesses

WORKDIR = "/srv/rpi-sb-provisioner/workdir"


@dataclass
class Inputs:
    """Satisfies `KeptInputs` in memory."""

    digest: str | None = None
    broken: bool = False

    async def get(self) -> str | None:
        if self.broken:
            raise Unavailable("gone")
        return self.digest

    async def set(self, digest: str) -> None:
        if self.broken:
            raise Unavailable("gone")
        self.digest = digest


@dataclass
class Bench:
    """A working folder with something prepared in it."""

    root: Path
    configuration: Configuration
    folder: WorkingFolder
    inputs: Inputs
    notes: Accesses
    working: list[bool] = field(default_factory=lambda: [False])

    @property
    def real(self) -> Path:
        return self.root / WORKDIR[1:]

    def names(self) -> list[str]:
        return sorted(entry.name for entry in self.real.iterdir())

    def prepare(self) -> None:
        (self.real / "secure-bootloader").mkdir(parents=True, exist_ok=True)
        (self.real / "secure-bootloader/boot.sig").write_bytes(b"signed")
        (self.real / "stamp").write_text("x")

    async def change(self, **changes: str) -> None:
        await self.folder.settle(Done(await self.configuration.update(changes)))


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    paths = HostPaths(tmp_path)
    configuration, inputs, notes = Configuration(paths, Hub()), Inputs(), Accesses()
    configuration.update_now({"RPI_SB_WORKDIR": WORKDIR, "RPI_DEVICE_FAMILY": "5"})
    working = [False]

    async def at_work() -> bool:
        return working[0]

    folder = WorkingFolder(paths, configuration, inputs, at_work=at_work, note=notes)
    bench = Bench(tmp_path, configuration, folder, inputs, notes, working)
    bench.prepare()
    return bench


async def test_a_setting_that_prepares_empties_it_and_others_do_not(bench: Bench) -> None:
    await bench.folder.begin()
    await bench.change(RPI_CONNECT_DESCRIPTION="Line 3")
    assert bench.names() == ["secure-bootloader", "stamp"]
    await bench.change(RPI_DEVICE_FAMILY="5")
    assert bench.names() == ["secure-bootloader", "stamp"]
    await bench.change(RPI_DEVICE_FAMILY="4", RPI_CONNECT_DESCRIPTION="")
    assert bench.names() == []
    assert bench.notes.rows == [("DELETE_CONTENTS", WORKDIR, True)]
    assert bench.notes.infos == ["RPI_DEVICE_FAMILY, RPI_CONNECT_DESCRIPTION changed"]


async def test_the_first_change_of_a_new_station_empties_it(bench: Bench) -> None:
    await bench.change(RPI_DEVICE_FAMILY="4")
    assert bench.names() == []


async def test_what_changed_while_nothing_ran_is_made_good_at_the_start(bench: Bench) -> None:
    await bench.folder.begin()
    bench.configuration.update_now({"CUSTOMER_KEY_FILE_PEM": "/etc/other.pem"})
    assert bench.names() == ["secure-bootloader", "stamp"]
    await bench.folder.begin()
    assert bench.names() == []
    bench.prepare()
    await bench.folder.begin()
    assert bench.names() == ["secure-bootloader", "stamp"]


async def test_a_kill_between_change_and_emptying_is_made_good(bench: Bench) -> None:
    await bench.folder.begin()
    await bench.configuration.update({"RPI_DEVICE_FAMILY": "4"})
    # Killed here: `settle` never came.
    await bench.folder.begin()
    assert bench.names() == []


async def test_a_store_that_cannot_be_asked_empties_rather_than_keeps(bench: Bench) -> None:
    bench.inputs.broken = True
    await bench.change(RPI_CONNECT_DESCRIPTION="x")
    assert bench.names() == []


async def test_the_staging_of_a_run_at_work_is_spared(bench: Bench) -> None:
    staged = bench.real / "fastboot.a1B2c3"
    staged.mkdir()
    bench.working[0] = True
    cleared = await bench.folder.clear(note=bench.notes)
    assert (cleared.emptied.deleted, cleared.emptied.spared) == (2, 1)
    assert bench.names() == ["fastboot.a1B2c3"]
    bench.working[0] = False
    assert (await bench.folder.clear(note=bench.notes)).emptied.deleted == 1


async def test_links_inside_are_deleted_and_never_followed(bench: Bench) -> None:
    outside = bench.root / "outside"
    outside.mkdir()
    (outside / "keep").write_text("x")
    (bench.real / "link").symlink_to(outside)
    (bench.real / "secure-bootloader/deep").symlink_to(outside)
    await bench.folder.clear(note=bench.notes)
    assert bench.names() == []
    assert (outside / "keep").read_text() == "x"


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "//",
        "/srv",
        "/etc/rpi-sb-provisioner",
        "/etc/anything/deep",
        "/usr/local/work",
        "/var/lib",
        "/var/log/rpi-sb-provisioner/1",
        "/var/lib/rpi-sb-provisioner",
        "/srv/rpi-sb-provisioner",
        "/srv/rpi-sb-provisioner/images",
        "/srv/rpi-sb-provisioner/tmp",
        "/srv/rpi-sb-provisioner/uploads/one",
        "/srv/rpi-sb-provisioner/images/idp",
        "/srv/rpi-sb-provisioner/workdir/../images",
        "/run/rpi-sb-provisioner",
        "relative",
        "/a/\udcff/../../etc/x",
    ],
)
async def test_guarded_folders_are_never_emptied(bench: Bench, path: str) -> None:
    real = bench.root / path.lstrip("/")
    if "\udcff" not in path:
        real.mkdir(parents=True, exist_ok=True)
        (real / "precious").write_text("x")
    bench.configuration.update_now({"RPI_SB_WORKDIR": path.replace("\udcff", "u")})
    with pytest.raises(ProvisionerError) as caught:
        await bench.folder.clear(note=bench.notes)
    assert caught.value.code == "WORKDIR_REFUSED"
    assert "\udcff" in path or (real / "precious").exists()
    assert bench.notes.rows[-1][2] is False
    view = await bench.folder.view()
    assert (view.state, view.reason) == (WorkdirState.REFUSED, caught.value.message)


@pytest.mark.parametrize(
    ("variable", "path"),
    [
        ("CUSTOMER_KEY_FILE_PEM", f"{WORKDIR}/key.pem"),
        ("GOLD_MASTER_OS_FILE", f"{WORKDIR}/deep/gold.img"),
        ("RPI_SB_PROVISIONER_MANUFACTURING_DB", f"{WORKDIR}/made.db"),
        ("RPI_DEVICE_RETRIEVE_KEYPAIR", WORKDIR),
    ],
)
async def test_a_folder_that_holds_a_configured_file_is_refused(
    bench: Bench, variable: str, path: str
) -> None:
    bench.configuration.update_now({variable: path})
    with pytest.raises(ProvisionerError) as caught:
        await bench.folder.clear(note=bench.notes)
    assert caught.value.code == "WORKDIR_REFUSED"
    assert bench.names() == ["secure-bootloader", "stamp"]


async def test_a_link_in_place_of_the_folder_is_refused(bench: Bench) -> None:
    (bench.root / "srv/link").symlink_to("rpi-sb-provisioner/workdir")
    bench.configuration.update_now({"RPI_SB_WORKDIR": "/srv/link"})
    with pytest.raises(ProvisionerError) as caught:
        await bench.folder.clear(note=bench.notes)
    assert caught.value.code == "WORKDIR_REFUSED"
    assert bench.names() == ["secure-bootloader", "stamp"]


async def test_a_link_above_that_leads_into_the_images_is_refused(bench: Bench) -> None:
    images = bench.root / "srv/rpi-sb-provisioner/images/sub"
    images.mkdir(parents=True)
    (bench.root / "srv/elsewhere").symlink_to("rpi-sb-provisioner/images")
    bench.configuration.update_now({"RPI_SB_WORKDIR": "/srv/elsewhere/sub"})
    with pytest.raises(ProvisionerError):
        await bench.folder.clear(note=bench.notes)
    assert images.exists()


@pytest.mark.parametrize(
    ("path", "rows"), [("", []), ("/srv/none/x", [("SKIP_DELETE_CONTENTS", "/srv/none/x", True)])]
)
async def test_without_a_folder_nothing_happens(
    bench: Bench, path: str, rows: list[tuple[str, str, bool]]
) -> None:
    bench.configuration.update_now({"RPI_SB_WORKDIR": path})
    assert (await bench.folder.clear(note=bench.notes)).emptied.deleted == 0
    assert bench.notes.rows == rows


async def test_a_folder_shows_its_size_and_age(bench: Bench) -> None:
    os.utime(bench.real / "stamp", (1_700_000_000, 1_700_000_000))
    os.utime(bench.real / "secure-bootloader/boot.sig", (1_800_000_000, 1_800_000_000))
    view = await bench.folder.view()
    assert (view.state, view.size_bytes, view.files) == (WorkdirState.PRESENT, 7, 2)
    assert view.oldest
    assert view.newest
    assert (view.oldest.timestamp(), view.newest.timestamp()) == (1_700_000_000, 1_800_000_000)


async def test_what_cannot_be_deleted_is_told_and_tried_again(bench: Bench) -> None:
    await bench.folder.begin()
    with immutable(bench.real / "secure-bootloader"):
        with pytest.raises(ProvisionerError) as caught:
            await bench.folder.clear(note=bench.notes)
        assert caught.value.code == "WORKDIR_NOT_CLEARED"
        assert "secure-bootloader: Operation not permitted" in caught.value.message
        await bench.change(RPI_DEVICE_FAMILY="4")
        assert bench.notes.rows[-1] == ("DELETE_CONTENTS", WORKDIR, False)
    await bench.folder.settle(Done((SettingChange("RPI_DEVICE_FAMILY", "4", "4"),)))
    assert bench.names() == []
