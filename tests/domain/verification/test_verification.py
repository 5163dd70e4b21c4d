from datetime import UTC, datetime

import pytest

from domain.caller import Caller, Role
from domain.errors import Unavailable
from domain.events import Hub
from domain.manufacturing.manufacturing import Manufacturing
from domain.manufacturing.record import Cell
from domain.manufacturing.records import (
    Place,
    RecordsMissing,
    RecordsNotFetched,
    RecordsNotPrepared,
)
from domain.paging import CursorInvalid, PageRequest
from domain.verification.scans import EVERY_SCAN, LabelProblem, ScanFilter
from domain.verification.verification import LaterFailure, QrCodeInvalid, Verdict, Verification
from tests.fakes.record_index import FakeRecordIndex
from tests.fakes.records import LOGICAL, FakeRecords, record_row
from tests.fakes.scans import FakeLaterFailures, FakeScans

NOW = datetime(2026, 8, 1, 12, tzinfo=UTC)
ANNA = Caller(
    "anna", Role.OPERATOR, "10.0.0.7", "127.0.0.1", "scanner/1", "/graphql#verify", "graphql", "c1"
)
DUID = "0000000000000001"


class Bench:
    """Verification over fakes, with one board."""

    def __init__(self, **cells: Cell) -> None:
        self.records = FakeRecords([record_row(1, **cells)])
        self.scans = FakeScans()
        self.failures = FakeLaterFailures()
        manufacturing = Manufacturing(Hub(), self.records, FakeRecordIndex(self.records))
        self.verification = Verification(manufacturing, self.scans, self.failures)

    async def scan(self, code: str = DUID) -> Verdict:
        return await self.verification.verify(code, caller=ANNA, now=NOW)


def problems(verdict: Verdict) -> list[LabelProblem]:
    return [fault.problem for fault in verdict.faults]


async def test_a_genuine_label_has_its_record_and_no_fault() -> None:
    verdict = await Bench().scan(f"  {DUID}\n")
    assert verdict.record is not None
    assert (verdict.record.id, verdict.code, verdict.faults) == (1, DUID, ())


@pytest.mark.parametrize("code", ["nope", DUID[:-1], "1000000000000001", "' OR '1'='1", "é\0z"])
async def test_a_label_without_a_record_is_unknown(code: str) -> None:
    verdict = await Bench().scan(code)
    assert (verdict.record, problems(verdict)) == (None, [LabelProblem.UNKNOWN])


async def test_case_counts() -> None:
    assert problems(await Bench(rpi_duid="aB").scan("ab")) == [LabelProblem.UNKNOWN]


async def test_a_code_of_two_boards_is_a_duplicate() -> None:
    bench = Bench()
    bench.records.add(record_row(2, rpi_duid=DUID))
    assert problems(await bench.scan()) == [LabelProblem.DUPLICATE]


async def test_a_board_that_was_provisioned_again_is_none_and_its_newest_record_counts() -> None:
    bench = Bench(secure=0)
    bench.records.add(record_row(2, rpi_duid=DUID, serial="00000001"))
    verdict = await bench.scan()
    assert verdict.record is not None
    assert (verdict.record.id, verdict.faults) == (2, ())


@pytest.mark.parametrize("secure", [0, "", None])
async def test_a_board_that_is_not_known_to_be_secure_is_not(secure: Cell) -> None:
    assert problems(await Bench(secure=secure).scan()) == [LabelProblem.NOT_SECURE]


async def test_a_later_failure_is_told_with_its_reason() -> None:
    bench = Bench()
    bench.failures.found = LaterFailure(NOW, "Provisioning was aborted.")
    [fault] = (await bench.scan()).faults
    assert fault.problem is LabelProblem.FAILED_LATER
    assert fault.reason.endswith("2026-08-01 12:00:00 UTC, failed. Provisioning was aborted.")


async def test_a_label_is_answered_while_nobody_knows_of_later_failures() -> None:
    bench = Bench()
    bench.failures.failure = Unavailable("state.db is locked")
    verdict = await bench.scan()
    assert verdict.record is not None
    assert [(fault.problem, fault.reason) for fault in verdict.faults] == [
        (
            LabelProblem.LATER_UNKNOWN,
            "Whether a later run of the board failed is not known: state.db is locked",
        )
    ]


async def test_a_failure_without_a_time_may_be_a_later_one() -> None:
    bench = Bench()
    bench.failures.found = LaterFailure(None, "Provisioning was aborted.")
    assert problems(await bench.scan()) == [LabelProblem.LATER_UNKNOWN]


async def test_a_table_without_codes_makes_no_label_unknown() -> None:
    bench = Bench()
    bench.records.lacking.add("rpi_duid")
    with pytest.raises(RecordsNotPrepared):
        await bench.scan("nope")


async def test_a_scan_is_kept_with_who_what_and_the_answer() -> None:
    bench = Bench()
    verdict = await bench.scan()
    await bench.scan("nope")
    assert verdict.scan == bench.scans.kept[0]
    known, unknown = bench.scans.kept
    assert (known.code, known.exists, known.record_id, known.at) == (DUID, True, 1, NOW)
    assert (known.caller, known.role, known.address) == ("anna", "operator", "10.0.0.7")
    assert (unknown.exists, unknown.record_id) == (False, None)
    assert unknown.problems == (LabelProblem.UNKNOWN,)


async def test_the_answer_comes_though_the_scan_cannot_be_kept() -> None:
    bench = Bench()
    bench.scans.failure = Unavailable("no room")
    verdict = await bench.scan()
    assert (verdict.scan, verdict.faults) == (None, ())


@pytest.mark.parametrize("code", ["", "  \t", "x" * 4297])
async def test_what_no_label_says_is_refused_and_not_kept(code: str) -> None:
    bench = Bench()
    with pytest.raises(QrCodeInvalid):
        await bench.scan(code)
    assert bench.scans.kept == []


async def test_a_label_is_not_unknown_because_the_records_cannot_be_read() -> None:
    bench = Bench()
    bench.records.failure = RecordsNotFetched("locked")
    with pytest.raises(RecordsNotFetched):
        await bench.scan()
    bench.records.failure, bench.records.where = (
        None,
        Place(LOGICAL, configured=True, present=False),
    )
    with pytest.raises(RecordsMissing):
        await bench.scan()
    assert bench.scans.kept == []


async def test_scans_are_paged_the_newest_first() -> None:
    bench = Bench()
    for number in range(5):
        await bench.scan(f"code {number}")
    page = await bench.verification.page(EVERY_SCAN, PageRequest(2, None, backwards=False))
    assert [scan.id for scan in page.items] == [5, 4]
    assert (page.has_next, page.has_previous, page.total) == (True, False, 5)
    page = await bench.verification.page(EVERY_SCAN, PageRequest(2, (2,), backwards=True))
    assert [scan.id for scan in page.items] == [4, 3]
    assert (page.has_next, page.has_previous) == (True, True)
    page = await bench.verification.page(
        ScanFilter(code="code 3"), PageRequest(2, None, backwards=False), counted=False
    )
    assert ([scan.id for scan in page.items], page.total) == ([4], None)
    with pytest.raises(CursorInvalid):
        await bench.verification.page(EVERY_SCAN, PageRequest(2, ("a",), backwards=False))
