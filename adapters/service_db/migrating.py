"""How `service.db` is brought up to date: by all the migrations that it lacks, or by none."""

from tortoise.connection import get_connection
from tortoise.migrations.executor import MigrationExecutor
from tortoise.migrations.recorder import MigrationRecorder
from tortoise.migrations.schema_editor.base import BaseSchemaEditor
from tortoise.migrations.schema_editor.sqlite import SqliteSchemaEditor
from tortoise.transactions import in_transaction


async def migrate(connection: str, *, app: str, module: str) -> None:
    """Applies the migrations in the package `module` that the database has not seen.

    Tortoise writes down that a migration was applied in a transaction of its own: a crash between
    the two would let the next start apply it again and fail for ever. So everything happens in
    one transaction here.
    """
    client = get_connection(connection)
    await MigrationRecorder(client).ensure_schema(SqliteSchemaEditor(client, atomic=False))
    async with in_transaction(connection) as transaction:
        executor = MigrationExecutor(transaction, {app: _app(connection, module)})
        executor.recorder = executor.loader.recorder = _Recorder(transaction)
        await executor.migrate(direction="forward")


def _app(connection: str, module: str) -> dict[str, object]:
    return {"default_connection": connection, "migrations": module}


class _Recorder(MigrationRecorder):
    async def ensure_schema(self, schema_editor: BaseSchemaEditor) -> None:
        """Does nothing: the table is there, and making it again would end the transaction."""
