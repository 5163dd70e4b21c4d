"""The description of an IDP artefact: read strictly, checked against its schema, and understood as
far as it goes (contract images 6.1, 6.2)."""

import os
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from domain.errors import Invalid
from domain.images.descriptor_schema import DESCRIPTOR
from domain.images.json_reading import MOST_BYTES, NotJson, member, members, parse_json, text_at
from domain.images.json_rules import ROOT, SchemaFault
from domain.images.provision_map import ProvisionMap, read_map
from domain.kept_files import open_real

MOST_FAULTS = 100
"""So many faults are told; who mends them sees the next."""
FAMILIES = {"pi5": "5", "cm5": "5", "pi4": "4", "cm4": "4", "zero2w": "2W"}
"""Device classes of rpi-image-gen, and the families that the configuration knows."""


class DescriptorInvalid(Invalid):
    """A description that says nothing, because it is no JSON."""

    code = "IDP_DESCRIPTOR_INVALID"
    title = "Invalid Description"
    meaning = (
        "An IDP artefact is a folder with exactly one JSON file at its top, which describes it; "
        "this one has none, has several, or its description cannot be read."
    )
    remedy = "Build the artefact again; its description is strict JSON in UTF-8."


@dataclass(frozen=True, slots=True)
class PartitionImage:
    """One member of `layout.partitionimages`; `simage` is the file that holds its content, None
    where the description names none."""

    name: str
    simage: str | None

    @property
    def file(self) -> str | None:
        """The file's name where it is one: a single component of a path, never a way out of the
        artefact (contract images 6.1)."""
        name = self.simage
        if not name or name in (".", "..") or "/" in name or "\0" in name:
            return None
        return name


@dataclass(frozen=True, slots=True)
class Descriptor:
    """What a description says. What it does not say, or says in a wrong type, is None; `faults`
    tells what the schema forbids, none for a valid one.

    `partitions` is None without an object `layout.partitionimages`; it is in the order of names.
    """

    faults: tuple[SchemaFault, ...]
    image_name: str | None
    image_version: str | None
    device_class: str | None
    storage_type: str | None
    partitions: tuple[PartitionImage, ...] | None
    map: ProvisionMap

    @property
    def is_valid(self) -> bool:
        """Whether the schema allows it."""
        return not self.faults

    @property
    def family(self) -> str | None:
        """The family of boards as the configuration names it; a class that it does not know
        verbatim."""
        if self.device_class is None:
            return None
        return FAMILIES.get(self.device_class, self.device_class)

    @property
    def simages(self) -> tuple[str, ...]:
        """The distinct names that partitions give for their files, in the partitions' order; the
        names are not checked."""
        named = [one.simage for one in self.partitions or () if one.simage]
        return tuple(dict.fromkeys(named))


def read_descriptor(real: Path) -> Descriptor:
    """Returns what a description says; blocks. Raises `DescriptorInvalid` for one that cannot be
    opened or is no JSON, never for what its JSON holds."""
    try:
        handle = open_real(real)
    except OSError as error:
        message = "Cannot open JSON description file"
        raise DescriptorInvalid(message, detail=error.strerror or "the disk failed") from error
    with os.fdopen(handle, "rb") as file:
        try:
            content = file.read(MOST_BYTES + 1)
        except OSError as error:
            message = "Cannot open JSON description file"
            raise DescriptorInvalid(message, detail=error.strerror or "the disk failed") from error
    return parse_descriptor(content)


def parse_descriptor(content: bytes) -> Descriptor:
    """Returns what a description says; raises `DescriptorInvalid` for what is no JSON."""
    try:
        value = parse_json(content)
    except NotJson as error:
        raise DescriptorInvalid(f"JSON parse error: {error}") from error
    return understand(value)


def understand(value: object) -> Descriptor:
    """Returns what a JSON value says as a description; never raises."""
    meta, layout = member(value, "IGmeta"), member(value, "layout")
    return Descriptor(
        faults=tuple(islice(DESCRIPTOR.faults(value, ROOT), MOST_FAULTS)),
        image_name=text_at(member(value, "attributes"), "image-name"),
        image_version=text_at(meta, "IGconf_image_version"),
        device_class=text_at(meta, "IGconf_device_class"),
        storage_type=text_at(meta, "IGconf_device_storage_type"),
        partitions=_partitions(member(layout, "partitionimages")),
        map=read_map(member(layout, "provisionmap")),
    )


def _partitions(value: object) -> tuple[PartitionImage, ...] | None:
    if not isinstance(value, dict):
        return None
    found = [PartitionImage(name, text_at(one, "simage")) for name, one in members(value)]
    return tuple(sorted(found, key=lambda one: one.name))
