from datetime import UTC, datetime

import pytest

from domain.manufacturing.filters import (
    OrderField,
    RecordFilter,
    RecordFilterInvalid,
    RecordOrder,
)

NOON = datetime(2026, 8, 1, 12, tzinfo=UTC)


def test_a_filter_too_large_names_its_member_as_clients_spell_it() -> None:
    with pytest.raises(RecordFilterInvalid, match="imageSha256") as caught:
        RecordFilter(image_hashes=("a",) * 101)
    assert caught.value.field == "imageSha256"


@pytest.mark.parametrize("value", ["x" * 256, "a\0b", "a\nb", "\ud800"])
def test_a_value_that_no_record_has_is_refused(value: str) -> None:
    for members in ({"serials": (value,)}, {"boards": ("CM5", value)}):
        with pytest.raises(RecordFilterInvalid):
            RecordFilter(**members)
    with pytest.raises(RecordFilterInvalid) as caught:
        RecordFilter(text=value)
    assert caught.value.field == "text"


def test_sql_is_a_text_like_any_other() -> None:
    assert RecordFilter(text="'; DROP TABLE devices; --").text.startswith("'")


def test_an_empty_range_of_time_is_refused() -> None:
    with pytest.raises(RecordFilterInvalid) as caught:
        RecordFilter(since=NOON, until=NOON)
    assert caught.value.field == "until"


def test_an_orders_name_tells_its_direction() -> None:
    assert RecordOrder().name == "records:id:desc"
    assert RecordOrder(OrderField.SERIAL, descending=False).name == "records:serial:asc"
