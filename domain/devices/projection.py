"""The projection: one device for each board, folded from the append-only state rows."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from domain.devices.states import StateRow
from domain.serials import LONG, board_key, is_real

STAGE_NAMES = ("bootstrap", "triage")
"""What PORT-EXCLUDED rows hold in place of a USB path (contract devices section 3)."""


@dataclass(frozen=True, slots=True)
class Device:
    """One board as its rows show it.

    `key` is stable for the board; `serial` is the longest one known and None for a board that has
    not told one yet; `port` is its last USB path, None while unknown. Texts are as the station
    wrote them. `changes` counts its rows, `newest_id` is the last one's id. Times are UTC.
    """

    key: str
    serial: str | None
    port: str | None
    state: str
    image: str
    ip_address: str
    board_type: str
    first_seen_at: datetime | None
    last_change_at: datetime | None
    changes: int
    newest_id: int


@dataclass(slots=True)
class Projection:
    """The devices by key, the newest row of each serial and endpoint as written, and the last id.

    Newest is by stored time, then id (contract devices 6.2).
    """

    devices: dict[str, Device] = field(default_factory=dict)
    newest_by_serial: dict[str, StateRow] = field(default_factory=dict)
    newest_by_endpoint: dict[str, StateRow] = field(default_factory=dict)
    last_id: int = -(2**63) + 1

    def take(self, rows: Sequence[StateRow]) -> set[str]:
        """Folds rows, by id ascending, into the devices; returns the keys of those that changed."""
        return {self._take(row) for row in rows}

    def _take(self, row: StateRow) -> str:
        named = is_real(row.serial)
        key = board_key(row.serial) if named else f"port:{row.endpoint}"
        known = self.devices.get(key)
        self.devices[key] = _merged(known, row) if known else _first(key, row)
        if named and row.endpoint:
            # The board at this port has told its serial: it is no longer the nameless one.
            self.devices.pop(f"port:{row.endpoint}", None)
        _keep_newest(self.newest_by_serial, row.serial, row)
        _keep_newest(self.newest_by_endpoint, row.endpoint, row)
        self.last_id = row.id
        return key


def _first(key: str, row: StateRow) -> Device:
    return Device(
        key=key,
        serial=row.serial if is_real(row.serial) else None,
        port=_usb_path(row.endpoint),
        state=row.state,
        image=row.image,
        ip_address=row.ip_address,
        board_type=row.board_type,
        first_seen_at=row.at,
        last_change_at=row.at,
        changes=1,
        newest_id=row.id,
    )


def _merged(known: Device, row: StateRow) -> Device:
    longer = LONG.fullmatch(row.serial) is not None
    return replace(
        known,
        serial=row.serial if longer else known.serial,
        port=_usb_path(row.endpoint) or known.port,
        state=row.state,
        # A later phase does not know the board type again: the newest non-empty one holds (Q26).
        image=row.image or known.image,
        ip_address=row.ip_address or known.ip_address,
        board_type=row.board_type or known.board_type,
        last_change_at=row.at,
        changes=known.changes + 1,
        newest_id=row.id,
    )


def _keep_newest(rows: dict[str, StateRow], name: str, row: StateRow) -> None:
    known = rows.get(name)
    if known is None or _time(known) <= _time(row):
        rows[name] = row


def _time(row: StateRow) -> tuple[bool, datetime]:
    return row.at is not None, row.at or datetime.min.replace(tzinfo=UTC)


def _usb_path(endpoint: str) -> str | None:
    known = endpoint and endpoint not in (*STAGE_NAMES, "unknown-usb-path")
    return endpoint if known else None
