"""The folder of the image store: what lies in it, looked at without ever leaving it."""

import errno
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from domain.errors import Unavailable
from domain.host_paths import HostPaths, PathRefused
from domain.images.image import LISTED, ImageKind
from domain.images.names import ImageName, image_not_found, is_image_name
from domain.images.sidecars import STAGED, Sidecar, read_sidecar
from domain.kept_files import modified_at, open_real

DESCRIPTOR_SUFFIX = ".json"
LEFTOVERS = (f".*{STAGED}", f"..*{STAGED}.*.tmp", "..*.renaming.*.tmp")


class ImageUnreadable(Unavailable):
    """An image is there, and the disk does not let itself be read."""

    code = "IMAGE_UNREADABLE"
    title = "Metadata Error"
    meaning = "The image is there, but its size and time cannot be read."
    remedy = "Look at the disk and at the rights of the image store."


class StoreUnusable(Unavailable):
    """There is no folder in which images could be kept."""

    code = "IMAGE_STORE_UNUSABLE"
    title = "Image Store Unusable"
    meaning = "The folder of images is missing, is no folder, or cannot be written."
    remedy = "Look at /srv/rpi-sb-provisioner/images: its file system, its rights, free space."


@dataclass(frozen=True, slots=True)
class Stamp:
    """Which file, and which content of it; the time is nanoseconds."""

    inode: int
    size: int
    modified: int

    @classmethod
    def of(cls, status: os.stat_result) -> "Stamp":
        """Takes the stamp from what stat(2) says."""
        return cls(status.st_ino, status.st_size, status.st_mtime_ns)


@dataclass(frozen=True, slots=True)
class StoredEntry:
    """What lies in the store under a name.

    `sha256` is what its sidecar says, None where that is missing or stale; `sidecar_error` says
    why it cannot be read, empty when it can.
    """

    name: ImageName
    kind: ImageKind
    stamp: Stamp
    size_bytes: int
    modified_at: datetime
    sha256: str | None
    sidecar_error: str = ""


@dataclass(frozen=True, slots=True)
class StoreSpace:
    """Bytes of the file system that holds the store; `free` is what is left for images. `path` is
    logical."""

    path: str
    total: int
    free: int


class StoreFolder:
    """Looks at the store. All methods block, and may be called from any thread."""

    def __init__(self, paths: HostPaths) -> None:
        self._paths = paths
        self.logical = paths.images

    def path(self, name: ImageName) -> str:
        """Returns the logical path of an image."""
        return f"{self.logical}/{name.text}"

    def sidecar(self, name: ImageName) -> str:
        """Returns the logical path of an image's sidecar."""
        return f"{self.logical}/{name.sidecar}"

    def base(self) -> Path:
        """Returns where the folder is on this machine; raises OSError for an impossible path."""
        try:
            return self._paths.real(self.logical)
        except PathRefused as error:
            raise OSError(errno.ELOOP, error.message) from error

    def make(self) -> None:
        """Makes the folder with its parents; raises OSError as the system does."""
        self.base().mkdir(mode=0o755, parents=True, exist_ok=True)

    def probe(self) -> None:
        """Raises `StoreUnusable` unless images can be kept."""
        try:
            base = self.base()
            writable = os.access(base, os.W_OK | os.X_OK)
            reason = "" if base.is_dir() else "it is not there, or is no folder"
        except OSError as error:
            writable, reason = False, error.strerror or "the disk failed"
        if reason or not writable:
            message = f"The folder {self.logical} cannot be used: {reason or 'not writable'}."
            raise StoreUnusable(message, detail=self.logical)

    def sweep(self) -> None:
        """Removes the hidden files that a crash in the middle of a write left; blocks."""
        for pattern in LEFTOVERS:
            for path in self.base().glob(pattern):
                path.unlink(missing_ok=True)

    def space(self) -> StoreSpace:
        """Returns the room in the store; raises `StoreUnusable`."""
        try:
            status = os.statvfs(self.base())
        except OSError as error:
            message = f"The folder {self.logical} cannot be used: {error.strerror}."
            raise StoreUnusable(message, detail=self.logical) from error
        unit = status.f_frsize
        return StoreSpace(self.logical, status.f_blocks * unit, status.f_bavail * unit)

    def list_all(self) -> list[StoredEntry]:
        """Returns every image, by name; as much as can be read (contract images 1)."""
        found = [entry for name in self._names() if (entry := self._find_if_readable(name))]
        return sorted(
            (entry for entry in found if entry.kind in LISTED), key=lambda entry: entry.name.text
        )

    def find(self, name: ImageName) -> StoredEntry | None:
        """Returns what lies under this name, also folders and things that are no images.

        None where there is nothing, or a link that leads out of the store; raises
        `ImageUnreadable`.
        """
        try:
            real = self.real(name)
            return None if real is None else self._entry(name, real)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            message = f"Error retrieving image metadata of {name.text}: {error.strerror}."
            raise ImageUnreadable(message, detail=error.strerror or "the disk failed") from error

    def get(self, name: ImageName) -> StoredEntry:
        """Like `find`; raises `ImageNotFound` for nothing."""
        entry = self.find(name)
        if entry is None:
            raise image_not_found(name.text)
        return entry

    def real(self, name: ImageName) -> Path | None:
        """Returns where an image is, every link followed; None where that is not directly in the
        store (contract images 0.4). It need not exist."""
        try:
            real = self._paths.real(self.path(name))
        except PathRefused:
            return None
        return real if real.parent == self.base() and is_image_name(real.name) else None

    def open(self, name: ImageName) -> int:
        """Returns a descriptor for reading an image that is a regular file; raises OSError for
        anything else."""
        real = self.real(name)
        if real is None:
            raise FileNotFoundError(errno.ENOENT, "no such image")
        return open_real(real)

    def _names(self) -> Iterator[ImageName]:
        try:
            with os.scandir(self.base()) as entries:
                for entry in entries:
                    if is_image_name(entry.name):
                        yield ImageName(entry.name)
        except OSError:
            return

    def _find_if_readable(self, name: ImageName) -> StoredEntry | None:
        try:
            return self.find(name)
        except ImageUnreadable:
            return None

    def _entry(self, name: ImageName, real: Path) -> StoredEntry:
        status = real.lstat()
        kind = self._kind(real, status)
        is_folder = stat.S_ISDIR(status.st_mode)
        sidecar, error = self._sidecar(name)
        is_valid = sidecar is not None and (is_folder or sidecar.is_fresh(status))
        return StoredEntry(
            name=name,
            kind=kind,
            stamp=Stamp.of(status),
            size_bytes=_size_below(real) if is_folder else status.st_size,
            modified_at=modified_at(status),
            sha256=sidecar.sha256 if sidecar and is_valid else None,
            sidecar_error=error,
        )

    def _sidecar(self, name: ImageName) -> tuple[Sidecar | None, str]:
        try:
            return read_sidecar(self.base() / name.sidecar), ""
        except OSError as error:
            return None, f"Its sidecar cannot be read: {error.strerror}."

    def _kind(self, real: Path, status: os.stat_result) -> ImageKind:
        if stat.S_ISREG(status.st_mode):
            return ImageKind.TRADITIONAL
        if not stat.S_ISDIR(status.st_mode):
            return ImageKind.UNKNOWN
        return ImageKind.IDP if len(self.descriptors(real)) == 1 else ImageKind.UNKNOWN_DIRECTORY

    def descriptors(self, real: Path) -> list[Path]:
        """Returns the descriptions at the top of an artefact's folder, links to files inside the
        store followed; exactly one makes the folder an image (contract images 0.3)."""
        try:
            with os.scandir(real) as entries:
                names = [entry.name for entry in entries if _is_json(entry.name)]
        except OSError:
            return []
        found = [self._descriptor(real, name) for name in sorted(names)]
        return [path for path in found if path is not None]

    def _descriptor(self, folder: Path, name: str) -> Path | None:
        try:
            real = self._paths.real(self._paths.logical(folder / name))
            is_file = stat.S_ISREG(real.lstat().st_mode)
        except (OSError, PathRefused):
            return None
        return real if is_file and real.is_relative_to(self.base()) else None


def _is_json(name: str) -> bool:
    # A name that only consists of the suffix has none.
    return name.endswith(DESCRIPTOR_SUFFIX) and name != DESCRIPTOR_SUFFIX


def _size_below(folder: Path) -> int:
    """Returns the bytes of all regular files below, links not followed; 0 on an error (contract
    images 1)."""
    size, waiting = 0, [str(folder)]
    try:
        while waiting:
            with os.scandir(waiting.pop()) as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        waiting.append(entry.path)
                    elif entry.is_file(follow_symlinks=False):
                        size += entry.stat(follow_symlinks=False).st_size
    except OSError:
        return 0
    return size
