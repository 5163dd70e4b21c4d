"""Keys on tokens that are checked and registered over GraphQL."""

from typing import Annotated

import strawberry

from resolvers.keys.tokens import read_token_key, register_token_key
from schema.context import Info, who
from schema.errors import Problem, Problems
from schema.keys.types import KeyFacts, SigningKey, facts_of, key_of


@strawberry.input(description="Which key on which token.")
class CheckTokenKeyInput:
    """Input of `checkTokenKey`."""

    uri: str = strawberry.field(description="The key's URI (RFC 7512), as discovery lists it.")
    pin: str = strawberry.field(
        default="", description="The token's PIN; empty: the stored one. Tried on this token alone."
    )


@strawberry.input(description="Which key on which token to sign boards with.")
class RegisterTokenKeyInput:
    """Input of `registerTokenKey`."""

    uri: str = strawberry.field(
        description="The key's URI (RFC 7512), as discovery lists it, without a PIN in it."
    )
    label: str | None = strawberry.field(
        default=None, description="What people call the key; absent: its URI."
    )
    pin: str = strawberry.field(
        default="",
        description="The token's PIN for this once; empty: the stored one. It is not kept.",
    )
    activate: bool = strawberry.field(
        default=False,
        description="Make it the active key, if it is fit; the first key becomes it anyway.",
    )


@strawberry.type(description="The key on the token is registered.")
class TokenKeyRegistered:
    """Success of `registerTokenKey`."""

    key: SigningKey = strawberry.field(description="The key.")
    activated: bool = strawberry.field(
        description="Whether boards are signed with it now; a key that is not fit never is active."
    )


CheckTokenKeyResult = Annotated[
    KeyFacts | Problem,
    strawberry.union("CheckTokenKeyResult", description="The key's facts, or what is in the way."),
]
RegisterTokenKeyResult = Annotated[
    TokenKeyRegistered | Problem,
    strawberry.union("RegisterTokenKeyResult", description="The registered key, or why not."),
]


@strawberry.type
class TokenKeyMutations:
    """What logs in to a token for one of its keys."""

    @strawberry.mutation(
        description="Reads a key on a token, after a login (role key-officer). A wrong PIN counts "
        "on the token, so this is no query.",
        extensions=[Problems()],
    )
    async def check_token_key(
        self,
        info: Info,
        input: Annotated[CheckTokenKeyInput, strawberry.argument(description="Which key.")],
    ) -> CheckTokenKeyResult:
        """Checks."""
        return facts_of(await read_token_key(*who(info), uri=input.uri, pin=input.pin))

    @strawberry.mutation(
        description="Registers a key on a token, once it was read there (role key-officer).",
        extensions=[Problems()],
    )
    async def register_token_key(
        self,
        info: Info,
        input: Annotated[RegisterTokenKeyInput, strawberry.argument(description="Which key.")],
    ) -> RegisterTokenKeyResult:
        """Registers."""
        done = await register_token_key(
            *who(info),
            uri=input.uri,
            label=input.label or "",
            pin=input.pin,
            activate=input.activate,
        )
        key = key_of(done.key, is_active=done.activated)
        return TokenKeyRegistered(key=key, activated=done.activated)
