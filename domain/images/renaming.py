"""Renaming: an image gets another name with its sidecar, and at every instant one of its two names
leads to it."""

import contextlib
import json
import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from domain.atomic_files import create_whole, sync_folder
from domain.errors import Conflict, Unavailable
from domain.images.names import ImageName, ImageNameInvalid
from domain.images.sidecars import read_sidecar, remove_sidecar, write_sidecar
from domain.images.store_folder import StoreFolder

SUFFIX = ".renaming"


class ImageExists(Conflict):
    """The store has something of that name."""

    code = "IMAGE_EXISTS"
    title = "Image Exists"
    meaning = "The store already has something under the new name; nothing is overwritten."
    remedy = "Choose another name, or delete that image first."


class ImageNotRenamed(Unavailable):
    """The disk refused."""

    code = "IMAGE_RENAME_ERROR"
    title = "Renaming Error"
    meaning = "The disk did not let the image be renamed; it has its old name."
    remedy = "Look at the disk: a read-only file system, the folder's rights, free space."


@dataclass(frozen=True, slots=True)
class Move:
    """A renaming under way; `note` is the hidden file that tells of it after a crash."""

    old: ImageName
    new: ImageName
    note: Path


class Renaming:
    """Renames in two steps, between which the configuration can be changed: `prepare` makes the
    new name a link to the old one, `finish` puts the image in the link's place.

    Both can be repeated, so that a crash anywhere is mended by doing them once more. All methods
    block, and raise OSError as the system does.
    """

    def __init__(self, folder: StoreFolder) -> None:
        self._folder = folder

    def begin(self, old: ImageName, new: ImageName) -> Move:
        """Writes down what is about to happen; raises `ImageExists`."""
        base = self._folder.base()
        if os.path.lexists(base / new.text):
            raise _exists(new)
        note = base / f".{secrets.token_hex(8)}{SUFFIX}"
        create_whole(note, json.dumps([old.text, new.text]).encode(), mode=0o600)
        return Move(old, new, note)

    def prepare(self, move: Move) -> None:
        """Makes both names lead to the image, each with its sidecar; raises `ImageExists`."""
        if os.path.lexists(self._places(move)[0]):
            self._link(move)
        self._copy_sidecar(move)

    def finish(self, move: Move) -> None:
        """Leaves the new name alone; raises `ImageExists` when somebody else took it."""
        old, new = self._places(move)
        if os.path.lexists(old):
            if not self._is_our_link(move):
                raise _exists(move.new)
            if old.is_dir() and not old.is_symlink():
                # A folder cannot take a link's place at once.
                new.unlink()
            old.rename(new)
        remove_sidecar(self._sidecar(move.old))
        sync_folder(new.parent)
        self._forget(move)

    def undo(self, move: Move) -> None:
        """Leaves the old name alone, after `prepare` at most."""
        old, new = self._places(move)
        if os.path.lexists(old) and self._is_our_link(move):
            new.unlink()
            remove_sidecar(self._sidecar(move.new))
        self._forget(move)

    def unfinished(self) -> list[Move]:
        """Returns what earlier runs began and did not finish; what cannot be is forgotten."""
        found = []
        for note in self._folder.base().glob(f".*{SUFFIX}"):
            move = _read(note)
            if move is not None and any(map(os.path.lexists, self._places(move))):
                found.append(move)
            else:
                note.unlink(missing_ok=True)
        return found

    def _link(self, move: Move) -> None:
        _, new = self._places(move)
        if self._is_our_link(move):
            return
        # A sidecar without an image is that of another content.
        if not os.path.lexists(new):
            remove_sidecar(self._sidecar(move.new))
        try:
            new.symlink_to(move.old.text)
        except FileExistsError as error:
            raise _exists(move.new) from error

    def _copy_sidecar(self, move: Move) -> None:
        with contextlib.suppress(FileNotFoundError):
            source = self._sidecar(move.old)
            sidecar = read_sidecar(source)
            if sidecar is not None:
                target = self._sidecar(move.new)
                write_sidecar(target, sidecar.sha256, modified=sidecar.modified)

    def _is_our_link(self, move: Move) -> bool:
        _, new = self._places(move)
        try:
            return str(new.readlink()) == move.old.text
        except OSError:
            return False

    def _places(self, move: Move) -> tuple[Path, Path]:
        base = self._folder.base()
        return base / move.old.text, base / move.new.text

    def _sidecar(self, name: ImageName) -> Path:
        return self._folder.base() / name.sidecar

    def _forget(self, move: Move) -> None:
        move.note.unlink(missing_ok=True)
        sync_folder(move.note.parent)


def _read(note: Path) -> Move | None:
    try:
        old, new = json.loads(note.read_bytes())
        return Move(ImageName(old), ImageName(new), note)
    except (OSError, ValueError, TypeError, ImageNameInvalid):
        return None


def _exists(name: ImageName) -> ImageExists:
    message = f"The store already has {name.text}; nothing was renamed."
    return ImageExists(message, detail=name.text, field="newName")
