"""The projection: one device for each board, folded from the append-only state rows."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from domain.devices.last_rows import LastRows
from domain.devices.row_names import STAGE_ENDPOINTS, is_nameless, usb_path
from domain.devices.runs import Run, Runs, Taken
from domain.devices.states import StateRow
from domain.serials import LONG, is_real

STAGE_NAMES = STAGE_ENDPOINTS
"""What PORT-EXCLUDED rows hold in place of a USB path."""


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
    """The devices by key, the one that changed last at the end; their runs; the newest row of each
    serial and endpoint as written; the last id, and how many rows there are up to it.

    Newest is by stored time, then id (contract devices 6.2).
    """

    devices: dict[str, Device] = field(default_factory=dict)
    runs: Runs = field(default_factory=Runs)
    newest_by_serial: dict[str, StateRow] = field(default_factory=dict)
    newest_by_endpoint: dict[str, StateRow] = field(default_factory=dict)
    last_rows: LastRows = field(default_factory=LastRows)
    last_id: int = -(2**63) + 1
    rows: int = 0

    def take(self, rows: Sequence[StateRow]) -> set[str]:
        """Folds rows, by id ascending, into the devices; returns the keys of those that changed,
        the keys of nameless ones that are gone included."""
        changed: set[str] = set()
        for row in rows:
            self._take(row, changed)
        return changed

    def _take(self, row: StateRow, changed: set[str]) -> None:
        taken = self.runs.take(row)
        key = taken.run.key
        known = self.devices.pop(key, None)
        device = _merged(known, row) if known else _first(key, row)
        # At the end again: the order of the dictionary is that of the last changes.
        if taken.adopted:
            device = _joined(
                device, known, run=taken.run, started_at=self.runs.started_at(taken.run)
            )
        self.devices[key] = device
        _keep_newest(self.newest_by_serial, row.serial, row)
        _keep_newest(self.newest_by_endpoint, row.endpoint, row)
        self.last_rows.take(row)
        self.last_id = row.id
        self.rows += 1
        changed.add(key)
        changed.update(taken.touched)
        port = usb_path(row.endpoint)
        if port is not None and self._is_named(taken, port):
            changed.add(f"port:{port}")

    def _is_named(self, taken: Taken, port: str) -> bool:
        """Drops the nameless board at this port, if any: it told its serial, or another one
        came."""
        if is_nameless(taken.run.key) or self.runs.at_port[port] is not taken.run:
            return False
        return self.devices.pop(f"port:{port}", None) is not None


def _first(key: str, row: StateRow) -> Device:
    return Device(
        key=key,
        serial=row.serial if is_real(row.serial) else None,
        port=usb_path(row.endpoint),
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
    longer = row.serial != known.serial and LONG.fullmatch(row.serial) is not None
    # Rather than `replace`, which takes as long as all the rest of a row.
    return Device(
        key=known.key,
        serial=row.serial if longer else known.serial,
        port=usb_path(row.endpoint) or known.port,
        state=row.state,
        # A later phase does not know the board type again: the newest non-empty one holds (Q26).
        image=row.image or known.image,
        ip_address=row.ip_address or known.ip_address,
        board_type=row.board_type or known.board_type,
        first_seen_at=known.first_seen_at,
        last_change_at=row.at,
        changes=known.changes + 1,
        newest_id=row.id,
    )


def _joined(
    device: Device, known: Device | None, *, run: Run, started_at: datetime | None
) -> Device:
    """Adds what a board's rows told before it told its name."""
    return replace(
        device,
        image=run.image or device.image,
        board_type=run.board_type or device.board_type,
        first_seen_at=known.first_seen_at if known else started_at,
        changes=device.changes + run.rows - 1,
    )


def _keep_newest(rows: dict[str, StateRow], name: str, row: StateRow) -> None:
    known = rows.get(name)
    if known is None or _time(known) <= _time(row):
        rows[name] = row


def _time(row: StateRow) -> tuple[bool, datetime]:
    return row.at is not None, row.at or datetime.min.replace(tzinfo=UTC)
