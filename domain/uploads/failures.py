"""Failures of the disk in the middle of an upload, told as what they mean for it."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager

from domain.uploads.refusals import SpaceShort, UploadNotWritten

_FULL = (errno.ENOSPC, errno.EDQUOT)


@contextmanager
def translated() -> Iterator[None]:
    """Raises `SpaceShort` and `UploadNotWritten` in place of OSError."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or "the disk failed"
        if error.errno in _FULL:
            message = f"The store has no room left for the upload: {reason}."
            raise SpaceShort(message, detail=reason) from error
        message = f"The upload could not be written: {reason}."
        raise UploadNotWritten(message, detail=reason) from error
