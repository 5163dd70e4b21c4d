"""Which names and values may be written (contract configuration 3.3 [F!] and 4)."""

import pytest

from domain.configuration.variables import (
    LARGEST_VALUE,
    VARIABLES,
    ConfigKeyRefused,
    ConfigValueRefused,
    check_changes,
    check_name,
    check_value,
    find_variable,
)


@pytest.mark.parametrize("variable", [one for one in VARIABLES if not one.file_only])
def test_documented_names_may_be_set(variable: object) -> None:
    check_name(getattr(variable, "name", ""))


@pytest.mark.parametrize(
    "name", ["RPI_DEVICE_NEW", "RPI_SB_NEW", "RPI_CONNECT_NEW", "CUSTOMER_KEY_NEW", "RPI_DEVICE_"]
)
def test_names_with_a_known_beginning_may_be_set(name: str) -> None:
    check_name(name)


@pytest.mark.parametrize(
    "name",
    [
        "RPI_SB_PROVISIONER_ENABLE_PRIVATE_KEY_API",
        "RPI_SB_PROVISIONER_STATE_DB",
        "CONNECT_BASE_URL",
        "PATH",
        "LD_PRELOAD",
        "OPENSSL",
        "DEBUG",
        "LOG_BASE",
        "_csrf_token",
        "BRAND_NEW",
        "PROVISIONING_STYLE_X",
        "provisioning_style",
        "",
        "RPI_DEVICE_A;id",
        "RPI_DEVICE_A B",
        "RPI_DEVICE_A\n",
        "RPI_DEVICE_A=1",
        "RPI_DEVICE-A",
        "RPI_DEVICE_Ü",
        "RPI_DEVICE_٣",
        "export RPI_DEVICE_A",
        "RPI_DEVICE_" + "A" * 200,
    ],
)
def test_every_other_name_is_refused(name: str) -> None:
    with pytest.raises(ConfigKeyRefused) as caught:
        check_name(name)
    assert caught.value.code == "INVALID_CONFIG_KEY"
    assert caught.value.message.isprintable()


@pytest.mark.parametrize(
    "value", ["a\0b", "a\rb", "a\nb", "\n", "lone \ud800", "\udcff", "ü" * (LARGEST_VALUE // 2 + 1)]
)
def test_values_that_the_file_cannot_hold_are_refused(value: str) -> None:
    with pytest.raises(ConfigValueRefused) as caught:
        check_value("RPI_CONNECT_API_KEY", value)
    assert (caught.value.code, caught.value.field) == (
        "INVALID_CONFIG_VALUE",
        "RPI_CONNECT_API_KEY",
    )
    assert value not in caught.value.message


@pytest.mark.parametrize("value", ["", "\t\x1b", "\u2028", "x" * LARGEST_VALUE])
def test_all_other_values_are_taken(value: str) -> None:
    check_value("RPI_CONNECT_DESCRIPTION", value)


def test_one_bad_change_refuses_them_all() -> None:
    with pytest.raises(ConfigKeyRefused):
        check_changes({"RPI_DEVICE_FAMILY": "5", "PATH": "/"})


def test_names_are_documented_once_and_described_in_a_sentence() -> None:
    assert len({one.name for one in VARIABLES}) == len(VARIABLES)
    assert all(one.description.endswith(".") for one in VARIABLES)


def test_an_undocumented_name_is_not_found() -> None:
    assert find_variable("RPI_DEVICE_NEW") is None
