"""The hash of an image as GraphQL clients see it."""

import strawberry

from domain.images.hash_states import HashState, HashStatus
from schema.enums import describe_enum

describe_enum(
    HashStatus,
    description="How far the calculation of an image's SHA-256 is.",
    values={
        HashStatus.NONE: "Nothing is known: an artefact without the hash of its archive, or an "
        "image that was just found.",
        HashStatus.PENDING: "It waits for its turn or for the end of a copy, or is under way.",
        HashStatus.COMPLETE: "It is known.",
        HashStatus.FAILED: "The image could not be read; asking again tries again.",
        HashStatus.CANCELLED: "Somebody stopped it; asking again begins it again.",
    },
)


@strawberry.type(description="The SHA-256 of an image, of an artefact that of its archive.")
class ImageHash:
    """A hash and how far it is."""

    status: HashStatus = strawberry.field(description="How far it is.")
    sha256: str | None = strawberry.field(
        description="64 lower-case hex digits; null unless COMPLETE."
    )
    progress: float | None = strawberry.field(
        description="The part that is done, 0.0 to 1.0; null unless it is under way."
    )
    error: str | None = strawberry.field(
        description="Why there is none; null unless FAILED or CANCELLED."
    )


def hash_of(state: HashState) -> ImageHash:
    """Returns a hash as clients see it."""
    return ImageHash(
        status=state.status, sha256=state.sha256, progress=state.progress, error=state.error
    )
