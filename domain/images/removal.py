"""Removal: an image leaves the store at one instant, and what is left of it is cleared away."""

import logging
import os
import secrets
import shutil
from pathlib import Path

from domain.atomic_files import sync_folder
from domain.images.names import ImageName, is_image_name
from domain.images.sidecars import remove_sidecar
from domain.images.store_folder import StoreFolder

SUFFIX = ".deleting"

log = logging.getLogger("provisioner.images")


class Removal:
    """Moves an image into a hidden folder first, under its own name: after a crash that folder
    tells what was being deleted. All methods block, and raise OSError as the system does."""

    def __init__(self, folder: StoreFolder) -> None:
        self._folder = folder

    def take_out(self, name: ImageName) -> Path:
        """Takes the image out of the store, then its sidecar; returns the hidden folder.

        A link is taken out itself, never what it leads to.
        """
        base = self._folder.base()
        hidden = base / f".{secrets.token_hex(8)}{SUFFIX}"
        hidden.mkdir(mode=0o700)
        try:
            (base / name.text).rename(hidden / name.text)
        except OSError:
            hidden.rmdir()
            raise
        sync_folder(base)
        self._finish(name)
        return hidden

    def clear_away(self, hidden: Path) -> None:
        """Removes the hidden folder with all that is in it; what the disk does not let go is
        tried again at the next start."""
        shutil.rmtree(hidden, onerror=_told)

    def unfinished(self) -> list[tuple[ImageName, Path]]:
        """Returns what earlier runs took out and did not clear away, with each image's name."""
        found = []
        for hidden in self._folder.base().glob(f".*{SUFFIX}"):
            names = [name for name in os.listdir(hidden) if is_image_name(name)]  # noqa: PTH208
            found += [(ImageName(name), hidden) for name in names]
            if not names:
                self.clear_away(hidden)
        for name, _ in found:
            self._finish(name)
        return found

    def _finish(self, name: ImageName) -> None:
        # Somebody may have put a new image there meanwhile; its sidecar is judged by its own time.
        if not os.path.lexists(self._folder.base() / name.text):
            remove_sidecar(self._folder.base() / name.sidecar)


def _told(function: object, path: str, error: object) -> None:
    del function, error
    log.warning("%s of a deleted image cannot be removed", Path(path).name)
