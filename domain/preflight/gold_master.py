"""What is said of an image before boards are made with it (contract configuration 4.1)."""

import stat
from pathlib import Path

from domain.images.descriptor import Descriptor, DescriptorInvalid, read_descriptor
from domain.preflight.answers import GOOD, FieldAnswer, bad

SUFFIX = ".img"
"""Of the file itself, not of a link to it (contract configuration 4.1, 5)."""


def gold_master(real: Path, value: str) -> FieldAnswer:
    """Returns what the image at `real` is good for; blocks, raises OSError as the system does."""
    if not real.exists():
        return bad(f"There is no image {value}.")
    mode = real.stat().st_mode
    if stat.S_ISDIR(mode):
        return _artefact(real, value)
    if not stat.S_ISREG(mode) or real.suffix != SUFFIX:
        return bad(f"{value} is neither an `.img` file nor the folder of an IDP artefact.")
    return GOOD


def _artefact(real: Path, value: str) -> FieldAnswer:
    found = sorted(one for one in real.iterdir() if one.suffix == ".json" and one.is_file())
    if len(found) != 1:
        count = "no JSON file" if not found else f"{len(found)} JSON files"
        return bad(f"{value} holds {count} at its top; an IDP artefact has exactly one.")
    try:
        descriptor = read_descriptor(found[0])
    except DescriptorInvalid as error:
        return bad(f"{found[0].name} of {value}: {error.message}.")
    return _described(real, found[0].name, descriptor)


def _described(real: Path, name: str, descriptor: Descriptor) -> FieldAnswer:
    missing = [
        one.simage or one.name
        for one in descriptor.partitions or ()
        # A name that is no plain one would lead out of the artefact.
        if one.file is None or not (real / one.file).exists()
    ]
    error = f"{name} names files that are missing: {', '.join(missing)}." if missing else ""
    if descriptor.faults:
        first = descriptor.faults[0]
        error = error or f"{name} is not a valid description: {first.path} {first.description}."
    if error:
        return FieldAnswer(error=error, faults=descriptor.faults)
    return FieldAnswer(message=f"An IDP artefact, described by {name}.", is_artefact=True)
