"""Precedence, updates and events of the configuration (contract configuration 3.1, 3.3)."""

import asyncio
import contextlib
import fcntl
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.configuration.configuration import (
    Configuration,
    ConfigurationChanged,
)
from domain.configuration.file import ConfigLocked, ConfigUnreadable
from domain.configuration.quoting import quote
from domain.configuration.settings import SettingChange, Source
from domain.configuration.variables import ConfigKeyRefused, ConfigValueRefused
from domain.events import Hub, Published
from domain.host_paths import HostPaths
from tests.domain.configuration.shell import sourced
from tests.domain.configuration.test_quoting import VALUES

PACKAGED = """PROVISIONING_STYLE=secure-boot
CUSTOMER_KEY_FILE_PEM=
RPI_DEVICE_STORAGE_CIPHER=aes-xts-plain64
RPI_DEVICE_BOOT_ORDER_MATCH_STORAGE=1
RPI_SB_PROVISIONER_MANUFACTURING_DB=/srv/rpi-sb-provisioner/manufacturing.db
"""

LEGACY = r"""CUSTOMER_KEY_FILE_PEM=''
CUSTOMER_KEY_PKCS11_NAME='pkcs11:object=k;type=private'
PROVISIONING_STYLE=fde-only
RPI_CONNECT_DESCRIPTION='it'\''s line 3'
RPI_DEVICE_STORAGE_CIPHER=xchacha12,aes-adiantum-plain64
"""


class Place:
    """A station's two files and its configuration."""

    def __init__(self, root: Path) -> None:
        self.paths = HostPaths(root)
        self.hub = Hub()
        self.packaged = self._file(self.paths.defaults)
        self.user = self._file(self.paths.config)
        self.configuration = Configuration(self.paths, self.hub, patience=0.1)

    def _file(self, logical: str) -> Path:
        path = self.paths.root / logical[1:]
        path.parent.mkdir(parents=True)
        return path


@pytest.fixture
def place(tmp_path: Path) -> Place:
    place = Place(tmp_path)
    place.packaged.write_text(PACKAGED)
    return place


async def test_the_users_file_overrides_and_names_its_source(place: Place) -> None:
    place.user.write_text("PROVISIONING_STYLE=naked\nRPI_CONNECT_API_KEY=t\n")
    values = await place.configuration.values()
    facts = {name: (one.name, one.value, one.source) for name, one in values.items()}
    assert facts["PROVISIONING_STYLE"] == ("PROVISIONING_STYLE", "naked", Source.USER)
    assert facts["RPI_CONNECT_API_KEY"] == ("RPI_CONNECT_API_KEY", "t", Source.USER)
    assert facts["CUSTOMER_KEY_FILE_PEM"] == ("CUSTOMER_KEY_FILE_PEM", "", Source.PACKAGED)
    assert len(facts) == 6


async def test_an_empty_value_of_the_users_file_is_an_override(place: Place) -> None:
    place.user.write_text("RPI_DEVICE_BOOT_ORDER_MATCH_STORAGE=\n")
    assert await place.configuration.value("RPI_DEVICE_BOOT_ORDER_MATCH_STORAGE") == ""


async def test_a_missing_variable_is_empty(place: Place) -> None:
    assert await place.configuration.value("RPI_CONNECT_API_KEY") == ""


async def test_both_files_may_be_missing(place: Place) -> None:
    place.packaged.unlink()
    assert dict(await place.configuration.values()) == {}


async def test_a_file_of_the_service_before_this_one_is_read(place: Place) -> None:
    place.user.write_text(LEGACY)
    values = await place.configuration.values()
    user = {name: one.value for name, one in values.items() if one.source is Source.USER}
    assert user == sourced(place.user, user)
    assert user["RPI_CONNECT_DESCRIPTION"] == "it's line 3"


async def test_the_last_assignment_wins_everywhere(place: Place) -> None:
    place.user.write_text("RPI_DEVICE_FAMILY=4\nRPI_DEVICE_FAMILY=5\n")
    assert await place.configuration.value("RPI_DEVICE_FAMILY") == "5"
    assert (await place.configuration.values())["RPI_DEVICE_FAMILY"].value == "5"


async def test_an_update_writes_only_what_was_asked_for(place: Place) -> None:
    await place.configuration.update({"RPI_DEVICE_FAMILY": "5"})
    assert place.user.read_text() == "RPI_DEVICE_FAMILY=5\n"
    assert place.packaged.read_text() == PACKAGED


async def test_an_explicit_choice_of_the_packaged_value_is_recorded(place: Place) -> None:
    done = await place.configuration.update({"PROVISIONING_STYLE": "secure-boot"})
    assert place.user.read_text() == "PROVISIONING_STYLE=secure-boot\n"
    assert [one.differs for one in done] == [False]


async def test_clearing_writes_an_empty_value(place: Place) -> None:
    place.user.write_text("RPI_DEVICE_BOOT_ORDER_MATCH_STORAGE=1 # try\n")
    await place.configuration.update({"RPI_DEVICE_BOOT_ORDER_MATCH_STORAGE": ""})
    assert place.user.read_text() == "RPI_DEVICE_BOOT_ORDER_MATCH_STORAGE='' # try\n"
    assert await place.configuration.value("RPI_DEVICE_BOOT_ORDER_MATCH_STORAGE") == ""


async def test_an_update_tells_old_and_new_values(place: Place) -> None:
    done = await place.configuration.update({"PROVISIONING_STYLE": "naked", "RPI_SB_WORKDIR": ""})
    assert done == (
        SettingChange("PROVISIONING_STYLE", "secure-boot", "naked"),
        SettingChange("RPI_SB_WORKDIR", "", ""),
    )
    assert [one.differs for one in done] == [True, False]


async def test_comments_order_and_other_bytes_are_kept(place: Place) -> None:
    before = b"# caf\xe9\n\nB=2\n  RPI_DEVICE_FAMILY=4 # four\nfoo-bar=1\n"
    place.user.write_bytes(before + b"RPI_DEVICE_X='\xff'\r\n#end")
    await place.configuration.update({"RPI_DEVICE_X": "1", "RPI_DEVICE_Y": "ü y"})
    assert place.user.read_bytes() == before + "RPI_DEVICE_X=1\n#end\nRPI_DEVICE_Y='ü y'\n".encode()


async def test_bytes_that_are_no_text_are_shown_to_every_client(place: Place) -> None:
    place.user.write_bytes(b"GOLD_MASTER_OS_FILE=/srv/\xff.img\n")
    setting = (await place.configuration.values())["GOLD_MASTER_OS_FILE"]
    assert (setting.value, setting.shown) == ("/srv/\udcff.img", "/srv/\ufffd.img")


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"RPI_DEVICE_FAMILY": "5", "LD_PRELOAD": "x"}, ConfigKeyRefused),
        ({"RPI_DEVICE_FAMILY": "5", "RPI_SB_WORKDIR": "a\nb"}, ConfigValueRefused),
        ({"RPI_SB_PROVISIONER_ENABLE_PRIVATE_KEY_API": "true"}, ConfigKeyRefused),
    ],
)
async def test_a_refused_change_stores_nothing_and_tells_nobody(
    place: Place, changes: dict[str, str], error: type[Exception]
) -> None:
    with place.hub.subscribe(ConfigurationChanged), pytest.raises(error):
        await place.configuration.update(changes)
    assert place.hub.sequence == 0
    assert list(place.user.parent.iterdir()) == []


async def test_a_name_that_may_not_be_set_is_carried_over(place: Place) -> None:
    place.user.write_text("RPI_SB_PROVISIONER_ENABLE_PRIVATE_KEY_API=true\nMINE=1\n")
    await place.configuration.update({"RPI_DEVICE_FAMILY": "5"})
    assert await place.configuration.value("RPI_SB_PROVISIONER_ENABLE_PRIVATE_KEY_API") == "true"
    assert await place.configuration.value("MINE") == "1"


async def test_a_change_is_published_by_name_after_it_is_stored(place: Place) -> None:
    with place.hub.subscribe(ConfigurationChanged) as subscription:
        await place.configuration.update({"RPI_CONNECT_API_KEY": "secret"})
        published = await asyncio.wait_for(subscription.next(), 5)
    assert published == Published(1, ConfigurationChanged(("RPI_CONNECT_API_KEY",)))
    assert place.user.read_text() == "RPI_CONNECT_API_KEY=secret\n"


async def test_what_changes_no_byte_is_no_event(place: Place) -> None:
    place.user.write_text("RPI_DEVICE_FAMILY=5\n")
    before = place.user.stat()
    await place.configuration.update({"RPI_DEVICE_FAMILY": "5"})
    await place.configuration.update({})
    assert (place.hub.sequence, place.user.stat().st_ino) == (0, before.st_ino)


async def test_a_cancelled_update_that_was_stored_is_published(place: Place) -> None:
    with place.hub.subscribe(ConfigurationChanged) as subscription:
        task = asyncio.create_task(place.configuration.update({"RPI_DEVICE_FAMILY": "5"}))
        # The thread has begun once the lock file is there; then the caller goes away.
        async with asyncio.timeout(10):
            while not (place.user.parent / "config.lock").exists():
                await asyncio.sleep(0)
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        await asyncio.wait_for(subscription.next(), 10)
    assert place.user.read_text() == "RPI_DEVICE_FAMILY=5\n"


async def test_updates_at_once_lose_nothing(place: Place) -> None:
    configuration = Configuration(place.paths, place.hub)
    wanted = {f"RPI_DEVICE_{number}": str(number) for number in range(40)}
    async with asyncio.TaskGroup() as group:
        for name, value in wanted.items():
            group.create_task(configuration.update({name: value}))
    assert sourced(place.user, wanted) == wanted
    assert place.hub.sequence == 40


async def test_a_locked_configuration_is_readable_and_refuses_every_writer(place: Place) -> None:
    with (place.user.parent / "config.lock").open("w") as holder:
        fcntl.flock(holder, fcntl.LOCK_EX)
        updates = [place.configuration.update({"RPI_DEVICE_FAMILY": "5"}) for _ in range(3)]
        outcomes = asyncio.gather(*updates, return_exceptions=True)
        assert await place.configuration.value("PROVISIONING_STYLE") == "secure-boot"
        assert [type(one) for one in await outcomes] == [ConfigLocked] * 3


async def test_unreadable_defaults_are_told(place: Place) -> None:
    place.packaged.unlink()
    place.packaged.mkdir()
    with pytest.raises(ConfigUnreadable, match=place.paths.defaults):
        await place.configuration.values()


async def test_an_edit_by_hand_is_seen_at_once(place: Place) -> None:
    for family in ("4", "5", "4"):
        place.user.write_text(f"RPI_DEVICE_FAMILY={family}\n")
        assert await place.configuration.value("RPI_DEVICE_FAMILY") == family


def test_no_value_is_in_a_repr(place: Place) -> None:
    done = place.configuration.update_now({"RPI_CONNECT_API_KEY": "token-1"})
    assert "token-1" not in repr(done) + repr(place.configuration.values_now())


@settings(max_examples=60, deadline=None)
@given(rounds=st.lists(st.dictionaries(st.sampled_from("ABCDE"), VALUES), max_size=4))
def test_stored_values_are_what_reader_and_sh_read(
    tmp_path_factory: pytest.TempPathFactory, rounds: list[dict[str, str]]
) -> None:
    place = Place(tmp_path_factory.mktemp("stored"))
    place.user.write_text("# start\nRPI_DEVICE_A=1 # one\nexport RPI_DEVICE_B='2'\nRPI_DEVICE_A=3")
    wanted = {"RPI_DEVICE_A": "3", "RPI_DEVICE_B": "2"}
    for one in rounds:
        changes = {f"RPI_DEVICE_{letter}": value for letter, value in one.items()}
        place.configuration.update_now(changes)
        wanted.update(changes)
        assert {name: s.value for name, s in place.configuration.values_now().items()} == wanted
    assert sourced(place.user, wanted) == wanted


@pytest.mark.real
@settings(max_examples=40, deadline=None)
@given(values=st.lists(VALUES, min_size=1, max_size=6))
def test_systemd_reads_what_stands_behind_any_written_value(
    tmp_path_factory: pytest.TempPathFactory, values: list[str]
) -> None:
    if not shutil.which("systemd-tmpfiles"):
        pytest.skip("systemd-tmpfiles is missing; apt install systemd")
    place = Place(tmp_path_factory.mktemp("systemd"))
    place.user.write_text("# C:\\\n")
    place.configuration.update_now({f"RPI_DEVICE_{n}": value for n, value in enumerate(values)})
    assert parsed_by_systemd(place.paths.root, place.user.read_text()) == "behind"


def parsed_by_systemd(root: Path, config: str) -> str:
    """Returns what systemd's own reader of environment files finds last: it reads os-release
    by the same function, and systemd-tmpfiles puts BUILD_ID of a root into a file."""
    (root / "etc/os-release").write_text(config + f"BUILD_ID={quote('behind')}\n")
    (root / "found.conf").write_text("f /found 0600 - - - %B\n")
    command = ["systemd-tmpfiles", f"--root={root}", "--create", str(root / "found.conf")]
    subprocess.run(command, check=True, capture_output=True, timeout=30)
    return (root / "found").read_text()
