"""Batches: boards of certain models that get the same image in the same style."""

from collections.abc import Mapping
from dataclasses import dataclass

from server.demo.boards import CM4, CM5, PI_4B, PI_5, ZERO_2_W, Model
from server.demo.images import StoredImage


@dataclass(frozen=True, slots=True)
class Batch:
    """What a batch is made of.

    `style` is the prefix of the provisioner's state words: SB, FDE, NAKED or IDP (contract
    devices section 4); `storage` is the configuration's word; `connect` says whether the boards
    are registered with Raspberry Pi Connect.
    """

    name: str
    style: str
    image: StoredImage
    models: tuple[Model, ...]
    storage: str
    connect: bool = False

    @property
    def storage_device(self) -> str:
        """What the provisioners make of the configuration's word."""
        return "nvme0n1" if self.storage == "nvme" else "mmcblk0"


CURRENT = "current"
"""The batch that the station's configuration is set to."""


def make_batches(images: Mapping[str, StoredImage]) -> dict[str, Batch]:
    """Returns the batches that this station has worked on, by name."""
    gold, older, artefact = images["gold"], images["older"], images["artefact"]
    batches = (
        Batch("early", "NAKED", older, (CM4, PI_4B, ZERO_2_W), "emmc"),
        Batch("pilot", "NAKED", older, (CM4,), "emmc"),
        Batch("artefact", "IDP", artefact, (CM5,), "emmc"),
        Batch("kiosk", "FDE", older, (PI_5,), "sd"),
        Batch(CURRENT, "SB", gold, (CM5,), "emmc", connect=True),
    )
    return {batch.name: batch for batch in batches}
