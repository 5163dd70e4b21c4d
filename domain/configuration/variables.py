"""The variables of a station's configuration: which are known, and which may be set through the
service."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from domain.errors import Invalid

LARGEST_VALUE = 16 * 1024
"""Bytes of UTF-8. The kernel refuses to start a program whose environment holds a text of
128 KiB (execve(2)), and systemd puts every variable into the environment."""

LONGEST_NAME = 128
"""Characters of a name."""

PREFIXES = ("RPI_DEVICE_", "RPI_SB_", "RPI_CONNECT_", "CUSTOMER_KEY_")
"""Names with these beginnings may be set though no page documents them (contract configuration
3.3)."""

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_BREAKS = re.compile(r"[\0\r\n]")


class ConfigKeyRefused(Invalid):
    """A name that this service never writes."""

    code = "INVALID_CONFIG_KEY"
    title = "Invalid Configuration Name"
    meaning = (
        "The configuration is run by the station's scripts as root, so only known names are "
        "written to it."
    )
    remedy = (
        "Use a documented name; switches that only an administrator may set are edited in the "
        "file itself."
    )


class ConfigValueRefused(Invalid):
    """A value that the configuration file cannot hold."""

    code = "INVALID_CONFIG_VALUE"
    title = "Invalid Configuration Value"
    meaning = (
        "A value is one line of UTF-8 text of at most 16384 bytes, without NUL; the whole file "
        "has a limit too."
    )
    remedy = "Remove line breaks and NUL from the value, or shorten it."


@dataclass(frozen=True, slots=True, kw_only=True)
class Variable:
    """A documented variable; one that is `file_only` is read but never set through the
    service."""

    name: str
    description: str
    file_only: bool = False


VARIABLES: tuple[Variable, ...] = (
    Variable(
        name="PROVISIONING_STYLE",
        description="How boards are provisioned: `secure-boot`, `fde-only` or `naked`.",
    ),
    Variable(
        name="CUSTOMER_KEY_FILE_PEM",
        description="The PEM file of the key that signs boot images.",
    ),
    Variable(
        name="CUSTOMER_KEY_PKCS11_NAME",
        description="The PKCS#11 URI of the key on a token that signs boot images.",
    ),
    Variable(
        name="GOLD_MASTER_OS_FILE",
        description="The image that is written to every board: an `.img` file or an IDP folder.",
    ),
    Variable(
        name="RPI_DEVICE_STORAGE_TYPE",
        description="The storage that is provisioned: `sd`, `emmc` or `nvme`.",
    ),
    Variable(
        name="RPI_DEVICE_BOOT_ORDER_MATCH_STORAGE",
        description="Whether boards boot from the provisioned storage first: `1` or empty.",
    ),
    Variable(
        name="RPI_DEVICE_STORAGE_CIPHER",
        description="The cipher of encrypted storage.",
    ),
    Variable(
        name="RPI_DEVICE_FAMILY",
        description="The family of boards on this station: `4`, `5` or `2W`.",
    ),
    Variable(
        name="RPI_DEVICE_BOOTLOADER_CONFIG_FILE",
        description="The bootloader's configuration; empty takes the packaged one.",
    ),
    Variable(
        name="RPI_DEVICE_FIRMWARE_FILE",
        description="The bootloader firmware that is flashed; empty selects it automatically.",
    ),
    Variable(
        name="RPI_DEVICE_LOCK_JTAG",
        description="Whether JTAG is locked for ever: `1` or empty.",
    ),
    Variable(
        name="RPI_DEVICE_EEPROM_WP_SET",
        description="Whether the EEPROM is write-protected: `1` or empty.",
    ),
    Variable(
        name="RPI_DEVICE_RPIBOOT_GPIO",
        description="The GPIO that forces a Raspberry Pi 4 into rpiboot: 2, 4, 5, 6, 7 or 8.",
    ),
    Variable(
        name="RPI_DEVICE_RETRIEVE_KEYPAIR",
        description="The folder that receives each board's own key pair.",
    ),
    Variable(
        name="RPI_SB_WORKDIR",
        description="The folder where prepared files are kept between boards.",
    ),
    Variable(
        name="RPI_SB_PROVISIONER_MANUFACTURING_DB",
        description="The database that records every finished board.",
    ),
    Variable(
        name="RPI_CONNECT_API_KEY",
        description="The token that registers boards with Raspberry Pi Connect; a secret.",
    ),
    Variable(
        name="RPI_CONNECT_DESCRIPTION",
        description="The text before each board's name in Raspberry Pi Connect.",
    ),
    Variable(
        name="RPI_SB_PROVISIONER_ENABLE_PRIVATE_KEY_API",
        description="Whether boards' private keys may be fetched over the network: `true`.",
        file_only=True,
    ),
    Variable(
        name="RPI_SB_PROVISIONER_STATE_DB",
        description="The database of device states, as the package's installation script sees it.",
        file_only=True,
    ),
    Variable(
        name="CONNECT_BASE_URL",
        description="Another address of Raspberry Pi Connect, for tests of the scripts.",
        file_only=True,
    ),
)
"""Every variable of contract configuration section 4, in its order."""

_BY_NAME = {variable.name: variable for variable in VARIABLES}


def find_variable(name: str) -> Variable | None:
    """Returns the documented variable of this name."""
    return _BY_NAME.get(name)


def check_changes(changes: Mapping[str, str]) -> None:
    """Raises `ConfigKeyRefused` or `ConfigValueRefused` for the first change that may not be
    written."""
    for name, value in changes.items():
        check_name(name)
        check_value(name, value)


def check_name(name: str) -> None:
    """Raises `ConfigKeyRefused` unless the service may set `name`.

    The contract's own rule is 3.3 [F!]: the scripts source the file as root, so that a name is
    as good as a command.
    """
    variable = find_variable(name)
    if variable and not variable.file_only:
        return
    if variable:
        raise _refused(name, "can only be set by an administrator in the configuration file")
    if not _NAME.fullmatch(name) or len(name) > LONGEST_NAME:
        raise _refused(name, "is not a name of letters, digits and `_`")
    if not name.startswith(PREFIXES):
        raise _refused(name, "is not a setting of a provisioning station")


def check_value(name: str, value: str) -> None:
    """Raises `ConfigValueRefused` unless the file can hold `value`; the message does not repeat
    it."""
    if _BREAKS.search(value):
        raise ConfigValueRefused(f"The value of {name} holds a line break or NUL.", field=name)
    try:
        size = len(value.encode())
    except UnicodeEncodeError as error:
        raise ConfigValueRefused(f"The value of {name} is not valid text.", field=name) from error
    if size > LARGEST_VALUE:
        message = f"The value of {name} has {size} bytes; at most {LARGEST_VALUE} are kept."
        raise ConfigValueRefused(message, field=name)


def _refused(name: str, reason: str) -> ConfigKeyRefused:
    shown = name[:LONGEST_NAME].encode("ascii", "backslashreplace").decode()
    # A name from outside may hold line breaks, which would forge lines of a log.
    shown = shown if shown.isprintable() else repr(shown)[1:-1]
    return ConfigKeyRefused(f"`{shown}` {reason}.", detail=shown, field=shown)
