"""Which PIN is tried on which token: at most one, only where it is meant, never the last try."""

import asyncio
from dataclasses import dataclass

from domain.configuration.configuration import Configuration
from domain.keys.pin import Pin
from domain.keys.pkcs11_uri import Pkcs11Uri, Pkcs11UriInvalid, split_pin
from domain.keys.registry import URI_VARIABLE
from domain.keys.stored_pin import StoredPin
from domain.keys.token_choice import is_meant
from domain.keys.token_refusals import PinFinalTry, PinLocked, PinNotSet, PinRequired, PinWrong
from domain.keys.tokens import Token


@dataclass(frozen=True, slots=True)
class Trial:
    """The stored PIN as it was tried: on which token, and whether that refused it."""

    pin: Pin
    token: tuple[str, str]
    is_refused: bool


class Unlocking:
    """Chooses the PIN for a token. One that was given comes before the stored one (contract
    configuration 9); the stored one belongs to one token and is not tried twice in vain.

    Its token is the one that it was first tried on, before that the configured key's, unless the
    PIN was stored since: then it may be meant for a key that is still to be registered."""

    def __init__(self, stored: StoredPin, configuration: Configuration) -> None:
        self._stored = stored
        self._configuration = configuration
        self._trial: Trial | None = None

    async def pin_for(self, token: Token, given: Pin | None) -> Pin | None:
        """Returns the PIN to try, None where the token wants none.

        Raises `PinLocked`, `PinNotSet`, `PinFinalTry`, `PinRequired`, `PinWrong` for a stored PIN
        that the token refused before, and what `StoredPin.read` raises.
        """
        if not token.needs_login:
            return None
        if token.is_locked:
            text = f"The PIN of the token {token.name} is locked; no PIN is tried on it."
            raise PinLocked(text, field="pin")
        if not token.has_pin:
            text = f"The token {token.name} has no user PIN yet; set it up with its own tool."
            raise PinNotSet(text)
        return given or await self._stored_for(token)

    def tried(self, token: Token, pin: Pin, *, given: Pin | None, is_refused: bool) -> None:
        """Remembers how a login with the stored PIN ended, also where somebody gave it."""
        if given is None or (self._trial and self._trial.pin == pin):
            self._trial = Trial(pin, _key(token), is_refused)

    async def _stored_for(self, token: Token) -> Pin:
        pin = await self._stored.read()
        if pin is None:
            text = f"The token {token.name} wants its PIN, and none was given or is stored."
            raise PinRequired(text, field="pin")
        if not await self._is_meant(token, pin):
            text = f"The stored PIN is another token's; give the PIN of the token {token.name}."
            raise PinRequired(text, field="pin")
        if self._trial == Trial(pin, _key(token), is_refused=True):
            text = f"The token {token.name} refused the stored PIN before; it is not tried again."
            raise PinWrong(f"{text} Store the right one.", field="pin")
        if token.is_final_try:
            text = f"One more wrong PIN locks the token {token.name}; the stored one is not tried."
            raise PinFinalTry(text, field="pin")
        return pin

    async def _is_meant(self, token: Token, pin: Pin) -> bool:
        trial = self._trial if self._trial and self._trial.pin == pin else None
        if trial and (trial.token == _key(token) or not trial.is_refused):
            return trial.token == _key(token)
        configured = await asyncio.to_thread(self._configured)
        if trial:
            # Another token refused it: it is only tried where the configuration means it.
            return configured is not None and is_meant(token, configured)
        return configured is None or self._stored.is_fresh or is_meant(token, configured)

    def _configured(self) -> Pkcs11Uri | None:
        value = self._configuration.values_now().get(URI_VARIABLE)
        try:
            return split_pin(value.value)[0] if value and value.value else None
        except Pkcs11UriInvalid:
            return None


def _key(token: Token) -> tuple[str, str]:
    return token.label, token.serial
