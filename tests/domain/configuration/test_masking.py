"""Secrets are never shown, and what was shown may be sent back (contract configuration 12)."""

import pytest

from domain.configuration.masking import MASK, is_secret, masked, unmasked
from domain.configuration.variables import ConfigValueRefused

URI = "pkcs11:object=k;type=private?pin-value=12%2034&module-name=p11"
SHOWN = f"pkcs11:object=k;type=private?pin-value={MASK}"
TOKEN, KEY = "RPI_CONNECT_API_KEY", "CUSTOMER_KEY_PKCS11_NAME"


@pytest.mark.parametrize(
    ("name", "value", "shown"),
    [
        (TOKEN, "rpoak_x", MASK),
        (TOKEN, "", ""),
        (KEY, URI, SHOWN),
        (
            KEY,
            "pkcs11:object=k;PIN-VALUE=1;type=private",
            f"pkcs11:object=k;PIN-VALUE={MASK}",
        ),
        (KEY, "pkcs11:object=k?pin-value=12;34&5?6", f"pkcs11:object=k?pin-value={MASK}"),
        ("SOME_PASSWORD", "x", MASK),
        ("RPI_CONNECT_DESCRIPTION", MASK, MASK),
        ("RPI_DEVICE_FAMILY", "5", "5"),
    ],
)
def test_what_is_shown(name: str, value: str, shown: str) -> None:
    assert masked(name, value) == shown


def test_what_holds_a_secret() -> None:
    assert is_secret(TOKEN, "x")
    assert is_secret(KEY, URI)
    assert not is_secret(TOKEN, "")
    assert not is_secret("RPI_DEVICE_FAMILY", "5")


@pytest.mark.parametrize(("name", "current"), [(TOKEN, "rpoak_x"), (KEY, URI)])
def test_a_mask_that_comes_back_means_the_present_value(name: str, current: str) -> None:
    assert unmasked(name, masked(name, current), current=current) == current


@pytest.mark.parametrize(
    ("name", "value", "current"),
    [
        (TOKEN, MASK, ""),
        (KEY, SHOWN.replace("object=k", "object=other"), URI),
        (KEY, SHOWN, "pkcs11:object=k;type=private"),
    ],
)
def test_a_mask_that_stands_for_nothing_is_refused(name: str, value: str, current: str) -> None:
    with pytest.raises(ConfigValueRefused) as caught:
        unmasked(name, value, current=current)
    assert "12%2034" not in caught.value.message


@pytest.mark.parametrize(
    ("name", "value"), [(TOKEN, "new"), (TOKEN, ""), (KEY, URI), ("RPI_CONNECT_DESCRIPTION", MASK)]
)
def test_every_other_value_is_itself(name: str, value: str) -> None:
    assert unmasked(name, value, current="old") == value
