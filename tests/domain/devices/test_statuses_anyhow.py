"""Whatever happens in whatever order: nothing is complete against what a source says."""

import asyncio
import tempfile
from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from domain.devices.evidence import Stance, list_evidence
from domain.devices.status import Status
from domain.paging import page_request
from tests.fakes.judging import KEY, NOW, PORT, SERIAL, JudgedStation

PROVISIONER = f"rpi-sb-provisioner@{SERIAL}.service"
STATES = (
    "BOOTSTRAP-STARTED",
    "BOOTSTRAP-FINISHED",
    "TRIAGE-STARTED",
    "TRIAGE-FINISHED",
    "SB-PROVISIONER-STARTED",
    "SB-PROVISIONER-FINISHED",
    "SB-PROVISIONER-ABORTED",
    "BOOTSTRAP-ABORTED",
    "?",
)
EVERYTHING = page_request("attempts:newest", first=500)
Step = Callable[[JudgedStation], None]


def writing(state: str) -> Step:
    return lambda station: station.write(state)


def passing(seconds: float) -> Step:
    def pass_(station: JudgedStation) -> None:
        station.clock.seconds += seconds

    return pass_


def recording(secure: bool | None) -> Step:  # noqa: FBT001 -- a value of a table
    return lambda station: station.records.add(SERIAL, secure=secure, at=station.clock.now())


def start(station: JudgedStation) -> None:
    station.start_unit(PROVISIONER)


def ending(result: str) -> Step:
    def end(station: JudgedStation) -> None:
        state = station.units.loaded.get(PROVISIONER)
        if state is not None and state.unit.active_state == "activating":
            station.end_unit(PROVISIONER, result=result, status=7)

    return end


def mistime(station: JudgedStation) -> None:
    station.clock.error = timedelta(days=-400) - station.clock.error


def restart(station: JudgedStation) -> None:
    station.begin()


STEPS: Sequence[Step] = (
    *map(writing, STATES),
    *map(passing, (1.0, 60.0, 1e5)),
    *map(recording, (True, False, None)),
    *map(ending, ("success", "exit-code")),
    start,
    mistime,
    restart,
    lambda station: station.presence.plug(PORT, SERIAL),
    lambda station: station.presence.unplug(PORT),
)


async def check(steps: Sequence[Step]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        station = JudgedStation(Path(folder))
        station.records.add("ffffffff", at=NOW - timedelta(days=900))
        for step in steps:
            step(station)
            # What the follower does at events that this test does not publish.
            await station.witnesses.refresh()
            await station.witnesses.records.read([KEY])
            page = await station.attempts.list_page(EVERYTHING)
            if not page.items:
                continue
            view = await station.view()
            outcome = station.attempts.ending(station.verdicts.run(view.device.key)).outcome
            if view.verdict.status is Status.COMPLETE:
                _is_undenied(station, view.device.state)
                evidence = list_evidence(view.verdict.facts)
                assert not [one for one in evidence if one.stance is Stance.CONTRADICTS]
            assert (outcome.value == "FINISHED") == (view.verdict.status is Status.COMPLETE)


def _is_undenied(station: JudgedStation, state: str) -> None:
    """The same by what the sources themselves hold."""
    assert state == "SB-PROVISIONER-FINISHED"
    loaded = station.units.loaded.get(PROVISIONER)
    assert loaded is None or loaded.unit.active_state not in ("failed", "activating")
    record = station.records._records.get(KEY)
    assert record is None or record.secure is not False


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from(STEPS), max_size=30))
def test_nothing_that_is_denied_is_complete(steps: list[Step]) -> None:
    asyncio.run(check(steps))
