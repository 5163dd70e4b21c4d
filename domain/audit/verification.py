"""Verifying an audit log: rows beside their links, one after the other, and what is wrong."""

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from domain.audit.chain import Cell, Checkpoint, Head, link

MOST_FINDINGS = 100


class Wrong(StrEnum):
    """What can be wrong with a row, or with the end of the chain."""

    ALTERED = "altered"
    MISSING = "missing"
    INSERTED = "inserted"
    REWRITTEN = "rewritten"
    CUT = "cut"


@dataclass(frozen=True, slots=True)
class Finding:
    """What is wrong with the rows `first` to `last`."""

    wrong: Wrong
    first: int
    last: int

    def __str__(self) -> str:
        one = self.first == self.last
        rows = f"row {self.first} was" if one else f"rows {self.first} to {self.last} were"
        return {
            Wrong.ALTERED: f"{rows} altered, or the link was",
            Wrong.MISSING: f"{rows} taken out",
            Wrong.INSERTED: f"{rows} inserted by something else than this service",
            Wrong.REWRITTEN: f"the chain was made anew at or before row {self.last}: it is not "
            "the one whose head was given",
            Wrong.CUT: f"{rows} cut off at the end",
        }[self.wrong]


@dataclass(frozen=True, slots=True)
class Report:
    """What verifying found: the first thing wrong comes first; nothing when all is well.

    `verified` counts the rows whose links are right, `uncovered` those that were there before the
    chain began. `unjudged` are the given heads whose rows retention took out since.
    """

    findings: tuple[Finding, ...]
    verified: int
    uncovered: int
    checkpoint: Checkpoint
    head: Head
    unjudged: tuple[Head, ...] = ()

    @property
    def is_whole(self) -> bool:
        """Whether nothing is wrong."""
        return not self.findings


def _grouped(
    heads: Sequence[Head], key: Callable[[Head], Hashable]
) -> Mapping[Hashable, Sequence[Head]]:
    groups: dict[Hashable, list[Head]] = {}
    for head in heads:
        groups.setdefault(key(head), []).append(head)
    return groups


class Verification:
    """Takes every id above the checkpoint in ascending order, then reports.

    `heads` are links that were written down elsewhere: the chain must still have each of them.
    What retention took out is only believed where a row announces it.
    """

    def __init__(self, start: Checkpoint, heads: Sequence[Head] = ()) -> None:
        self._start = start
        self._link = Head(start.up_to, start.hash)
        self._heads = tuple(dict.fromkeys(heads))
        self._by_id = _grouped(self._heads, lambda head: head.id)
        self._by_hash = _grouped(self._heads, lambda head: head.hash)
        self._met: dict[Head, bool] = {}
        self._announced = 0
        self._inserted_since_link = 0
        self._last_row = start.up_to
        self._findings: list[Finding] = []
        self._verified = 0

    def skip_to(self, start: Checkpoint) -> None:
        """Goes on behind a checkpoint that retention moved meanwhile."""
        if start.up_to > (self._link.id or 0):
            self._start = start
            self._link = Head(start.up_to, start.hash)
            self._last_row = max(self._last_row, start.up_to)

    def note(self, wrong: Wrong, first: int, last: int) -> None:
        """Adds a finding; neighbours of the same kind become one."""
        newest = self._findings[-1] if self._findings else None
        if newest and newest.wrong is wrong and newest.first <= first <= newest.last + 1:
            self._findings[-1] = replace(newest, last=max(last, newest.last))
        elif len(self._findings) < MOST_FINDINGS:
            self._findings.append(Finding(wrong, first, last))

    def take(self, id: int, row: Sequence[Cell] | None, hash: bytes | None) -> None:
        """Judges one id: its row, None if there is none, and its link, None if there is none."""
        if row is not None:
            self._last_row = id
        if hash is None:
            self._inserted_since_link += 1
            self.note(Wrong.INSERTED, id, id)
            return
        self._judge(id, row, hash)
        self._inserted_since_link = 0
        # After something wrong the stored link is believed, so that later rows are judged alone.
        self._link = Head(id, hash)
        for head in (*self._by_id.get(id, ()), *self._by_hash.get(hash, ())):
            self._met[head] = head.hash == hash and head.id in (None, id)

    def announce(self, up_to: int) -> None:
        """Takes a row's word that retention took out the rows up to this one."""
        self._announced = max(self._announced, up_to)

    def _judge(self, id: int, row: Sequence[Cell] | None, hash: bytes) -> None:
        before = self._link.id or 0
        if row is None:
            self.note(Wrong.MISSING, id, id)
        elif link(self._link.hash, row) == hash:
            self._verified += 1
        elif id - before - 1 > self._inserted_since_link:
            # A gap alone is no proof: rows of others may have gone. A broken link is.
            self.note(Wrong.MISSING, before + 1, id - 1)
        else:
            self.note(Wrong.ALTERED, id, id)

    def report(self, *, given_out: int, uncovered: int) -> Report:
        """Returns what was found; `given_out` is the highest id that the table ever gave out."""
        end = max(self._last_row, self._link.id or 0)
        if self._start.pruned > self._announced:
            self._findings.insert(
                0, Finding(Wrong.MISSING, self._announced + 1, self._start.pruned)
            )
        if given_out > end:
            self.note(Wrong.CUT, end + 1, given_out)
        unjudged = [head for head in self._heads if not self._judged(head, end)]
        return Report(
            findings=tuple(self._findings),
            verified=self._verified,
            uncovered=uncovered,
            checkpoint=self._start,
            head=self._link,
            unjudged=tuple(unjudged),
        )

    def _judged(self, head: Head, end: int) -> bool:
        met = self._met.get(head)
        id = end if head.id is None else head.id
        if met is None and head.hash == self._start.hash and head.id in (None, self._start.up_to):
            met = True
        if met is None and head.id is not None and head.id <= self._start.pruned:
            return False
        if met is None and head.id is not None and head.id > end:
            self.note(Wrong.CUT, end + 1, head.id)
        elif not met and not any(one.wrong is Wrong.REWRITTEN for one in self._findings):
            # Made anew once, no later link is the old one either.
            self.note(Wrong.REWRITTEN, id, id)
        return True
