"""One board's story out of rows, units, journal, logs, records and the audit log."""

import os
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from domain.audit.trail import AuditTrail
from domain.devices.logs import DeviceLogs
from domain.devices.names import DeviceNames
from domain.events import Hub
from domain.host_paths import HostPaths
from domain.manufacturing.manufacturing import Manufacturing
from domain.paging import CursorInvalid, PageInvalid, cursor_of, page_request
from domain.services.runs import EXITED, FAILED, NOT_STARTED, STARTING
from domain.services.services import Services
from domain.services.units import UnitsUnavailable
from domain.timeline.audit_story import AuditStory
from domain.timeline.board_units import TimelineUnits
from domain.timeline.entries import TimelineEntry, TimelineKind
from domain.timeline.file_story import LogStory, RecordStory
from domain.timeline.row_story import RowStory
from domain.timeline.timeline import ORDER, Timeline, TimelinePage
from domain.timeline.unit_story import ErrorStory, RunStory
from tests.fakes.audit import FakeAuditRows, stored
from tests.fakes.journal import FakeJournal, about, own
from tests.fakes.judging import KEY, NOW, SERIAL, JudgedStation
from tests.fakes.record_index import FakeRecordIndex
from tests.fakes.records import FakeRecords, record_row
from tests.fakes.state_rows import Written

UNIT = f"rpi-sb-provisioner@{SERIAL}.service"
NODE = "/dev/bus/usb/001/004"
BOOTSTRAP = "rpi-sb-bootstrap@dev-bus-usb-001-004.service"
RUN, OTHER = "1" * 32, "2" * 32
ALL = frozenset(TimelineKind)


class Story:
    """A timeline over a judged station, a journal, records and an audit log of the test."""

    def __init__(self, root: Path) -> None:
        self.station = JudgedStation(root)
        self.journal = FakeJournal()
        self.records = FakeRecords([])
        self.audit = FakeAuditRows()
        hub, paths, judged = Hub(), HostPaths(root), self.station
        services = Services(hub, self.journal, judged.units)
        units = TimelineUnits(paths, services)
        index = FakeRecordIndex(self.records)
        self.timeline = Timeline(
            judged.devices,
            judged.statuses,
            units=units,
            sources=(
                RowStory(judged.devices, judged.attempts),
                RunStory(units, services.runs),
                ErrorStory(units, self.journal),
                LogStory(DeviceLogs(paths, hub, DeviceNames(judged.devices, judged.presence))),
                RecordStory(Manufacturing(hub, self.records, index)),
                AuditStory(paths, AuditTrail(hub, self.audit)),
            ),
        )

    def log(self, name: str, *, at: datetime) -> None:
        file = self.station.root / "var/log/rpi-sb-provisioner" / SERIAL / name
        self.station.log(f"{SERIAL}/{name}", b"text\n")
        os.utime(file, (at.timestamp(), at.timestamp()))

    def fail_unit(self, unit: str = UNIT, run: str = RUN, second: float = 1) -> None:
        """Has a unit run for a second and fail."""
        self.journal.write(
            about(unit, "Starting", second, invocation=run, MESSAGE_ID=STARTING),
            own(unit, "no such partition", second + 0.5, invocation=run, PRIORITY="3"),
            own(unit, "harmless", second + 0.6, invocation=run),
            about(
                unit,
                "Main process exited",
                second + 1,
                invocation=run,
                MESSAGE_ID=EXITED,
                EXIT_CODE="exited",
                EXIT_STATUS="7",
            ),
            about(
                unit,
                "Failed with result",
                second + 1,
                invocation=run,
                MESSAGE_ID=FAILED,
                UNIT_RESULT="exit-code",
            ),
        )

    async def page(
        self, first: int = 50, after: str | None = None, kinds: frozenset[TimelineKind] = ALL
    ) -> TimelinePage:
        request = page_request(ORDER, first=first, after=after)
        return await self.timeline.page(KEY, request, kinds=kinds)

    async def told(self, *kinds: TimelineKind) -> list[TimelineEntry]:
        page = await self.page(kinds=frozenset(kinds) or ALL)
        assert page.gaps == ()
        return list(page.page.items)


@pytest.fixture
def story(tmp_path: Path) -> Story:
    return Story(tmp_path)


def tell_everything(story: Story) -> None:
    """One board is provisioned, its provisioner fails, it comes again and is done."""
    story.station.write("BOOTSTRAP-STARTED", serial=SERIAL[-8:])
    story.station.write("TRIAGE-STARTED", "SB-PROVISIONER-STARTED", "SB-PROVISIONER-ABORTED")
    story.fail_unit()
    story.log("provisioner.log", at=NOW + timedelta(seconds=2))
    story.station.clock.seconds += 10
    story.station.write("BOOTSTRAP-STARTED", serial=SERIAL[-8:])
    story.station.write("SB-PROVISIONER-STARTED", "SB-PROVISIONER-FINISHED")
    story.records.add(record_row(7, serial=SERIAL, provision_ts="2026-08-01 12:00:10"))
    story.audit.rows += [
        stored(1, NOW + timedelta(seconds=3), f"/devices/{SERIAL}/log/provisioner"),
        stored(2, NOW + timedelta(seconds=4), f"/devices/{SERIAL}0"),
        stored(3, NOW + timedelta(seconds=5), "/devices"),
        stored(4, NOW + timedelta(seconds=30), f"/devices/{KEY}"),
    ]


async def test_all_sources_are_joined_the_newest_first(story: Story) -> None:
    tell_everything(story)
    told = [(entry.kind.value, entry.text) for entry in await story.told()]
    assert told == [
        ("AUDITED", f"local: asked for /devices/{KEY}"),
        ("ATTEMPT_ENDED", "The attempt finished."),
        ("RECORD_WRITTEN", "Manufacturing record 7 was written."),
        ("STATE_WRITTEN", "SB-PROVISIONER-FINISHED"),
        ("STATE_WRITTEN", "SB-PROVISIONER-STARTED"),
        ("STATE_WRITTEN", "BOOTSTRAP-STARTED"),
        ("ATTEMPT_BEGAN", "An attempt began at port 1-1.2."),
        ("AUDITED", f"local: asked for /devices/{SERIAL}/log/provisioner"),
        ("UNIT_ENDED", f"{UNIT} failed: exit-code 7."),
        ("LOG_WRITTEN", "The provisioner log was last written to; it has 5 bytes."),
        ("JOURNAL_ERROR", "no such partition"),
        ("UNIT_STARTED", f"{UNIT} started."),
        ("ATTEMPT_ENDED", "Provisioning was aborted."),
        ("STATE_WRITTEN", "SB-PROVISIONER-ABORTED"),
        ("STATE_WRITTEN", "SB-PROVISIONER-STARTED"),
        ("STATE_WRITTEN", "TRIAGE-STARTED"),
        ("STATE_WRITTEN", "BOOTSTRAP-STARTED"),
        ("ATTEMPT_BEGAN", "An attempt began at port 1-1.2."),
    ]


async def test_what_failed_is_marked(story: Story) -> None:
    tell_everything(story)
    failed = [entry.kind for entry in await story.told() if entry.failed]
    assert failed == [
        TimelineKind.UNIT_ENDED,
        TimelineKind.JOURNAL_ERROR,
        TimelineKind.ATTEMPT_ENDED,
        TimelineKind.STATE_WRITTEN,
    ]


@pytest.mark.parametrize("size", [1, 2, 5])
async def test_pages_of_any_size_tell_each_entry_once(story: Story, size: int) -> None:
    tell_everything(story)
    # More of one moment than a page holds.
    story.journal.write(
        *(own(UNIT, f"again {n}", 1.7, invocation=RUN, PRIORITY="3") for n in range(8))
    )
    whole = [entry.key for entry in await story.told()]
    found, after = list[object](), None
    while True:
        page = (await story.page(size, after)).page
        found += [entry.key for entry in page.items]
        if not page.has_next:
            break
        after = page.cursors[-1]
    assert found == whole


async def test_only_wanted_kinds_are_told(story: Story) -> None:
    tell_everything(story)
    told = await story.told(TimelineKind.ATTEMPT_ENDED, TimelineKind.UNIT_ENDED)
    assert [entry.kind.value for entry in told] == ["ATTEMPT_ENDED", "UNIT_ENDED", "ATTEMPT_ENDED"]


async def test_a_row_without_a_time_stands_behind_the_one_before_it(story: Story) -> None:
    story.station.write("BOOTSTRAP-STARTED", serial=SERIAL[-8:])
    story.station.rows.write(Written(SERIAL, "1-1.2", "TRIAGE-STARTED", ts=None))
    story.station.write("TRIAGE-FINISHED")
    told = await story.told(TimelineKind.STATE_WRITTEN)
    assert [entry.text for entry in told] == [
        "TRIAGE-FINISHED",
        "TRIAGE-STARTED",
        "BOOTSTRAP-STARTED",
    ]
    assert [entry.at is None for entry in told] == [False, True, False]


async def test_a_bootstrap_is_told_where_a_link_and_a_row_prove_it(story: Story) -> None:
    folder = story.station.root / "var/log/rpi-sb-provisioner" / SERIAL[-8:]
    folder.mkdir(parents=True)
    (folder / "bootstrap.log").symlink_to(f"/var/log/rpi-sb-provisioner/early{NODE}/bootstrap.log")
    story.fail_unit(BOOTSTRAP, OTHER, second=-60)
    story.fail_unit(BOOTSTRAP, RUN, second=-0.5)
    story.station.write("BOOTSTRAP-STARTED", serial=SERIAL[-8:])
    told = await story.told(TimelineKind.UNIT_STARTED, TimelineKind.JOURNAL_ERROR)
    assert [entry.run.invocation for entry in told if entry.run] == [RUN]
    assert [entry.line.invocation for entry in told if entry.line] == [RUN]
    units = await story.timeline.list_units(KEY)
    assert [unit.name for unit in units] == [BOOTSTRAP]


async def test_another_boards_units_are_not_told(story: Story) -> None:
    story.station.write("TRIAGE-STARTED")
    story.fail_unit("rpi-sb-provisioner@10000000ffffffff.service")
    story.fail_unit(BOOTSTRAP)
    assert await story.told(TimelineKind.UNIT_STARTED, TimelineKind.UNIT_ENDED) == []
    assert await story.timeline.list_units(KEY) == []


async def test_a_unit_that_never_started_is_told_with_systemds_line(story: Story) -> None:
    story.station.write("TRIAGE-STARTED")
    failed = {"MESSAGE_ID": NOT_STARTED, "JOB_RESULT": "failed", "PRIORITY": "3"}
    story.journal.write(about(UNIT, "Failed to start", 3, invocation=RUN, **failed))
    told = await story.told(TimelineKind.UNIT_ENDED, TimelineKind.JOURNAL_ERROR)
    assert [(entry.kind.value, entry.failed) for entry in told] == [
        ("UNIT_ENDED", True),
        ("JOURNAL_ERROR", True),
    ]


async def test_a_journal_that_cannot_be_read_leaves_a_gap(story: Story) -> None:
    tell_everything(story)
    story.journal.reason = "The journal is gone."
    page = await story.page()
    assert [(gap.kinds, gap.reason.message) for gap in page.gaps] == [
        ((TimelineKind.UNIT_ENDED, TimelineKind.UNIT_STARTED), "The journal is gone."),
        ((TimelineKind.JOURNAL_ERROR,), "The journal is gone."),
    ]
    assert TimelineKind.RECORD_WRITTEN in {entry.kind for entry in page.page.items}


async def test_units_that_nobody_can_tell_of_are_an_error(story: Story) -> None:
    story.station.write("TRIAGE-STARTED")
    story.journal.reason = story.station.units.reason = "No bus."
    with pytest.raises(UnitsUnavailable):
        await story.timeline.list_units(KEY)


@pytest.mark.parametrize(
    "key", [(1,), (1, 2, 3), ("a", 1, "0000001:"), (1, 1, "x"), (10**30, 1, "0000001:")]
)
async def test_cursors_made_by_hand_are_refused(story: Story, key: tuple[int | str, ...]) -> None:
    with pytest.raises(CursorInvalid):
        await story.page(after=cursor_of(key, ORDER))


async def test_a_timeline_is_not_paged_backwards(story: Story) -> None:
    with pytest.raises(PageInvalid):
        await story.timeline.page(KEY, page_request(ORDER, last=5), kinds=ALL)
