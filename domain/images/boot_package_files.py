"""The files of boot packages: what the generator leaves beside the images (contract images 8)."""

import errno
import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from domain.host_paths import HostPaths
from domain.images.names import BOOT_PACKAGES, is_image_name
from domain.kept_files import modified_at, open_real, real_below

PACKAGE_SUFFIX = ".deb"
NOTE_SUFFIX = ".package-info.txt"
MOST_NOTE_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class PackageFile:
    """A package as a file. `path` is logical, `size` in bytes; `identity` changes when the file is
    another one."""

    path: str
    size: int
    modified_at: datetime
    modified_ns: int
    identity: tuple[int, int]

    @classmethod
    def of(cls, path: str, status: os.stat_result) -> "PackageFile":
        """Takes what stat(2) says."""
        identity = (status.st_dev, status.st_ino)
        return cls(path, status.st_size, modified_at(status), status.st_mtime_ns, identity)


@dataclass(frozen=True, slots=True)
class BootPackage:
    """A boot package, and what the generator's note says of it.

    `version` and `image_sha256` (64 lower-case hex digits) are None where the note does not say
    them; `noted` tells one note from the next.
    """

    name: str
    file: PackageFile
    version: str | None
    image_sha256: str | None
    noted: tuple[int, int]


class OpenPackage:
    """An open package; what it reads never goes beyond the size that it had. All methods block."""

    def __init__(self, handle: int, package: BootPackage) -> None:
        self._handle = handle
        self.package = package
        self.file = PackageFile.of(package.file.path, os.fstat(handle))

    def read(self, offset: int, most: int) -> bytes:
        """Returns at most `most` bytes from `offset` on, none behind the end."""
        return os.pread(self._handle, max(0, min(most, self.file.size - offset)), offset)

    def close(self) -> None:
        """Closes the file; it may be closed already."""
        if self._handle >= 0:
            os.close(self._handle)
            self._handle = -1


class PackageFolder:
    """Finds packages. All methods block, and raise OSError as the system does."""

    def __init__(self, paths: HostPaths) -> None:
        self._paths = paths
        self.logical = f"{paths.images}/{BOOT_PACKAGES}"

    def find(self, image: str) -> BootPackage | None:
        """Returns the package that was made for an image, None where there is none: its note names
        the file, and no other image (contract images 8)."""
        opened = self.open(image)
        if opened is None:
            return None
        opened.close()
        return opened.package

    def open(self, image: str) -> OpenPackage | None:
        """Like `find`, opened for reading."""
        if not is_image_name(image):
            return None
        try:
            said, noted = self._read_note(f"{base_of(image)}{NOTE_SUFFIX}")
            name = said.get("filename", "").rpartition("/")[2]
            if not _is_package(name) or not _is_for(said, image):
                return None
            path = f"{self.logical}/{name}"
            handle = open_real(self._real(path))
        except FileNotFoundError:
            return None
        except OSError as error:
            # Something else under this name is no package either; a disk that fails is told.
            if error.errno in (errno.EINVAL, errno.EXDEV, errno.ENOTDIR):
                return None
            raise
        file = PackageFile.of(path, os.fstat(handle))
        sha256 = said.get("image sha256", "").lower() or None
        package = BootPackage(name, file, said.get("version") or None, sha256, noted)
        return OpenPackage(handle, package)

    def _read_note(self, name: str) -> tuple[Mapping[str, str], tuple[int, int]]:
        handle = open_real(self._real(f"{self.logical}/{name}"))
        try:
            status, content = os.fstat(handle), os.pread(handle, MOST_NOTE_BYTES, 0)
        finally:
            os.close(handle)
        return _parsed(content.decode("utf-8", "replace")), (status.st_ino, status.st_mtime_ns)

    def _real(self, logical: str) -> Path:
        return real_below(self._paths, logical, folder=self._paths.images)


def base_of(image: str) -> str:
    """Returns how the generator calls the files of an image: its name cut at the last dot
    (contract images 8)."""
    base, dot, _ = image.rpartition(".")
    return base if dot else image


def _parsed(note: str) -> dict[str, str]:
    pairs = (line.partition(":") for line in note.splitlines() if ":" in line)
    return {name.strip().lower(): value.strip() for name, _, value in pairs}


def _is_package(name: str) -> bool:
    return name.endswith(PACKAGE_SUFFIX) and not name.startswith(".") and "\0" not in name


def _is_for(said: Mapping[str, str], image: str) -> bool:
    # `a.img` and `a.bin` share a note: it is that of the image that it names.
    source = said.get("source image", "").rpartition("/")[2]
    return source in ("", image)
