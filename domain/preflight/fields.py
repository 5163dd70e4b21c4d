"""Fields: what is said of single values of the configuration before they are set (contract
configuration 4)."""

import asyncio
import re
from collections.abc import Callable
from pathlib import Path

from domain.configuration.configuration import Configuration
from domain.configuration.masking import masked, unmasked
from domain.configuration.variables import (
    ConfigValueRefused,
    check_choice,
    check_value,
    find_variable,
    shown_name,
    variable_of,
)
from domain.errors import Invalid, ProvisionerError
from domain.firmware.firmware import Firmware
from domain.host_paths import HostPaths
from domain.preflight.answers import GOOD, FieldAnswer, bad
from domain.preflight.gold_master import gold_master
from domain.preflight.path_rules import (
    announced_folder,
    checked,
    database,
    folder,
    readable_file,
)

PATH_RULES: dict[str, Callable[[Path, str], FieldAnswer]] = {
    "CUSTOMER_KEY_FILE_PEM": readable_file,
    "GOLD_MASTER_OS_FILE": gold_master,
    "RPI_DEVICE_BOOTLOADER_CONFIG_FILE": readable_file,
    "RPI_DEVICE_RETRIEVE_KEYPAIR": announced_folder,
    "RPI_SB_WORKDIR": folder,
    "RPI_SB_PROVISIONER_MANUFACTURING_DB": database,
}
LONGEST_SHOWN = 300
"""Characters of a value in a message."""

_BLANK = re.compile(r"[ \t\r\n]")


class FieldNameMissing(Invalid):
    """Nothing was said about which variable."""

    code = "MISSING_FIELD_NAME"
    title = "Invalid Request"
    meaning = "The request names no variable."
    remedy = "Name the variable in `field`."


class FieldUnknown(Invalid):
    """A variable that is neither documented nor in a configuration file."""

    code = "UNKNOWN_FIELD"
    title = "Invalid Field"
    meaning = "There is no such setting: it is not documented and stands in neither file."
    remedy = "Use a name that the query `configuration` lists."


class Fields:
    """Answers for single values; nothing is changed."""

    def __init__(self, paths: HostPaths, configuration: Configuration, firmware: Firmware) -> None:
        self._paths = paths
        self._firmware = firmware
        self._configuration = configuration

    async def check(self, name: str, value: str) -> FieldAnswer:
        """Returns whether the variable may have this value; raises `FieldNameMissing`,
        `FieldUnknown` and `ConfigUnreadable`."""
        if not name:
            raise FieldNameMissing("Name the setting that is to be checked.", field="field")
        return await asyncio.to_thread(self.check_now, name, value)

    def check_now(self, name: str, value: str) -> FieldAnswer:
        """Like `check`, blocking."""
        settings = self._configuration.values_now()
        if find_variable(name) is None and name not in settings:
            shown = shown_name(name)
            raise FieldUnknown(f"There is no setting `{shown}`.", detail=shown, field="field")
        current = settings[name].value if name in settings else ""
        try:
            meant = unmasked(name, value, current=current)
            if meant != current:
                check_value(name, meant)
            check_choice(name, meant)
        except ConfigValueRefused as error:
            return bad(error.message)
        return self._checked(name, meant)

    def _checked(self, name: str, value: str) -> FieldAnswer:
        if not value:
            return bad(f"{name} must have a value.") if variable_of(name).needed else GOOD
        if rule := PATH_RULES.get(name):
            # Somebody may have put a key with its PIN into the wrong field.
            shown = masked(name, value)[:LONGEST_SHOWN]
            return checked(self._paths, value, rule, shown=shown)
        if name == "RPI_DEVICE_FIRMWARE_FILE":
            return self._release(value)
        if name == "CUSTOMER_KEY_PKCS11_NAME":
            return _key_uri(value)
        if name == "RPI_CONNECT_API_KEY" and _BLANK.search(value):
            return bad("The token holds a blank.")
        return GOOD

    def _release(self, value: str) -> FieldAnswer:
        try:
            release = self._firmware.check_now(value)
        except ProvisionerError as error:
            return bad(error.message)
        return FieldAnswer(message=f"Firmware {release.version} of channel {release.channel}.")


def _key_uri(value: str) -> FieldAnswer:
    if not value.startswith("pkcs11:"):
        return bad("The name of a key on a token begins with `pkcs11:` (RFC 7512).")
    missing = [part for part in ("object=", "type=private") if part not in value]
    return bad(f"The URI lacks `{'` and `'.join(missing)}`.") if missing else GOOD
