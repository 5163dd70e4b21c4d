"""What people and programs ask about the hashes of images."""

from collections.abc import AsyncGenerator
from datetime import UTC, datetime

from domain.audit.entries import file_entry
from domain.caller import Role
from domain.events import Update
from domain.file_accesses import FileAccess
from domain.images.hash_states import HashState
from domain.images.hashes import AskedHash
from domain.images.image import Image
from domain.images.names import ImageName
from resolvers.operation import Call, Effect, operation, watch


@operation(role=Role.VIEWER, effect=Effect.READ, graphql="Subscription.hashProgress")
async def ask_image_hash(call: Call, *, name: str) -> AskedHash:
    """Returns what is known of an image's hash, and begins its calculation where nothing is."""
    return await call.station.hashes.ask(ImageName.asked(name), note=call.file_access)


@operation(role=Role.OPERATOR, effect=Effect.CHANGE, graphql="Mutation.rehashImage")
async def rehash_image(call: Call, *, name: str) -> Image:
    """Calculates an image's hash again, whatever is known, and returns the image."""
    checked = ImageName.asked(name)
    await call.station.hashes.rehash(checked, note=call.file_access)
    return await call.station.images.get(checked)


@operation(role=Role.OPERATOR, effect=Effect.CHANGE, graphql="Mutation.cancelHash")
async def cancel_hash(call: Call, *, name: str) -> Image:
    """Stops the calculation of an image's hash, and returns the image."""
    checked = ImageName.asked(name)
    await call.station.hashes.cancel(checked, note=call.file_access)
    return await call.station.images.get(checked)


@watch(role=Role.VIEWER, graphql="Subscription.hashProgress")
def watch_hash(call: Call, *, name: str) -> AsyncGenerator[Update[HashState], None]:
    """Yields what is known of an image's hash, then its changes; begins the calculation where
    nothing is known."""
    return call.station.hashes.watch(ImageName.asked(name), note=_noting_at_once(call))


def _noting_at_once(call: Call) -> FileAccess:
    """Returns what writes down files for as long as somebody watches: the watch's own record is
    closed by then."""

    def note(operation: str, target: str, *, success: bool = True, info: str = "") -> None:
        now = datetime.now(UTC)
        entry = file_entry(call.caller, operation, target, at=now, success=success, info=info)
        call.station.audit.record(entry)

    return note
