"""Combinations of settings that no board can be made with, though each is good by itself
(contract configuration 4, "Beyond")."""

from collections.abc import Callable, Iterator, Mapping

from domain.preflight.findings import Finding, Outcome, Topic

STYLE, FAMILY = "PROVISIONING_STYLE", "RPI_DEVICE_FAMILY"
STORAGE, GPIO = "RPI_DEVICE_STORAGE_TYPE", "RPI_DEVICE_RPIBOOT_GPIO"
KEY_FILE, KEY_URI = "CUSTOMER_KEY_FILE_PEM", "CUSTOMER_KEY_PKCS11_NAME"
SECURE_BOOT, ZERO_2W, PI_4 = "secure-boot", "2W", "4"

Values = Mapping[str, str]
_Rule = tuple[Callable[[Values], bool], str, str, tuple[str, ...]]

RULES: tuple[_Rule, ...] = (
    (
        lambda values: bool(values.get(KEY_FILE) and values.get(KEY_URI)),
        (
            "Two signing keys are configured, a file and one on a token, and the scripts refuse to "
            "choose."
        ),
        "Activate the one that is meant.",
        (KEY_FILE, KEY_URI),
    ),
    (
        lambda values: _is(values, STYLE, SECURE_BOOT) and _is(values, FAMILY, ZERO_2W),
        "A Zero 2 W has no secure boot.",
        "Choose another style, or the family that is really provisioned.",
        (STYLE, FAMILY),
    ),
    (
        lambda values: _is(values, STORAGE, "nvme") and _is(values, FAMILY, ZERO_2W),
        "A Zero 2 W has no NVMe storage.",
        "Choose sd, or the family that is really provisioned.",
        (STORAGE, FAMILY),
    ),
    (
        lambda values: (
            _is(values, STYLE, SECURE_BOOT) and _is(values, FAMILY, PI_4) and not values.get(GPIO)
        ),
        (
            "Secure boot on a Raspberry Pi 4 needs a GPIO for rpiboot: without it a locked board "
            "can never be recovered."
        ),
        "Choose the GPIO that the jig pulls: 2, 4, 5, 6, 7 or 8.",
        (GPIO, STYLE, FAMILY),
    ),
)


def find_contradictions(values: Values) -> Iterator[Finding]:
    """Yields what speaks against this combination of values in force."""
    for speaks, because, remedy, variables in RULES:
        if speaks(values):
            topic = Topic.KEY if KEY_FILE in variables else Topic.SETTINGS
            yield Finding(topic, Outcome.FAILED, because, remedy, variables)


def _is(values: Values, name: str, value: str) -> bool:
    return values.get(name) == value
