"""What people and programs ask about secrets on the disk, and change in them."""

from domain.caller import Role
from domain.keys.secrets_at_rest import EncryptionStatus, Migration, Target
from resolvers.operation import Call, Effect, operation


@operation(role=Role.VIEWER, effect=Effect.READ, graphql="Query.encryptionStatus")
async def get_encryption_status(call: Call) -> EncryptionStatus:
    """Returns which secrets are plain and which are wrapped."""
    return await call.station.keys.secrets.status()


@operation(role=Role.KEY_OFFICER, effect=Effect.CHANGE, graphql="Mutation.migrateSecrets")
async def migrate_secrets(call: Call, *, target: Target) -> Migration:
    """Wraps what is still plain."""
    return await call.station.keys.secrets.migrate(target, note=call.file_access)
