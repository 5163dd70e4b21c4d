"""What images hold, as a part of each image that GraphQL clients see."""

from typing import Protocol

import strawberry

from resolvers.images.analysis import analyse_image
from resolvers.parts import part_of
from schema.context import Info, who
from schema.images.artefact_types import ArtefactAnalysis, artefact_of
from schema.images.disk_types import DiskAnalysis, disk_of


class Named(Protocol):
    """An image."""

    name: str


@strawberry.type(
    description="What an image holds: `disk` of a traditional one, `artefact` of an IDP artefact."
)
class ImageAnalysis:
    """Contents of an image."""

    disk: DiskAnalysis | None = strawberry.field(
        description="Partitions and file systems; null unless it is a traditional image."
    )
    artefact: ArtefactAnalysis | None = strawberry.field(
        description="What its description says; null unless it is an artefact that can be read."
    )
    error: str | None = strawberry.field(
        description="Why nothing is known of what it holds; null when something is."
    )


async def analysis_of_image(root: strawberry.Parent[Named], info: Info) -> ImageAnalysis:
    """Resolves the contents of an image."""
    name = root.name
    found = await part_of(
        analyse_image.policy, *who(info), lambda call: analyse_image.perform(call, name=name)
    )
    return ImageAnalysis(
        disk=disk_of(found.disk) if found.disk else None,
        artefact=artefact_of(found.artefact) if found.artefact else None,
        error=found.error,
    )
