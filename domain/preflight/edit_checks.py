"""What an edit of the configuration must not bring in, whoever makes it and in whichever way."""

from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from contextlib import contextmanager

from domain.configuration.variables import ConfigValueRefused
from domain.errors import Conflict, Invalid, NotFound
from domain.firmware.firmware import FAMILY, Firmware
from domain.firmware.firmware import VARIABLE as FIRMWARE
from domain.keys.registry import PEM_VARIABLE, URI_VARIABLE
from domain.keys.selection import VARIABLES as SELECTING
from domain.keys.selection import Selection
from domain.keys.signing_keys import SigningKeys


def check_edit(
    values: Mapping[str, str],
    differing: AbstractSet[str],
    *,
    firmware: Firmware,
    keys: SigningKeys,
) -> None:
    """Raises `ConfigValueRefused` for firmware that boards of the family would not take, and for a
    registered key that is not fit; `values` will be in force, those `differing` are other ones.

    Blocks; raises `RegistryUnreadable` where a key is named and the registry cannot be read.
    """
    path = values.get(FIRMWARE, "")
    if path and FIRMWARE in differing:
        with _refusing(FIRMWARE):
            firmware.check_now(path, family=values.get(FAMILY, ""))
    if differing & SELECTING:
        with _refusing(PEM_VARIABLE):
            keys.require_fit_now(
                Selection(values.get(PEM_VARIABLE, ""), values.get(URI_VARIABLE, ""))
            )


@contextmanager
def _refusing(name: str) -> Iterator[None]:
    try:
        yield
    except (Invalid, Conflict, NotFound) as error:
        raise ConfigValueRefused(f"{name}: {error.message}", field=name) from error
