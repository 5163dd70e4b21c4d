"""The variables of a station's configuration: which are known, and which may be set through the
service."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

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
_SECRET_NAME = re.compile(r"TOKEN|SECRET|PASSW|PASSPHRASE|CREDENTIAL|API_KEY|_PIN(?![A-Z])")
"""What the names of secrets that nobody documented have in common."""
_BREAKS = re.compile(r"[\0\r\n]")
_OFF = frozenset(("0", *["false", "False", "FALSE", "no", "No", "NO", "off", "Off", "OFF"]))
"""What the scripts read as off where only that word is asked about (contract configuration 4)."""


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


class Kind(StrEnum):
    """What sort of value a variable takes."""

    CHOICE = "choice"
    SWITCH = "switch"
    FILE = "file"
    FOLDER = "folder"
    URI = "uri"
    TEXT = "text"


@dataclass(frozen=True, slots=True, kw_only=True)
class Variable:
    """A variable and what may be done with it.

    `choices` are all values that are allowed besides the empty one, of choices and switches.
    `default` is what the package sets, None where it says nothing. `needed`: no board can be made
    while it is empty. `secret`: never shown. `irreversible`: a value burns fuses of every board
    that follows; only one of `burning` if there are any. `prepares`: what is kept in the working
    folder was made with it (contract configuration 6). One that is `file_only` is read but never
    set through the service.
    """

    name: str
    description: str
    kind: Kind = Kind.TEXT
    choices: tuple[str, ...] = ()
    burning: tuple[str, ...] = ()
    default: str | None = ""
    needed: bool = False
    secret: bool = False
    irreversible: bool = False
    prepares: bool = False
    file_only: bool = False
    documented: bool = True


VARIABLES: tuple[Variable, ...] = (
    Variable(
        name="PROVISIONING_STYLE",
        description="How boards are provisioned: `secure-boot`, `fde-only` or `naked`.",
        kind=Kind.CHOICE,
        choices=("secure-boot", "fde-only", "naked"),
        default="secure-boot",
        needed=True,
        irreversible=True,
        burning=("secure-boot",),
        prepares=True,
    ),
    Variable(
        name="CUSTOMER_KEY_FILE_PEM",
        description="The PEM file of the key that signs boot images; its hash is burned into "
        "boards.",
        kind=Kind.FILE,
        irreversible=True,
        prepares=True,
    ),
    Variable(
        name="CUSTOMER_KEY_PKCS11_NAME",
        description="The PKCS#11 URI of the key on a token that signs boot images; its hash is "
        "burned into boards.",
        kind=Kind.URI,
        irreversible=True,
        prepares=True,
    ),
    Variable(
        name="GOLD_MASTER_OS_FILE",
        description="The image that is written to every board: an `.img` file or an IDP folder.",
        kind=Kind.FILE,
        needed=True,
        prepares=True,
    ),
    Variable(
        name="RPI_DEVICE_STORAGE_TYPE",
        description="The storage that is provisioned: `sd`, `emmc` or `nvme`.",
        kind=Kind.CHOICE,
        choices=("sd", "emmc", "nvme"),
        needed=True,
        prepares=True,
    ),
    Variable(
        name="RPI_DEVICE_BOOT_ORDER_MATCH_STORAGE",
        description="Whether boards boot from the provisioned storage first: `1` or empty.",
        kind=Kind.SWITCH,
        choices=("1",),
        default="1",
        prepares=True,
    ),
    Variable(
        name="RPI_DEVICE_STORAGE_CIPHER",
        description="The cipher of encrypted storage.",
        kind=Kind.CHOICE,
        choices=("aes-xts-plain64", "xchacha12,aes-adiantum-plain64"),
        default="aes-xts-plain64",
        prepares=True,
    ),
    Variable(
        name="RPI_DEVICE_FAMILY",
        description="The family of boards on this station: `4`, `5` or `2W`.",
        kind=Kind.CHOICE,
        choices=("4", "5", "2W"),
        needed=True,
        prepares=True,
    ),
    Variable(
        name="RPI_DEVICE_BOOTLOADER_CONFIG_FILE",
        description="The bootloader's configuration; empty takes the packaged one.",
        kind=Kind.FILE,
        prepares=True,
    ),
    Variable(
        name="RPI_DEVICE_FIRMWARE_FILE",
        description="The bootloader firmware that is flashed; empty selects it automatically.",
        kind=Kind.FILE,
        prepares=True,
    ),
    Variable(
        name="RPI_DEVICE_LOCK_JTAG",
        description="Whether JTAG is locked for ever: `1` or empty.",
        kind=Kind.SWITCH,
        choices=("1",),
        irreversible=True,
        prepares=True,
    ),
    Variable(
        name="RPI_DEVICE_EEPROM_WP_SET",
        description="Whether the EEPROM is write-protected: `1` or empty.",
        kind=Kind.SWITCH,
        choices=("1",),
        irreversible=True,
        prepares=True,
    ),
    Variable(
        name="RPI_DEVICE_RPIBOOT_GPIO",
        description="The GPIO that forces a Raspberry Pi 4 into rpiboot: 2, 4, 5, 6, 7 or 8.",
        kind=Kind.CHOICE,
        choices=("2", "4", "5", "6", "7", "8"),
        prepares=True,
    ),
    Variable(
        name="RPI_DEVICE_RETRIEVE_KEYPAIR",
        description="The folder that receives each board's own key pair.",
        kind=Kind.FOLDER,
    ),
    Variable(
        name="RPI_SB_WORKDIR",
        description="The folder where prepared files are kept between boards.",
        kind=Kind.FOLDER,
        prepares=True,
    ),
    Variable(
        name="RPI_SB_PROVISIONER_MANUFACTURING_DB",
        description="The database that records every finished board.",
        kind=Kind.FILE,
        default="/srv/rpi-sb-provisioner/manufacturing.db",
        needed=True,
    ),
    Variable(
        name="RPI_CONNECT_API_KEY",
        description="The token that registers boards with Raspberry Pi Connect; a secret.",
        secret=True,
        default=None,
    ),
    Variable(
        name="RPI_CONNECT_DESCRIPTION",
        description="The text before each board's name in Raspberry Pi Connect.",
        default=None,
    ),
    Variable(
        name="RPI_SB_PROVISIONER_ENABLE_PRIVATE_KEY_API",
        description="Whether boards' private keys may be fetched over the network: `true`.",
        file_only=True,
        default=None,
    ),
    Variable(
        name="RPI_SB_PROVISIONER_STATE_DB",
        description="The database of device states, as the package's installation script sees it.",
        kind=Kind.FILE,
        file_only=True,
        default=None,
    ),
    Variable(
        name="CONNECT_BASE_URL",
        description="Another address of Raspberry Pi Connect, for tests of the scripts.",
        file_only=True,
        default=None,
    ),
)
"""Every variable of contract configuration section 4, in its order."""

_BY_NAME = {variable.name: variable for variable in VARIABLES}


def find_variable(name: str) -> Variable | None:
    """Returns the documented variable of this name."""
    return _BY_NAME.get(name)


def variable_of(name: str) -> Variable:
    """Returns the documented variable of this name, else one of which nothing is known."""
    return find_variable(name) or Variable(
        name=name,
        description="Not a documented setting: it stands in a configuration file and is kept.",
        default=None,
        secret=bool(_SECRET_NAME.search(name)),
        file_only=not _is_ours(name),
        documented=False,
    )


def check_changes(changes: Mapping[str, str]) -> None:
    """Raises `ConfigKeyRefused` or `ConfigValueRefused` for the first change that may not be
    written."""
    for name, value in changes.items():
        check_name(name)
        check_value(name, value)


def check_choice(name: str, value: str) -> None:
    """Raises `ConfigValueRefused` when the variable takes only certain values and this is none of
    them; an empty one clears and is always taken.

    A lock that is set to `0` burns all the same (contract configuration 4), so it is refused.
    """
    variable = variable_of(name)
    if not value or not variable.choices or value in variable.choices:
        return
    if variable.kind is Kind.SWITCH and not variable.irreversible and value in _OFF:
        return
    allowed = ", ".join(f"`{choice}`" for choice in variable.choices)
    raise ConfigValueRefused(f"{name} is empty or {allowed}.", field=name)


def burns(name: str, value: str) -> bool:
    """Whether this value burns something into every board that follows."""
    variable = variable_of(name)
    return variable.irreversible and bool(value) and value in (variable.burning or (value,))


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


def shown_name(name: str) -> str:
    """Returns a name from outside as a message may hold it."""
    shown = name[:LONGEST_NAME].encode("ascii", "backslashreplace").decode()
    # A line break would forge lines of a log.
    return shown if shown.isprintable() else repr(shown)[1:-1]


def _is_ours(name: str) -> bool:
    try:
        check_name(name)
    except ConfigKeyRefused:
        return False
    return True


def _refused(name: str, reason: str) -> ConfigKeyRefused:
    shown = shown_name(name)
    return ConfigKeyRefused(f"`{shown}` {reason}.", detail=shown, field=shown)
