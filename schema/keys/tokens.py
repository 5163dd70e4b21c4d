"""Tokens and the stored PIN as GraphQL clients see them; no PIN is ever among it."""

from typing import Annotated

import strawberry

from domain.keys.signing_tokens import FoundKey, TokensStatus
from domain.keys.tokens import PinState
from domain.keys.tokens import Token as SeenToken
from resolvers.keys.tokens import (
    get_tokens,
    is_pin_stored,
    list_token_keys,
    remove_token_pin,
    set_token_pin,
)
from schema.context import Info, who
from schema.enums import describe_enum
from schema.errors import Problem, Problems

describe_enum(
    PinState,
    name="TokenPinState",
    description="How a token stands to PINs, as its flags say.",
    values={
        PinState.NOT_NEEDED: "Its keys are used without a PIN.",
        PinState.NOT_SET: "Its user PIN was never set: nobody can unlock it.",
        PinState.READY: "No wrong PIN was tried since the last right one.",
        PinState.LOW: "A wrong PIN was tried since the last right one.",
        PinState.FINAL_TRY: "One more wrong PIN locks it; the stored PIN is not tried by itself.",
        PinState.LOCKED: "It is locked; only its security officer can unlock it.",
    },
)


@strawberry.type(description="A PKCS#11 token that is plugged in.")
class Token:
    """A token."""

    label: str = strawberry.field(description="Its name, as `token=` in a URI.")
    serial: str = strawberry.field(description="Its serial number, as `serial=` in a URI.")
    manufacturer: str = strawberry.field(description="Who made it.")
    model: str = strawberry.field(description="Its model.")
    slot: str = strawberry.field(description="Where it sits, as its module describes that.")
    is_initialised: bool = strawberry.field(
        description="Whether it was set up; one that was not holds no keys."
    )
    needs_login: bool = strawberry.field(description="Whether its keys are used after a PIN only.")
    pin_state: PinState = strawberry.field(description="How it stands to PINs.")


@strawberry.type(description="The tokens of this station. To look at them is no login.")
class Tokens:
    """All tokens."""

    is_available: bool = strawberry.field(description="Whether tokens can be asked at all.")
    problem: str | None = strawberry.field(
        description="Why they cannot, and what to do; null when they can."
    )
    module: str | None = strawberry.field(
        description="The PKCS#11 module that answered; null when none did."
    )
    description: str | None = strawberry.field(
        description="What the module says of itself; null when none answered."
    )
    tokens: list[Token] = strawberry.field(description="The tokens that are plugged in.")


@strawberry.type(description="An RSA private key on a token.")
class TokenKey:
    """A key on a token."""

    uri: str = strawberry.field(description="Its URI (RFC 7512), to register it with.")
    label: str = strawberry.field(description="Its name on the token.")
    token: str = strawberry.field(description="The token's name.")
    serial: str = strawberry.field(description="The token's serial number.")
    algorithm: str = strawberry.field(description="RSA; empty where its facts are not told.")
    key_size: int = strawberry.field(description="Its size in bits; 0 where it is not told.")
    fingerprint: str | None = strawberry.field(
        description="The hash that boards burn, 64 hex digits; null for a key that is not fit."
    )
    is_fit_for_purpose: bool = strawberry.field(description="Whether boards can be signed with it.")
    status: str = strawberry.field(description="The verdict in a phrase, with the cure.")


@strawberry.type(description="The RSA private keys of one token.")
class TokenKeys:
    """Keys on a token."""

    keys: list[TokenKey] = strawberry.field(description="The keys.")


@strawberry.type(description="The PIN that the station keeps for signing, wrapped; never told.")
class TokenPin:
    """The stored PIN."""

    is_stored: bool = strawberry.field(description="Whether one is stored.")


@strawberry.input(description="Which token to look into.")
class DiscoverTokenKeysInput:
    """Input of `discoverTokenKeys`."""

    token: str = strawberry.field(
        default="", description="The token's label or serial; empty: the only one."
    )
    pin: str = strawberry.field(
        default="", description="Its PIN; empty: the stored one. Tried on this token alone."
    )


@strawberry.input(description="The PIN to keep.")
class SetTokenPinInput:
    """Input of `setTokenPin`."""

    pin: str = strawberry.field(
        description="1 to 256 bytes of UTF-8 without control characters; stored wrapped."
    )


DiscoverTokenKeysResult = Annotated[
    TokenKeys | Problem,
    strawberry.union("DiscoverTokenKeysResult", description="The keys, or what is in the way."),
]
SetTokenPinResult = Annotated[
    TokenPin | Problem,
    strawberry.union("SetTokenPinResult", description="The PIN is stored, or why not."),
]
RemoveTokenPinResult = Annotated[
    TokenPin | Problem,
    strawberry.union("RemoveTokenPinResult", description="No PIN is stored, or why it still is."),
]


def _token(token: SeenToken) -> Token:
    return Token(
        label=token.label,
        serial=token.serial,
        manufacturer=token.manufacturer,
        model=token.model,
        slot=token.slot,
        is_initialised=token.is_initialised,
        needs_login=token.needs_login,
        pin_state=token.pin_state,
    )


def _tokens(status: TokensStatus) -> Tokens:
    seen = status.seen
    return Tokens(
        is_available=seen is not None,
        problem=status.problem or None,
        module=seen.module if seen else None,
        description=seen.description if seen else None,
        tokens=[_token(token) for token in seen.tokens] if seen else [],
    )


def _key(found: FoundKey) -> TokenKey:
    report = found.report
    return TokenKey(
        uri=found.uri,
        label=found.label,
        token=found.token.label,
        serial=found.token.serial,
        algorithm=report.algorithm,
        key_size=report.bits,
        fingerprint=report.fingerprint or None,
        is_fit_for_purpose=report.is_fit,
        status=report.status,
    )


@strawberry.type
class TokenQueries:
    """Root fields about tokens."""

    @strawberry.field(
        description="The PKCS#11 tokens that are plugged in and the state of their PINs."
    )
    async def tokens(self, info: Info) -> Tokens:
        """Resolves the tokens."""
        return _tokens(await get_tokens(*who(info)))

    @strawberry.field(description="Whether the station keeps a PIN for signing.")
    async def token_pin(self, info: Info) -> TokenPin:
        """Resolves whether a PIN is stored."""
        return TokenPin(is_stored=await is_pin_stored(*who(info)))


@strawberry.type
class TokenMutations:
    """What logs in to tokens, and changes of the stored PIN."""

    @strawberry.mutation(
        description="Lists the RSA private keys of one token, after a login (role key-officer). "
        "A wrong PIN counts on the token, so this is no query.",
        extensions=[Problems()],
    )
    async def discover_token_keys(
        self,
        info: Info,
        input: Annotated[DiscoverTokenKeysInput, strawberry.argument(description="Which token.")],
    ) -> DiscoverTokenKeysResult:
        """Discovers."""
        found = await list_token_keys(*who(info), token=input.token, pin=input.pin)
        return TokenKeys(keys=[_key(key) for key in found])

    @strawberry.mutation(
        description="Stores the PIN that signs, wrapped with this board's own key, in place of "
        "the one before (role key-officer). It is not tried.",
        extensions=[Problems()],
    )
    async def set_token_pin(
        self,
        info: Info,
        input: Annotated[SetTokenPinInput, strawberry.argument(description="The PIN.")],
    ) -> SetTokenPinResult:
        """Stores."""
        return TokenPin(is_stored=await set_token_pin(*who(info), pin=input.pin))

    @strawberry.mutation(
        description="Deletes the stored PIN, if there is one (role key-officer).",
        extensions=[Problems()],
    )
    async def remove_token_pin(self, info: Info) -> RemoveTokenPinResult:
        """Removes."""
        return TokenPin(is_stored=await remove_token_pin(*who(info)))
