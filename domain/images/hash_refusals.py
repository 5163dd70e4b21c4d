"""Why a hash cannot be had, begun or stopped."""

from domain.errors import Conflict, Invalid, Unavailable


class NotHashable(Invalid):
    """An artefact's hash is that of the archive it came in."""

    code = "IMAGE_NOT_HASHABLE"
    title = "Not Hashable"
    meaning = (
        "The hash of an IDP artefact is that of the archive it was uploaded as; it cannot be "
        "calculated from the folder."
    )
    remedy = "Upload the artefact's archive again, or put its SHA-256 into the sidecar."


class HashNotRunning(Conflict):
    """There is no calculation to be stopped."""

    code = "HASH_NOT_RUNNING"
    title = "No Calculation"
    meaning = "The image's hash is not being calculated now."
    remedy = "Look at the image's `hash`; it may just have been completed."


class ImageBusy(Unavailable):
    """An image is being read and does not get free."""

    code = "IMAGE_BUSY"
    title = "Image Busy"
    meaning = "The image's hash is being calculated, and the disk did not let it stop in time."
    remedy = "Look at the disk, and try again."
