from datetime import UTC, datetime

import pytest

from domain.manufacturing.record import Cell, ConnectStatus, moment, record_of
from tests.fakes.records import record_row


def test_a_whole_row_is_typed() -> None:
    record = record_of(
        record_row(7, connect_registered=1, provision_ts="2026-08-01 10:00:00", secure=1)
    )
    assert (record.id, record.serial, record.duid) == (7, "1000000000000007", "0000000000000007")
    assert (record.secure, record.jtag_locked) == (True, False)
    assert (record.mmc_size, record.eeprom_size) == (15634268160, 2097152)
    assert record.connect_status is ConnectStatus.REGISTERED
    assert record.provisioned_at == datetime(2026, 8, 1, 10, tzinfo=UTC)
    assert record.bootloader_built_at == datetime.fromtimestamp(1780326194, UTC)


def test_an_absent_column_is_never_a_value() -> None:
    record = record_of({"id": 1, "serial": "a"})
    assert (record.secure, record.image, record.mmc_size) == (None, None, None)
    assert record.connect_status is None
    assert record.provisioned_at is None


@pytest.mark.parametrize(
    ("cell", "flag"), [(1, True), (0, False), ("1", True), ("", None), (None, None), (2, None)]
)
def test_a_flag_is_yes_no_or_unknown(cell: Cell, *, flag: bool | None) -> None:
    assert record_of(record_row(1, secure=cell)).secure is flag


@pytest.mark.parametrize(
    ("cell", "status"),
    [
        (1, ConnectStatus.REGISTERED),
        (0, ConnectStatus.FAILED),
        (None, ConnectStatus.NOT_CONFIGURED),
        ("", None),
    ],
)
def test_null_tells_that_connect_is_not_configured(
    cell: Cell, status: ConnectStatus | None
) -> None:
    assert record_of(record_row(1, connect_registered=cell)).connect_status is status


def test_a_size_of_0_and_an_empty_text_are_unknown() -> None:
    record = record_of(record_row(1, mmc_size=0, wifi_mac="", os_image_sha256=None))
    assert (record.mmc_size, record.wifi_mac, record.image_sha256) == (None, None, None)


@pytest.mark.parametrize("cell", [None, "", "now", "2026-13-01 00:00:00", 5, b"x", "2026-08-01"])
def test_what_is_no_time_is_none(cell: Cell) -> None:
    assert moment(cell) is None


def test_seconds_beyond_every_calendar_are_no_time() -> None:
    assert record_of(record_row(1, bootloader_build_timestamp=2**62)).bootloader_built_at is None
