"""Settings that are good one by one and wrong together."""

import pytest

from domain.preflight.combinations import find_contradictions
from domain.preflight.findings import Topic

GOOD = {
    "PROVISIONING_STYLE": "secure-boot",
    "RPI_DEVICE_FAMILY": "5",
    "RPI_DEVICE_STORAGE_TYPE": "nvme",
    "CUSTOMER_KEY_FILE_PEM": "/etc/key.pem",
    "CUSTOMER_KEY_PKCS11_NAME": "",
}


def test_a_good_combination_has_none() -> None:
    assert list(find_contradictions(GOOD)) == []
    assert list(find_contradictions({})) == []


@pytest.mark.parametrize(
    ("changes", "variables", "text"),
    [
        (
            {"CUSTOMER_KEY_PKCS11_NAME": "pkcs11:object=k;type=private"},
            ("CUSTOMER_KEY_FILE_PEM", "CUSTOMER_KEY_PKCS11_NAME"),
            "Two signing keys",
        ),
        (
            {"RPI_DEVICE_FAMILY": "2W", "RPI_DEVICE_STORAGE_TYPE": "sd"},
            ("PROVISIONING_STYLE", "RPI_DEVICE_FAMILY"),
            "no secure boot",
        ),
        (
            {"RPI_DEVICE_FAMILY": "2W", "PROVISIONING_STYLE": "naked"},
            ("RPI_DEVICE_STORAGE_TYPE", "RPI_DEVICE_FAMILY"),
            "no NVMe",
        ),
        (
            {"RPI_DEVICE_FAMILY": "4"},
            ("RPI_DEVICE_RPIBOOT_GPIO", "PROVISIONING_STYLE", "RPI_DEVICE_FAMILY"),
            "needs a GPIO",
        ),
    ],
)
def test_a_contradiction_names_its_settings(
    changes: dict[str, str], variables: tuple[str, ...], text: str
) -> None:
    [finding] = find_contradictions({**GOOD, **changes})
    assert finding.variables == variables
    assert text in finding.because
    assert finding.topic is (Topic.KEY if "Two" in text else Topic.SETTINGS)


@pytest.mark.parametrize(
    "changes",
    [
        {"RPI_DEVICE_FAMILY": "4", "RPI_DEVICE_RPIBOOT_GPIO": "8"},
        {"RPI_DEVICE_FAMILY": "4", "PROVISIONING_STYLE": "naked"},
    ],
)
def test_a_pi_4_needs_the_gpio_only_for_secure_boot(changes: dict[str, str]) -> None:
    assert list(find_contradictions({**GOOD, **changes})) == []
