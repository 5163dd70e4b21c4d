import pytest

from schema.given_values import without_values


@pytest.mark.parametrize(
    ("message", "told"),
    [
        (
            ("Variable '$i' is invalid at .pin: String cannot represent a non string value: 4711"),
            "Variable '$i' is invalid at .pin: String cannot represent a non string value.",
        ),
        (
            "Expected value of type 'A' to include required field 'b', found: {'c': ', found: y'}.",
            "Expected value of type 'A' to include required field 'b'.",
        ),
        (
            (
                "Expected value of type 'A' not to include unknown field 'b'. Did you mean 'c'? "
                "Found: {'c': 4711}."
            ),
            "Expected value of type 'A' not to include unknown field 'b'. Did you mean 'c'?",
        ),
        ("Expected value of type 'A!', found null.", "Expected value of type 'A!', found null."),
        (f"Syntax Error: Unexpected Name '{'QUJD' * 16}'.", "Syntax Error: Unexpected Name '…'."),
        ("Cannot query field 'foo' on type 'Query'.", "Cannot query field 'foo' on type 'Query'."),
    ],
)
def test_a_message_ends_where_it_would_repeat_a_value(message: str, told: str) -> None:
    assert without_values(message) == told
