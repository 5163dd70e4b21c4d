"""What people and programs ask about the image store, and change in it."""

from collections.abc import AsyncGenerator

from domain.caller import Role
from domain.events import Update
from domain.images.image import Image
from domain.images.images import Deleted, ImageFilter, ImagesChange
from domain.images.names import ImageName
from domain.images.store_folder import StoreSpace
from domain.paging import Page, PageRequest
from resolvers.operation import Call, Effect, operation, watch


@operation(role=Role.VIEWER, effect=Effect.READ, graphql="Query.images")
async def page_images(call: Call, *, page: PageRequest, which: ImageFilter) -> Page[Image]:
    """Returns a page of the images, by name."""
    return await call.station.images.list_page(page, which)


@operation(role=Role.VIEWER, effect=Effect.READ, graphql="Query.images")
async def list_images(call: Call) -> list[Image]:
    """Returns all images, by name."""
    return await call.station.images.list_all()


@operation(role=Role.VIEWER, effect=Effect.READ, graphql="Query.images")
async def list_images_bare(call: Call) -> list[Image]:
    """Returns all images, by name, as the oldest releases answered."""
    return await call.station.images.list_all()


@operation(role=Role.VIEWER, effect=Effect.READ, graphql="Query.image")
async def get_image(call: Call, *, name: str) -> Image:
    """Returns what lies in the store under a name."""
    return await call.station.images.get(ImageName.asked(name))


@operation(role=Role.VIEWER, effect=Effect.READ, graphql="Query.imageStore")
async def get_store_space(call: Call) -> StoreSpace:
    """Returns the room in the store."""
    return await call.station.images.space()


@operation(role=Role.ENGINEER, effect=Effect.CHANGE, graphql="Mutation.deleteImage")
async def delete_image(call: Call, *, name: str, keep_gold_master: bool = False) -> Deleted:
    """Deletes an image; a gold master that it was is none afterwards."""
    return await call.station.images.delete(
        ImageName.asked(name), note=call.file_access, keep_gold_master=keep_gold_master
    )


@operation(role=Role.ENGINEER, effect=Effect.CHANGE, graphql="Mutation.renameImage")
async def rename_image(call: Call, *, name: str, new_name: str) -> Image:
    """Gives an image another name; its sidecar and the gold master follow."""
    old, new = ImageName.asked(name), ImageName.given(new_name, field="newName")
    return await call.station.images.rename(old, new, note=call.file_access)


@watch(role=Role.VIEWER, graphql="Subscription.imageChanges")
def watch_images(call: Call) -> AsyncGenerator[Update[ImagesChange], None]:
    """Yields all images, then each one that changes."""
    return call.station.images.watch()
