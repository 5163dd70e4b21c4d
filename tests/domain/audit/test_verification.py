"""Verifying: the first row that was altered, taken out or added is named."""

from collections.abc import Callable

import pytest

from domain.audit.chain import Checkpoint, Head, link
from domain.audit.verification import Report, Verification, Wrong

START = Checkpoint(0, b"\7" * 32)
Rows = dict[int, tuple[int, str]]
Links = dict[int, bytes]
Change = Callable[[Rows, Links], None]


def _log(count: int) -> tuple[Rows, Links]:
    rows, links, hash = Rows(), Links(), START.hash
    for id in range(1, count + 1):
        rows[id] = (id, f"row {id}")
        hash = links[id] = link(hash, rows[id])
    return rows, links


def _verify(rows: Rows, links: Links, *heads: Head, given_out: int = 10) -> Report:
    verification = Verification(START, heads)
    for id in sorted({*rows, *links}):
        verification.take(id, rows.get(id), links.get(id))
    return verification.report(given_out=given_out, uncovered=0)


def _alter(rows: Rows, links: Links) -> None:
    rows[5] = (5, "another")


def _alter_link(rows: Rows, links: Links) -> None:
    links[5] = b"\0" * 32


def _take_out(rows: Rows, links: Links) -> None:
    del rows[5]


def _take_out_with_links(rows: Rows, links: Links) -> None:
    for id in (5, 6):
        del rows[id], links[id]


def _slip_in(rows: Rows, links: Links) -> None:
    rows[11] = (11, "of somebody else")


def _swap(rows: Rows, links: Links) -> None:
    rows[5], rows[6] = (5, "row 6"), (6, "row 5")


def _cut(rows: Rows, links: Links) -> None:
    for id in (9, 10):
        del rows[id], links[id]


def test_a_log_as_it_was_written_is_whole() -> None:
    report = _verify(*_log(10))
    assert (report.is_whole, report.verified) == (True, 10)
    assert report.head == Head(10, _log(10)[1][10])


@pytest.mark.parametrize(
    ("change", "wrong", "first", "last"),
    [
        (_alter, Wrong.ALTERED, 5, 5),
        (_alter_link, Wrong.ALTERED, 5, 6),
        (_take_out, Wrong.MISSING, 5, 5),
        (_take_out_with_links, Wrong.MISSING, 5, 6),
        (_slip_in, Wrong.INSERTED, 11, 11),
        (_swap, Wrong.ALTERED, 5, 6),
        (_cut, Wrong.CUT, 9, 10),
    ],
)
def test_the_first_wrong_row_is_named(change: Change, wrong: Wrong, first: int, last: int) -> None:
    rows, links = _log(10)
    change(rows, links)
    finding = _verify(rows, links).findings[0]
    assert (finding.wrong, finding.first, finding.last) == (wrong, first, last)
    assert str(first) in str(finding)


def test_only_the_rows_that_are_wrong_are_named() -> None:
    rows, links = _log(10)
    _alter(rows, links)
    del rows[8]
    report = _verify(rows, links)
    assert [(f.wrong, f.first) for f in report.findings] == [(Wrong.ALTERED, 5), (Wrong.MISSING, 8)]
    assert report.verified == 8


def test_rows_of_another_program_do_not_break_the_links_behind_them() -> None:
    rows, links = _log(10)
    rows[11] = (11, "of the old service")
    rows[12] = (12, "ours again")
    links[12] = link(links[10], rows[12])
    findings = _verify(rows, links, given_out=12).findings
    assert [(f.wrong, f.first, f.last) for f in findings] == [(Wrong.INSERTED, 11, 11)]


def test_a_chain_made_anew_is_found_by_a_head_of_before() -> None:
    rows, links = _log(10)
    kept = Head(8, links[8])
    rows[5], hash = (5, "another"), links[4]
    for id in range(5, 11):
        hash = links[id] = link(hash, rows[id])
    assert _verify(rows, links).is_whole
    assert _verify(rows, links, kept).findings[0].wrong is Wrong.REWRITTEN
    assert _verify(rows, links, Head(None, kept.hash)).findings[0].wrong is Wrong.REWRITTEN
    many = [Head(id, kept.hash[::-1]) for id in range(1, 11)]
    assert [str(one) for one in _verify(rows, links, *many).findings] == [
        "the chain was made anew at or before row 1: it is not the one whose head was given"
    ]


def test_a_tail_cut_with_its_counter_is_found_by_a_head_of_before() -> None:
    rows, links = _log(10)
    kept = Head(10, links[10])
    _cut(rows, links)
    finding = _verify(rows, links, kept, given_out=8).findings[0]
    assert (finding.wrong, finding.first, finding.last) == (Wrong.CUT, 9, 10)


def test_a_head_that_is_still_there_is_fine() -> None:
    rows, links = _log(10)
    heads = [Head(8, links[8]), Head(None, links[3]), Head(0, START.hash)]
    assert _verify(rows, links, *heads).is_whole


def test_a_head_that_was_pruned_is_not_judged() -> None:
    rows, links = _log(10)
    old = Head(3, links[3])
    verification = Verification(Checkpoint(5, links[5], pruned=5), [old])
    for id in range(6, 11):
        verification.take(id, rows[id], links[id])
    verification.announce(5)
    report = verification.report(given_out=10, uncovered=0)
    assert (report.findings, report.unjudged, report.verified) == ((), (old,), 5)


def test_what_is_pruned_meanwhile_is_not_missing() -> None:
    rows, links = _log(10)
    verification = Verification(START)
    verification.take(1, rows[1], links[1])
    verification.skip_to(Checkpoint(6, links[6], pruned=6))
    for id in range(7, 11):
        verification.take(id, rows[id], links[id])
    verification.announce(6)
    assert verification.report(given_out=10, uncovered=0).is_whole
