"""Run records: what the manufacturing database says of a board's newest run."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from domain.devices.evidence import RecordSight, RunRecord
from domain.devices.runs import Mark, Run
from domain.devices.stages import Stage
from domain.errors import Unavailable
from domain.manufacturing.board_records import BoardRecord, BoardRecords

CLOCK_SLACK = timedelta(seconds=2)
"""Times are kept to the second, and systemd's are not rounded as SQLite's are."""


class RunRecords:
    """Remembers the newest record of each board that was asked for, and since when records were
    kept at all."""

    def __init__(self, source: BoardRecords) -> None:
        self._source = source
        self._known: dict[str, BoardRecord] | None = None
        self._since: datetime | None = None

    async def read(self, keys: Sequence[str]) -> None:
        """Reads the boards' records again; while that fails all are unread."""
        try:
            found = await self._source.newest_of(keys) if keys else {}
            first_at = await self._source.first_at() if keys else self._since
        except Unavailable:
            self._known = None
            return
        known = self._known or {}
        self._known = {key: known[key] for key in known.keys() - set(keys)} | dict(found)
        # Not what another database told before: it may have been moved away since.
        times = (first_at, *(record.at for record in found.values()))
        self._since = min((at for at in times if at is not None), default=None)

    def find(self, run: Run, marks: Sequence[Mark]) -> RunRecord:
        """Returns the record of this run.

        That there should be one is only said where an older record, of any board, shows that
        records were kept when the run began.
        """
        if self._known is None or not run.finished:
            return RunRecord(RecordSight.UNREAD)
        found, began = self._known.get(run.key), _provisioned_from(marks)
        if found is not None and not (found.at and began and found.at < began - CLOCK_SLACK):
            return RunRecord(RecordSight.FOUND, found.secure, found.at)
        kept = began and self._since and self._since < began - CLOCK_SLACK
        return RunRecord(RecordSight.MISSING if kept else RecordSight.NONE_KEPT)


def _provisioned_from(marks: Sequence[Mark]) -> datetime | None:
    """Returns when provisioning began, None where the clock was set back during the run."""
    times = [mark.at for mark in marks if mark.reading.stage is Stage.PROVISIONING and mark.at]
    return times[0] if times and times == sorted(times) else None
