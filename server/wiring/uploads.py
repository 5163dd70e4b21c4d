"""Builds what takes uploads."""

import logging

from adapters.xz import find_programs
from domain.errors import ProvisionerError
from domain.events import Hub, Lagged
from domain.file_accesses import unnoted
from domain.uploads.kinds import UploadKind
from domain.uploads.limits import UploadLimits
from domain.uploads.progress import UploadBoard
from domain.uploads.settling import ImageUploaded, Settling
from domain.uploads.uploads import Uploads
from server.background import Background
from server.wiring.images import AGAIN_SECONDS, ImageStore

log = logging.getLogger("provisioner.uploads")


async def build_uploads(store: ImageStore, hub: Hub) -> Uploads:
    """Returns what takes uploads into the store; what earlier runs left half done is gone then."""
    uploads = Uploads(
        store.images.folder,
        Settling(store.images, store.hashes, hub),
        UploadBoard(hub),
        limits=UploadLimits(),
        programs=find_programs(),
    )
    await uploads.prepare()
    return uploads


def watch_uploads(background: Background, store: ImageStore, hub: Hub) -> None:
    """Starts what makes the boot package of each image that was uploaded, where the station's
    style has such packages (contract images 4.3)."""

    async def generate() -> None:
        with hub.subscribe(ImageUploaded) as subscription:
            while True:
                news = await subscription.next()
                if not isinstance(news, Lagged) and isinstance(news.event, ImageUploaded):
                    await _generate(store, news.event)

    background.repeat("the boot packages of uploads", AGAIN_SECONDS, generate)


async def _generate(store: ImageStore, uploaded: ImageUploaded) -> None:
    if uploaded.kind is UploadKind.ARCHIVE:
        return
    try:
        await store.boot_packages.generate(uploaded.name.text, note=unnoted)
    except ProvisionerError as error:
        log.info("no boot package is made of %s: %s", uploaded.name, error.message)
