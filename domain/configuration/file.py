"""One configuration file on disk: read through a cache, locked, and replaced as a whole."""

import contextlib
import fcntl
import os
import stat
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from domain.atomic_files import remove_leftovers, write_whole
from domain.configuration.assignments import ConfigText, parse
from domain.configuration.variables import ConfigValueRefused
from domain.errors import Conflict, Unavailable
from domain.host_paths import HostPaths, PathRefused

LARGEST_FILE = 256 * 1024
"""Bytes. A station's own file has about a thousand."""

PATIENCE = 10.0
"""Seconds that a writer waits for another one."""

NEW_MODE = 0o600
"""The file may hold the Connect token, and all its readers are root (contract configuration
3.3)."""

REST_SECONDS = 0.3
"""A file that changed less long ago may be half written: `>` in a shell and many editors empty a
file first and write it then."""

EMPTY_REST_SECONDS = 2.0
"""The same for an empty one, which hardly anybody means."""

_POLL = 0.02
_SETTLED_NS = 2_000_000_000
_EMPTY = parse("")


class ConfigUnreadable(Unavailable):
    """A configuration file is there and cannot be read."""

    code = "CONFIG_UNREADABLE"
    title = "Configuration Unreadable"
    meaning = "A configuration file is not an ordinary file, is too large, or may not be read."
    remedy = "Look at the file that the message names: its type, size and rights."


class ConfigNotWritten(Unavailable):
    """The configuration could not be stored; the old one is whole and in force."""

    code = "CONFIG_WRITE_ERROR"
    title = "Config Error"
    meaning = "The configuration could not be written; nothing has changed."
    remedy = "Look at the disk: free space, a read-only file system, the folder's rights."


class ConfigLocked(Conflict):
    """Another writer holds the configuration's lock."""

    code = "CONFIG_LOCKED"
    title = "Configuration Locked"
    meaning = "Another program was changing the configuration all the time that was waited."
    remedy = "Try again; `fuser` on the lock file shows which program holds it."


class ConfigObscure(Conflict):
    """The file holds shell code amid which nothing can be written safely."""

    code = "CONFIG_OBSCURE"
    title = "Configuration Needs Repair"
    meaning = (
        "The file holds a quote that never closes or shell code of which it is unclear where it "
        "ends, so that a new value might be run as a command."
    )
    remedy = "Correct the line that the message names; `sh -n` on the file helps to find it."


@dataclass(frozen=True, slots=True)
class Stamp:
    """Which file, and which content of it; times are nanoseconds."""

    device: int
    inode: int
    size: int
    modified: int
    changed: int

    @classmethod
    def of(cls, status: os.stat_result) -> "Stamp":
        """Takes the stamp from what stat(2) says."""
        modified, changed = status.st_mtime_ns, status.st_ctime_ns
        return cls(status.st_dev, status.st_ino, status.st_size, modified, changed)


class ConfigFile:
    """A configuration file at a logical path, every link followed inside the root. Safe to
    share among threads; all methods block."""

    def __init__(
        self, paths: HostPaths, logical: str, *, clock: Callable[[], int] = time.time_ns
    ) -> None:
        self.logical = logical
        self._paths = paths
        self._clock = clock
        self._known: tuple[Path, Stamp, ConfigText] | None = None

    def read(self) -> ConfigText:
        """Returns the present content; a missing file is empty. Raises `ConfigUnreadable`."""
        try:
            return self._read(self._paths.real(self.logical))
        except (FileNotFoundError, NotADirectoryError):
            return _EMPTY
        except (OSError, PathRefused) as error:
            reason = error.strerror if isinstance(error, OSError) else error.message
            message = f"The configuration {self.logical} cannot be read: {reason}."
            raise ConfigUnreadable(message, detail=self.logical) from error

    def is_at_rest(self) -> bool:
        """Whether what `read` has just answered is likely to be what its writer meant."""
        try:
            stamp = Stamp.of(self._paths.real(self.logical).stat())
        except (OSError, PathRefused):
            return True
        needed = REST_SECONDS if stamp.size else EMPTY_REST_SECONDS
        age = (self._clock() - max(stamp.modified, stamp.changed)) / 1e9
        # A time that is yet to come tells nothing.
        return not 0 <= age < needed

    def write(self, old: ConfigText, changes: Mapping[str, str]) -> bool:
        """Stores `old` with `changes` made, and returns whether that changes the file at all.

        Call it under `lock`, with what `read` answered there. Raises `ConfigObscure`,
        `ConfigValueRefused` when the file would grow too large, and `ConfigNotWritten`.
        """
        text = old.changed(changes)
        if text == old.text:
            return False
        self._check(old, parse(text), {**old.values, **changes})
        content = text.encode(errors="surrogateescape")
        if len(content) > LARGEST_FILE:
            message = f"The configuration would grow beyond {LARGEST_FILE} bytes."
            raise ConfigValueRefused(message)
        with self._writing():
            path = self._paths.real(self.logical)
            path.parent.mkdir(parents=True, exist_ok=True)
            # Under the lock nobody else writes: a killed writer's file may hold a secret for ever.
            remove_leftovers(path)
            write_whole(path, content, mode=_mode(path))
        return True

    @contextlib.contextmanager
    def lock(self, *, patience: float = PATIENCE) -> Iterator[None]:
        """Holds `<file>.lock`, which keeps out writers of this and of other processes.

        Waits at most `patience` seconds, then raises `ConfigLocked`; raises `ConfigNotWritten`
        when there can be no lock file.
        """
        with self._writing():
            handle = self._open_lock()
        try:
            with self._writing():
                _wait_for(handle, self.logical, patience)
            yield
        finally:
            os.close(handle)

    def _read(self, path: Path) -> ConfigText:
        known = self._known
        if known and known[0] == path and known[1] == Stamp.of(path.stat()):
            return known[2]
        now = self._clock()
        # Not blocking: somebody may have put a FIFO there.
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW)
        with os.fdopen(handle, "rb") as file:
            stamp = Stamp.of(_ordinary(os.fstat(handle)))
            content = file.read(LARGEST_FILE + 1)
        if len(content) > LARGEST_FILE:
            raise OSError(0, f"it is larger than {LARGEST_FILE} bytes")
        text = parse(content.decode(errors="surrogateescape"))
        # A file's times move in ticks of some milliseconds and inode numbers are used again: two
        # contents of one tick may share a stamp, so only a stamp of the past is remembered.
        settled = now - max(stamp.modified, stamp.changed) > _SETTLED_NS
        self._known = (path, stamp, text) if settled else None
        return text

    def _check(self, old: ConfigText, new: ConfigText, expected: Mapping[str, str]) -> None:
        if new.is_exactly(expected):
            return
        line = new.obscure_line or old.obscure_line
        where = f"line {line}" if line else "a line"
        message = (
            f"The configuration {self.logical} cannot be changed safely: {where} is not a plain "
            "assignment."
        )
        raise ConfigObscure(message, detail=self.logical)

    def _open_lock(self) -> int:
        folder = self._paths.real(str(PurePosixPath(self.logical).parent))
        folder.mkdir(parents=True, exist_ok=True)
        name = PurePosixPath(self.logical).name + ".lock"
        return os.open(folder / name, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, NEW_MODE)

    @contextlib.contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            yield
        except (OSError, PathRefused) as error:
            reason = error.strerror if isinstance(error, OSError) else error.message
            message = f"The configuration {self.logical} cannot be written: {reason}."
            raise ConfigNotWritten(message, detail=self.logical) from error


def _ordinary(status: os.stat_result) -> os.stat_result:
    if not stat.S_ISREG(status.st_mode):
        raise OSError(0, "it is not an ordinary file")
    return status


def _mode(path: Path) -> int:
    try:
        return stat.S_IMODE(path.stat().st_mode) & 0o777
    except FileNotFoundError:
        return NEW_MODE


def _wait_for(handle: int, logical: str, patience: float) -> None:
    deadline = time.monotonic() + patience
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            if time.monotonic() >= deadline:
                raise locked(logical) from error
            time.sleep(_POLL)
        else:
            return


def locked(logical: str) -> ConfigLocked:
    """Returns the error that tells who waited in vain for what."""
    message = f"The configuration {logical} is being changed by another program; try again."
    return ConfigLocked(message, detail=logical)
