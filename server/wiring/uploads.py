"""Builds what takes uploads."""

import logging
from pathlib import Path

from adapters.service_db.database import ServiceDb
from adapters.service_db.upload_sessions import StoredUploadSessions
from adapters.xz import find_programs
from domain.errors import ProvisionerError
from domain.events import Hub, Lagged
from domain.file_accesses import FileAccess, unnoted
from domain.uploads.kinds import UploadKind
from domain.uploads.limits import UploadLimits
from domain.uploads.progress import UploadBoard
from domain.uploads.resumable import ResumableUploads
from domain.uploads.settling import ImageUploaded, Settling
from domain.uploads.uploads import Uploads
from domain.uploads.waiting import WaitingUploads
from server.background import Background
from server.wiring.images import AGAIN_SECONDS, ImageStore

BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
"""Which start of this machine it is (random(4))."""
LOOK_SECONDS = 30.0
log = logging.getLogger("provisioner.uploads")


async def build_uploads(store: ImageStore, hub: Hub, *, most_bytes: int) -> Uploads:
    """Returns what takes uploads of at most `most_bytes` (0: what the disk holds) into the store;
    what earlier runs left half done is gone then."""
    uploads = Uploads(
        store.images.folder,
        Settling(store.images, store.hashes, hub),
        UploadBoard(hub),
        limits=UploadLimits(bytes=most_bytes),
        programs=find_programs(),
    )
    await uploads.prepare()
    return uploads


def build_resumable(
    store: ImageStore, uploads: Uploads, service_db: ServiceDb, note: FileAccess
) -> ResumableUploads:
    """Returns what takes uploads in parts."""
    folder, sessions = store.images.folder, StoredUploadSessions(service_db)
    boot = BOOT_ID.read_text().strip()
    waiting = WaitingUploads(folder, uploads.board, sessions, boot=boot)
    return ResumableUploads(folder, uploads, waiting, note=note)


def watch_uploads(
    background: Background, store: ImageStore, resumable: ResumableUploads, hub: Hub
) -> None:
    """Starts what ends resumable uploads, and what makes the boot package of each image that was
    uploaded, where the station's style has such packages (contract images 4.3)."""

    async def generate() -> None:
        with hub.subscribe(ImageUploaded) as subscription:
            while True:
                news = await subscription.next()
                if not isinstance(news, Lagged) and isinstance(news.event, ImageUploaded):
                    await _generate(store, news.event)

    background.repeat("the boot packages of uploads", AGAIN_SECONDS, generate)
    background.repeat("the look at resumable uploads", LOOK_SECONDS, resumable.look)


async def _generate(store: ImageStore, uploaded: ImageUploaded) -> None:
    if uploaded.kind is UploadKind.ARCHIVE:
        return
    try:
        await store.boot_packages.generate(uploaded.name.text, note=unnoted)
    except ProvisionerError as error:
        log.info("no boot package is made of %s: %s", uploaded.name, error.message)
