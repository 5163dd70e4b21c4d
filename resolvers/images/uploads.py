"""What people and programs send into the image store."""

from collections.abc import AsyncGenerator

from domain.caller import Role
from domain.events import Update
from domain.uploads.progress import Upload
from domain.uploads.settling import Uploaded
from domain.uploads.uploads import Incoming
from resolvers.operation import Call, Effect, operation, watch


@operation(role=Role.ENGINEER, effect=Effect.CHANGE, graphql="Subscription.uploadProgress")
async def upload_image(call: Call, *, incoming: Incoming) -> Uploaded:
    """Makes an image of a file while it arrives."""
    return await call.station.uploads.receive(incoming, note=call.file_access)


@operation(role=Role.VIEWER, effect=Effect.READ, graphql="Query.uploads")
async def list_uploads(call: Call) -> list[Upload]:
    """Returns the uploads under way and those that ended of late."""
    return call.station.uploads.board.list_all()


@watch(role=Role.VIEWER, graphql="Subscription.uploadProgress")
def watch_uploads(call: Call, *, id: str | None) -> AsyncGenerator[Update[list[Upload]], None]:
    """Yields one upload, or all, then each change."""
    return call.station.uploads.board.watch(id)


@operation(role=Role.ENGINEER, effect=Effect.CHANGE, graphql="Mutation.cancelUpload")
async def cancel_upload(call: Call, *, id: str) -> Upload:
    """Gives up an upload; nothing of it is kept."""
    return await call.station.uploads.cancel(id, note=call.file_access)
