"""Staging: hidden files and folders in the store, in which uploads are made before anybody sees
them."""

import hashlib
import os
import queue
import secrets
import shutil
import threading
from pathlib import Path

from domain.images.names import is_image_name
from domain.uploads.intake import Chunk
from domain.uploads.limits import Room

FILE_SUFFIX, FOLDER_SUFFIX, PART_SUFFIX = ".uploading", ".extracting", ".part"
OLD_SUFFIX = ".old"
"""What an artefact is called while another takes its place, also by the existing service (contract
images 0.3)."""
_SWEPT = (FILE_SUFFIX, FOLDER_SUFFIX, ".promoted")
MODE, FOLDER_MODE = 0o644, 0o755
_WAITING_CHUNKS = 16


def staged_path(folder: Path, suffix: str) -> Path:
    """Returns a hidden path in the store that nobody has."""
    return folder / f".{secrets.token_hex(8)}{suffix}"


def open_staged(path: Path) -> int:
    """Makes a hidden file and returns its descriptor, which reads too; raises OSError."""
    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    handle = os.open(path, flags, MODE)
    # The process's umask may have taken bits away.
    os.fchmod(handle, MODE)
    return handle


def make_staged_folder(folder: Path) -> Path:
    """Makes a hidden folder in the store; blocks. Raises OSError."""
    staged = staged_path(folder, FOLDER_SUFFIX)
    staged.mkdir(mode=FOLDER_MODE)
    staged.chmod(FOLDER_MODE)
    return staged


def remove(path: Path) -> None:
    """Removes a hidden file or folder with all that is in it, as far as the disk lets; blocks."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def sweep(folder: Path) -> None:
    """Removes what earlier runs left half done, but for parts of resumable uploads; blocks. An
    artefact whose place is empty gets it back."""
    for aside in folder.glob(f".*{OLD_SUFFIX}"):
        target = aside.with_name(aside.name[1 : -len(OLD_SUFFIX)])
        if is_image_name(target.name) and not os.path.lexists(target):
            aside.rename(target)
        else:
            remove(aside)
    for suffix in _SWEPT:
        for path in folder.glob(f".*{suffix}"):
            remove(path)


def sweep_parts(folder: Path, keep: frozenset[str]) -> None:
    """Removes the parts of resumable uploads but for the names in `keep`; blocks."""
    for path in folder.glob(f".*{PART_SUFFIX}"):
        if path.name not in keep:
            remove(path)


class Hashing:
    """Calculates a SHA-256 in a thread of its own while others write the same bytes. A context:
    at its end the thread is over. It goes on with `digest` where there is one."""

    def __init__(self, digest: "hashlib._Hash | None" = None) -> None:
        self._digest = digest or hashlib.sha256()
        self._queue: queue.SimpleQueue[Chunk | None] = queue.SimpleQueue()
        self._slots = threading.Semaphore(_WAITING_CHUNKS)
        self._thread = threading.Thread(target=self._run, name="upload-hash", daemon=True)

    def __enter__(self) -> "Hashing":
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.end()

    def update(self, chunk: Chunk) -> None:
        """Takes a chunk, which must not change afterwards; waits while too many are waiting."""
        self._slots.acquire()
        self._queue.put(chunk)

    def end(self) -> "hashlib._Hash":
        """Returns the digest of all chunks; no more may come."""
        if self._thread.is_alive():
            self._queue.put(None)
            self._thread.join()
        return self._digest

    def _run(self) -> None:
        while (chunk := self._queue.get()) is not None:
            self._digest.update(chunk)
            self._slots.release()


class StagedWriter:
    """Writes one hidden file: room is watched, every byte hashed. `written` counts."""

    def __init__(self, handle: int, room: Room, hashing: Hashing) -> None:
        self._handle, self._room, self._hashing = handle, room, hashing
        self.written = 0

    def write(self, chunk: Chunk) -> None:
        """Writes a chunk; raises OSError, `SpaceShort` and `UploadTooLarge`."""
        self._room.take(len(chunk))
        self._hashing.update(chunk)
        write_all(self._handle, chunk)
        self.written += len(chunk)


def write_all(handle: int, chunk: Chunk) -> None:
    """Writes all of a chunk; raises OSError."""
    left = memoryview(chunk)
    while left:
        left = left[os.write(handle, left) :]
