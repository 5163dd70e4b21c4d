"""Last rows: the newest state row at each port and of each board, newest by the order of writing
(contract devices section 8)."""

from dataclasses import dataclass, field

from domain.devices.states import StateRow
from domain.serials import LONG, board_key, same_board


@dataclass(slots=True)
class LastRows:
    """The row with the highest id of each endpoint and serial, and the newest that has a board
    type. Serials are kept as they were written but for case, so that two boards whose serials end
    alike stay two."""

    last_id: int = 0
    _by_endpoint: dict[str, StateRow] = field(default_factory=dict)
    _by_serial: dict[str, StateRow] = field(default_factory=dict)
    _typed: dict[str, StateRow] = field(default_factory=dict)
    _newest_long: dict[str, str] = field(default_factory=dict)

    def take(self, row: StateRow) -> None:
        """Takes the next row; rows come by id ascending."""
        serial = row.serial.lower()
        self.last_id = row.id
        self._by_endpoint[row.endpoint] = row
        self._by_serial[serial] = row
        if row.board_type:
            self._typed[serial] = row
        if LONG.fullmatch(serial):
            self._newest_long[board_key(serial)] = serial

    def at(self, endpoint: str) -> StateRow | None:
        """Returns the newest row with exactly this endpoint."""
        return self._by_endpoint.get(endpoint)

    def of_board(self, serial: str) -> StateRow | None:
        """Returns the newest row of the board with this serial of either length."""
        return self._newest(self._by_serial, serial)

    def written_as(self, serial: str) -> StateRow | None:
        """Returns the newest row with exactly this text in place of a serial."""
        return self._by_serial.get(serial.lower())

    def board_type_of(self, serial: str) -> str:
        """Returns the newest board type of the board with this serial; the empty text is none.

        The later phases do not know it and write none (contract devices Q26).
        """
        row = self._newest(self._typed, serial)
        return row.board_type if row else ""

    def _newest(self, rows: dict[str, StateRow], serial: str) -> StateRow | None:
        key = board_key(serial)
        names = {serial.lower(), key, self._newest_long.get(key, "")}
        found = [rows[name] for name in names if name in rows and same_board(name, serial)]
        return max(found, key=lambda row: row.id, default=None)
