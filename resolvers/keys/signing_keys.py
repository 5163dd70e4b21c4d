"""What people and programs ask about signing keys, and change in them."""

from collections.abc import AsyncGenerator

from domain.caller import Role
from domain.events import Update
from domain.keys.key_uses import PublicKey, TrialSignature
from domain.keys.registry import Registry, SigningKey
from domain.keys.reports import KeyReport
from domain.keys.signing_keys import Registered
from resolvers.operation import Call, Effect, operation, watch


@operation(role=Role.VIEWER, effect=Effect.READ, graphql="Query.signingKeys")
async def list_signing_keys(call: Call) -> Registry:
    """Returns all registered keys and which one is active."""
    return await call.station.keys.signing_keys.list_all()


@operation(role=Role.VIEWER, effect=Effect.READ, graphql="Query.signingKey")
async def get_signing_key(call: Call, *, key_id: str) -> tuple[SigningKey, bool]:
    """Returns one key, and whether it is the active one."""
    keys = await call.station.keys.signing_keys.list_all()
    return keys.get(key_id), keys.active_id == key_id


@operation(role=Role.VIEWER, effect=Effect.READ, graphql="Query.signingKeyPublicKey")
async def get_public_key(call: Call, *, key_id: str) -> PublicKey:
    """Returns a key's public half and the hash that boards burn."""
    return await call.station.keys.uses.public_key(key_id)


@operation(role=Role.ENGINEER, effect=Effect.READ, graphql="Query.keyCheck")
async def check_key(call: Call, *, path: str) -> KeyReport:
    """Returns the facts of the key in a file, also of one that is none."""
    return await call.station.keys.uses.check_file(path)


@operation(role=Role.KEY_OFFICER, effect=Effect.CHANGE, graphql="Mutation.uploadSigningKey")
async def upload_signing_key(
    call: Call, *, file_name: str, content: bytes, label: str = "", activate: bool = True
) -> Registered:
    """Stores a key wrapped; one that is fit becomes the active one if that is wanted."""
    return await call.station.keys.signing_keys.upload(
        file_name, content, label=label, activate=activate, note=call.file_access
    )


@operation(role=Role.KEY_OFFICER, effect=Effect.CHANGE, graphql="Mutation.labelSigningKey")
async def label_signing_key(call: Call, *, key_id: str, label: str) -> Registry:
    """Gives a key another label."""
    keys = call.station.keys.signing_keys
    await keys.label(key_id, label)
    return await keys.list_all()


@operation(role=Role.KEY_OFFICER, effect=Effect.CHANGE, graphql="Mutation.activateSigningKey")
async def activate_signing_key(call: Call, *, key_id: str) -> SigningKey:
    """Makes boards be signed with a key."""
    return await call.station.keys.signing_keys.activate(key_id, note=call.file_access)


@operation(role=Role.KEY_OFFICER, effect=Effect.CHANGE, graphql="Mutation.deactivateSigningKey")
async def deactivate_signing_key(call: Call) -> Registry:
    """Makes no key active."""
    return await call.station.keys.signing_keys.deactivate(note=call.file_access)


@operation(role=Role.KEY_OFFICER, effect=Effect.CHANGE, graphql="Mutation.removeSigningKey")
async def remove_signing_key(call: Call, *, key_id: str) -> SigningKey:
    """Forgets a key, with its file where that is ours."""
    return await call.station.keys.signing_keys.remove(key_id, note=call.file_access)


@operation(role=Role.KEY_OFFICER, effect=Effect.CHANGE, graphql="Mutation.wrapSigningKey")
async def wrap_signing_key(call: Call, *, key_id: str) -> tuple[SigningKey, bool]:
    """Wraps a key's file; returns the key, and whether it is the active one."""
    keys = call.station.keys.signing_keys
    key = await keys.wrap(key_id, note=call.file_access)
    return key, (await keys.list_all()).active_id == key_id


@operation(role=Role.KEY_OFFICER, effect=Effect.CHANGE, graphql="Mutation.testSigningKey")
async def check_signing(call: Call, *, key_id: str) -> TrialSignature:
    """Signs a challenge with a key and checks the signature."""
    return await call.station.keys.uses.test_sign(key_id)


@watch(role=Role.VIEWER, graphql="Subscription.signingKeyChanges")
def watch_signing_keys(call: Call) -> AsyncGenerator[Update[Registry], None]:
    """Yields all keys now and after each change."""
    return call.station.keys.signing_keys.watch()
