"""A record index that looks at every record: what the real one must agree with."""

from collections.abc import Collection, Mapping, Sequence

from domain.errors import Unavailable
from domain.manufacturing.filters import FlagState, OrderField, RecordFilter, RecordOrder
from domain.manufacturing.record import ManufacturingRecord, record_of
from domain.manufacturing.record_index import Added, Found
from domain.manufacturing.statistics import (
    Bucket,
    StatisticsBy,
    StatisticsQuestion,
    bucket_start,
)
from domain.paging import Key, PageRequest
from domain.serials import board_key, same_board
from tests.fakes.records import FakeRecords

NO_TIME = -(2**62)
TEXTS = (
    "serial",
    "duid",
    "ethernet_mac",
    "wifi_mac",
    "bluetooth_mac",
    "mmc_cid",
    "connect_device_id",
    "eeprom_unique_id",
    "board",
    "processor",
    "memory",
    "manufacturer",
    "board_revision",
    "image",
    "image_sha256",
    "key_fingerprint",
    "key_label",
)
FLAGS = (
    "secure",
    "jtag_locked",
    "eeprom_write_protected",
    "public_key_programmed",
    "development_key_revoked",
    "signed_boot_enabled",
)


class FakeRecordIndex:
    """Satisfies `RecordIndex` over `FakeRecords`; set `failure` and every method raises it."""

    def __init__(self, records: FakeRecords) -> None:
        self.records = records
        self.odd = False
        self.failure: Unavailable | None = None
        self._told: set[int] | None = None

    async def catch_up(self) -> Added | None:
        self._check()
        ids = set(self.records.by_id)
        known, self._told = self._told, ids
        if known == ids:
            return None
        boards = [str(self.records.by_id[id]["serial"]) for id in ids - (known or set())]
        anew = known is None or bool(known - ids)
        keys = frozenset(map(board_key, boards)) if not anew else frozenset()
        return Added(keys, max(ids, default=None), anew)

    async def page(
        self, wanted: RecordFilter, order: RecordOrder, request: PageRequest, *, skip: int = 0
    ) -> Found:
        self._check()
        keys = sorted(
            (_key(record, order.by) for record in self._wanted(wanted)), reverse=order.descending
        )
        place = request.key
        after = [
            key for key in keys if place is None or _beyond(key, place, descending=order.descending)
        ]
        before = [
            key for key in keys if place is None or _beyond(place, key, descending=order.descending)
        ]
        if request.backwards:
            rest = before[: len(before) - skip]
            cut = max(0, len(rest) - request.size)
            has_next = place is not None and len(before) < len(keys)
            return Found(rest[cut:], has_next=has_next or skip > 0, has_previous=cut > 0)
        rest = after[skip:]
        return Found(
            rest[: request.size],
            has_next=len(rest) > request.size,
            has_previous=len(keys) > len(after) or (skip > 0 and bool(after)),
        )

    async def count(self, wanted: RecordFilter) -> int:
        self._check()
        return len(self._wanted(wanted))

    async def statistics(self, question: StatisticsQuestion) -> Sequence[Bucket]:
        self._check()
        groups: dict[int | str, list[ManufacturingRecord]] = {}
        for record in self._wanted(question.wanted):
            group = _group(record, question)
            if group is not None:
                groups.setdefault(group, []).append(record)
        buckets = [_bucket(group, records, question) for group, records in groups.items()]
        if question.by.step is not None:
            return sorted(buckets, key=lambda bucket: str(bucket.start), reverse=True)
        return sorted(buckets, key=lambda bucket: (-bucket.records, bucket.name or ""))

    async def newest_ids(self, boards: Collection[str]) -> Mapping[str, int]:
        self._check()
        known = {board_key(record.serial): record.id for record in self._all()}
        return {board: known[board] for board in boards if board in known}

    async def ids_of_duid(self, duid: str) -> Sequence[int]:
        self._check()
        return await self.records.ids_of_duid(duid)

    async def has_odd_times(self) -> bool:
        self._check()
        return self.odd

    def _all(self) -> list[ManufacturingRecord]:
        return [record_of(self.records.by_id[id]) for id in sorted(self.records.by_id)]

    def _wanted(self, wanted: RecordFilter) -> list[ManufacturingRecord]:
        return [record for record in self._all() if satisfies(record, wanted)]

    def _check(self) -> None:
        if self.failure is not None:
            raise self.failure


def satisfies(record: ManufacturingRecord, wanted: RecordFilter) -> bool:
    """Whether a record satisfies a filter, member by member as its docstring says."""
    lists = (
        (wanted.duids, record.duid),
        (wanted.boards, record.board),
        (wanted.processors, record.processor),
        (wanted.images, record.image),
        (tuple(map(str.lower, wanted.image_hashes)), (record.image_sha256 or "").lower()),
        (tuple(map(str.lower, wanted.key_fingerprints)), (record.key_fingerprint or "").lower()),
    )
    flags = {True: FlagState.YES, False: FlagState.NO, None: FlagState.UNKNOWN}
    at = record.provisioned_at
    texts = [str(getattr(record, name) or "").lower() for name in TEXTS]
    return (
        (not wanted.serials or any(same_board(s, record.serial) for s in wanted.serials))
        and all(not values or value in values for values, value in lists)
        and all(getattr(wanted, name) in (None, flags[getattr(record, name)]) for name in FLAGS)
        and wanted.connect_status in (None, record.connect_status)
        and (wanted.since is None or (at is not None and at >= wanted.since))
        and (wanted.until is None or (at is not None and at < wanted.until))
        and (not wanted.text or any(wanted.text.lower() in text for text in texts))
    )


def _key(record: ManufacturingRecord, by: OrderField) -> Key:
    at = record.provisioned_at
    first: dict[OrderField, int | str] = {
        OrderField.TIME: NO_TIME if at is None else int(at.timestamp()),
        OrderField.SERIAL: record.serial,
        OrderField.BOARD: record.board or "",
        OrderField.IMAGE: record.image or "",
    }
    return (record.id,) if by is OrderField.ID else (first[by], record.id)


def _beyond(key: Key, place: Key, *, descending: bool) -> bool:
    return key < place if descending else key > place


def _group(record: ManufacturingRecord, question: StatisticsQuestion) -> int | str | None:
    if question.by.step is None:
        return (record.board if question.by is StatisticsBy.BOARD else record.image) or ""
    if record.provisioned_at is None:
        return None
    local = record.provisioned_at.timestamp() + question.utc_offset.total_seconds()
    return int(local // question.by.step.total_seconds())


def _bucket(
    group: int | str, records: Sequence[ManufacturingRecord], question: StatisticsQuestion
) -> Bucket:
    return Bucket(
        start=bucket_start(group, question) if isinstance(group, int) else None,
        name=group or None if isinstance(group, str) else None,
        records=len(records),
        boards=len({board_key(record.serial) for record in records}),
        secure=sum(record.secure is True for record in records),
        not_secure=sum(record.secure is False for record in records),
        connect_failed=sum(record.connect_status == "FAILED" for record in records),
    )
