"""Builds what reaches tokens: the driver, the stored PIN, and the rules between them."""

from contextlib import AsyncExitStack
from dataclasses import dataclass

from adapters.firmware_crypto import FirmwareCryptoProgram
from adapters.tokens import Pkcs11Tokens
from domain.configuration.configuration import Configuration
from domain.host_paths import HostPaths
from domain.keys.signing_tokens import SigningTokens
from domain.keys.stored_pin import StoredPin
from domain.keys.unlocking import Unlocking
from domain.keys.wrapping import DeviceWrapping
from server.settings import Settings


@dataclass(frozen=True, slots=True)
class TokenParts:
    """What reaches tokens."""

    driver: Pkcs11Tokens
    pin: StoredPin
    signing: SigningTokens


def build_tokens(
    paths: HostPaths, configuration: Configuration, settings: Settings, stack: AsyncExitStack
) -> TokenParts:
    """Returns the parts; no module is loaded before a token is asked for."""
    driver = Pkcs11Tokens(settings.pkcs11_module)
    stack.push_async_callback(driver.aclose)
    pin = StoredPin(paths, DeviceWrapping(FirmwareCryptoProgram()))
    return TokenParts(driver, pin, SigningTokens(driver, Unlocking(pin, configuration)))
