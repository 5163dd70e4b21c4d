"""Criteria: a record filter as conditions on the tables of the record index."""

import json
import math
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from adapters.manufacturing.index_file import BLOCK_BITS
from adapters.manufacturing.projection import NO_TIME, NOT_CONFIGURED, TEXTS
from adapters.manufacturing.text_matches import TextMatches
from domain.manufacturing.filters import FlagState, RecordFilter
from domain.manufacturing.record import ConnectStatus
from domain.serials import LONG, board_key

Parameters = tuple[int | str, ...]

_FLAGS = {FlagState.YES: "= 1", FlagState.NO: "= 0", FlagState.UNKNOWN: "IS NULL"}
_CONNECT = {
    ConnectStatus.REGISTERED: 1,
    ConnectStatus.FAILED: 0,
    ConnectStatus.NOT_CONFIGURED: NOT_CONFIGURED,
}


@dataclass(frozen=True, slots=True)
class Thresholds:
    """From where on another way is the quicker one: up to `few` rows are listed and sorted, more
    are walked through in order; up to `branches` variants are walked through side by side."""

    few: int = 5_000
    branches: int = 64


USUAL = Thresholds()


@dataclass(frozen=True, slots=True)
class Condition:
    """SQL and the values of its `?`."""

    sql: str
    parameters: Parameters = ()


@dataclass(frozen=True, slots=True)
class Alternative:
    """One way to satisfy a filter. `r` is a row and, where `searched`, `t` its text.

    `access` names what leads to the few rows that can satisfy it, empty where there may be many.
    `variants` are the only ones that the rows may have, None for any.
    """

    conditions: tuple[Condition, ...]
    variants: tuple[int, ...] | None
    access: str = ""
    searched: bool = False

    def among(self, variants: tuple[int, ...]) -> "Alternative":
        """Returns the part of it that has one of `variants`."""
        allowed = variants if self.variants is None else _common(variants, self.variants)
        return replace(self, variants=allowed)


@dataclass(frozen=True, slots=True)
class Criteria:
    """A row in `times` satisfies exactly one of the `alternatives`, or none. `spans` are ranges
    of ids outside of which no row is in time, None for any id; `rows` counts those of each
    variant."""

    alternatives: tuple[Alternative, ...]
    times: tuple[Condition, ...]
    spans: tuple[tuple[int, int], ...] | None
    rows: Mapping[int, int]
    thresholds: Thresholds

    def rows_of(self, alternative: Alternative) -> int:
        """Returns how many rows have the alternative's variants."""
        if alternative.variants is None:
            return sum(self.rows.values())
        return sum(self.rows[variant] for variant in alternative.variants)


def criteria_of(
    connection: sqlite3.Connection,
    wanted: RecordFilter,
    matches: TextMatches,
    thresholds: Thresholds = USUAL,
) -> Criteria:
    """Returns the filter's criteria in this index."""
    times, (points, access) = _times(wanted), _points(wanted)
    conditions = () if points is None else (points,)
    plain = Alternative(conditions, _variants(connection, wanted), access)
    rows = dict(connection.execute("SELECT id, rows FROM variants").fetchall())
    return Criteria(
        alternatives=_searched(connection, plain, wanted.text, matches, thresholds),
        times=times,
        spans=None if not times else _spans(connection, wanted),
        rows=rows,
        thresholds=thresholds,
    )


def _searched(
    connection: sqlite3.Connection,
    plain: Alternative,
    text: str,
    matches: TextMatches,
    thresholds: Thresholds,
) -> tuple[Alternative, ...]:
    """Returns how rows of `plain` satisfy the text: their variant does, or their own texts."""
    if not text:
        return (plain,)
    pattern = "%" + text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"
    alike = _alike(connection, pattern)
    ids = None if plain.access else matches.ids(connection, pattern, few=thresholds.few)
    if ids is None:
        variant = in_numbers("r.variant", alike)
        either = Condition(
            f"(t.text LIKE ? ESCAPE '\\' OR {variant.sql})", (pattern, *variant.parameters)
        )
        return (replace(plain, conditions=(*plain.conditions, either), searched=True),)
    others = tuple(id for (id,) in connection.execute("SELECT id FROM variants") if id not in alike)
    own = replace(plain, conditions=(in_numbers("r.id", ids), *plain.conditions), access="id")
    return (plain.among(tuple(alike)), own.among(others))


def _alike(connection: sqlite3.Connection, pattern: str) -> list[int]:
    names = " OR ".join(f"{name} LIKE ?1 ESCAPE '\\'" for name in TEXTS)
    # S608: the names are constants.
    found = connection.execute(f"SELECT id FROM variants WHERE {names}", (pattern,))  # noqa: S608
    return [id for (id,) in found]


def _common(one: Sequence[int], other: Sequence[int]) -> tuple[int, ...]:
    allowed = frozenset(other)
    return tuple(number for number in one if number in allowed)


def in_numbers(name: str, values: Sequence[int]) -> Condition:
    """Returns that `name` is one of `values`."""
    # One parameter, however many there are.
    listed = "SELECT value FROM json_each(?)"
    return Condition(f"{name} IN ({listed})", (json.dumps(list(values)),))


def all_of(conditions: Sequence[Condition]) -> Condition:
    """Returns that all `conditions` are satisfied."""
    parameters = tuple(value for condition in conditions for value in condition.parameters)
    return Condition(" AND ".join(condition.sql for condition in conditions), parameters)


def _points(wanted: RecordFilter) -> tuple[Condition | None, str]:
    found, index = list[Condition](), ""
    if wanted.duids:
        found.append(_in("r.duid", wanted.duids))
        index = "rows_duid"
    if wanted.serials:
        found.append(_serials(wanted.serials))
        index = "rows_board" if not wanted.duids else index
    if not found:
        return None, ""
    return all_of(found), index


def _serials(serials: Sequence[str]) -> Condition:
    """An 8-digit serial is of every board that ends in it; of two 16-digit ones both must be
    the same (`domain.serials.same_board`)."""
    keys = tuple(board_key(serial) for serial in serials)
    exact = [text.lower() for serial in serials for text in (serial, board_key(serial))]
    any_prefix = [serial.lower() for serial in serials if not LONG.fullmatch(serial)]
    same, ends = _in("lower(r.serial)", tuple(exact)), _in("r.board", tuple(any_prefix))
    chosen = Condition(f"({same.sql} OR {ends.sql})", same.parameters + ends.parameters)
    return all_of([_in("r.board", keys), chosen])


def _times(wanted: RecordFilter) -> tuple[Condition, ...]:
    """Returns the two bounds, none where there is neither."""
    first, end = _bounds(wanted)
    if wanted.since is None and wanted.until is None:
        return ()
    return Condition("r.at >= ?", (first,)), Condition("r.at < ?", (end,))


def _bounds(wanted: RecordFilter) -> tuple[int, int]:
    first = NO_TIME + 1 if wanted.since is None else _epoch(wanted.since)
    return first, -NO_TIME if wanted.until is None else _epoch(wanted.until)


def _epoch(moment: datetime) -> int:
    return math.ceil(moment.timestamp())


def _spans(connection: sqlite3.Connection, wanted: RecordFilter) -> tuple[tuple[int, int], ...]:
    first, end = _bounds(wanted)
    found = connection.execute(
        "SELECT block FROM blocks WHERE last_at >= ? AND first_at < ? ORDER BY block", (first, end)
    )
    spans: list[tuple[int, int]] = []
    for (block,) in found:
        low, high = block << BLOCK_BITS, (block + 1 << BLOCK_BITS) - 1
        if spans and spans[-1][1] + 1 == low:
            low = spans.pop()[0]
        spans.append((low, high))
    return tuple(spans)


def _variants(connection: sqlite3.Connection, wanted: RecordFilter) -> tuple[int, ...] | None:
    conditions = _variant_conditions(wanted)
    if not conditions:
        return None
    which = all_of(conditions)
    # S608: the condition is made of constants and `?`.
    sql = f"SELECT id FROM variants WHERE {which.sql}"  # noqa: S608
    return tuple(id for (id,) in connection.execute(sql, which.parameters))


def _variant_conditions(wanted: RecordFilter) -> list[Condition]:
    names = {
        "boardname": wanted.boards,
        "processor": wanted.processors,
        "os_image_filename": wanted.images,
        "lower(os_image_sha256)": tuple(map(str.lower, wanted.image_hashes)),
        "lower(customer_key_fingerprint)": tuple(map(str.lower, wanted.key_fingerprints)),
    }
    flags = {
        "secure": wanted.secure,
        "jtag_locked": wanted.jtag_locked,
        "eeprom_write_protected": wanted.eeprom_write_protected,
        "pubkey_programmed": wanted.public_key_programmed,
        "devkey_revoked": wanted.development_key_revoked,
        "signed_boot_enabled": wanted.signed_boot_enabled,
    }
    found = [_in(name, values) for name, values in names.items() if values]
    found += [Condition(f"{name} {_FLAGS[flag]}") for name, flag in flags.items() if flag]
    if wanted.connect_status is not None:
        found.append(Condition("connect_registered = ?", (_CONNECT[wanted.connect_status],)))
    return found


def _in(name: str, values: tuple[str, ...]) -> Condition:
    return Condition(f"{name} IN ({', '.join('?' * len(values))})", values)
