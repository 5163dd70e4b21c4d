"""The files of signing keys: stored wrapped, read in memory, never overwritten with another key."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from domain.atomic_files import create_whole, sync_folder, write_whole
from domain.errors import Conflict, NotFound, Unavailable
from domain.host_paths import HostPaths, PathRefused
from domain.kept_files import open_real
from domain.keys.names import KeyName
from domain.keys.pem import LARGEST_KEY, PemKey, parse_pem
from domain.keys.registry_file import FOLDER_MODE
from domain.keys.wrapping import HEADER_BYTES, MAGIC, DeviceWrapping, is_wrapped

KEY_MODE = 0o400
MOST_NAMES = 1000
"""How many names are tried for a key whose own is taken."""


class KeyFileMissing(NotFound):
    """A registered or configured key's file is gone."""

    code = "KEY_FILE_MISSING"
    title = "Key File Missing"
    meaning = "The file of this signing key is not where the registry or the configuration says."
    remedy = "Restore the file from a backup, or remove the key and upload it again."


class KeyFileUnreadable(Unavailable):
    """A key's file is there and cannot be read."""

    code = "KEY_FILE_UNREADABLE"
    title = "Key File Unreadable"
    meaning = "The file of this signing key is no ordinary file, is too large, or may not be read."
    remedy = "Look at the file that the message names: its type, size and rights."


class KeyNotStored(Unavailable):
    """A key's file could not be written; nothing was changed."""

    code = "SAVE_ERROR"
    title = "Storage Error"
    meaning = "The signing key could not be written; nothing was changed."
    remedy = "Look at the disk: free space, a read-only file system, the folder's rights."


class KeyNameTaken(Conflict):
    """Too many keys have this name."""

    code = "KEY_NAME_TAKEN"
    title = "Key Name Taken"
    meaning = "A stored key is never overwritten, and all names like this one are taken."
    remedy = "Rename the file and upload it again."


@dataclass(frozen=True, slots=True)
class OpenedKey:
    """A key that was read from its file, and whether the file is wrapped."""

    key: PemKey
    is_wrapped: bool
    content: bytes = field(repr=False)


class KeyFiles:
    """Files at logical paths; every method blocks. `paths.keys` is ours, other paths belong to
    the administrator: they are read and wrapped, never deleted."""

    def __init__(self, paths: HostPaths, wrapping: DeviceWrapping) -> None:
        self._paths = paths
        self._wrapping = wrapping

    def open(self, path: str) -> OpenedKey:
        """Returns the key in a file, unwrapped in memory.

        Raises `KeyFileMissing`, `KeyFileUnreadable`, `KeyFormatInvalid` and what
        `DeviceWrapping.unwrap` raises.
        """
        content = self.read(path)
        wrapped = is_wrapped(content)
        plain = self._wrapping.unwrap(content) if wrapped else content
        return OpenedKey(parse_pem(plain), wrapped, content)

    def is_wrapped(self, path: str) -> bool | None:
        """Returns whether a file is wrapped, None where there is none to read."""
        try:
            return self._head(path) == MAGIC
        except (KeyFileMissing, KeyFileUnreadable):
            return None

    def store(self, name: KeyName, plain: bytes) -> str:
        """Wraps a key and writes it once, under a name that nothing has; returns its logical path.

        Raises `KeyNotStored`, `KeyNameTaken` and what `DeviceWrapping.wrap` raises.
        """
        blob = self._wrapping.wrap(plain)
        with _writing():
            folder = self._paths.real(self._paths.keys)
            folder.parent.mkdir(parents=True, exist_ok=True)
            folder.mkdir(mode=FOLDER_MODE, exist_ok=True)
            for number in range(1, MOST_NAMES):
                chosen = name.numbered(number)
                with suppress(FileExistsError):
                    create_whole(folder / chosen, blob, mode=KEY_MODE)
                    return f"{self._paths.keys}/{chosen}"
        raise KeyNameTaken(f"All names like {name.text} are taken; rename the file.", field="file")

    def wrap(self, path: str) -> bool:
        """Replaces a plain key's file by its wrapped form, readable for root alone; returns
        whether it was plain.

        The key must open first: a file that is no key stays as it is. Raises what `open` raises,
        what `DeviceWrapping.wrap` raises, and `KeyNotStored`.
        """
        if self.is_wrapped(path):
            return False
        opened = self.open(path)
        self.replace(path, opened.content)
        return True

    def replace(self, path: str, plain: bytes) -> None:
        """Writes the wrapped form of a secret over its plain one, old or new at every instant."""
        blob = self._wrapping.wrap(plain)
        with _writing():
            write_whole(self._paths.real(path), blob, mode=KEY_MODE)

    def remove(self, path: str) -> bool:
        """Deletes a file of our own folder; returns whether one was deleted. A path that leads
        anywhere else is left alone (contract configuration 12, remove [F])."""
        if not self.is_ours(path):
            return False
        with _writing(), suppress(FileNotFoundError):
            entry = self._paths.entry(path)
            entry.unlink()
            sync_folder(entry.parent)
            return True
        return False

    def is_ours(self, path: str) -> bool:
        """Whether a path is a file directly in the keys' folder, once links are followed."""
        try:
            entry, folder = self._paths.entry(path), self._paths.real(self._paths.keys)
        except PathRefused:
            return False
        suffix = PurePosixPath(path).suffix.lower()
        return entry.parent == folder and suffix in (".pem", ".key") and not entry.is_dir()

    def is_below(self, path: str) -> bool:
        """Whether a path is an existing file below the keys' folder, once links are followed
        (contract configuration 5)."""
        try:
            real, folder = self._paths.real(path), self._paths.real(self._paths.keys)
        except PathRefused:
            return False
        return real.is_relative_to(folder) and real.exists()

    def read(self, path: str) -> bytes:
        """Returns a file as it is, wrapped or not; raises `KeyFileMissing` and
        `KeyFileUnreadable`."""
        most = LARGEST_KEY + HEADER_BYTES
        content = self._some(path, most + 1)
        if len(content) > most:
            text = f"The key file {path} is larger than {LARGEST_KEY} bytes."
            raise KeyFileUnreadable(text, detail=path)
        return content

    def _head(self, path: str) -> bytes:
        return self._some(path, len(MAGIC))

    def _some(self, path: str, most: int) -> bytes:
        try:
            with os.fdopen(open_real(self._paths.real(path)), "rb") as file:
                return file.read(most)
        except (FileNotFoundError, NotADirectoryError) as error:
            raise KeyFileMissing(f"The key file {path} is not there.", detail=path) from error
        except (OSError, PathRefused) as error:
            reason = error.strerror if isinstance(error, OSError) else error.message
            text = f"The key file {path} cannot be read: {reason}."
            raise KeyFileUnreadable(text, detail=path) from error


@contextmanager
def _writing() -> Iterator[None]:
    try:
        yield
    except FileExistsError:
        raise
    except (OSError, PathRefused) as error:
        reason = error.strerror if isinstance(error, OSError) else error.message
        raise KeyNotStored(f"The key's file cannot be written: {reason}.") from error
