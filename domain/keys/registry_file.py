"""The registry of signing keys on disk: read, locked against a second writer, replaced whole."""

import contextlib
import errno
import fcntl
import os
import time
from collections.abc import Iterator

from domain.atomic_files import write_whole
from domain.errors import Conflict, Unavailable
from domain.host_paths import HostPaths, PathRefused
from domain.kept_files import open_real
from domain.keys.registry import (
    LARGEST_REGISTRY,
    Registry,
    RegistryUnreadable,
    encode_registry,
    parse_registry,
)

FOLDER_MODE = 0o700
FILE_MODE = 0o600
PATIENCE = 10.0
"""Seconds that a writer waits for another one."""
_POLL = 0.02


class RegistryNotWritten(Unavailable):
    """The registry could not be stored; the old one is whole."""

    code = "REGISTRY_ERROR"
    title = "Registry Error"
    meaning = "The registry of signing keys could not be written; nothing has changed."
    remedy = "Look at the disk: free space, a read-only file system, the folder's rights."


class RegistryLocked(Conflict):
    """Another writer holds the registry's lock."""

    code = "REGISTRY_LOCKED"
    title = "Registry Locked"
    meaning = "Another program was changing the signing keys all the time that was waited."
    remedy = "Try again; `fuser` on the lock file shows which program holds it."


class RegistryFile:
    """`registry.json` in the keys' folder; safe to share among threads, all methods block."""

    def __init__(self, paths: HostPaths) -> None:
        self._paths = paths

    def read(self) -> Registry:
        """Returns the registry, an empty one where there is none; raises `RegistryUnreadable`."""
        try:
            with os.fdopen(open_real(self._paths.real(self._paths.key_registry)), "rb") as file:
                content = file.read(LARGEST_REGISTRY + 1)
        except (FileNotFoundError, NotADirectoryError):
            return Registry()
        except (OSError, PathRefused) as error:
            reason = error.strerror if isinstance(error, OSError) else error.message
            text = f"The registry of signing keys cannot be read: {reason}."
            raise RegistryUnreadable(text) from error
        if len(content) > LARGEST_REGISTRY:
            text = f"The registry of signing keys is larger than {LARGEST_REGISTRY} bytes."
            raise RegistryUnreadable(text)
        return parse_registry(content)

    def write(self, registry: Registry) -> None:
        """Stores the registry, call it under `lock`; raises `RegistryNotWritten`."""
        with self._writing():
            self.make_folder()
            path = self._paths.real(self._paths.key_registry)
            write_whole(path, encode_registry(registry), mode=FILE_MODE)

    @contextlib.contextmanager
    def lock(self, *, patience: float = PATIENCE) -> Iterator[None]:
        """Holds the lock file, which keeps out writers of this and of other processes.

        Waits at most `patience` seconds, then raises `RegistryLocked`; raises
        `RegistryNotWritten` when there can be no lock file.
        """
        with self._writing():
            self.make_folder()
            folder = self._paths.real(self._paths.keys)
            flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
            handle = os.open(folder / ".registry.json.lock", flags, FILE_MODE)
        try:
            self._wait_for(handle, patience)
            yield
        finally:
            os.close(handle)

    def make_folder(self) -> None:
        """Makes the keys' folder, private from its first moment; raises OSError."""
        folder = self._paths.real(self._paths.keys)
        folder.parent.mkdir(parents=True, exist_ok=True)
        folder.mkdir(mode=FOLDER_MODE, exist_ok=True)

    def _wait_for(self, handle: int, patience: float) -> None:
        deadline = time.monotonic() + patience
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                if error.errno not in (errno.EAGAIN, errno.EACCES):
                    raise RegistryNotWritten("The signing keys cannot be locked.") from error
                if time.monotonic() >= deadline:
                    text = "The signing keys are being changed by another program; try again."
                    raise RegistryLocked(text) from error
                time.sleep(_POLL)
            else:
                return

    @contextlib.contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            yield
        except (OSError, PathRefused) as error:
            reason = error.strerror if isinstance(error, OSError) else error.message
            text = f"The registry of signing keys cannot be written: {reason}."
            raise RegistryNotWritten(text) from error
