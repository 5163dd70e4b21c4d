"""What people and programs ask about tokens and the stored PIN, and change in them."""

from domain.caller import Role
from domain.keys.pin import Pin
from domain.keys.reports import KeyReport
from domain.keys.signing_keys import Registered
from domain.keys.signing_tokens import Discovery, FoundKey, TokensStatus
from resolvers.operation import Call, Effect, operation


@operation(role=Role.VIEWER, effect=Effect.READ, graphql="Query.tokens")
async def get_tokens(call: Call) -> TokensStatus:
    """Returns the tokens that are plugged in and the state of their PINs; never logs in."""
    return await call.station.signing_tokens.status()


@operation(role=Role.VIEWER, effect=Effect.READ, graphql="Query.tokenPin")
async def is_pin_stored(call: Call) -> bool:
    """Returns whether a PIN is stored; never the PIN."""
    return await call.station.stored_pin.is_stored()


# A login is a change: a wrong PIN brings the token nearer to locking itself.
@operation(role=Role.KEY_OFFICER, effect=Effect.CHANGE, graphql="Mutation.discoverTokenKeys")
async def list_token_keys(call: Call, *, token: str = "", pin: str = "") -> list[FoundKey]:
    """Returns the RSA private keys of one token."""
    return await call.station.signing_tokens.list_keys(token=token, pin=_given(pin))


@operation(role=Role.KEY_OFFICER, effect=Effect.CHANGE, graphql="Mutation.discoverTokenKeys")
async def discover_token_keys(call: Call, *, token: str = "", pin: str = "") -> Discovery:
    """Returns the same, or what is in the way as part of the answer."""
    return await call.station.signing_tokens.discover(token=token, pin=_given(pin))


@operation(role=Role.KEY_OFFICER, effect=Effect.CHANGE, graphql="Mutation.checkTokenKey")
async def check_token_key(call: Call, *, uri: str, pin: str = "") -> KeyReport:
    """Returns the facts of a key on a token, or what is in the way as part of them."""
    return await call.station.signing_tokens.check(uri, pin=_given(pin))


@operation(role=Role.KEY_OFFICER, effect=Effect.CHANGE, graphql="Mutation.checkTokenKey")
async def read_token_key(call: Call, *, uri: str, pin: str = "") -> KeyReport:
    """Returns the facts of a key on a token."""
    return await call.station.signing_tokens.report(uri, pin=_given(pin))


@operation(role=Role.KEY_OFFICER, effect=Effect.CHANGE, graphql="Mutation.registerTokenKey")
async def register_token_key(
    call: Call, *, uri: str, label: str = "", pin: str = "", activate: bool = True
) -> Registered:
    """Registers a key on a token; one that is fit becomes the active one if that is wanted."""
    return await call.station.token_registration.register(
        uri, label=label, pin=_given(pin), activate=activate, note=call.file_access
    )


@operation(role=Role.KEY_OFFICER, effect=Effect.CHANGE, graphql="Mutation.setTokenPin")
async def set_token_pin(call: Call, *, pin: str) -> bool:
    """Stores a PIN in place of the one before; returns whether one is stored now."""
    await call.station.stored_pin.store(Pin(pin), note=call.file_access)
    return True


@operation(role=Role.KEY_OFFICER, effect=Effect.CHANGE, graphql="Mutation.removeTokenPin")
async def remove_token_pin(call: Call) -> bool:
    """Deletes the stored PIN; returns whether one is stored now."""
    await call.station.stored_pin.remove(note=call.file_access)
    return False


def _given(pin: str) -> Pin | None:
    return Pin(pin) if pin else None
