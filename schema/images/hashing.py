"""The calculation of hashes as GraphQL clients steer and see it."""

from collections.abc import AsyncGenerator
from typing import Annotated

import strawberry

from resolvers.images.hashing import cancel_hash, rehash_image, watch_hash
from schema.context import Info, who
from schema.errors import Problem, Problems
from schema.images.hash_types import ImageHash, hash_of
from schema.images.images import Image, image_of


@strawberry.type(description="The hash of one image at one moment.")
class HashProgress:
    """One frame of `hashProgress`."""

    sequence: int = strawberry.field(description="Grows with each frame; gaps are normal.")
    snapshot: bool = strawberry.field(
        description="True for the first frame, and after the client was too slow."
    )
    name: str = strawberry.field(description="The image's name.")
    hash: ImageHash = strawberry.field(description="Its hash as it is now.")


@strawberry.input(description="Which image's hash to calculate again.")
class RehashImageInput:
    """Input of `rehashImage`."""

    name: str = strawberry.field(description="The image's name.")


@strawberry.input(description="Which calculation to stop.")
class CancelHashInput:
    """Input of `cancelHash`."""

    name: str = strawberry.field(description="The image's name.")


RehashImageResult = Annotated[
    Image | Problem,
    strawberry.union("RehashImageResult", description="The image with its hash, or why not."),
]
CancelHashResult = Annotated[
    Image | Problem,
    strawberry.union("CancelHashResult", description="The image with its hash, or why not."),
]


@strawberry.type
class HashMutations:
    """Changes of calculations."""

    @strawberry.mutation(
        description="Calculates an image's hash again, whatever is known of it (role operator).",
        extensions=[Problems()],
    )
    async def rehash_image(
        self,
        info: Info,
        input: Annotated[RehashImageInput, strawberry.argument(description="Which image.")],
    ) -> RehashImageResult:
        """Begins."""
        return image_of(await rehash_image(*who(info), name=input.name))

    @strawberry.mutation(
        description="Stops the calculation of an image's hash (role operator).",
        extensions=[Problems()],
    )
    async def cancel_hash(
        self,
        info: Info,
        input: Annotated[CancelHashInput, strawberry.argument(description="Which image.")],
    ) -> CancelHashResult:
        """Stops."""
        return image_of(await cancel_hash(*who(info), name=input.name))


@strawberry.type
class HashSubscriptions:
    """What one can watch of calculations."""

    @strawberry.subscription(
        description="What is known of an image's hash, then every 5 % and the end. Begins the "
        "calculation where nothing is known; one that goes on only for those who watch ends with "
        "the last of them."
    )
    async def hash_progress(
        self, info: Info, name: Annotated[str, strawberry.argument(description="The image's name.")]
    ) -> AsyncGenerator[HashProgress, None]:
        """Yields frames."""
        updates = watch_hash(*who(info), name=name)
        try:
            async for update in updates:
                yield HashProgress(
                    sequence=update.sequence,
                    snapshot=update.snapshot,
                    name=name,
                    hash=hash_of(update.value),
                )
        finally:
            await updates.aclose()
