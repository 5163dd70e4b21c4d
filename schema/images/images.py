"""The image store as GraphQL clients see it."""

from collections.abc import AsyncGenerator
from datetime import datetime
from typing import Annotated

import strawberry

from domain.events import Update
from domain.images import images as domain
from domain.images.image import Image as StoredImage
from domain.images.image import ImageKind
from domain.images.images import ANY_IMAGE, ImagesChange
from domain.paging import page_request
from resolvers.images.images import (
    delete_image,
    get_image,
    get_store_space,
    page_images,
    rename_image,
    watch_images,
)
from schema.connections import Connection, connection
from schema.context import Info, who
from schema.enums import describe_enum
from schema.errors import Problem, Problems
from schema.images.analysis import ImageAnalysis, analysis_of_image
from schema.images.boot_packages import BootPackage, boot_package_of_image
from schema.images.hash_types import ImageHash, hash_of
from schema.images.preflight import GoldMasterPreflight, preflight_of_image
from schema.scalars import Long

describe_enum(
    ImageKind,
    description="What a name in the image store stands for.",
    values={
        ImageKind.TRADITIONAL: "A file that holds a whole disk.",
        ImageKind.IDP: "The folder of an IDP artefact: a description and its partitions' files.",
        ImageKind.UNKNOWN_DIRECTORY: "A folder that is no artefact, since it does not hold exactly "
        "one description; never listed.",
        ImageKind.UNKNOWN: "Neither a file nor a folder; never listed.",
    },
)


@strawberry.type(description="An image in the store.")
class Image:
    """An image."""

    name: str = strawberry.field(description="Its name in the store.")
    path: str = strawberry.field(description="Where it is, as the configuration names it.")
    kind: ImageKind = strawberry.field(description="What it is.")
    size_bytes: Long = strawberry.field(
        description="Bytes; of an artefact the sum of all its files."
    )
    modified_at: datetime = strawberry.field(description="When it was last written.")
    is_gold_master: bool = strawberry.field(
        description="Whether boards are provisioned with it: the configuration names this path."
    )
    estimated_minutes: int = strawberry.field(
        description="How long writing it to a board takes at 40 MiB/s, in whole minutes."
    )
    hash: ImageHash = strawberry.field(description="Its SHA-256, or how far that is.")
    analysis: ImageAnalysis | None = strawberry.field(
        resolver=analysis_of_image,
        description="What it holds, read from it now; null, with an error beside the data, where "
        "the disk does not let it be read.",
    )
    boot_package: BootPackage | None = strawberry.field(
        resolver=boot_package_of_image,
        description="How it stands with its boot package; null, with an error beside the data, "
        "where that cannot be read.",
    )
    gold_master_preflight: GoldMasterPreflight | None = strawberry.field(
        resolver=preflight_of_image,
        description="What would be found if it were selected as gold master; null, with an error "
        "beside the data, where the disk or the configuration cannot be read.",
    )


@strawberry.type(description="The folder of images and the room in it.")
class ImageStore:
    """The store."""

    path: str = strawberry.field(description="Where images are kept.")
    total_bytes: Long = strawberry.field(description="The size of its file system.")
    free_bytes: Long = strawberry.field(description="What is left for images.")


@strawberry.type(description="Images that changed, or all of them.")
class ImageChange:
    """One frame of `imageChanges`."""

    sequence: int = strawberry.field(description="Grows with each frame; gaps are normal.")
    snapshot: bool = strawberry.field(
        description="True where `images` are all there are: the first frame, and after the client "
        "was too slow."
    )
    images: list[Image] = strawberry.field(
        description="All images, or those that are new or changed. A calculation's progress is no "
        "change; see hashProgress."
    )
    removed: list[str] = strawberry.field(description="The names of images that are gone.")


@strawberry.input(description="Which images; what is left out does not matter.")
class ImageFilter:
    """Filter of `images`."""

    kind: ImageKind | None = strawberry.field(default=None, description="Only of this kind.")
    text: str | None = strawberry.field(
        default=None, description="Only with this text in the name, case ignored."
    )
    gold_master: bool | None = strawberry.field(
        default=None, description="True: only the gold master; false: only the others."
    )


@strawberry.input(description="Which image to delete.")
class DeleteImageInput:
    """Input of `deleteImage`."""

    name: str = strawberry.field(description="The image's name.")
    keep_gold_master: bool = strawberry.field(
        default=False,
        description="Refuse if it is the gold master. Else no gold master is selected afterwards.",
    )


@strawberry.input(description="Which image to rename, and how.")
class RenameImageInput:
    """Input of `renameImage`."""

    name: str = strawberry.field(description="The image's name.")
    new_name: str = strawberry.field(description="Another name, that nothing in the store has yet.")


@strawberry.type(description="The image was deleted, with its sidecar.")
class ImageDeleted:
    """Success of `deleteImage`."""

    name: str = strawberry.field(description="The name it had.")
    gold_master_cleared: bool = strawberry.field(
        description="Whether it was the gold master; none is selected now."
    )


DeleteImageResult = Annotated[
    ImageDeleted | Problem,
    strawberry.union("DeleteImageResult", description="What was deleted, or why not."),
]
RenameImageResult = Annotated[
    Image | Problem,
    strawberry.union("RenameImageResult", description="The renamed image, or why not."),
]


def image_of(image: StoredImage) -> Image:
    """Returns an image as clients see it."""
    return Image(
        name=image.name.text,
        path=image.path,
        kind=image.kind,
        size_bytes=Long(image.size_bytes),
        modified_at=image.modified_at,
        is_gold_master=image.is_gold_master,
        estimated_minutes=image.estimated_minutes,
        hash=hash_of(image.hash),
    )


def _filter(given: ImageFilter | None) -> domain.ImageFilter:
    if given is None:
        return ANY_IMAGE
    return domain.ImageFilter(given.kind, given.text, given.gold_master)


def _change(update: Update[ImagesChange]) -> ImageChange:
    return ImageChange(
        sequence=update.sequence,
        snapshot=update.snapshot,
        images=[image_of(image) for image in update.value.images],
        removed=list(update.value.removed),
    )


@strawberry.type
class ImageQueries:
    """Root fields about images."""

    @strawberry.field(description="The images in the store, by name.")
    async def images(
        self,
        info: Info,
        filter: Annotated[
            ImageFilter | None, strawberry.argument(description="Which images; absent: all.")
        ] = None,
        first: Annotated[
            int | None, strawberry.argument(description="How many, from the beginning on.")
        ] = None,
        after: Annotated[
            str | None, strawberry.argument(description="The cursor after which to begin.")
        ] = None,
        last: Annotated[
            int | None, strawberry.argument(description="How many, up to the end.")
        ] = None,
        before: Annotated[
            str | None, strawberry.argument(description="The cursor before which to end.")
        ] = None,
    ) -> Connection[Image]:
        """Resolves a page."""
        page = page_request(domain.ORDER, first=first, after=after, last=last, before=before)
        found = await page_images(*who(info), page=page, which=_filter(filter))
        return connection(found, image_of)

    @strawberry.field(
        description="What lies in the store under a name, also a folder that is no image."
    )
    async def image(
        self, info: Info, name: Annotated[str, strawberry.argument(description="The image's name.")]
    ) -> Image:
        """Resolves one image."""
        return image_of(await get_image(*who(info), name=name))

    @strawberry.field(description="Where images are kept, and the room that is left.")
    async def image_store(self, info: Info) -> ImageStore:
        """Resolves the store."""
        space = await get_store_space(*who(info))
        return ImageStore(
            path=space.path, total_bytes=Long(space.total), free_bytes=Long(space.free)
        )


@strawberry.type
class ImageMutations:
    """Changes of the store."""

    @strawberry.mutation(
        description="Deletes an image with its sidecar (role engineer).", extensions=[Problems()]
    )
    async def delete_image(
        self,
        info: Info,
        input: Annotated[DeleteImageInput, strawberry.argument(description="Which image.")],
    ) -> DeleteImageResult:
        """Deletes."""
        deleted = await delete_image(
            *who(info), name=input.name, keep_gold_master=input.keep_gold_master
        )
        return ImageDeleted(
            name=deleted.image.name.text, gold_master_cleared=deleted.gold_master_cleared
        )

    @strawberry.mutation(
        description="Gives an image another name; its sidecar and the gold master follow (role "
        "engineer).",
        extensions=[Problems()],
    )
    async def rename_image(
        self,
        info: Info,
        input: Annotated[RenameImageInput, strawberry.argument(description="Which image, how.")],
    ) -> RenameImageResult:
        """Renames."""
        return image_of(await rename_image(*who(info), name=input.name, new_name=input.new_name))


@strawberry.type
class ImageSubscriptions:
    """What one can watch of the store."""

    @strawberry.subscription(
        description="All images, then each one that is added, changed, renamed or removed, by "
        "whomever."
    )
    async def image_changes(self, info: Info) -> AsyncGenerator[ImageChange, None]:
        """Yields frames."""
        updates = watch_images(*who(info))
        try:
            async for update in updates:
                yield _change(update)
        finally:
            await updates.aclose()
