"""The provision map: where an artefact's partitions go, and which of them are encrypted (contract
images 6.1, 6.2)."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TypeGuard

from domain.images.json_reading import member, members, text_at

MOST_BITS = 1 << 20
"""No key is longer."""


@dataclass(frozen=True, slots=True)
class Encryption:
    """A LUKS2 container. `slot` is where it lies, None outside slots; the other members are None
    where the description does not say them as it should; `key_size` is in bits."""

    slot: str | None
    cipher: str | None
    key_size: int | None
    hash: str | None
    mapper_name: str | None
    label: str | None


@dataclass(frozen=True, slots=True)
class Placement:
    """One partition that is written. `image` names one of the artefact's partition images; `role`
    is `boot`, `system`, or whatever else the description says."""

    image: str
    slot: str | None
    encryption: Encryption | None
    role: str | None
    uuid: str | None
    expands: bool


@dataclass(frozen=True, slots=True)
class ProvisionMap:
    """What the map says, as far as it can be understood; an absent one is empty."""

    placements: tuple[Placement, ...] = ()
    encryptions: tuple[Encryption, ...] = ()
    system_type: str | None = None

    @property
    def cipher(self) -> str | None:
        """The last cipher that is named (contract images 6.1)."""
        named = [one.cipher for one in self.encryptions if one.cipher]
        return named[-1] if named else None


@dataclass(frozen=True, slots=True)
class _Node:
    """An entry, a slot or a container: something that may hold partitions."""

    value: object
    slot: str | None
    encryption: Encryption | None


def read_map(value: object) -> ProvisionMap:
    """Returns what a `provisionmap` says; never raises on what `json` reads, to a depth that the
    reader bounds."""
    entries = value if isinstance(value, list) else []
    nodes = [node for entry in entries for node in _nodes(_Node(entry, None, None))]
    attributes = [member(entry, "attributes") for entry in entries]
    types = [text_at(one, "system_type") for one in attributes]
    return ProvisionMap(
        placements=tuple(placement for node in nodes for placement in _placements(node)),
        encryptions=tuple(_distinct(node.encryption for node in nodes)),
        system_type=next((kind for kind in types if kind), None),
    )


def _nodes(node: _Node) -> Iterator[_Node]:
    yield node
    for name, slot in members(member(node.value, "slots")):
        yield from _nodes(_Node(slot, name, node.encryption))
    inner = member(node.value, "encrypted")
    if isinstance(inner, dict):
        yield from _nodes(_Node(inner, node.slot, _encryption(inner, node.slot)))


def _distinct(encryptions: Iterator[Encryption | None]) -> Iterator[Encryption]:
    """Yields each container once: its slots are told with it."""
    told = set[int]()
    for one in encryptions:
        if one is not None and id(one) not in told:
            told.add(id(one))
            yield one


def _encryption(value: Mapping[str, object], slot: str | None) -> Encryption:
    luks = member(value, "luks2")
    size = member(luks, "key_size")
    return Encryption(
        slot=slot,
        cipher=text_at(luks, "cipher"),
        key_size=size if _is_count(size) else None,
        hash=text_at(luks, "hash"),
        mapper_name=text_at(luks, "mname"),
        label=text_at(luks, "label"),
    )


def _is_count(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and 0 < value <= MOST_BITS


def _placements(node: _Node) -> Iterator[Placement]:
    listed = member(node.value, "partitions")
    for value in listed if isinstance(listed, list) else []:
        image, fixed = text_at(value, "image"), member(value, "static")
        if image:
            yield Placement(
                image=image,
                slot=node.slot,
                encryption=node.encryption,
                role=text_at(fixed, "role"),
                uuid=text_at(fixed, "uuid"),
                expands=member(value, "expand-to-fit") is True,
            )
