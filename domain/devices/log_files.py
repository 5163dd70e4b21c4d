"""Log files: one log of a device, found below the log folder and read in bounded pieces."""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from domain.devices.names import Known, folder_names
from domain.host_paths import HostPaths
from domain.kept_files import LeadsAway, modified_at, open_real, real_below

EARLY_FOLDER = "early"
SUFFIX = ".log"
BLOCK = 256 * 1024


class LogKind(StrEnum):
    """Which of a device's logs."""

    PROVISIONER = "provisioner"
    BOOTSTRAP = "bootstrap"
    TRIAGE = "triage"
    EARLY = "early"

    @property
    def file_name(self) -> str:
        """The name of the file; early logs are bootstrap logs that were not moved yet."""
        return f"{(LogKind.BOOTSTRAP if self is LogKind.EARLY else self).value}{SUFFIX}"


@dataclass(frozen=True, slots=True)
class LogFile:
    """A log as it was when looked at. `path` is logical; `size` in bytes; `identity` changes when
    the file is another one."""

    kind: LogKind
    path: str
    size: int
    modified_at: datetime
    modified_ns: int
    identity: tuple[int, int]


class OpenLog:
    """An open log; what it reads never goes beyond the size that it had when opened. All methods
    block."""

    def __init__(self, handle: int, kind: LogKind, path: str) -> None:
        self._handle = handle
        status = os.fstat(handle)
        self.file = LogFile(
            kind=kind,
            path=path,
            size=status.st_size,
            modified_at=modified_at(status),
            modified_ns=status.st_mtime_ns,
            identity=(status.st_dev, status.st_ino),
        )

    def read(self, start: int, most: int = BLOCK) -> bytes:
        """Returns up to `most` bytes at `start`; fewer where the file has become shorter."""
        wanted = min(most, self.file.size - start)
        return os.pread(self._handle, wanted, start) if wanted > 0 else b""

    def close(self) -> None:
        """Closes the file; a second time does nothing."""
        handle, self._handle = self._handle, -1
        if handle >= 0:
            os.close(handle)

    def __del__(self) -> None:
        # Who asked for it may have been cancelled before it came.
        self.close()

    def __enter__(self) -> "OpenLog":
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()


@dataclass(frozen=True, slots=True)
class Search:
    """Where a log of a device may be, in the order of contract devices 6.3."""

    kind: LogKind
    paths: tuple[str, ...]


class LogFolder:
    """The folder of all devices' logs. All methods block."""

    def __init__(self, paths: HostPaths) -> None:
        self._paths = paths

    def search(self, kind: LogKind, identifier: str, known: Known) -> Search:
        """Returns where the log may be: the folders of the identifier itself first, then those of
        the board's serials and port, then the early folder."""
        names = [name for text in (identifier, *_others(known)) for name in folder_names(text)]
        found = [f"{self._paths.logs}/{name}/{kind.file_name}" for name in names]
        if known.node and kind in (LogKind.BOOTSTRAP, LogKind.EARLY):
            found.append(f"{self._paths.logs}/{EARLY_FOLDER}{known.node}/{kind.file_name}")
        return Search(kind, tuple(dict.fromkeys(found)))

    def open_first(self, search: Search) -> OpenLog | None:
        """Returns the first log that is there; a link that leads out of the folder is none."""
        for path in search.paths:
            opened = self.open(search.kind, path)
            if opened is not None:
                return opened
        return None

    def open(self, kind: LogKind, path: str) -> OpenLog | None:
        """Returns the log at this logical path, None where there is none."""
        try:
            real = real_below(self._paths, path, folder=self._folder_of(kind))
            # A link may not make another file, such as a private key, look like a log.
            if real.suffix != SUFFIX:
                return None
            return OpenLog(open_real(real), kind, path)
        except OSError:
            return None

    def leads_away(self, search: Search) -> str | None:
        """Returns the first path whose link leads out of the log folder."""
        return next((path for path in search.paths if self._leads_away(path)), None)

    def _leads_away(self, path: str) -> bool:
        try:
            real_below(self._paths, path, folder=self._paths.logs)
        except LeadsAway:
            return True
        except OSError:
            return False
        return False

    def _folder_of(self, kind: LogKind) -> str:
        early = f"{self._paths.logs}/{EARLY_FOLDER}"
        return early if kind is LogKind.EARLY else self._paths.logs


def _others(known: Known) -> Iterable[str]:
    return (*known.serials, *((known.port,) if known.port else ()))
