"""Flag files: one small file for each flag of each device, which bootstrap consumes (contract
devices 6.6, 6.7)."""

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from domain.atomic_files import sync_folder, write_whole
from domain.devices.flag_kinds import FlagKind, FlagMode
from domain.devices.names import sanitised, twins
from domain.errors import ProvisionerError, Unavailable
from domain.host_paths import HostPaths, PathRefused
from domain.kept_files import open_real
from domain.serials import LONG

FILE_MODE = 0o644
FOLDER_MODE = 0o755
LARGEST_LINE = 4096
"""Bytes that are read of a flag file; the word in it has ten."""


class FlagNotRemoved(Unavailable):
    """A flag file could not be removed."""

    code = "FLAG_REMOVE_ERROR"
    title = "File Error"
    meaning = "The flag's file could not be removed; the flag is still set."
    remedy = "Look at the folder that the message names: its rights, a read-only file system."


class FlagFolderNotMade(Unavailable):
    """The folder of a flag could not be made."""

    code = "FLAG_DIR_ERROR"
    title = "File Error"
    meaning = "The folder for this flag could not be made, or something else is in its place."
    remedy = "Look at the path that the message names; it must be a folder."


class FlagNotWritten(Unavailable):
    """A flag file could not be written."""

    code = "FLAG_WRITE_ERROR"
    title = "File Error"
    meaning = "The flag's file could not be written; the flag is as it was."
    remedy = "Look at the disk: free space, a read-only file system, the folder's rights."


@dataclass(frozen=True, slots=True)
class FlagFile:
    """A flag that is set. `name` is the file's; `stamp` is another one whenever the file is
    written again."""

    flag: FlagKind
    name: str
    mode: FlagMode
    stamp: str


def probed_names(serial: str) -> tuple[str, ...]:
    """Returns the names under which bootstrap looks for the flags of this serial: itself, then
    the last 8 digits of a 16-digit one."""
    return tuple(dict.fromkeys((sanitised(serial), *twins(serial))))


def written_name(serial: str) -> str:
    """Returns the name that bootstrap finds in all its phases: the boot ROM tells 8 digits only
    (contract devices Q17)."""
    return serial[-8:].lower() if LONG.fullmatch(serial) else sanitised(serial)


class FlagFolders:
    """The folders of all flags. All methods block."""

    def __init__(self, paths: HostPaths) -> None:
        self._paths = paths

    def path(self, flag: FlagKind, name: str) -> str:
        """Returns the logical path of a flag file."""
        return f"{self._paths.flag(flag.value)}/{name}"

    def find(self, flag: FlagKind, name: str) -> FlagFile | None:
        """Returns the flag of this name, None while it is not set."""
        try:
            # As the shell's `[ -f ]` does, this follows a link.
            handle = open_real(self._paths.real(self.path(flag, name)))
        except (OSError, PathRefused):
            return None
        try:
            status, beginning = os.fstat(handle), os.pread(handle, LARGEST_LINE, 0)
        finally:
            os.close(handle)
        stamp = f"{status.st_dev}:{status.st_ino}:{status.st_mtime_ns}"
        return FlagFile(flag, name, _mode(beginning), stamp)

    def list_all(self) -> list[FlagFile]:
        """Returns every flag that is set, by flag and name; files whose names are no device's
        (dots, blanks) are none."""
        found = [self.find(flag, name) for flag in FlagKind for name in self._names(flag)]
        return [file for file in found if file is not None]

    def write(self, flag: FlagKind, name: str, mode: FlagMode) -> None:
        """Sets the flag: the file is whole at every instant, and durable when this returns.

        Raises `FlagFolderNotMade` and `FlagNotWritten`.
        """
        folder = self._folder(flag)
        path = self.path(flag, name)
        with _failing(FlagNotWritten, f"The flag {path} cannot be written"):
            write_whole(folder / name, f"{mode.value}\n".encode(), mode=FILE_MODE)

    def remove(self, flag: FlagKind, name: str) -> bool:
        """Takes the flag away; returns False where there was none. Raises `FlagNotRemoved`."""
        path = self.path(flag, name)
        with _failing(FlagNotRemoved, f"The flag {path} cannot be removed"):
            try:
                entry = self._paths.entry(path)
                entry.unlink()
            except (FileNotFoundError, NotADirectoryError):
                return False
            sync_folder(entry.parent)
        return True

    def _folder(self, flag: FlagKind) -> Path:
        logical = self._paths.flag(flag.value)
        with _failing(FlagFolderNotMade, f"The folder {logical} cannot be made"):
            folder = self._paths.real(logical)
            if not folder.is_dir():
                folder.mkdir(parents=True)
                # The process's umask may have taken bits away, and the scripts must read it.
                folder.chmod(FOLDER_MODE)
                sync_folder(folder.parent)
        return folder

    def _names(self, flag: FlagKind) -> list[str]:
        try:
            with os.scandir(self._paths.real(self._paths.flag(flag.value))) as entries:
                names = [entry.name for entry in entries]
        except (OSError, PathRefused):
            return []
        return sorted(name for name in names if sanitised(name) == name)


def _mode(content: bytes) -> FlagMode:
    # The scripts strip all whitespace of the first line (contract devices Q20).
    word = b"".join(content.split(b"\n", 1)[0].split())
    return FlagMode.ONCE if word == b"once" else FlagMode.PERSISTENT


@contextlib.contextmanager
def _failing(error: type[ProvisionerError], what: str) -> Iterator[None]:
    try:
        yield
    except (OSError, PathRefused) as cause:
        reason = cause.strerror if isinstance(cause, OSError) else cause.message
        raise error(f"{what}: {reason or 'the disk failed'}.") from cause
