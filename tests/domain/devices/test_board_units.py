"""Board units: names, and what is remembered of each."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from domain.devices.board_units import BoardUnits
from domain.devices.evidence import UnitSight
from domain.devices.stages import Stage, Style
from domain.devices.unit_work import Work, unit_names, work_of
from domain.services.units import Unit, UnitChanged, UnitState
from tests.fakes.units import Ending, FakeUnits

SERIAL, KEY, NODE = "10000000A0B0C0D0", "a0b0c0d0", "/dev/bus/usb/001/004"
NAME = f"rpi-fde-provisioner@{SERIAL}.service"
AT = datetime(2026, 8, 1, tzinfo=UTC)
P = Stage.PROVISIONING


@pytest.mark.parametrize(
    ("name", "work"),
    [
        (f"rpi-sb-triage@{SERIAL}.service", Work(Stage.TRIAGE, None, KEY)),
        (f"rpi-sb-triage@{KEY}.service", Work(Stage.TRIAGE, None, KEY)),
        ("rpi-sb-triage@odd\\x2done.service", Work(Stage.TRIAGE, None, "odd-one")),
        *((f"rpi-{s.lower()}-provisioner@{SERIAL}.service", Work(P, s, KEY)) for s in Style),
        (
            "rpi-sb-bootstrap@-dev-bus-usb-001-004.service",
            Work(Stage.BOOTSTRAP, None, NODE),
        ),
        (
            "rpi-sb-bootstrap@dev-bus-usb-001-004.service",
            Work(Stage.BOOTSTRAP, None, NODE),
        ),
        ("rpi-sb-triage@.service", None),
        ("rpi-sb-triage@\\xzz.service", None),
        ("rpi-sb-triage@Broadcom.service", None),
        ("rpi-sb-image-bootimg-generator@image.service", None),
        ("ssh.service", None),
    ],
)
def test_a_name_tells_what_the_unit_works_on(name: str, work: Work | None) -> None:
    assert work_of(name) == work


@pytest.mark.parametrize(
    ("stage", "style", "on"),
    [(Stage.BOOTSTRAP, None, NODE), (Stage.TRIAGE, None, SERIAL), (P, Style.IDP, SERIAL)],
)
def test_names_lead_back_to_their_work(stage: Stage, style: Style | None, on: str) -> None:
    key = on if stage is Stage.BOOTSTRAP else KEY
    for name in unit_names(stage, style, on):
        assert work_of(name) == Work(stage, style, key)


def units(*, installed: bool = True) -> FakeUnits:
    return FakeUnits(AT, {"rpi-fde-provisioner@.service": Ending()} if installed else {})


def running() -> UnitState:
    return UnitState(Unit(NAME, NAME, "loaded", "active", "running"), "", None, "1" * 32, AT, None)


async def sight(known: BoardUnits) -> UnitSight:
    return known.report(P, Style.FDE, SERIAL).sight


async def test_nothing_is_known_before_systemd_answered() -> None:
    known, source = BoardUnits(units()), units()
    assert await sight(known) is UnitSight.UNASKED
    source.reason = "no bus"
    known = BoardUnits(source)
    await known.refresh()
    await known.ask(P, Style.FDE, SERIAL)
    assert await sight(known) is UnitSight.UNASKED


async def test_a_unit_that_is_not_installed_is_not_gone() -> None:
    known = BoardUnits(units(installed=False))
    await known.refresh()
    await known.ask(P, Style.FDE, SERIAL)
    assert await sight(known) is UnitSight.UNASKED


async def test_an_installed_unit_that_does_not_run_is_gone() -> None:
    known = BoardUnits(units())
    await known.refresh()
    await known.ask(P, Style.FDE, SERIAL)
    assert await sight(known) is UnitSight.GONE


async def test_the_listing_finds_what_runs_and_what_vanished() -> None:
    source = units()
    known = BoardUnits(source)
    source.loaded[NAME] = running()
    assert await known.refresh() == {KEY}
    assert await sight(known) is UnitSight.RUNNING
    assert await known.refresh() == set()
    source.loaded.clear()
    assert await known.refresh() == {KEY}
    assert await sight(known) is UnitSight.GONE


async def test_a_listed_failure_comes_with_its_exit_status() -> None:
    source = units()
    source.loaded[NAME] = running()
    source.end(NAME, Ending("exit-code", 3))
    known = BoardUnits(source)
    await known.refresh()
    report = known.report(P, Style.FDE, SERIAL)
    assert (report.sight, report.how, report.at) == (UnitSight.FAILED, "exit-code 3", AT)


async def test_a_failure_is_remembered_where_systemd_no_longer_answers() -> None:
    source = units()
    source.loaded[NAME] = running()
    known = BoardUnits(source)
    await known.refresh()
    source.reason = "the bus hangs"
    assert await known.hear(UnitChanged(NAME, "failed", "failed", "timeout")) == KEY
    assert known.report(P, Style.FDE, SERIAL).how == "timeout"
    known.begin_anew(KEY)
    assert await sight(known) is UnitSight.UNASKED


async def test_what_failed_in_an_earlier_run_of_a_board_is_not_taken_for_the_next_one() -> None:
    source = units()
    known = BoardUnits(source)
    source.loaded[NAME] = running()
    source.end(NAME, Ending("exit-code", 1))
    await known.refresh()
    known.begin_anew(KEY)
    # systemd goes on to list it, and the next run is over before anybody saw it run.
    await known.refresh()
    assert await sight(known) is UnitSight.GONE
    await known.hear(UnitChanged(NAME, "inactive", "dead", "done"))
    assert await sight(known) is UnitSight.ENDED
    source.loaded[NAME] = replace(running(), invocation_id="2" * 32)
    source.end(NAME, Ending("exit-code", 2))
    await known.refresh()
    assert known.report(P, Style.FDE, SERIAL).how == "exit-code 2"


class SlowUnits(FakeUnits):
    """Something is told while an answer is on its way."""

    meanwhile: UnitChanged | None = None
    known: BoardUnits

    async def list_units(self) -> list[Unit]:
        listed = await super().list_units()
        await self._tell_meanwhile()
        return listed

    async def get_state(self, name: str) -> UnitState:
        state = await super().get_state(name)
        await self._tell_meanwhile()
        return state

    async def _tell_meanwhile(self) -> None:
        change, self.meanwhile = self.meanwhile, None
        if change is not None:
            await self.known.hear(change)


@pytest.mark.parametrize("by_listing", [True, False])
async def test_an_answer_from_before_what_was_told_is_not_believed(*, by_listing: bool) -> None:
    source = SlowUnits(AT, {"rpi-fde-provisioner@.service": Ending()})
    known = source.known = BoardUnits(source)
    source.loaded[NAME] = running()
    await known.refresh()
    source.meanwhile = UnitChanged(NAME, "inactive", "dead", "done")
    await (known.refresh() if by_listing else known.ask(P, Style.FDE, SERIAL))
    assert await sight(known) is UnitSight.ENDED
    source.loaded.clear()
    source.meanwhile = UnitChanged(NAME, "activating", "start", "")
    await known.refresh()
    assert await sight(known) is UnitSight.RUNNING


async def test_while_systemd_does_not_answer_what_ran_is_not_known_to_run() -> None:
    source = units()
    source.loaded[NAME] = running()
    known = BoardUnits(source)
    await known.refresh()
    source.reason = "the bus hangs"
    assert await known.refresh() == {KEY}
    assert await sight(known) is UnitSight.UNASKED


async def test_other_units_are_nobodys() -> None:
    known = BoardUnits(units())
    assert await known.hear(UnitChanged("ssh.service", "failed", "failed", "exit-code")) is None
