"""The history of the configuration, and the step back."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import pytest

from domain.caller import Caller, Role, acting
from domain.configuration.configuration import Configuration
from domain.configuration.confirming import ConfirmationNeeded
from domain.configuration.edits import Edit
from domain.configuration.history import (
    ConfigChange,
    ConfigChangeOverlaid,
    ConfigChangeUnknown,
    ConfigHistory,
    SecretNotKept,
)
from domain.configuration.last_seen import Alteration
from domain.configuration.revisions import ConfigStale
from domain.errors import Unavailable
from domain.events import Hub
from domain.host_paths import HostPaths
from domain.paging import PageRequest
from tests.fakes.config_changes import FakeKeptChanges, FakeKeptText

NOON = datetime(2026, 8, 1, 12, tzinfo=UTC)
ANNA = Caller("anna", Role.ENGINEER, "10.0.0.7", "10.0.0.7", "", "/options/set", "rest", "c")
USER = "RPI_DEVICE_FAMILY=4\nRPI_CONNECT_API_KEY=rpoak_secret\n"
NOBODY: frozenset[str] = frozenset()


class Bench:
    """A configuration with its history."""

    def __init__(self, root: Path) -> None:
        self.user = root / HostPaths().config[1:]
        self.user.parent.mkdir(parents=True)
        self.user.write_text(USER)
        self.paths = HostPaths(root)
        self.kept, self.seen = FakeKeptChanges(), FakeKeptText()
        self.history = self.begun()

    def begun(self) -> ConfigHistory:
        """Returns the history of a service that has just started."""
        self.configuration = Configuration(self.paths, Hub())
        history = ConfigHistory(self.configuration, self.kept, self.seen, clock=lambda: NOON)
        self.configuration.follow(history.record)
        return history

    async def set(self, **changes: str) -> None:
        await self.configuration.edit(Edit(changes=changes))

    async def revision(self) -> str:
        return (await self.configuration.view()).revision

    async def back(self, number: int, *, confirmed: frozenset[str] = NOBODY) -> tuple[str, ...]:
        seen = await self.revision()
        return (await self.history.roll_back(number, seen=seen, confirmed=confirmed)).left


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


async def test_a_change_is_kept_with_who_when_and_what(bench: Bench) -> None:
    acting.set(ANNA)
    await bench.set(RPI_DEVICE_FAMILY="5", RPI_CONNECT_API_KEY="new", RPI_SB_WORKDIR="")
    altered = (
        Alteration("RPI_DEVICE_FAMILY", "4", "5"),
        Alteration("RPI_CONNECT_API_KEY", "", "", is_secret=True),
    )
    by = ("anna", "engineer", "10.0.0.7", "rest")
    assert bench.kept.kept == [ConfigChange(1, NOON, *by, None, altered)]


async def test_a_uri_with_a_pin_is_a_secret(bench: Bench) -> None:
    await bench.configuration.look()
    uri = "pkcs11:object=k;type=private?pin-value=1234"
    bench.user.write_text(f"{USER}CUSTOMER_KEY_PKCS11_NAME='{uri}'\n")
    await bench.configuration.look()
    (alteration,) = bench.kept.kept[0].alterations
    assert (alteration.is_secret, alteration.new) == (True, "")
    assert "1234" not in repr(bench.kept.kept)


async def test_what_changes_nothing_is_not_kept(bench: Bench) -> None:
    await bench.set(RPI_DEVICE_FAMILY="4", RPI_SB_WORKDIR="")
    assert bench.kept.kept == []


async def test_a_change_by_somebody_else_has_no_caller(bench: Bench) -> None:
    await bench.configuration.look()
    bench.user.write_text("RPI_DEVICE_FAMILY=5\nRPI_CONNECT_API_KEY=rpoak_secret\n")
    await bench.configuration.look()
    (change,) = bench.kept.kept
    assert (change.caller, change.role, change.surface) == ("", "", "")
    assert change.alterations == (Alteration("RPI_DEVICE_FAMILY", "4", "5"),)


async def test_a_step_back_restores_the_values_and_says_so(bench: Bench) -> None:
    await bench.set(RPI_DEVICE_FAMILY="5", RPI_DEVICE_STORAGE_TYPE="nvme")
    assert await bench.back(1) == ()
    assert await bench.configuration.value("RPI_DEVICE_FAMILY") == "4"
    assert await bench.configuration.value("RPI_DEVICE_STORAGE_TYPE") == ""
    assert [change.undoes for change in bench.kept.kept] == [None, 1]
    assert await bench.back(2) == ()
    assert await bench.configuration.value("RPI_DEVICE_FAMILY") == "5"


async def test_a_secret_stays_and_is_named(bench: Bench) -> None:
    await bench.set(RPI_DEVICE_FAMILY="5", RPI_CONNECT_API_KEY="new")
    assert await bench.back(1) == ("RPI_CONNECT_API_KEY",)
    assert await bench.configuration.value("RPI_CONNECT_API_KEY") == "new"
    assert await bench.configuration.value("RPI_DEVICE_FAMILY") == "4"


async def test_a_change_of_secrets_only_cannot_be_taken_back(bench: Bench) -> None:
    await bench.set(RPI_CONNECT_API_KEY="new")
    with pytest.raises(SecretNotKept):
        await bench.back(1)


async def test_a_change_below_a_later_one_stays(bench: Bench) -> None:
    await bench.set(RPI_DEVICE_FAMILY="5")
    await bench.set(RPI_DEVICE_FAMILY="2W")
    with pytest.raises(ConfigChangeOverlaid) as caught:
        await bench.back(1)
    assert caught.value.field == "RPI_DEVICE_FAMILY"
    assert await bench.configuration.value("RPI_DEVICE_FAMILY") == "2W"


async def test_a_step_back_keeps_the_conditions_of_an_edit(bench: Bench) -> None:
    await bench.set(RPI_DEVICE_LOCK_JTAG="1")
    await bench.set(RPI_DEVICE_LOCK_JTAG="")
    with pytest.raises(ConfirmationNeeded):
        await bench.back(2)
    with pytest.raises(ConfigStale):
        await bench.history.roll_back(2, seen="0" * 24, confirmed=NOBODY)
    assert await bench.configuration.value("RPI_DEVICE_LOCK_JTAG") == ""
    await bench.back(2, confirmed=frozenset({"RPI_DEVICE_LOCK_JTAG"}))
    assert await bench.configuration.value("RPI_DEVICE_LOCK_JTAG") == "1"


async def test_a_change_that_never_was_is_unknown(bench: Bench) -> None:
    with pytest.raises(ConfigChangeUnknown):
        await bench.back(7)


async def test_what_cannot_be_kept_waits_and_loses_nothing(bench: Bench) -> None:
    bench.kept.failure = Unavailable("full")
    await bench.set(RPI_DEVICE_FAMILY="5")
    await bench.set(RPI_DEVICE_FAMILY="2W")
    assert await bench.configuration.value("RPI_DEVICE_FAMILY") == "2W"
    with pytest.raises(Unavailable):
        await bench.history.list_page(PageRequest(5, None, backwards=False), counted=True)
    bench.kept.failure = None
    page = await bench.history.list_page(PageRequest(5, None, backwards=False), counted=True)
    assert [change.alterations[0].new for change in page.items] == ["2W", "5"]
    assert (page.total, page.has_next, page.has_previous) == (2, False, False)


async def test_pages_go_both_ways(bench: Bench) -> None:
    for family in ("5", "2W", "4"):
        await bench.set(RPI_DEVICE_FAMILY=family)
    first = await bench.history.list_page(PageRequest(2, None, backwards=False), counted=False)
    assert [change.id for change in first.items] == [3, 2]
    assert (first.has_next, first.total) == (True, None)
    older = await bench.history.list_page(PageRequest(2, (2,), backwards=False), counted=False)
    assert ([change.id for change in older.items], older.has_previous) == ([1], True)
    newer = await bench.history.list_page(PageRequest(2, (1,), backwards=True), counted=False)
    assert [change.id for change in newer.items] == [3, 2]


async def test_readers_and_writers_at_once_keep_each_change_once(bench: Bench) -> None:
    page = PageRequest(5, None, backwards=False)
    await asyncio.gather(
        bench.set(RPI_DEVICE_FAMILY="5"),
        *(bench.history.list_page(page, counted=False) for _ in range(9)),
        bench.set(RPI_DEVICE_STORAGE_TYPE="sd"),
        *(bench.history.list_page(page, counted=False) for _ in range(9)),
    )
    assert [change.id for change in bench.kept.kept] == [1, 2]


async def test_what_changed_while_nothing_ran_is_noticed_once(bench: Bench) -> None:
    await bench.history.begin()
    assert bench.kept.kept == []
    bench.user.write_text("RPI_DEVICE_FAMILY=5\nRPI_DEVICE_STORAGE_TYPE=sd\n")
    for _ in range(2):
        await bench.begun().begin()
    (change,) = bench.kept.kept
    assert (change.caller, change.undoes) == ("", None)
    assert change.alterations == (
        Alteration("RPI_CONNECT_API_KEY", "", "", is_secret=True),
        Alteration("RPI_DEVICE_FAMILY", "4", "5"),
        Alteration("RPI_DEVICE_STORAGE_TYPE", "", "sd"),
    )
    assert "rpoak" not in str(bench.seen.text)


async def test_an_edit_before_the_first_look_hides_nothing(bench: Bench) -> None:
    await bench.history.begin()
    bench.user.write_text("RPI_DEVICE_FAMILY=5\nRPI_CONNECT_API_KEY=rpoak_secret\n")
    again = bench.begun()
    await bench.set(RPI_DEVICE_FAMILY="2W")
    await again.begin()
    told = [[(one.old, one.new) for one in change.alterations] for change in bench.kept.kept]
    assert told == [[("4", "5")], [("5", "2W")]]


async def test_a_change_that_was_stored_but_never_kept_is_noticed(bench: Bench) -> None:
    await bench.history.begin()
    # Killed behind the file and before the history.
    bench.configuration.update_now({"RPI_DEVICE_FAMILY": "5"})
    await bench.begun().begin()
    assert [one.name for one in bench.kept.kept[0].alterations] == ["RPI_DEVICE_FAMILY"]


@pytest.mark.parametrize("text", ["", "{", "[]", "null"])
async def test_a_kept_text_of_another_shape_is_as_none(bench: Bench, text: str) -> None:
    bench.seen.text = text
    await bench.history.begin()
    assert bench.kept.kept == []
    assert '"RPI_DEVICE_FAMILY": "4"' in str(bench.seen.text)


async def test_what_cannot_be_read_is_looked_at_later(bench: Bench) -> None:
    await bench.history.begin()
    bench.user.write_text("RPI_DEVICE_FAMILY=5\nRPI_CONNECT_API_KEY=rpoak_secret\n")
    again, bench.seen.failure = bench.begun(), Unavailable("full")
    with pytest.raises(Unavailable):
        await again.begin()
    bench.seen.failure = None
    await again.begin()
    assert len(bench.kept.kept) == 1
