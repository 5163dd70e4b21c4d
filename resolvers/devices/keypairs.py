"""What people and programs ask about the key pair of a device."""

from domain.caller import Role
from domain.devices.keypairs import Keypair
from resolvers.operation import Call, Effect, operation


@operation(role=Role.VIEWER, effect=Effect.READ, graphql="Query.deviceKeypair")
async def find_device_keypair(call: Call, *, identifier: str) -> Keypair | None:
    """Returns what there is of a device's key pair, None when there is nothing; the private key
    itself is not read."""
    return await call.station.keypairs.find(identifier, note=call.file_access)


@operation(role=Role.VIEWER, effect=Effect.READ, graphql="Query.deviceKeypair")
async def read_public_key(call: Call, *, identifier: str) -> bytes:
    """Returns the file of a device's public key."""
    return await call.station.keypairs.read_public(identifier, note=call.file_access)


# It changes nothing on the station, but who has a private key: it is handed out only when that is
# written down for good.
@operation(role=Role.KEY_OFFICER, effect=Effect.CHANGE, graphql="Query.deviceKeypair")
async def read_private_key(call: Call, *, identifier: str, confidential: bool) -> bytes:
    """Returns the file of a device's private key; `confidential` is whether nobody can listen on
    the way to the client."""
    return await call.station.keypairs.read_private(
        identifier, caller=call.caller, confidential=confidential, note=call.file_access
    )
