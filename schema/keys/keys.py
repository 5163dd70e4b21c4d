"""The root fields about signing keys."""

from collections.abc import AsyncGenerator
from typing import Annotated

import strawberry

from resolvers.keys.secrets_at_rest import get_encryption_status
from resolvers.keys.signing_keys import (
    activate_signing_key,
    check_key,
    check_signing,
    deactivate_signing_key,
    get_public_key,
    get_signing_key,
    label_signing_key,
    list_signing_keys,
    remove_signing_key,
    upload_signing_key,
    watch_signing_keys,
    wrap_signing_key,
)
from schema.context import Info, who
from schema.errors import Problem, Problems
from schema.keys.types import (
    EncryptionStatus,
    KeyFacts,
    SigningKey,
    SigningKeyChange,
    SigningKeyPublicKey,
    SigningKeys,
    change_of,
    facts_of,
    key_of,
    keys_of,
    public_key_of,
    status_of,
)

KeyId = Annotated[strawberry.ID, strawberry.argument(description="The key's id.")]


@strawberry.input(description="A signing key to store; it is wrapped before it touches the disk.")
class UploadSigningKeyInput:
    """Input of `uploadSigningKey`."""

    file_name: str = strawberry.field(
        description="What the file is called; a number is added where that name is taken."
    )
    pem: str = strawberry.field(description="The private key in PEM, without a passphrase.")
    label: str | None = strawberry.field(
        default=None, description="What people call it; absent: the file's name."
    )
    activate: bool = strawberry.field(
        default=False, description="Make it the active key, if it is fit."
    )


@strawberry.input(description="Which key.")
class SigningKeyInput:
    """Input of the changes of one key."""

    id: strawberry.ID = strawberry.field(description="The key's id.")


@strawberry.input(description="Which key, and what people call it.")
class LabelSigningKeyInput:
    """Input of `labelSigningKey`."""

    id: strawberry.ID = strawberry.field(description="The key's id.")
    label: str = strawberry.field(description="1 to 128 printable characters.")


@strawberry.type(description="The key is stored and registered.")
class SigningKeyUploaded:
    """Success of `uploadSigningKey`."""

    key: SigningKey = strawberry.field(description="The key.")
    activated: bool = strawberry.field(
        description="Whether boards are signed with it now; a key that is not fit never is active."
    )


@strawberry.type(description="The key is forgotten.")
class SigningKeyRemoved:
    """Success of `removeSigningKey`."""

    id: strawberry.ID = strawberry.field(description="The id it had.")
    label: str = strawberry.field(description="The label it had.")


@strawberry.type(description="A random challenge was signed, and the signature holds.")
class SigningKeyTested:
    """Success of `testSigningKey`."""

    id: strawberry.ID = strawberry.field(description="The key's id.")
    milliseconds: float = strawberry.field(
        description="How long signing took, with reading and unwrapping the key."
    )


UploadSigningKeyResult = Annotated[
    SigningKeyUploaded | Problem,
    strawberry.union("UploadSigningKeyResult", description="The stored key, or why not."),
]
SigningKeyResult = Annotated[
    SigningKey | Problem,
    strawberry.union("SigningKeyResult", description="The changed key, or why not."),
]
SigningKeysResult = Annotated[
    SigningKeys | Problem,
    strawberry.union("SigningKeysResult", description="All keys after it, or why not."),
]
RemoveSigningKeyResult = Annotated[
    SigningKeyRemoved | Problem,
    strawberry.union("RemoveSigningKeyResult", description="What was forgotten, or why not."),
]
TestSigningKeyResult = Annotated[
    SigningKeyTested | Problem,
    strawberry.union("TestSigningKeyResult", description="How the test went, or why not."),
]


@strawberry.type
class SigningKeyQueries:
    """Root fields about keys."""

    @strawberry.field(
        description="All registered signing keys; which one is active is what the configuration "
        "names."
    )
    async def signing_keys(self, info: Info) -> SigningKeys:
        """Resolves all keys."""
        return keys_of(await list_signing_keys(*who(info)))

    @strawberry.field(description="One signing key.")
    async def signing_key(self, info: Info, id: KeyId) -> SigningKey:
        """Resolves one key."""
        key, is_active = await get_signing_key(*who(info), key_id=id)
        return key_of(key, is_active=is_active)

    @strawberry.field(
        description="A signing key's public half and the hash that boards burn, read from the key."
    )
    async def signing_key_public_key(self, info: Info, id: KeyId) -> SigningKeyPublicKey:
        """Resolves a public half."""
        return public_key_of(await get_public_key(*who(info), key_id=id))

    @strawberry.field(
        description="What is in the file of a key, in the keys' folder or as configured, also "
        "where it is no usable key (role engineer). A token's key: `checkTokenKey`."
    )
    async def key_check(
        self,
        info: Info,
        path: Annotated[str, strawberry.argument(description="The key's file.")],
    ) -> KeyFacts:
        """Resolves the facts of a key."""
        return facts_of(await check_key(*who(info), path=path))

    @strawberry.field(description="Which secrets lie encrypted on the disk, and which do not.")
    async def encryption_status(self, info: Info) -> EncryptionStatus:
        """Resolves the state of secrets."""
        return status_of(await get_encryption_status(*who(info)))


@strawberry.type
class SigningKeyMutations:
    """Changes of keys."""

    @strawberry.mutation(
        description="Stores a signing key, wrapped with the board's own key; nothing is "
        "overwritten (role key-officer).",
        extensions=[Problems()],
    )
    async def upload_signing_key(
        self,
        info: Info,
        input: Annotated[UploadSigningKeyInput, strawberry.argument(description="The key.")],
    ) -> UploadSigningKeyResult:
        """Uploads."""
        stored = await upload_signing_key(
            *who(info),
            file_name=input.file_name,
            content=input.pem.encode(errors="replace"),
            label=input.label or "",
            activate=input.activate,
        )
        key = key_of(stored.key, is_active=stored.activated)
        return SigningKeyUploaded(key=key, activated=stored.activated)

    @strawberry.mutation(
        description="Gives a signing key another label (role key-officer).",
        extensions=[Problems()],
    )
    async def label_signing_key(
        self,
        info: Info,
        input: Annotated[LabelSigningKeyInput, strawberry.argument(description="Which, how.")],
    ) -> SigningKeysResult:
        """Labels."""
        return keys_of(await label_signing_key(*who(info), key_id=input.id, label=input.label))

    @strawberry.mutation(
        description="Makes boards be signed with a key, once it was read again and is fit (role "
        "key-officer).",
        extensions=[Problems()],
    )
    async def activate_signing_key(
        self,
        info: Info,
        input: Annotated[SigningKeyInput, strawberry.argument(description="Which key.")],
    ) -> SigningKeyResult:
        """Activates."""
        key = await activate_signing_key(*who(info), key_id=input.id)
        return key_of(key, is_active=True)

    @strawberry.mutation(
        description="Makes no key active: the configuration names none (role key-officer).",
        extensions=[Problems()],
    )
    async def deactivate_signing_key(self, info: Info) -> SigningKeysResult:
        """Deactivates."""
        return keys_of(await deactivate_signing_key(*who(info)))

    @strawberry.mutation(
        description="Forgets a signing key that is not active; its file is deleted if it lies in "
        "the keys' folder (role key-officer).",
        extensions=[Problems()],
    )
    async def remove_signing_key(
        self,
        info: Info,
        input: Annotated[SigningKeyInput, strawberry.argument(description="Which key.")],
    ) -> RemoveSigningKeyResult:
        """Removes."""
        key = await remove_signing_key(*who(info), key_id=input.id)
        return SigningKeyRemoved(id=strawberry.ID(key.id), label=key.label)

    @strawberry.mutation(
        description="Wraps the file of a signing key with the board's own key (role key-officer).",
        extensions=[Problems()],
    )
    async def wrap_signing_key(
        self,
        info: Info,
        input: Annotated[SigningKeyInput, strawberry.argument(description="Which key.")],
    ) -> SigningKeyResult:
        """Wraps."""
        key, is_active = await wrap_signing_key(*who(info), key_id=input.id)
        return key_of(key, is_active=is_active)

    @strawberry.mutation(
        description="Signs a random challenge as boards' images are signed, and checks the "
        "signature (role key-officer).",
        extensions=[Problems()],
    )
    async def test_signing_key(
        self,
        info: Info,
        input: Annotated[SigningKeyInput, strawberry.argument(description="Which key.")],
    ) -> TestSigningKeyResult:
        """Tests."""
        done = await check_signing(*who(info), key_id=input.id)
        return SigningKeyTested(id=strawberry.ID(done.key.id), milliseconds=done.milliseconds)


@strawberry.type
class SigningKeySubscriptions:
    """What one can watch of keys."""

    @strawberry.subscription(
        description="All signing keys, again after each one that is added, changed, activated or "
        "removed."
    )
    async def signing_key_changes(self, info: Info) -> AsyncGenerator[SigningKeyChange, None]:
        """Yields frames."""
        updates = watch_signing_keys(*who(info))
        try:
            async for update in updates:
                yield change_of(update)
        finally:
            await updates.aclose()
