"""Last rows: newest by the order of writing, of boards with either serial."""

from domain.devices.last_rows import LastRows
from domain.devices.states import StateRow

LONG, SHORT = "10000000a0b0c0d0", "a0b0c0d0"
STRANGER = "20000000a0b0c0d0"
"""Another board whose serial ends alike."""


def rows(*written: tuple[str, str, str]) -> LastRows:
    """Returns what is left of rows (serial, endpoint, board type), whose states are numbered."""
    last = LastRows()
    for id, (serial, endpoint, board_type) in enumerate(written, 1):
        last.take(StateRow(id, serial, endpoint, f"S{id}", "", "", board_type, None))
    return last


def state(row: StateRow | None) -> str | None:
    return row.state if row else None


def test_the_newest_row_of_a_port_is_the_last_written() -> None:
    last = rows((LONG, "1-1", ""), (SHORT, "1-1", ""), (LONG, "1-2", ""))
    assert (state(last.at("1-1")), state(last.at("1-2")), last.at("1-3")) == ("S2", "S3", None)
    assert last.last_id == 3


def test_both_serials_of_a_board_find_its_newest_row() -> None:
    last = rows((LONG, "1-1", ""), (SHORT.upper(), "1-2", ""))
    assert state(last.of_board(LONG)) == state(last.of_board(SHORT)) == "S2"
    assert state(last.of_board(LONG.upper())) == "S2"


def test_boards_whose_serials_end_alike_stay_two() -> None:
    last = rows((LONG, "1-1", "17"), (STRANGER, "1-2", "18"))
    assert (state(last.of_board(LONG)), state(last.of_board(STRANGER))) == ("S1", "S2")
    assert state(last.of_board(SHORT)) == "S2"
    assert (last.board_type_of(LONG), last.board_type_of(STRANGER)) == ("17", "18")


def test_the_board_type_survives_rows_without_one() -> None:
    last = rows((SHORT, "1-1", "18"), (LONG, "1-1", ""), (LONG, "1-1", ""))
    assert (last.board_type_of(LONG), last.board_type_of("b" * 16)) == ("18", "")


def test_what_is_no_serial_finds_no_board() -> None:
    last = rows(("Broadcom", "1-1", "17"), ("/dev/bus/usb/001/004", "1-1", ""), ("", "1-1", ""))
    assert [last.of_board(text) for text in ("Broadcom", "/dev/bus/usb/001/004", "")] == [None] * 3
    assert state(last.written_as("/dev/bus/usb/001/004")) == "S2"
