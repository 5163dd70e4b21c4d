"""Real journal files as they come: odd texts, many files, spoilt ones, and ones that go away."""

import asyncio
import lzma
import os
import shutil
import signal
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import pytest

from adapters import journal_child, journal_library
from adapters.journal import SystemdJournal
from adapters.journal_files import JournalDenied, journal_files, require_readable
from adapters.journal_library import LibraryMissing, OpenJournal
from adapters.journal_lines import Line, Plain
from domain.host_paths import HostPaths
from domain.services.journal import (
    LONGEST_MESSAGE,
    JournalQuestion,
    JournalSlice,
    JournalUnavailable,
)
from domain.services.line_filters import LineFilter, Origin
from tests.adapters.journal_writer import journal_folder, needs_tool, rotate, write_journal
from tests.fakes.journal import MACHINE, NOON, Entry, own

UNIT = "rpi-sb-provisioner@1000000000a0b000.service"
LIMIT = 2.0
STOPPING = "The service is stopping; the journal is read no more."
PARITY = Path(__file__).parents[3] / "shared/parity/testdata/system.journal.xz"

pytestmark = [pytest.mark.real, needs_tool]


@pytest.fixture
async def journal(tmp_path: Path) -> AsyncIterator[SystemdJournal]:
    opened = SystemdJournal(HostPaths(tmp_path), limit=LIMIT)
    yield opened
    await opened.aclose()


async def everything(journal: SystemdJournal) -> JournalSlice:
    return await journal.read(JournalQuestion(unit=UNIT, count=5000))


async def said(journal: SystemdJournal) -> list[str | None]:
    return [line.message for line in (await everything(journal)).lines]


def lines(count: int, *, start: int = 0) -> list[Entry]:
    return [own(UNIT, f"line {number}", number) for number in range(start, start + count)]


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        (b"gr\xc3\xbc\xc3\x9fe \xe2\x9c\x93", "grüße ✓"),
        (b"bad \xff\xfe byte", "bad \ufffd\ufffd byte"),
        (b"two\nlines\n", "two\nlines\n"),
        (b"\x00\x01\x1b[31mred", "\x00\x01\x1b[31mred"),
        (b"", ""),
        (None, None),
    ],
)
async def test_any_bytes_are_a_message(
    journal: SystemdJournal, tmp_path: Path, raw: bytes | None, text: str | None
) -> None:
    write_journal(tmp_path, [own(UNIT, raw, 0)])
    assert await said(journal) == [text]


@pytest.mark.parametrize("filling", ["x", "ü"])
async def test_a_huge_message_is_cut(journal: SystemdJournal, tmp_path: Path, filling: str) -> None:
    write_journal(tmp_path, [own(UNIT, filling * 200_000, 0), own(UNIT, "short", 1)])
    huge, short = (await everything(journal)).lines
    assert LONGEST_MESSAGE - 16 <= len((huge.message or "").encode()) <= LONGEST_MESSAGE
    assert (huge.cut, short.cut, short.message) == (True, False, "short")


async def test_long_lines_come_in_slices_of_bounded_size(
    journal: SystemdJournal, tmp_path: Path
) -> None:
    write_journal(tmp_path, [own(UNIT, f"{n:060000}", n) for n in range(40)])
    first = await everything(journal)
    assert 5 <= len(first.lines) < 15
    assert first.resume == first.lines[-1].cursor


async def test_other_fields_may_be_broken_too(journal: SystemdJournal, tmp_path: Path) -> None:
    odd = own(UNIT, "odd", 0, PRIORITY="very", SYSLOG_IDENTIFIER="\n\x01")
    write_journal(tmp_path, [odd, own(UNIT, "far", 1, PRIORITY="99999999999999")])
    found = (await everything(journal)).lines
    assert [(line.priority, line.identifier) for line in found] == [
        (None, "\n\x01"),
        (None, "script"),
    ]


async def test_a_journal_that_is_not_there_is_empty_but_not_ready(journal: SystemdJournal) -> None:
    assert await said(journal) == []
    assert await journal.list_units() == []
    assert await journal.end() is None
    with pytest.raises(JournalUnavailable, match="/var/log/journal"):
        await journal.probe()


async def test_new_lines_units_and_counts_are_seen_at_once(
    journal: SystemdJournal, tmp_path: Path
) -> None:
    write_journal(tmp_path, lines(3))
    assert await journal.count(UNIT, Origin.UNIT) == 3
    assert len(await journal.list_units()) == 1
    write_journal(tmp_path, [*lines(2, start=3), own("rpi-sb-triage@1.service", "new", 9)])
    units = {unit.name: unit.newest for unit in await journal.list_units()}
    assert await journal.count(UNIT, Origin.UNIT) == 5
    newest = NOON + timedelta(seconds=4)
    assert units[UNIT] == newest.timestamp() * 1_000_000
    assert "rpi-sb-triage@1.service" in units


async def test_a_cursor_outlives_rotation(journal: SystemdJournal, tmp_path: Path) -> None:
    write_journal(tmp_path, lines(4))
    middle = (await journal.read(JournalQuestion(unit=UNIT, count=2))).resume
    rotate(tmp_path)
    write_journal(tmp_path, lines(2, start=10), name="system")
    found = await journal.read(JournalQuestion(unit=UNIT, count=10, cursor=middle))
    messages = [line.message for line in found.lines]
    assert (messages, found.found) == (["line 2", "line 3", "line 10", "line 11"], True)
    assert await journal.count(UNIT, Origin.UNIT) == 6


async def test_a_vacuumed_place_is_told_as_lost(journal: SystemdJournal, tmp_path: Path) -> None:
    write_journal(tmp_path, lines(4))
    place = (await journal.read(JournalQuestion(unit=UNIT, count=2))).resume
    archived = rotate(tmp_path)
    write_journal(tmp_path, lines(2, start=10))
    archived.unlink()
    found = await journal.read(JournalQuestion(unit=UNIT, count=10, cursor=place))
    assert ([line.message for line in found.lines], found.found) == (["line 10", "line 11"], False)
    assert await journal.count(UNIT, Origin.UNIT) == 2


async def test_the_volatile_journal_is_read_beside_the_kept_one(
    journal: SystemdJournal, tmp_path: Path
) -> None:
    kept = write_journal(tmp_path, lines(1))
    volatile = tmp_path / "run/log/journal" / MACHINE
    volatile.mkdir(parents=True)
    shutil.move(kept, volatile / "system.journal")
    write_journal(tmp_path, lines(1, start=5))
    assert await said(journal) == ["line 0", "line 5"]


async def test_another_machines_journal_is_left_alone(
    journal: SystemdJournal, tmp_path: Path
) -> None:
    write_journal(tmp_path, lines(1))
    (tmp_path / "etc/machine-id").write_text("e" * 32)
    assert await said(journal) == []


async def test_a_spoilt_file_hides_no_other(
    journal: SystemdJournal, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    write_journal(tmp_path, lines(2))
    folder = journal_folder(tmp_path)
    (folder / "empty.journal").touch()
    (folder / "garbage.journal").write_bytes(os.urandom(1 << 16))
    (folder / "folder.journal").mkdir()
    (folder / "away.journal").symlink_to("/nowhere")
    assert [await said(journal) for _ in range(2)] == [["line 0", "line 1"]] * 2
    assert [record.args for record in caplog.records] == [(["empty.journal", "garbage.journal"],)]


async def test_a_journal_of_spoilt_files_alone_is_not_called_empty(
    journal: SystemdJournal, tmp_path: Path
) -> None:
    folder = journal_folder(tmp_path)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "empty.journal").touch()
    assert await said(journal) == []
    (folder / "garbage.journal").write_bytes(os.urandom(1 << 16))
    with pytest.raises(JournalUnavailable, match="none of its files can be read"):
        await said(journal)


@pytest.mark.parametrize("seed", range(6))
async def test_a_damaged_file_never_harms_the_service(
    journal: SystemdJournal, tmp_path: Path, seed: int
) -> None:
    file = write_journal(tmp_path, lines(300))
    data = bytearray(file.read_bytes())
    begin = 4096 + seed * 20_000
    data[begin : begin + 8192] = bytes((seed * 37 + n * 13) % 256 for n in range(8192))
    damaged = journal_folder(tmp_path) / "system@damaged.journal"
    damaged.write_bytes(data)
    file.unlink()
    with suppress(JournalUnavailable):
        await said(journal)
        await journal.list_units()
        await journal.count(UNIT, Origin.ALL)
    damaged.unlink()
    write_journal(tmp_path, lines(1))
    await _recovered(journal)


async def test_a_file_that_is_cut_while_it_is_read_is_survived(
    journal: SystemdJournal, tmp_path: Path
) -> None:
    file = write_journal(tmp_path, lines(500))
    assert len(await said(journal)) == 500
    os.truncate(file, 4096)
    with suppress(JournalUnavailable):
        await said(journal)
    file.unlink()
    write_journal(tmp_path, lines(1))
    await _recovered(journal)


async def test_a_reader_that_died_is_started_again(journal: SystemdJournal, tmp_path: Path) -> None:
    write_journal(tmp_path, lines(2))
    await journal.end()
    os.kill(_child(journal), signal.SIGKILL)
    assert await said(journal) == ["line 0", "line 1"]


async def test_a_hung_reader_is_unavailable_within_the_limit(
    journal: SystemdJournal, tmp_path: Path
) -> None:
    write_journal(tmp_path, lines(2))
    await journal.end()
    os.kill(_child(journal), signal.SIGSTOP)
    begin = time.monotonic()
    with pytest.raises(JournalUnavailable, match="2 s"):
        await said(journal)
    assert time.monotonic() - begin < LIMIT + 1
    with pytest.raises(JournalUnavailable):
        await said(journal)
    with pytest.raises(JournalUnavailable):
        await journal.probe()
    assert time.monotonic() - begin < LIMIT + 1
    await _recovered(journal)
    await journal.probe()


async def test_who_goes_away_disturbs_nobody(journal: SystemdJournal, tmp_path: Path) -> None:
    write_journal(tmp_path, lines(3))
    async with asyncio.TaskGroup() as tasks:
        asking = [tasks.create_task(said(journal)) for _ in range(10)]
        await journal.end()
        for task in asking[::2]:
            task.cancel()
    whole = [task.result() for task in asking if not task.cancelled()]
    assert whole
    assert all(answer == ["line 0", "line 1", "line 2"] for answer in whole)


async def test_a_closed_journal_answers_at_once(tmp_path: Path) -> None:
    journal = SystemdJournal(HostPaths(tmp_path))
    waiting = asyncio.gather(journal.end(), journal.end(), return_exceptions=True)
    await asyncio.sleep(0)
    await journal.aclose()
    assert [str(answer) for answer in await waiting] == [STOPPING, STOPPING]
    with pytest.raises(JournalUnavailable, match="stopping"):
        await journal.end()


async def test_a_search_stops_in_time_and_goes_on(journal: SystemdJournal, tmp_path: Path) -> None:
    write_journal(tmp_path, [*lines(3000), own(UNIT, "the needle", 9000)])
    resume, pieces, found = None, 0, list[str | None]()
    while pieces == 0 or resume is not None:
        piece = await journal.read(
            JournalQuestion(unit=UNIT, count=5, cursor=resume, wanted=LineFilter(text="NEEDLE"))
        )
        found += [line.message for line in piece.lines]
        resume, pieces = piece.resume, pieces + 1
    assert found == ["the needle"]


def test_refusals_are_told_over_the_pipe() -> None:
    def refused(_: Line) -> Plain:
        raise JournalDenied("no")

    def missing(_: Line) -> Plain:
        raise LibraryMissing("gone")

    calls = {"one": refused, "two": missing}
    told = [journal_child.answer(calls, {"id": 1, "call": call}) for call in calls]
    assert told == [
        {"id": 1, "error": "denied", "message": "no"},
        {"id": 1, "error": "missing", "message": "gone"},
    ]


def test_files_that_nobody_may_read_are_told(tmp_path: Path) -> None:
    require_readable([])
    with pytest.raises(JournalDenied, match="not readable"):
        require_readable([tmp_path / "system.journal"])


def test_the_library_inside_cysystemd_does_as_well(tmp_path: Path) -> None:
    file = write_journal(tmp_path, lines(2))
    library = journal_library.load_library("libnothing.so")
    assert "cysystemd" in library._name
    journal = OpenJournal([file], threshold=0, library=library)
    assert set(journal.values("MESSAGE")) == {b"line 0", b"line 1"}
    journal.close()


def test_files_are_found_through_links_below_the_root(tmp_path: Path) -> None:
    file = write_journal(tmp_path, lines(1))
    elsewhere = tmp_path / "data"
    shutil.move(tmp_path / "var/log/journal", elsewhere)
    (tmp_path / "var/log/journal").symlink_to("/data")
    assert list(journal_files(HostPaths(tmp_path))) == [elsewhere / MACHINE / file.name]


@pytest.mark.skipif(not PARITY.exists(), reason="the parity kit is not beside this tree")
async def test_the_recorded_journal_is_read(journal: SystemdJournal, tmp_path: Path) -> None:
    file = journal_folder(tmp_path) / "system.journal"
    file.write_bytes(lzma.decompress(PARITY.read_bytes()))
    assert len(await journal.list_units()) == 6
    assert await journal.count(UNIT, Origin.UNIT) == 123


def _child(journal: SystemdJournal) -> int:
    pipe = journal._calls._pipe
    assert pipe is not None
    return pipe._child.pid


async def _recovered(journal: SystemdJournal) -> None:
    async with asyncio.timeout(3 * LIMIT):
        while True:
            try:
                assert await said(journal)
            except JournalUnavailable:
                await asyncio.sleep(0.05)
            else:
                return
