"""The file of a resumable upload that is not whole yet: a hidden one in the store, to which parts
are appended."""

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

from domain.uploads.intake import Chunk
from domain.uploads.limits import MEBIBYTE, Room, UploadLimits
from domain.uploads.progress import Tracker
from domain.uploads.sessions import Checksum, UploadChecksumWrong, UploadPartWrong
from domain.uploads.staging import Hashing, open_staged, write_all

BLOCK = 256 * 1024
SYNC_EVERY = 64 * MEBIBYTE


class PartFile:
    """One such file. `size` are the bytes that count; `digest` is their SHA-256 as long as this
    process has written them all, else None. All methods block, one at a time, and raise OSError."""

    def __init__(self, path: Path, size: int, digest: "hashlib._Hash | None") -> None:
        self.path, self.size = path, size
        self.digest = digest

    @classmethod
    def make(cls, path: Path) -> "PartFile":
        """Makes an empty one; raises OSError where it is there."""
        os.close(open_staged(path))
        return cls(path, 0, hashlib.sha256())

    @classmethod
    def find(cls, path: Path, trusted: int | None) -> "PartFile | None":
        """Returns the one of an earlier run, None without it; `trusted` bytes of it count, all of
        them for None."""
        try:
            handle = os.open(path, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
        except OSError:
            return None
        try:
            size = os.fstat(handle).st_size
            if trusted is not None and trusted < size:
                size = trusted
                os.ftruncate(handle, size)
        finally:
            os.close(handle)
        return cls(path, size, None if size else hashlib.sha256())

    def append(
        self, chunks: Iterator[Chunk], most: int, checksum: Checksum | None, shop: "Append"
    ) -> None:
        """Appends what arrives, at most `most` bytes; what came is kept also when the source breaks
        off. With a checksum it counts only when all of it is there and right (tus 1.0, checksum).

        Raises `UploadPartWrong` and `UploadChecksumWrong`, after which the file is as it was,
        `SpaceShort` and what the source raises.
        """
        before, digest = self.size, self.digest
        handle = os.open(self.path, os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            os.lseek(handle, before, os.SEEK_SET)
            self._append(handle, chunks, most, checksum, shop)
            os.fsync(handle)
        except BaseException as error:
            is_wrong = isinstance(error, UploadPartWrong | UploadChecksumWrong)
            if is_wrong or checksum is not None:
                self.size, self.digest = before, digest
            os.ftruncate(handle, self.size)
            os.fsync(handle)
            raise
        finally:
            os.close(handle)

    def blocks(self) -> Iterator[bytes]:
        """Yields all that is in it."""
        with self.path.open("rb", buffering=0) as file:
            while block := file.read(BLOCK):
                yield block

    def sync(self) -> None:
        """Returns when all that is in it is on the disk."""
        handle = os.open(self.path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)

    def hold_back(self) -> None:
        """Counts the last byte as missing. It lies there all the same: whoever finds the file later
        may count it again."""
        self.size, self.digest = self.size - 1, None

    def remove(self) -> None:
        """Removes it."""
        self.path.unlink(missing_ok=True)

    def _append(
        self,
        handle: int,
        chunks: Iterator[Chunk],
        most: int,
        checksum: Checksum | None,
        shop: "Append",
    ) -> None:
        start = end = self.size
        check = hashlib.new(checksum.algorithm) if checksum else None
        digest, self.digest = self.digest, None
        with Hashing(digest.copy() if digest else None) as hashing:
            try:
                for chunk in chunks:
                    if end - start + len(chunk) > most:
                        raise UploadPartWrong(f"The part is longer than the {most} bytes missing.")
                    shop.room.take(len(chunk))
                    write_all(handle, chunk)
                    hashing.update(chunk)
                    if check is not None:
                        check.update(chunk)
                    end += len(chunk)
                    shop.tracker.written = end
                    if check is None:
                        self.size = end
            finally:
                counted = hashing.end()
                self.digest = counted if digest else None
        if check is not None and checksum is not None and check.digest() != checksum.digest:
            raise UploadChecksumWrong("The part is not what its checksum says; send it again.")
        self.size = end


class Append:
    """What appending needs: the room of the disk, and who is told."""

    def __init__(self, folder: Path, limits: UploadLimits, tracker: Tracker) -> None:
        self.room, self.tracker = Room(folder, limits), tracker
