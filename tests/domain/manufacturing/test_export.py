import csv
import io
import json
from datetime import UTC, datetime

import pytest

from domain.manufacturing.export import ExportFormat, ExportText, plain_csv
from domain.manufacturing.record import Cell, Row
from tests.fakes.records import record_row


def written(format: ExportFormat, *batches: list[Row]) -> str:
    columns = tuple(batches[0][0]) if batches else ()
    text = ExportText(format, columns)
    middle = b"".join(text.rows(batch) for batch in batches)
    return (text.begin() + middle + text.end()).decode()


def cells(text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text, newline="")))


def test_csv_has_every_column_and_every_row() -> None:
    row = record_row(1, provision_ts="2026-08-01 10:00:00")
    text = written(ExportFormat.CSV, [row], [record_row(2)])
    lines = cells(text)
    assert lines[0] == list(row)
    assert lines[1] == ["" if cell is None else str(cell) for cell in row.values()]
    assert len(lines) == 3
    assert text.count("\r\n") == 3


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n"])
@pytest.mark.parametrize("column", ["id", "boardname", "provision_ts"])
def test_what_a_spreadsheet_takes_for_a_formula_is_made_harmless(start: str, column: str) -> None:
    evil = f'{start}HYPERLINK("http://evil", "x")'
    lines = cells(written(ExportFormat.CSV, [record_row(1), {**record_row(2), column: evil}]))
    assert lines[2][lines[0].index(column)] == f"'{evil}"
    assert lines[1][lines[0].index("boardname")] == "CM5"


@pytest.mark.parametrize("start", ["=", "+", "-", "@"])
def test_a_formula_behind_a_semicolon_is_made_harmless(start: str) -> None:
    lines = cells(written(ExportFormat.CSV, [record_row(1, boardname=f"CM5;{start}1+1;x")]))
    assert lines[1][lines[0].index("boardname")] == f"CM5;'{start}1+1;x"
    assert plain_csv([f'[1,"CM5;{start}1"]'], 2) is None


def test_bytes_are_the_text_they_hold() -> None:
    lines = cells(written(ExportFormat.CSV, [record_row(1, boardname=b"CM5\xff")]))
    assert lines[1][lines[0].index("boardname")] == "CM5\ufffd"


def test_a_negative_number_is_no_formula() -> None:
    lines = cells(written(ExportFormat.CSV, [record_row(1, mmc_size=-5)]))
    assert lines[1][lines[0].index("mmc_size")] == "-5"


def test_a_column_whose_name_is_a_formula_is_made_harmless() -> None:
    assert cells(written(ExportFormat.CSV, [{"id": 1, "=cmd": "x"}]))[0] == ["id", "'=cmd"]


@pytest.mark.parametrize("cell", ['a,"b"\r\nc', "ünïcode ✓", "a\0b", b"\xff="])
def test_any_text_comes_back_as_it_was(cell: Cell) -> None:
    expected = cell.decode("utf-8", "replace") if isinstance(cell, bytes) else cell
    text = written(ExportFormat.NDJSON, [record_row(1, boardname=cell)])
    assert json.loads(text)["boardname"] == expected


def test_ndjson_is_typed() -> None:
    row = record_row(
        3, secure="", jtag_locked=None, connect_registered=0, provision_ts="2026-08-01 10:00:00"
    )
    [line] = written(ExportFormat.NDJSON, [row]).splitlines()
    record = json.loads(line)
    assert list(record) == list(row)
    assert (record["id"], record["mmc_size"]) == (3, 15634268160)
    assert (record["secure"], record["jtag_locked"], record["devkey_revoked"]) == (
        None,
        None,
        False,
    )
    assert record["connect_registered"] is False
    assert record["wifi_mac"] is None
    assert record["provision_ts"] == "2026-08-01T10:00:00+00:00"
    assert record["bootloader_build_timestamp"] == "2026-06-01T15:03:14+00:00"


def test_a_time_that_is_none_stays_the_text_it_is() -> None:
    line = written(ExportFormat.NDJSON, [record_row(1, provision_ts="yesterday")])
    assert json.loads(line)["provision_ts"] == "yesterday"


@pytest.mark.parametrize("batches", [[], [[1]], [[1], [2, 3]], [[1], [], [2]]])
def test_json_is_one_array_however_the_rows_come(batches: list[list[int]]) -> None:
    rows: list[list[Row]] = [[record_row(id) for id in batch] for batch in batches]
    found = json.loads(written(ExportFormat.JSON, *rows))
    assert [record["id"] for record in found] == [id for batch in batches for id in batch]


def test_a_row_that_lacks_a_column_of_the_export_has_nothing_there() -> None:
    lines = cells(written(ExportFormat.CSV, [{"id": 1, "a": "x"}, {"id": 2}]))
    assert lines[2] == ["2", ""]


def test_the_files_name_tells_what_it_is_and_when() -> None:
    name = ExportFormat.CSV.file_name(datetime(2026, 8, 1, 10, 5, 6, tzinfo=UTC))
    assert name == "manufacturing-records-2026-08-01T100506Z.csv"
