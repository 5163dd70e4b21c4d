"""The choice of the gold master as GraphQL clients make it."""

from typing import Annotated

import strawberry

from domain.images.gold_master_choice import Terms
from resolvers.images.gold_master import clear_gold_master, select_gold_master
from schema.context import Info, who
from schema.errors import Problem, Problems
from schema.images.images import Image, image_of
from schema.images.preflight import GoldMasterPreflight, preflight_of


@strawberry.input(description="Which image boards are to be provisioned with, and on which terms.")
class SelectGoldMasterInput:
    """Input of `selectGoldMaster`."""

    name: str = strawberry.field(description="The image's name.")
    adopt: bool = strawberry.field(
        default=False,
        description="Set RPI_DEVICE_FAMILY, RPI_DEVICE_STORAGE_TYPE and RPI_DEVICE_STORAGE_CIPHER "
        "as the artefact says, in the same step.",
    )
    force: bool = strawberry.field(
        default=False, description="Select it whatever the preflight finds."
    )


@strawberry.type(description="Boards are provisioned with this image from now on.")
class GoldMasterSelected:
    """Success of `selectGoldMaster`."""

    image: Image = strawberry.field(description="The image.")
    preflight: GoldMasterPreflight = strawberry.field(description="What was found of it.")
    previous_path: str | None = strawberry.field(
        description="The gold master before; null where there was none."
    )


@strawberry.type(description="No image is the gold master now.")
class GoldMasterCleared:
    """Success of `clearGoldMaster`."""

    previous_path: str | None = strawberry.field(
        description="The gold master before; null where there was none."
    )


SelectGoldMasterResult = Annotated[
    GoldMasterSelected | Problem,
    strawberry.union("SelectGoldMasterResult", description="The new gold master, or why not."),
]
ClearGoldMasterResult = Annotated[
    GoldMasterCleared | Problem,
    strawberry.union("ClearGoldMasterResult", description="What was given up, or why not."),
]


@strawberry.type
class GoldMasterMutations:
    """Changes of the choice."""

    @strawberry.mutation(
        description="Makes an image the gold master, if its preflight finds nothing that makes "
        "boards fail (role engineer).",
        extensions=[Problems()],
    )
    async def select_gold_master(
        self,
        info: Info,
        input: Annotated[
            SelectGoldMasterInput, strawberry.argument(description="Which image, on which terms.")
        ],
    ) -> SelectGoldMasterResult:
        """Selects."""
        terms = Terms(adopt=input.adopt, force=input.force)
        done = await select_gold_master(*who(info), name=input.name, terms=terms)
        return GoldMasterSelected(
            image=image_of(done.image),
            preflight=preflight_of(done.preflight),
            previous_path=done.previous or None,
        )

    @strawberry.mutation(
        description="Selects no image: no board can be provisioned until another is selected "
        "(role engineer).",
        extensions=[Problems()],
    )
    async def clear_gold_master(self, info: Info) -> ClearGoldMasterResult:
        """Clears."""
        return GoldMasterCleared(previous_path=await clear_gold_master(*who(info)) or None)
