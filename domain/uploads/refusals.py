"""Why an upload is refused or fails; nothing of it stays in the store then, but for what came of a
resumable one."""

from domain.errors import Conflict, Invalid, NotFound, Unavailable

NOTHING_LEFT = "Nothing of the upload was kept."
PARTS_LEFT = "Nothing of the upload was kept, but for what came of a resumable one."


class UploadRequestInvalid(Invalid):
    """A request that brings no file, or more than one."""

    code = "INVALID_UPLOAD_REQUEST"
    title = "Invalid Request"
    meaning = "An upload is multipart/form-data with a boundary and exactly one file."
    remedy = "Send one file, such as `curl -F image=@FILE`; other form fields are ignored."


class UploadBroken(Invalid):
    """The stream ended before the upload did, or cannot be read."""

    code = "STREAM_ERROR"
    title = "Upload Error"
    meaning = "The upload was cut off, or its multipart form is malformed. " + NOTHING_LEFT
    remedy = "Send it again; for weak connections there are resumable uploads under /uploads/."


class UploadTypeUnknown(Invalid):
    """A file of a kind that the store does not take."""

    code = "UPLOAD_TYPE_UNKNOWN"
    title = "Upload Error"
    meaning = "The file's name does not end in one of the formats that are taken."
    remedy = (
        "Images are .img, .img.xz, .img.zst, .img.gz or .img.bz2; IDP artefacts are .tar.xz, "
        ".tar.zst, .tar.gz, .tgz or .zip."
    )


class NotAnImage(Invalid):
    """The content is something else than its name says."""

    code = "UPLOAD_NOT_AN_IMAGE"
    title = "Not An Image"
    meaning = "The content is no disk image, or one that was cut off or damaged. " + NOTHING_LEFT
    remedy = (
        "Look at the file with `file` and `sfdisk -l`; name it as what it is, or build it again."
    )


class UploadTooLarge(Invalid):
    """More bytes than this station takes or than can be meant."""

    code = "UPLOAD_TOO_LARGE"
    title = "Upload Too Large"
    meaning = (
        "The upload, or what it unpacks to, is larger than the limits of this station allow. "
        + NOTHING_LEFT
    )
    remedy = (
        "The message names the limit; `upload_limit_megabytes` in service.toml raises the size."
    )


class DecompressionFailed(Invalid):
    """The compressed stream is corrupt or cut off."""

    code = "DECOMPRESS_ERROR"
    title = "Decompression Error"
    meaning = "The file is corrupt, cut off or not compressed at all. " + NOTHING_LEFT
    remedy = "Test it with `xz -t`, `zstd -t`, `gzip -t` or `bzip2 -t`, and send a whole one."


class ArchiveBroken(Invalid):
    """The archive cannot be unpacked."""

    code = "ARCHIVE_EXTRACT_ERROR"
    title = "Extraction Error"
    meaning = "The archive is corrupt, cut off, ambiguous or no archive at all. " + NOTHING_LEFT
    remedy = "Test it with `tar -tf` or `unzip -t`; pack plain files and folders, each once."


class ArchiveUnsafe(Invalid):
    """An entry of the archive would be something else than a file or folder below the artefact."""

    code = "ARCHIVE_PATH_TRAVERSAL"
    title = "Security Error"
    meaning = (
        "An entry is absolute, leads out with `..`, or is a link, a device or a FIFO. "
        + NOTHING_LEFT
    )
    remedy = "Pack regular files and folders only, with relative names (`tar -h` follows links)."


class ArchiveTooLarge(Invalid):
    """The archive is beyond the limits: entries, depth, names, bytes or ratio."""

    code = "ARCHIVE_TOO_LARGE"
    title = "Archive Too Large"
    meaning = (
        "The archive has more entries, depth or bytes than an artefact can need. " + NOTHING_LEFT
    )
    remedy = "The message names the limit; an artefact is one description and a few images."


class SpaceShort(Unavailable):
    """The store has no room for it."""

    code = "INSUFFICIENT_DISK_SPACE"
    title = "Disk Space Error"
    meaning = "The file system of the store has no room for the upload. " + PARTS_LEFT
    remedy = (
        "Wait for the uploads under way, delete images that are not used any more, or give up "
        "resumable uploads that nobody continues (the query `uploads`, `cancelUpload`), then send "
        "it again."
    )


class UploadNotWritten(Unavailable):
    """The disk refused."""

    code = "UPLOAD_WRITE_ERROR"
    title = "Upload Error"
    meaning = "The store could not be written. " + PARTS_LEFT
    remedy = "Look at /srv/rpi-sb-provisioner/images: a read-only file system, the folder's rights."


class TooManyUploads(Unavailable):
    """As many uploads as the station takes at once are under way."""

    code = "TOO_MANY_UPLOADS"
    title = "Too Many Uploads"
    meaning = "As many uploads as the station takes at once are under way."
    remedy = "Wait for one of them to end; the query `uploads` shows them."


class UploadCancelled(Conflict):
    """Somebody stopped it."""

    code = "UPLOAD_CANCELLED"
    title = "Upload Cancelled"
    meaning = "The upload was cancelled, or the service was stopped. " + NOTHING_LEFT
    remedy = "Send it again."


class UploadNotFound(NotFound):
    """There is no such upload."""

    code = "UPLOAD_NOT_FOUND"
    title = "Upload Not Found"
    meaning = "There is no upload of this id: it ended long ago, expired, or never was."
    remedy = "Look at the query `uploads`, or begin a new one."


class UploadOver(Conflict):
    """The upload has ended."""

    code = "UPLOAD_OVER"
    title = "Upload Over"
    meaning = "The upload has ended, one way or the other; nothing can be changed about it."
    remedy = "Delete the image if it is not wanted."
