"""Pages out of the record index: whatever the filter and the order, a page costs what it holds."""

import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from adapters.manufacturing.criteria import (
    Alternative,
    Condition,
    Criteria,
    all_of,
    in_numbers,
)
from domain.manufacturing.filters import OrderField, RecordOrder
from domain.manufacturing.record_index import Found
from domain.paging import CursorInvalid, Key, PageRequest

_COLUMNS = {
    OrderField.ID: ("id",),
    OrderField.TIME: ("at", "id"),
    OrderField.SERIAL: ("serial", "id"),
}
_INDEXED = {OrderField.TIME: "_at", OrderField.SERIAL: "_serial"}
_SEGMENTS = {OrderField.BOARD: "boardname", OrderField.IMAGE: "os_image_filename"}
_KEY_TYPES: dict[OrderField, tuple[type, ...]] = {
    OrderField.ID: (int,),
    OrderField.TIME: (int, int),
    OrderField.SERIAL: (str, int),
    OrderField.BOARD: (str, int),
    OrderField.IMAGE: (str, int),
}
_EVERY_ID = ((-(2**63), 2**63 - 1),)


def find_page(
    connection: sqlite3.Connection,
    criteria: Criteria,
    order: RecordOrder,
    request: PageRequest,
    *,
    skip: int = 0,
) -> Found:
    """Returns a page of keys; raises `CursorInvalid` for a key of another kind."""
    _check_key(order.by, request.key)
    walk = _Walk(connection, criteria, order.by)
    descending = order.descending != request.backwards
    keys = walk.keys(request.key, descending=descending, limit=skip + request.size + 1)[skip:]
    more, keys = len(keys) > request.size, keys[: request.size]
    # Beyond an empty page there is nothing: what there is at all lies on its other side.
    start = keys[0] if keys else None
    inside = request.key is not None or skip > 0
    around = inside and bool(walk.keys(start, descending=not descending, limit=1))
    if request.backwards:
        return Found(keys[::-1], has_next=around, has_previous=more)
    return Found(keys, has_next=more, has_previous=around)


def _check_key(by: OrderField, key: Key | None) -> None:
    if key is None:
        return
    if tuple(map(type, key)) != _KEY_TYPES[by] or not all(map(_fits_sqlite, key)):
        raise CursorInvalid("This cursor does not belong to this list; start again without one.")


def _fits_sqlite(member: int | str) -> bool:
    if isinstance(member, int):
        return -(2**63) < member < 2**63 - 1
    return not any("\ud800" <= character <= "\udfff" for character in member)


@dataclass(frozen=True, slots=True)
class _Walk:
    """Through all that satisfy the criteria, in one order."""

    connection: sqlite3.Connection
    criteria: Criteria
    by: OrderField

    def keys(self, after: Key | None, *, descending: bool, limit: int) -> list[Key]:
        """Returns up to `limit` keys after `after`, in the walk's direction."""
        found: list[Key] = []
        for part in self._parts(after, descending=descending, limit=limit):
            found += part
            if len(found) >= limit:
                break
        return found[:limit]

    def _parts(self, after: Key | None, *, descending: bool, limit: int) -> Iterator[list[Key]]:
        if self.by not in _SEGMENTS:
            path = _Path(self.connection, self.criteria, self.by, self.criteria.alternatives)
            yield from path.parts(after, descending=descending, limit=limit)
            return
        for name, variants in self._segments(after, descending=descending):
            among = tuple(one.among(variants) for one in self.criteria.alternatives)
            path = _Path(self.connection, self.criteria, OrderField.ID, among)
            start = after[1:] if after is not None and after[0] == name else None
            for part in path.parts(start, descending=descending, limit=limit):
                yield [(name, *key) for key in part]

    def _segments(
        self, after: Key | None, *, descending: bool
    ) -> list[tuple[str, tuple[int, ...]]]:
        """Returns the names that the order goes by, each with the variants that have it."""
        segments: dict[str, list[int]] = {}
        # S608: the column is a constant.
        sql = f"SELECT coalesce({_SEGMENTS[self.by]}, ''), id FROM variants"  # noqa: S608
        for name, id in self.connection.execute(sql):
            segments.setdefault(name, []).append(id)
        names = sorted(segments, key=str.encode, reverse=descending)
        if after is not None:
            start = str(after[0]).encode()
            names = [
                name
                for name in names
                if (name.encode() <= start if descending else name.encode() >= start)
            ]
        return [(name, tuple(segments[name])) for name in names]


@dataclass(frozen=True, slots=True)
class _Path:
    """Through the rows of some alternatives by id, time or serial."""

    connection: sqlite3.Connection
    criteria: Criteria
    by: OrderField
    alternatives: tuple[Alternative, ...]

    def parts(self, after: Key | None, *, descending: bool, limit: int) -> Iterator[list[Key]]:
        """Yields keys in order, in one or several parts."""
        branches = [branch for one in self.alternatives for branch in self._branches(one)]
        if not branches:
            return
        spans: Sequence[tuple[int, int]] = _EVERY_ID
        if self.by is OrderField.ID and self.criteria.spans is not None:
            spans = self.criteria.spans
        for span in reversed(spans) if descending else spans:
            place = self._place(after, span, descending=descending)
            places = (place, *self._times(after, descending=descending))
            yield self._merged(branches, places, descending=descending, limit=limit)

    def _place(self, after: Key | None, span: tuple[int, int], *, descending: bool) -> Condition:
        if self.by is OrderField.ID:
            low, high = _clipped(span, after, descending=descending)
            return Condition("r.id BETWEEN ? AND ?", (low, high))
        if after is None:
            return Condition("TRUE")
        columns = ", ".join(f"r.{name}" for name in _COLUMNS[self.by])
        return Condition(f"({columns}) {'<' if descending else '>'} (?, ?)", after)

    def _times(self, after: Key | None, *, descending: bool) -> tuple[Condition, ...]:
        """Returns the bounds of time; by time, a key is the nearer one: SQLite seeks by one of
        two, and never by what has a plus."""
        times = self.criteria.times
        if self.by is not OrderField.TIME or after is None or not times:
            return times
        first, end = times
        if descending:
            return first, replace(end, sql=f"+{end.sql}")
        return replace(first, sql=f"+{first.sql}"), end

    def _merged(
        self,
        branches: Sequence["_Branch"],
        places: tuple[Condition, ...],
        *,
        descending: bool,
        limit: int,
    ) -> list[Key]:
        """Returns the first keys of all branches: each is walked in order, then they are
        merged."""
        names = [f"r.{name}" for name in _COLUMNS[self.by]]
        direction = "DESC" if descending else "ASC"
        order = ", ".join(f"{name} {direction}" for name in names)
        wheres = [all_of([*branch.conditions, *places]) for branch in branches]
        # S608: constants and `?`.
        each = " UNION ALL ".join(
            f"SELECT * FROM (SELECT {', '.join(names)} FROM {branch.source} WHERE {where.sql} "  # noqa: S608
            f"ORDER BY {order} LIMIT {limit})"
            for branch, where in zip(branches, wheres, strict=True)
        )
        numbers = ", ".join(f"{number + 1} {direction}" for number in range(len(names)))
        values = [value for where in wheres for value in where.parameters]
        sql = f"{each} ORDER BY {numbers} LIMIT {limit}"
        return self.connection.execute(sql, values).fetchall()

    def _branches(self, one: Alternative) -> list["_Branch"]:
        """Returns the ways to the rows of one alternative: each by an index."""
        variants, name = one.variants, _INDEXED.get(self.by, "")
        if variants is not None and not variants:
            return []
        listed = () if variants is None else (in_numbers("r.variant", variants),)
        plain = (*listed, *one.conditions)
        if one.access:
            access = "NOT INDEXED" if one.access == "id" else f"INDEXED BY {one.access}"
            return [_Branch(_source(one, access), plain)]
        if self.by is OrderField.SERIAL and self._is_short():
            return [_Branch(_source(one, "INDEXED BY rows_at"), plain)]
        if variants is not None and len(variants) <= self.criteria.thresholds.branches:
            source = _source(one, f"INDEXED BY rows_variant{name}")
            return [
                _Branch(source, (Condition("r.variant = ?", (variant,)), *one.conditions))
                for variant in variants
            ]
        if variants is not None and self.criteria.rows_of(one) <= self.criteria.thresholds.few:
            return [_Branch(_source(one, "INDEXED BY rows_variant"), plain)]
        return [_Branch(_source(one, f"INDEXED BY rows{name}" if name else "NOT INDEXED"), plain)]

    def _is_short(self) -> bool:
        """Whether the time range holds few rows, whatever their serials."""
        if not self.criteria.times:
            return False
        times, few = all_of(self.criteria.times), self.criteria.thresholds.few
        # S608: constants and `?`.
        some = f"SELECT 1 FROM rows AS r WHERE {times.sql} LIMIT {few + 1}"  # noqa: S608
        sql = f"SELECT count(*) FROM ({some})"  # noqa: S608
        return bool(self.connection.execute(sql, times.parameters).fetchone()[0] <= few)


@dataclass(frozen=True, slots=True)
class _Branch:
    source: str
    conditions: tuple[Condition, ...]


def _source(one: Alternative, access: str) -> str:
    text = " CROSS JOIN texts AS t ON t.id = r.id" if one.searched else ""
    return f"rows AS r {access}{text}"


def _clipped(span: tuple[int, int], after: Key | None, *, descending: bool) -> tuple[int, int]:
    """Returns the part of the span that lies after an id: SQLite seeks by one of two bounds
    only."""
    if after is None:
        return span
    id = int(after[0])
    return (span[0], min(span[1], id - 1)) if descending else (max(span[0], id + 1), span[1])
