"""What an IDP artefact says and has, as GraphQL clients see it."""

import strawberry

from domain.images.artefacts import Artefact, PartitionFile
from domain.images.provision_map import Encryption, Placement
from schema.scalars import Long


@strawberry.type(description="One way in which a description breaks its schema.")
class SchemaError:
    """A fault of a description."""

    path: str = strawberry.field(
        description='Where: `<root>` with ["member"] and [index] behind it.'
    )
    description: str = strawberry.field(description="What must be there instead.")


@strawberry.type(description="One partition image of an artefact, and the file that holds it.")
class ArtefactPartition:
    """A partition image."""

    name: str = strawberry.field(description="The partition's name in the description.")
    file: str | None = strawberry.field(
        description="The file that the description names for it; null where it names none."
    )
    size_bytes: Long | None = strawberry.field(
        description="The file's size; null where the artefact has no such file."
    )
    expanded_bytes: Long | None = strawberry.field(
        description="What a board gets of it; null where the file is no Android sparse image."
    )
    fault: str | None = strawberry.field(
        description="What is wrong with the file's beginning; null when nothing is."
    )


@strawberry.type(description="An encrypted container (LUKS2) that provisioning makes.")
class ArtefactEncryption:
    """A container."""

    slot: str | None = strawberry.field(description="The slot it lies in; null outside slots.")
    cipher: str | None = strawberry.field(description="Its cipher; null where none is named.")
    key_size: int | None = strawberry.field(description="Bits of its key; null where not named.")
    hash: str | None = strawberry.field(description="Its hash; null where none is named.")
    mapper_name: str | None = strawberry.field(
        description="The name it is opened under; null where none is named."
    )
    label: str | None = strawberry.field(description="Its label; null where it has none.")


@strawberry.type(description="One partition that provisioning writes.")
class ArtefactPlacement:
    """A placement."""

    image: str = strawberry.field(description="The partition image that is written.")
    slot: str | None = strawberry.field(description="The slot it belongs to; null outside slots.")
    is_encrypted: bool = strawberry.field(description="Whether it is written into a container.")
    role: str | None = strawberry.field(
        description="`boot` or `system`; null where the description says none."
    )
    uuid: str | None = strawberry.field(description="The UUID it gets; null where none is named.")
    expands: bool = strawberry.field(description="Whether it is grown to fill the storage.")


@strawberry.type(description="What an IDP artefact says and has.")
class ArtefactAnalysis:
    """The contents of an artefact."""

    schema_valid: bool = strawberry.field(description="Whether its description keeps its schema.")
    schema_errors: list[SchemaError] = strawberry.field(
        description="What its description breaks, at most 100 rules; empty when it is valid."
    )
    image_name: str | None = strawberry.field(description="Its own name; null where not said.")
    image_version: str | None = strawberry.field(description="Its version; null where not said.")
    device_class: str | None = strawberry.field(
        description="The class of boards it is for, in its own words (cm5); null where not said."
    )
    device_family: str | None = strawberry.field(
        description="The same as RPI_DEVICE_FAMILY names it: 4, 5 or 2W; a class that this "
        "station does not know verbatim; null where not said."
    )
    storage_type: str | None = strawberry.field(
        description="The storage it is for: sd, emmc or nvme; null where not said."
    )
    system_type: str | None = strawberry.field(
        description="`flat` or `slotted`; null where not said."
    )
    encrypted: bool = strawberry.field(description="Whether any part of it is encrypted.")
    cipher: str | None = strawberry.field(
        description="The cipher that is named last; null where none is."
    )
    encryptions: list[ArtefactEncryption] = strawberry.field(
        description="The encrypted containers."
    )
    partitions: list[ArtefactPartition] = strawberry.field(
        description="Its partition images, by name."
    )
    placements: list[ArtefactPlacement] = strawberry.field(
        description="What is written where, in the order of the description."
    )
    file_count: int = strawberry.field(
        description="How many distinct files it names that are there."
    )
    expanded_bytes: Long = strawberry.field(
        description="The bytes of all partitions on a board, as far as their files tell."
    )


def artefact_of(found: Artefact) -> ArtefactAnalysis:
    """Returns the contents of an artefact as clients see them."""
    told = found.descriptor
    return ArtefactAnalysis(
        schema_valid=told.is_valid,
        schema_errors=[
            SchemaError(path=one.path, description=one.description) for one in told.faults
        ],
        image_name=told.image_name,
        image_version=told.image_version,
        device_class=told.device_class,
        device_family=told.family,
        storage_type=told.storage_type,
        system_type=told.map.system_type,
        encrypted=bool(told.map.encryptions),
        cipher=told.map.cipher,
        encryptions=[_encryption(one) for one in told.map.encryptions],
        partitions=[_partition(one) for one in found.files],
        placements=[_placement(one) for one in told.map.placements],
        file_count=found.file_count,
        expanded_bytes=Long(found.expanded_bytes),
    )


def _partition(one: PartitionFile) -> ArtefactPartition:
    return ArtefactPartition(
        name=one.partition.name,
        file=one.partition.simage,
        size_bytes=None if one.size_bytes is None else Long(one.size_bytes),
        expanded_bytes=None if one.expanded_bytes is None else Long(one.expanded_bytes),
        fault=one.fault or None,
    )


def _encryption(one: Encryption) -> ArtefactEncryption:
    return ArtefactEncryption(
        slot=one.slot,
        cipher=one.cipher,
        key_size=one.key_size,
        hash=one.hash,
        mapper_name=one.mapper_name,
        label=one.label,
    )


def _placement(one: Placement) -> ArtefactPlacement:
    return ArtefactPlacement(
        image=one.image,
        slot=one.slot,
        is_encrypted=one.encryption is not None,
        role=one.role,
        uuid=one.uuid,
        expands=one.expands,
    )
