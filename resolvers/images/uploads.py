"""What people and programs send into the image store."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass

from domain.caller import Role
from domain.events import Update
from domain.images.analyses import Analysis
from domain.uploads.kinds import UploadKind
from domain.uploads.progress import Upload
from domain.uploads.resumable import Part
from domain.uploads.settling import Uploaded
from domain.uploads.uploads import Incoming
from resolvers.operation import Call, Effect, operation, watch


@dataclass(frozen=True, slots=True)
class Received:
    """What came of an upload; `analysis` is there for an artefact alone (contract images 4.4)."""

    uploaded: Uploaded
    analysis: Analysis | None = None


@operation(role=Role.ENGINEER, effect=Effect.CHANGE, graphql="Mutation.beginUpload")
async def upload_image(call: Call, *, incoming: Incoming) -> Received:
    """Makes an image of a file while it arrives."""
    uploaded = await call.station.uploads.receive(incoming, note=call.file_access)
    if uploaded.plan.kind is not UploadKind.ARCHIVE:
        return Received(uploaded)
    return Received(uploaded, await call.station.analyses.get(uploaded.name))


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
    station = call.station
    if station.uploads.board.get(id).is_resumable:
        return await station.resumable_uploads.cancel(id, note=call.file_access)
    return await station.uploads.cancel(id, note=call.file_access)


@operation(role=Role.ENGINEER, effect=Effect.CHANGE, graphql="Mutation.beginUpload")
async def begin_upload(call: Call, *, filename: str, size: int) -> Upload:
    """Begins an upload whose parts come later, over as many connections as it takes."""
    return await call.station.resumable_uploads.begin(
        filename, size, by=call.caller.name, note=call.file_access
    )


@operation(role=Role.ENGINEER, effect=Effect.READ, graphql="Query.uploads")
async def find_upload(call: Call, *, id: str) -> Upload:
    """Returns how far a resumable upload is."""
    return await call.station.resumable_uploads.get(id)


@operation(role=Role.ENGINEER, effect=Effect.CHANGE, graphql="Mutation.beginUpload")
async def append_upload(call: Call, *, id: str, part: Part) -> Upload:
    """Appends a part; with the last one the upload becomes an image."""
    return await call.station.resumable_uploads.append(id, part, note=call.file_access)
