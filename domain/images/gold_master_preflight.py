"""The preflight of a gold master: what of an image contradicts the configuration or itself, told
before a board is erased (contract images 6.1 and Beyond 8)."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from domain.images.analyses import Analysis
from domain.images.artefacts import Artefact
from domain.images.disk_faults import DiskFaultKind
from domain.images.disks import Disk
from domain.images.file_systems import FileSystemKind
from domain.images.hash_states import HashState, HashStatus

FAMILY, STORAGE = "RPI_DEVICE_FAMILY", "RPI_DEVICE_STORAGE_TYPE"
CIPHER, STYLE, WORKDIR = "RPI_DEVICE_STORAGE_CIPHER", "PROVISIONING_STYLE", "RPI_SB_WORKDIR"
MOST_FILES = 10
"""So many broken files are told one by one."""
ENCRYPTING = frozenset({"secure-boot", "fde-only"})
_BOARDS = {
    "5": ("bcm2712-rpi-5", "bcm2712-rpi-cm5", "kernel_2712"),
    "4": ("bcm2711-rpi-4", "bcm2711-rpi-cm4", "start4.elf"),
    "2W": ("bcm2710-rpi-zero-2",),
}
"""How the names of files begin that a family of boards boots with."""
_TOLERABLE = frozenset({DiskFaultKind.COPY_DAMAGED, DiskFaultKind.CUT_OFF})
"""What is wrong with a disk, and still lets Linux find its partitions."""
_REBUILD = "Build or upload the image again."


class Topic(StrEnum):
    """What a finding is about."""

    SOUNDNESS = "SOUNDNESS"
    STYLE = "STYLE"
    FAMILY = "FAMILY"
    STORAGE = "STORAGE"
    CIPHER = "CIPHER"
    SPACE = "SPACE"
    HASH = "HASH"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that speaks against an image. `because` and `remedy` are sentences; `variable` is
    the setting that it is about, None where it is the image alone. What `blocks` makes boards
    fail."""

    topic: Topic
    blocks: bool
    because: str
    remedy: str
    variable: str | None = None


@dataclass(frozen=True, slots=True)
class Comparison:
    """What an image is made for, empty where it does not say, and what is configured, empty where
    nothing is."""

    wanted: tuple[str, ...]
    configured: str

    @property
    def agrees(self) -> bool | None:
        """Whether they fit; None where either is not known."""
        if not self.wanted or not self.configured:
            return None
        return self.configured in self.wanted


@dataclass(frozen=True, slots=True)
class Preflight:
    """What was compared, and what was found. Sizes are bytes: `needed_bytes` is what a board's
    storage must hold, `free_bytes` the room for prepared images on the station, None where the
    working folder is not set or cannot be asked."""

    family: Comparison
    storage: Comparison
    cipher: Comparison
    needed_bytes: int
    free_bytes: int | None
    findings: tuple[Finding, ...]

    @property
    def blockers(self) -> tuple[Finding, ...]:
        """The findings that make boards fail."""
        return tuple(finding for finding in self.findings if finding.blocks)


def examine(
    analysis: Analysis,
    configured: Mapping[str, str],
    state: HashState,
    *,
    free_bytes: int | None,
) -> Preflight:
    """Returns what is to be said of an image before boards are made with it; `configured` are the
    values in force."""
    artefact, disk = analysis.artefact, analysis.disk
    told = artefact.descriptor if artefact else None
    family = Comparison(_families(analysis), configured.get(FAMILY, ""))
    storage = Comparison(_one(told.storage_type if told else None), configured.get(STORAGE, ""))
    cipher = Comparison(_one(told.map.cipher if told else None), configured.get(CIPHER, ""))
    findings = [
        *_soundness(analysis),
        *(_style(disk, configured.get(STYLE, "")) if disk else ()),
        *_family(family, is_said=artefact is not None),
        *_storage(storage),
        *_cipher(cipher),
        *(_space(disk, free_bytes) if disk else ()),
        *_hash(state),
    ]
    needed = disk.needed_bytes if disk else artefact.expanded_bytes if artefact else 0
    return Preflight(family, storage, cipher, needed, free_bytes, tuple(findings))


def _soundness(analysis: Analysis) -> Iterator[Finding]:
    if analysis.disk is not None:
        yield from _of_disk(analysis.disk)
    elif analysis.artefact is not None:
        yield from _of_artefact(analysis.artefact)
    else:
        because = analysis.error or "It is neither a file nor a folder"
        yield _unsound(f"It is no image: {because}.")


def _of_disk(disk: Disk) -> Iterator[Finding]:
    for fault in disk.faults:
        if fault.kind is DiskFaultKind.UNFILLED:
            remedy = f"Use boards whose storage has at least {disk.needed_bytes} bytes."
            yield _hint(Topic.SOUNDNESS, fault.sentence, remedy)
        else:
            yield _unsound(fault.sentence, blocks=fault.kind not in _TOLERABLE)


def _of_artefact(artefact: Artefact) -> Iterator[Finding]:
    told = artefact.descriptor
    if told.faults:
        first = told.faults[0]
        where = f"{len(told.faults)} times, first at {first.path}: {first.description}"
        yield _unsound(f"Its description breaks its schema {where}.")
    broken = [one for one in artefact.files if one.fault]
    for one in broken[:MOST_FILES]:
        name = one.partition.simage or "the file"
        yield _unsound(f"Partition {one.partition.name}: {name} {one.fault}.")
    if len(broken) > MOST_FILES:
        yield _unsound(f"{len(broken) - MOST_FILES} more files of partitions are broken.")
    yield from _of_map(artefact)


def _of_map(artefact: Artefact) -> Iterator[Finding]:
    placements = artefact.descriptor.map.placements
    named = {one.name for one in artefact.descriptor.partitions or ()}
    missing = sorted({one.image for one in placements} - named)
    if missing:
        names = ", ".join(missing[:MOST_FILES])
        yield _unsound(f"Its provision map names partitions that it does not have: {names}.")
    if not placements:
        yield _unsound("Its description has no provision map: nothing says what goes where.")
    elif not any(one.role == "boot" for one in placements):
        yield _unsound("No partition has the role boot.")


def _style(disk: Disk, style: str) -> Iterator[Finding]:
    if not style:
        because = "How boards are provisioned is not set."
        yield _blocker(Topic.STYLE, because, f"Set {STYLE}.", STYLE)
    root = disk.root
    encrypted = root and root.file_system.kind in (FileSystemKind.LUKS1, FileSystemKind.LUKS2)
    if encrypted and style in ENCRYPTING:
        because = f"Its root partition is encrypted already, and the style {style} encrypts it."
        yield _blocker(Topic.STYLE, because, "Use an image with a plain root.", STYLE)


def _family(found: Comparison, *, is_said: bool) -> Iterator[Finding]:
    if not found.configured:
        because = "The family of boards is not set."
        yield _blocker(Topic.FAMILY, because, f"Set {FAMILY}.", FAMILY)
    elif found.agrees is False:
        because = f"It is made for family {' or '.join(found.wanted)}, boards are {FAMILY}="
        remedy = f"Set {FAMILY} to {found.wanted[0]}, or select an image for {found.configured}."
        # What files a disk has is a hint, what a description says is a promise.
        tell = _blocker if is_said else _hint
        yield tell(Topic.FAMILY, f"{because}{found.configured}.", remedy, FAMILY)


def _storage(found: Comparison) -> Iterator[Finding]:
    if not found.configured:
        because = "The storage that is provisioned is not set."
        yield _blocker(Topic.STORAGE, because, f"Set {STORAGE}.", STORAGE)
    elif found.agrees is False:
        because = f"It is made for {found.wanted[0]}, boards get it on {found.configured}."
        remedy = f"Set {STORAGE} to {found.wanted[0]}, or select another image."
        yield _blocker(Topic.STORAGE, because, remedy, STORAGE)


def _cipher(found: Comparison) -> Iterator[Finding]:
    if found.agrees is False:
        because = (
            f"It is encrypted with {found.wanted[0]}, {CIPHER} is {found.configured}: what is "
            "configured does not count for it."
        )
        yield _hint(Topic.CIPHER, because, f"Set {CIPHER} to {found.wanted[0]}.", CIPHER)


def _space(disk: Disk, free_bytes: int | None) -> Iterator[Finding]:
    if free_bytes is not None and free_bytes < disk.size_bytes:
        because = (
            f"Preparing it takes up to {disk.size_bytes} bytes, the working folder has "
            f"{free_bytes} left."
        )
        remedy = "Clear the working folder, or set another one."
        yield _hint(Topic.SPACE, because, remedy, WORKDIR)


def _hash(state: HashState) -> Iterator[Finding]:
    if state.status is HashStatus.PENDING:
        because = "Its hash is still being calculated; records of boards made now would wait."
        yield _hint(Topic.HASH, because, "Wait for the hash.")
    elif state.status in (HashStatus.FAILED, HashStatus.CANCELLED):
        because = f"Its hash is not known: {state.error or 'the calculation failed.'}"
        yield _hint(Topic.HASH, because, "Have the hash calculated again.")


def _families(analysis: Analysis) -> tuple[str, ...]:
    """Returns the families that an image is for: an artefact says it, a disk has their files."""
    if analysis.artefact is not None:
        return _one(analysis.artefact.descriptor.family)
    boot = analysis.disk.boot if analysis.disk else None
    names = [name.lower() for name in boot.file_system.names] if boot else []
    return tuple(
        family
        for family, beginnings in _BOARDS.items()
        if any(name.startswith(beginnings) for name in names)
    )


def _one(value: str | None) -> tuple[str, ...]:
    return (value,) if value else ()


def _unsound(because: str, *, blocks: bool = True) -> Finding:
    tell = _blocker if blocks else _hint
    return tell(Topic.SOUNDNESS, because, _REBUILD)


def _blocker(topic: Topic, because: str, remedy: str, variable: str | None = None) -> Finding:
    return Finding(topic, blocks=True, because=because, remedy=remedy, variable=variable)


def _hint(topic: Topic, because: str, remedy: str, variable: str | None = None) -> Finding:
    return Finding(topic, blocks=False, because=because, remedy=remedy, variable=variable)
