"""Builds what boards are made with: images, scripts, keys, firmware, and the look before the next
one."""

from dataclasses import dataclass
from functools import partial

from adapters.service_db.preferences import StoredPreference
from domain.configuration.workdir import WorkingFolder
from domain.devices.board_units import is_any_at_work
from domain.devices.usb_ports import UsbPorts
from domain.firmware.firmware import Firmware
from domain.keys.keys import Keys
from domain.preflight.fields import Fields
from domain.preflight.image import ImageLook
from domain.preflight.keys import KeyLook
from domain.preflight.preflights import Preflights
from domain.uploads.resumable import ResumableUploads
from domain.uploads.uploads import Uploads
from server.background import Background
from server.wiring.customisation import (
    CustomisationParts,
    build_customisation,
    watch_customisation,
)
from server.wiring.ground import Ground
from server.wiring.images import ImageStore, build_images, watch_images
from server.wiring.keys import build_keys
from server.wiring.tokens import TokenParts, build_tokens
from server.wiring.uploads import build_resumable, build_uploads, watch_uploads

MEGABYTE = 10**6


@dataclass(frozen=True, slots=True)
class Making:
    """The features about what boards are made with."""

    store: ImageStore
    uploads: Uploads
    resumable: ResumableUploads
    customisation: CustomisationParts
    working_folder: WorkingFolder
    firmware: Firmware
    fields: Fields
    tokens: TokenParts
    keys: Keys
    preflights: Preflights


async def build_making(ground: Ground, usb: UsbPorts) -> Making:
    """Returns the features; the working folder follows every change of the configuration."""
    paths, hub, configuration = ground.paths, ground.hub, ground.configuration
    store = build_images(
        paths, hub, configuration=configuration, audit=ground.auditing.log, units=ground.units
    )
    most = ground.settings.upload_limit_megabytes * MEGABYTE
    uploads = ground.closing(await build_uploads(store, hub, most_bytes=most))
    firmware = Firmware(paths, configuration)
    fields = Fields(paths, configuration, firmware)
    tokens = build_tokens(paths, configuration, ground.settings, ground.stack)
    keys = build_keys(paths, hub, configuration=configuration, tokens=tokens.signing)
    working_folder = build_working_folder(ground)
    preflights = Preflights(
        configuration,
        fields=fields,
        image=ImageLook(store.images, store.choice),
        key=KeyLook(keys.registry, keys.uses, tokens.signing),
        firmware=firmware,
        working_folder=working_folder,
        usb=usb,
        units=ground.units,
    )
    return Making(
        store=store,
        uploads=uploads,
        resumable=build_resumable(store, uploads, ground.service_db, ground.note),
        customisation=build_customisation(
            paths, hub, service_db=ground.service_db, configuration=configuration
        ),
        working_folder=working_folder,
        firmware=firmware,
        fields=fields,
        tokens=tokens,
        keys=keys,
        preflights=preflights,
    )


def build_working_folder(ground: Ground) -> WorkingFolder:
    """Returns the folder, which follows every change of the configuration."""
    folder = WorkingFolder(
        ground.paths,
        ground.configuration,
        StoredPreference(ground.service_db, "working-folder-inputs"),
        at_work=partial(is_any_at_work, ground.units),
        note=ground.note,
    )
    ground.configuration.follow(folder.settle)
    return folder


def watch_making(background: Background, ground: Ground, making: Making) -> None:
    """Starts what looks after images, uploads, scripts and the working folder."""
    background.run("the look at the working folder", making.working_folder.begin)
    background.run("the look at signing keys", making.keys.registry.begin)
    watch_images(background, making.store)
    watch_uploads(background, making.store, making.resumable, ground.hub)
    watch_customisation(background, making.customisation)
