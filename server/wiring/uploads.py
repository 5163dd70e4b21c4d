"""Builds what takes uploads."""

from adapters.xz import find_programs
from domain.events import Hub
from domain.uploads.limits import UploadLimits
from domain.uploads.progress import UploadBoard
from domain.uploads.settling import Settling
from domain.uploads.uploads import Uploads
from server.wiring.images import ImageStore


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
