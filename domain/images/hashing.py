"""Hashing: the SHA-256 of a stored file, of one content of it and of no other."""

import fcntl
import hashlib
import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass

from domain.images.names import ImageName
from domain.images.sidecars import write_sidecar
from domain.images.store_folder import Stamp, StoreFolder

BLOCK = 256 * 1024
"""Bytes read at once. hashlib gives the interpreter's lock free for larger ones than 2 KiB."""
QUIET_NS = 10 * 1_000_000_000
"""Where the kernel cannot tell whether somebody writes, a file counts as finished for so long
after its last write."""
LONGEST_WRITE_NS = 300 * 1_000_000_000
"""Who holds a file open for writing and has not written for so long is no copy under way."""
TICK_NS = 20_000_000
"""Times of files move in ticks of up to 10 ms: two contents of one tick look the same."""

_ATTEMPTS = 3


class HashStopped(Exception):
    """The calculation was told to stop."""


class StillWritten(Exception):
    """Somebody is writing the file, or wrote it all the while."""


@dataclass(frozen=True, slots=True)
class Hashed:
    """The hash of one content of a file. `sidecar_error` says why it could not be kept beside the
    image, empty when it was."""

    stamp: Stamp
    sha256: str
    sidecar_error: str = ""


def hash_stored(folder: StoreFolder, name: ImageName, told: Callable[[float], None]) -> Hashed:
    """Returns the hash of an image that is a file, and writes its sidecar; blocks for long.

    `told` hears the part that is done, 0.0 to 1.0, after each block; it may raise `HashStopped`.
    Raises `StillWritten`, and OSError as the system does.
    """
    for _ in range(_ATTEMPTS):
        stamp, sha256 = _hash_once(folder, name, told)
        entry = folder.find(name)
        if entry is None:
            raise FileNotFoundError(name.text)
        if sha256 and entry.stamp == stamp:
            told(1.0)
            return Hashed(stamp, sha256, keep_sidecar(folder, name, sha256, stamp))
    raise StillWritten


def keep_sidecar(folder: StoreFolder, name: ImageName, sha256: str, stamp: Stamp | None) -> str:
    """Writes the sidecar for a content of the image, None for a folder's; blocks. Returns why not,
    nothing when it is written."""
    try:
        modified = stamp.modified if stamp else None
        write_sidecar(folder.base() / name.sidecar, sha256, modified=modified)
    except OSError as error:
        return error.strerror or "the disk failed"
    return ""


def sha256_of(handle: int, at_block: Callable[[int], None]) -> str:
    """Returns the SHA-256 of what is read from `handle`, in lower-case hex; blocks.

    `at_block` hears the bytes so far after each block; what it raises ends the reading.
    """
    digest, done = hashlib.sha256(), 0
    buffer = bytearray(BLOCK)
    view = memoryview(buffer)
    while count := os.readv(handle, [buffer]):
        digest.update(view[:count])
        done += count
        at_block(done)
    return digest.hexdigest()


def _hash_once(
    folder: StoreFolder, name: ImageName, told: Callable[[float], None]
) -> tuple[Stamp, str]:
    """Returns the content's stamp and its hash, an empty one when it changed meanwhile."""
    handle = folder.open(name)
    try:
        before = os.fstat(handle)
        if _is_being_written(handle, before):
            raise StillWritten
        _let_the_tick_end(before)
        os.posix_fadvise(handle, 0, 0, os.POSIX_FADV_SEQUENTIAL)
        size = max(before.st_size, 1)
        # The end is told when it is known that nobody wrote meanwhile.
        sha256 = sha256_of(handle, lambda done: told(min(done / size, 0.999)))
        is_same = Stamp.of(os.fstat(handle)) == Stamp.of(before)
    finally:
        os.close(handle)
    return Stamp.of(before), sha256 if is_same else ""


def _is_being_written(handle: int, status: os.stat_result) -> bool:
    silent_for = time.time_ns() - status.st_mtime_ns
    try:
        # A read lease is only given while nobody has the file open for writing (fcntl(2)). A
        # writer who comes before it is given back is told by a signal: one that nobody minds, the
        # usual one would end the process.
        fcntl.fcntl(handle, fcntl.F_SETSIG, signal.SIGURG)
        fcntl.fcntl(handle, fcntl.F_SETLEASE, fcntl.F_RDLCK)
        fcntl.fcntl(handle, fcntl.F_SETLEASE, fcntl.F_UNLCK)
    except BlockingIOError:
        return silent_for < LONGEST_WRITE_NS
    except OSError:
        # Not every file system has leases, and only an image's owner or root may take one.
        return 0 <= silent_for < QUIET_NS
    return False


def _let_the_tick_end(status: os.stat_result) -> None:
    rest = status.st_mtime_ns + TICK_NS - time.time_ns()
    if 0 < rest <= TICK_NS:
        time.sleep(rest / 1e9)
