"""The preflight of a gold master as GraphQL clients see it."""

from typing import Annotated

import strawberry

from domain.images.gold_master_choice import Terms
from domain.images.gold_master_preflight import Comparison, Preflight, Topic
from resolvers.images.gold_master import preflight_gold_master
from resolvers.parts import part_of
from schema.context import Info, who
from schema.enums import describe_enum
from schema.images.analysis import Named
from schema.scalars import Long

describe_enum(
    Topic,
    name="PreflightTopic",
    description="What a finding of a preflight is about.",
    values={
        Topic.SOUNDNESS: "The image itself: tables, file systems, files, its description.",
        Topic.STYLE: "How boards are provisioned.",
        Topic.FAMILY: "The family of boards.",
        Topic.STORAGE: "The storage that is provisioned.",
        Topic.CIPHER: "The cipher of encrypted storage.",
        Topic.SPACE: "The room for prepared images on the station.",
        Topic.HASH: "The image's hash, which goes into the records of boards.",
    },
)


@strawberry.type(description="One thing that speaks against an image.")
class PreflightFinding:
    """A finding."""

    topic: Topic = strawberry.field(description="What it is about.")
    blocks: bool = strawberry.field(
        description="Whether boards would fail: the image is only selected by force."
    )
    because: str = strawberry.field(description="What it is, in a sentence.")
    remedy: str = strawberry.field(description="What to do about it.")
    variable: str | None = strawberry.field(
        description="The setting that it is about; null where it is the image alone."
    )


@strawberry.type(description="What an image is made for beside what is configured.")
class PreflightComparison:
    """A comparison."""

    wanted: list[str] = strawberry.field(
        description="What the image is made for; empty where it does not say."
    )
    configured: str | None = strawberry.field(description="What is set; null where nothing is.")
    agrees: bool | None = strawberry.field(
        description="Whether they fit; null where either is not known."
    )


@strawberry.type(description="What is to be said of an image before boards are made with it.")
class GoldMasterPreflight:
    """A preflight."""

    fits: bool = strawberry.field(description="Whether nothing that was found makes boards fail.")
    family: PreflightComparison = strawberry.field(description="The family of boards.")
    storage: PreflightComparison = strawberry.field(description="The storage of boards.")
    cipher: PreflightComparison = strawberry.field(description="The cipher.")
    needed_bytes: Long = strawberry.field(
        description="What a board's storage must hold, as far as the image tells."
    )
    free_bytes: Long | None = strawberry.field(
        description="The room in the working folder; null where that is not set or not there."
    )
    findings: list[PreflightFinding] = strawberry.field(
        description="What contradicts; empty when nothing does."
    )


def preflight_of(found: Preflight) -> GoldMasterPreflight:
    """Returns a preflight as clients see it."""
    return GoldMasterPreflight(
        fits=not found.blockers,
        family=_comparison(found.family),
        storage=_comparison(found.storage),
        cipher=_comparison(found.cipher),
        needed_bytes=Long(found.needed_bytes),
        free_bytes=None if found.free_bytes is None else Long(found.free_bytes),
        findings=[
            PreflightFinding(
                topic=one.topic,
                blocks=one.blocks,
                because=one.because,
                remedy=one.remedy,
                variable=one.variable,
            )
            for one in found.findings
        ],
    )


def _comparison(found: Comparison) -> PreflightComparison:
    return PreflightComparison(
        wanted=list(found.wanted), configured=found.configured or None, agrees=found.agrees
    )


async def preflight_of_image(
    root: strawberry.Parent[Named],
    info: Info,
    *,
    adopt: Annotated[
        bool,
        strawberry.argument(
            description="As if family, storage and cipher were set as an artefact says."
        ),
    ] = False,
) -> GoldMasterPreflight | None:
    """Resolves what would be found if an image were selected."""
    name, terms = root.name, Terms(adopt=adopt)
    found = await part_of(
        preflight_gold_master.policy,
        *who(info),
        lambda call: preflight_gold_master.perform(call, name=name, terms=terms),
    )
    return preflight_of(found)
