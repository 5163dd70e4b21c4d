from datetime import UTC, datetime
from urllib.parse import parse_qsl, urlsplit

import pytest

from domain.errors import Invalid
from domain.manufacturing.export import ExportFormat
from domain.manufacturing.export_address import PATH, Export, ExportParameterInvalid, export_of
from domain.manufacturing.filters import (
    FlagState,
    OrderField,
    RecordFilter,
    RecordFilterInvalid,
    RecordOrder,
)
from domain.manufacturing.record import ConnectStatus

FULL = RecordFilter(
    serials=("a", "b"),
    duids=("c",),
    boards=("Zero 2 W", "CM5"),
    processors=("BCM2712",),
    images=("a&b=c, (x).img",),
    image_hashes=("ab",),
    key_fingerprints=("cd",),
    secure=FlagState.UNKNOWN,
    jtag_locked=FlagState.NO,
    eeprom_write_protected=FlagState.YES,
    public_key_programmed=FlagState.YES,
    development_key_revoked=FlagState.NO,
    signed_boot_enabled=FlagState.YES,
    connect_status=ConnectStatus.NOT_CONFIGURED,
    since=datetime(2026, 7, 1, tzinfo=UTC),
    until=datetime(2026, 8, 1, 12, 30, tzinfo=UTC),
    text="é +%",
)


@pytest.mark.parametrize("wanted", [RecordFilter(), FULL, RecordFilter(boards=("x",))])
@pytest.mark.parametrize("order", [RecordOrder(), RecordOrder(OrderField.BOARD, descending=False)])
@pytest.mark.parametrize("format", ExportFormat)
def test_an_address_leads_back_to_its_export(
    wanted: RecordFilter, order: RecordOrder, format: ExportFormat
) -> None:
    export = Export(format, wanted, order)
    parts = urlsplit(export.address)
    assert parts.path == PATH
    assert export_of(parse_qsl(parts.query, keep_blank_values=True)) == export


def test_without_parameters_it_is_everything_as_csv() -> None:
    assert export_of([]) == Export()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("format", "xlsx"),
        ("order", "weight"),
        ("direction", "up"),
        ("secure", "maybe"),
        ("secure", "YES"),
        ("connect_status", "x"),
        ("since", "yesterday"),
        ("until", "2026-08-01"),
        ("since", "2026-08-01T10:00:00"),
        ("bord", "CM5"),
    ],
)
def test_a_parameter_that_means_nothing_is_refused(name: str, value: str) -> None:
    with pytest.raises(ExportParameterInvalid) as caught:
        export_of([(name, value)])
    assert caught.value.field == name


def test_a_parameter_given_twice_is_refused() -> None:
    with pytest.raises(ExportParameterInvalid, match="twice"):
        export_of([("text", "a"), ("text", "b")])


def test_an_enormous_filter_is_refused() -> None:
    with pytest.raises(RecordFilterInvalid):
        export_of([("board", "x")] * 101)


def test_an_unescaped_plus_of_an_offset_is_understood() -> None:
    found = export_of([("since", "2026-08-01T12:00:00 02:00")]).wanted.since
    assert found == datetime(2026, 8, 1, 10, tzinfo=UTC)


def test_every_refusal_is_the_clients_fault() -> None:
    assert issubclass(ExportParameterInvalid, Invalid)
