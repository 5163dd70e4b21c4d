"""The stored PIN: one file, wrapped with the board's own key, that the signing scripts read."""

import asyncio
import os
from collections.abc import Iterator
from contextlib import contextmanager

from domain.atomic_files import sync_folder, write_whole
from domain.errors import ProvisionerError, Unavailable
from domain.file_accesses import FileAccess
from domain.host_paths import HostPaths, PathRefused
from domain.kept_files import open_real
from domain.keys.pin import LONGEST_PIN, Pin
from domain.keys.registry_file import FOLDER_MODE
from domain.keys.wrapping import HEADER_BYTES, DeviceWrapping, is_wrapped

FILE_MODE = 0o400
LARGEST_FILE = HEADER_BYTES + LONGEST_PIN + 2
"""Bytes; a plain file of old releases may end in a line break."""


class PinNotSaved(Unavailable):
    """The PIN could not be written; the old one, if any, is whole."""

    code = "PIN_SAVE_ERROR"
    title = "Storage Error"
    meaning = "The PIN could not be stored; nothing has changed."
    remedy = "Look at the disk: free space, a read-only file system, the folder's rights."


class PinNotRemoved(Unavailable):
    """The PIN could not be deleted."""

    code = "PIN_REMOVE_ERROR"
    title = "Storage Error"
    meaning = "The stored PIN could not be deleted; it is still there."
    remedy = "Look at the disk: a read-only file system, the folder's rights."


class PinUnreadable(Unavailable):
    """A PIN is stored and cannot be used."""

    code = "PIN_UNREADABLE"
    title = "Stored PIN Unreadable"
    meaning = "The file of the stored PIN cannot be read, or holds no PIN."
    remedy = "Store the PIN again with `setTokenPin`."


class StoredPin:
    """The file `pkcs11.pin` (contract configuration 9): the wrapped PIN, mode 0400. Nothing is
    ever stored plain; what old releases left plain is read."""

    def __init__(self, paths: HostPaths, wrapping: DeviceWrapping) -> None:
        self._paths = paths
        self._wrapping = wrapping
        self.is_fresh = False
        """Whether the PIN was stored since this service began, and so may be any token's."""

    async def is_stored(self) -> bool:
        """Whether there is a PIN, even one that cannot be unwrapped (contract configuration 9)."""
        return await asyncio.to_thread(self._is_stored)

    async def store(self, pin: Pin, *, note: FileAccess) -> None:
        """Stores a PIN in place of the one before.

        Raises `FirmwareCryptoUnavailable` and `DeviceKeyMissing` where it cannot be wrapped, and
        `PinNotSaved`.
        """
        try:
            await asyncio.to_thread(self._store, pin)
        except ProvisionerError as error:
            note("WRITE_PIN", self._paths.pin, success=False, info=error.code)
            raise
        self.is_fresh = True
        note("WRITE_PIN", self._paths.pin)

    async def remove(self, *, note: FileAccess) -> bool:
        """Deletes the PIN and returns whether there was one; raises `PinNotRemoved`."""
        was_there = await asyncio.to_thread(self._remove)
        if was_there:
            note("DELETE_PIN", self._paths.pin)
        return was_there

    async def read(self) -> Pin | None:
        """Returns the PIN, None where none is stored; raises `PinUnreadable` and what
        `DeviceWrapping.unwrap` raises."""
        return await asyncio.to_thread(self._read)

    def _is_stored(self) -> bool:
        try:
            return self._paths.real(self._paths.pin).stat().st_size > 0
        except (OSError, PathRefused):
            return False

    def _store(self, pin: Pin) -> None:
        blob = self._wrapping.wrap(pin.text.encode())
        with _told(PinNotSaved, "The PIN cannot be stored"):
            path = self._paths.entry(self._paths.pin)
            path.parent.parent.mkdir(parents=True, exist_ok=True)
            path.parent.mkdir(mode=FOLDER_MODE, exist_ok=True)
            write_whole(path, blob, mode=FILE_MODE)

    def _remove(self) -> bool:
        with _told(PinNotRemoved, "The stored PIN cannot be deleted"):
            path = self._paths.entry(self._paths.pin)
            try:
                path.unlink()
            except (FileNotFoundError, NotADirectoryError):
                return False
            sync_folder(path.parent)
            return True

    def _read(self) -> Pin | None:
        if not self._is_stored():
            return None
        with _told(PinUnreadable, "The stored PIN cannot be read"):
            handle = open_real(self._paths.real(self._paths.pin))
            with os.fdopen(handle, "rb") as file:
                content = file.read(LARGEST_FILE + 1)
        if len(content) > LARGEST_FILE:
            raise PinUnreadable("The file of the stored PIN is too large for one; store it again.")
        plain = self._wrapping.unwrap(content) if is_wrapped(content) else content
        return _pin(plain.rstrip(b"\r\n"))


def _pin(plain: bytes) -> Pin:
    try:
        return Pin(plain.decode())
    except (UnicodeDecodeError, ProvisionerError):
        reason = "The file of the stored PIN holds none; store the PIN again."
    # Raised here, not above: the decoder's error would go along, and it repeats the bytes.
    raise PinUnreadable(reason)


@contextmanager
def _told(kind: type[Unavailable], words: str) -> Iterator[None]:
    try:
        yield
    except (OSError, PathRefused) as error:
        reason = error.strerror if isinstance(error, OSError) else error.message
        raise kind(f"{words}: {reason}.") from error
