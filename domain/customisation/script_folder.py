"""The folder of scripts: what lies in it, and how that is changed without ever leaving it."""

import errno
import hashlib
import os
import re
import stat
from dataclasses import replace
from pathlib import Path

from domain.atomic_files import sync_folder, write_whole
from domain.customisation.names import ScriptNotFound
from domain.customisation.refusals import (
    MOST_READ,
    ScriptFolderNotMade,
    ScriptFolderUnreadable,
    ScriptModeNotSet,
    ScriptNotDeleted,
    ScriptNotWritten,
    ScriptTooLargeToRead,
    ScriptUnreadable,
)
from domain.customisation.script import OpenedScript, Script
from domain.errors import ProvisionerError
from domain.host_paths import HostPaths, PathRefused
from domain.kept_files import modified_at, open_real

FOLDER = "/etc/rpi-sb-provisioner/scripts"
ENABLED = 0o755
DISABLED = 0o644
STAGED = ".tmp"
LEFTOVER = re.compile(r"\..+\.[0-9a-f]{16}\.tmp", re.DOTALL)
NO_NAME = (errno.ENOENT, errno.ENOTDIR, errno.ENAMETOOLONG)
"""Nothing is there, or nothing can be."""
EXHAUSTED = (errno.EMFILE, errno.ENFILE, errno.ENOMEM)
"""It is the service that cannot open anything just now, whatever the file is."""
Stamp = tuple[int, int, int, int]


class ScriptFolder:
    """Looks at scripts and changes them. All methods block, and may be called from any thread."""

    def __init__(self, paths: HostPaths) -> None:
        self._paths = paths
        self._hashes: dict[str, tuple[Stamp, str]] = {}

    def sweep(self) -> None:
        """Removes the hidden files that a crash in the middle of a write left."""
        try:
            for path in self.base().glob(f".*{STAGED}"):
                if LEFTOVER.fullmatch(path.name):
                    path.unlink(missing_ok=True)
        except (OSError, ScriptFolderUnreadable):
            # Nobody runs them; the next start tries again.
            return

    def path(self, filename: str) -> str:
        """Returns the logical path of a script."""
        return f"{FOLDER}/{filename}"

    def base(self) -> Path:
        """Returns where the folder is on this machine; raises `ScriptFolderUnreadable` where its
        links lead in a circle."""
        try:
            return self._paths.real(FOLDER)
        except PathRefused as error:
            raise folder_unreadable("its links lead in a circle") from error

    def list_all(self) -> list[Script]:
        """Returns the ordinary files of the folder, links followed, by name; none where there is
        no folder. Raises `ScriptFolderUnreadable`."""
        base = self._present()
        if base is None:
            return []
        try:
            names = os.listdir(base)  # noqa: PTH208 -- names, not paths
        except OSError as error:
            raise folder_unreadable(error.strerror) from error
        shown = (name for name in names if not (name.startswith(".") and name.endswith(STAGED)))
        return [script for name in sorted(shown) if (script := self.find(name)).is_file]

    def find(self, filename: str) -> Script:
        """Returns what lies under this name, also nothing; raises `ScriptFolderUnreadable`."""
        base = self._present()
        if base is None:
            return Script(filename)
        try:
            status = (base / filename).lstat()
        except ValueError:
            return Script(filename)
        except OSError as error:
            if error.errno in NO_NAME:
                return Script(filename)
            raise folder_unreadable(error.strerror) from error
        if stat.S_ISLNK(status.st_mode):
            return self._followed(filename)
        return self._found(filename, status)

    def read(self, filename: str) -> OpenedScript:
        """Returns the script with its content, of a folder none; raises `ScriptNotFound`,
        `ScriptUnreadable` and `ScriptTooLargeToRead`."""
        script = self.find(filename)
        if script.exists and not script.is_file and self._is_folder(filename):
            # As the existing service answers (contract customisation 4.2).
            return OpenedScript(script, b"")
        try:
            with os.fdopen(self._open(filename), "rb") as file:
                content = file.read(MOST_READ + 1)
        except OSError as error:
            raise self._not_opened(filename, error) from error
        if len(content) > MOST_READ:
            raise ScriptTooLargeToRead(
                f"The script {filename[:100]} has more than {MOST_READ} bytes.",
                detail=_where(filename),
            )
        return OpenedScript(script, content)

    def write(self, filename: str, content: bytes, *, mode: int | None = None) -> None:
        """Puts the script there whole; without `mode` it keeps the mode that it has, and a new
        one is disabled.

        Raises `ScriptFolderNotMade` and `ScriptNotWritten`.
        """
        try:
            self.base().mkdir(mode=0o755, parents=True, exist_ok=True)
        except OSError as error:
            raise ScriptFolderNotMade(
                f"The folder {FOLDER} cannot be made: {error.strerror}.", detail=str(error.strerror)
            ) from error
        present = self.find(filename)
        kept = DISABLED if present.mode is None else present.mode
        try:
            write_whole(self.base() / filename, content, mode=kept if mode is None else mode)
        except OSError as error:
            raise ScriptNotWritten(
                f"The script {filename} cannot be written: {error.strerror}.",
                detail=self.path(filename),
            ) from error

    def set_mode(self, filename: str, mode: int) -> None:
        """Gives the script exactly this mode; raises `ScriptNotFound` and `ScriptModeNotSet`.

        What lies outside the folder keeps its mode, others may run it too: a link to it gives way
        to a copy, unless it is as wanted already.
        """
        present = self.find(filename)
        if present.leads_away and present.is_file:
            if present.executable is not bool(mode & 0o111):
                self._copy(filename, mode)
            return
        try:
            handle = self._open(filename)
        except OSError as error:
            if not present.exists:
                raise script_not_found(filename) from error
            raise _mode_not_set(filename, error) from error
        try:
            os.fchmod(handle, mode)
            os.fsync(handle)
        except OSError as error:
            raise _mode_not_set(filename, error) from error
        finally:
            os.close(handle)

    def remove(self, filename: str) -> None:
        """Removes the script; of a link the link itself, of a folder an empty one. Raises
        `ScriptNotFound` and `ScriptNotDeleted`."""
        try:
            entry = self.base() / filename
            remove = entry.rmdir if entry.is_dir() and not entry.is_symlink() else entry.unlink
            remove()
            sync_folder(entry.parent)
        except OSError as error:
            if error.errno in NO_NAME:
                raise script_not_found(filename) from error
            message = f"The script {filename} cannot be deleted: {error.strerror}."
            raise ScriptNotDeleted(message, detail=error.strerror or "") from error

    def _present(self) -> Path | None:
        """Returns where the folder is, None where there is none (contract customisation 4.1)."""
        base = self.base()
        try:
            status = base.lstat()
        except OSError as error:
            # Also where a part of the path above it is no folder: nothing can be in there.
            if error.errno in NO_NAME:
                return None
            raise folder_unreadable(error.strerror) from error
        if not stat.S_ISDIR(status.st_mode):
            raise folder_unreadable("it is no folder")
        return base

    def _followed(self, filename: str) -> Script:
        try:
            real = self._paths.real(self.path(filename))
            found = self._found(filename, real.stat())
            return replace(found, leads_away=not real.is_relative_to(self.base()))
        except PathRefused:
            return Script(filename, exists=True)
        except OSError as error:
            if error.errno in NO_NAME:
                # A link that leads nowhere.
                return Script(filename, exists=True)
            raise folder_unreadable(error.strerror) from error

    def _found(self, filename: str, status: os.stat_result) -> Script:
        is_file = stat.S_ISREG(status.st_mode)
        mode = stat.S_IMODE(status.st_mode)
        sha256 = self._sha256(filename, status) if is_file else None
        if sha256 is None:
            return Script(filename, exists=True, is_file=is_file, mode=mode)
        return Script(
            filename,
            exists=True,
            is_file=True,
            mode=mode,
            sha256=sha256,
            size_bytes=status.st_size,
            modified_at=modified_at(status),
        )

    def _open(self, filename: str) -> int:
        """Opens it, links followed inside the root only (contract customisation 3); who can make
        a link in this folder can make root run anything."""
        try:
            return open_real(self._paths.real(self.path(filename)))
        except PathRefused as error:
            raise OSError(errno.ELOOP, "its links lead in a circle") from error

    def _not_opened(self, filename: str, error: OSError) -> ProvisionerError:
        if not self.find(filename).exists:
            return script_not_found(filename)
        return ScriptUnreadable(
            f"The script {filename[:100]} is there, but cannot be opened: {error.strerror}.",
            detail=_where(filename),
        )

    def _copy(self, filename: str, mode: int) -> None:
        try:
            self.write(filename, self.read(filename).content, mode=mode)
        except ProvisionerError as error:
            raise ScriptModeNotSet(
                f"{filename} is a link to a file outside the folder of scripts, whose mode is not "
                f"changed, and cannot be replaced by a copy: {error.message} To switch it off, "
                "delete the script: only the link goes.",
                detail=error.message,
            ) from error

    def _is_folder(self, filename: str) -> bool:
        try:
            return (self.base() / filename).is_dir()
        except OSError:
            return False

    def _sha256(self, filename: str, status: os.stat_result) -> str | None:
        # The time of the last change of the inode tells of every write, whatever utimes say.
        stamp = (status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)
        known = self._hashes.get(filename)
        if known is not None and known[0] == stamp:
            return known[1]
        try:
            with os.fdopen(self._open(filename), "rb") as file:
                sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as error:
            if error.errno in EXHAUSTED:
                raise folder_unreadable(error.strerror) from error
            return None
        self._hashes[filename] = (stamp, sha256)
        return sha256


def folder_unreadable(reason: str | None) -> ScriptFolderUnreadable:
    """Returns the error that names the folder."""
    return ScriptFolderUnreadable(f"The folder {FOLDER} cannot be read: {reason}.", detail=FOLDER)


def script_not_found(filename: str) -> ScriptNotFound:
    """Returns the error that names the script and where it would be."""
    return ScriptNotFound(f"The script {filename[:100]} is not there.", detail=_where(filename))


def _where(filename: str) -> str:
    return f"Script path: {FOLDER}/{filename[:300]}"


def _mode_not_set(filename: str, error: OSError) -> ScriptModeNotSet:
    message = f"The mode of {filename} cannot be changed: {error.strerror}."
    return ScriptModeNotSet(message, detail=error.strerror or "")
