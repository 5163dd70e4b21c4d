"""Board addresses: the IP address of a board, where a log tells it (contract devices, Beyond 16).

The scripts keep the address that a board in fastboot tells them to themselves, but they write down
each command with which they try it: `fastboot -s tcp:ADDRESS ...`. The newest such line of this
visit is what is known.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from ipaddress import ip_address

from domain.devices.joining import FoundAddress
from domain.devices.log_files import LogFolder, LogKind, OpenLog
from domain.devices.names import sanitised
from domain.devices.presence import Plugged
from domain.host_paths import HostPaths

TAIL_BYTES = 64 * 1024
"""How much of a log's end is looked through."""
KINDS = (LogKind.PROVISIONER, LogKind.TRIAGE)
_TRIED = re.compile(rb"fastboot -s tcp:\[?([0-9A-Fa-f.:]{3,45}(?:%[\w.-]{1,15})?)\]?[ \"]")


@dataclass(frozen=True, slots=True)
class _Told:
    """What a log told while its file was the same; None is no address."""

    stamp: tuple[object, ...]
    at: datetime
    address: FoundAddress | None


class BoardAddresses:
    """Finds addresses in the logs of boards that are plugged in; a log is read again only when it
    has changed. Blocks."""

    def __init__(self, paths: HostPaths) -> None:
        self._paths = paths
        self._folder = LogFolder(paths)
        self._known: dict[str, _Told] = {}

    def find(self, boards: Iterable[Plugged]) -> Mapping[str, FoundAddress]:
        """Returns the address of each board that a log tells, by the serial that it has now."""
        known: dict[str, _Told] = {}
        found: dict[str, FoundAddress] = {}
        for board in boards:
            if not (board.target and board.serial):
                continue
            told = self._told_of(board.serial)
            known |= told
            address = _newest(told.values(), since=board.since)
            if address is not None:
                found[board.serial] = address
        self._known = known
        return found

    def _told_of(self, serial: str) -> dict[str, _Told]:
        folder = f"{self._paths.logs}/{sanitised(serial)}"
        told = {
            path: self._told(kind, path)
            for kind, path in ((kind, f"{folder}/{kind.file_name}") for kind in KINDS)
        }
        return {path: known for path, known in told.items() if known is not None}

    def _told(self, kind: LogKind, path: str) -> _Told | None:
        opened = self._folder.open(kind, path)
        if opened is None:
            return None
        with opened:
            file = opened.file
            stamp = (file.identity, file.size, file.modified_ns)
            known = self._known.get(path)
            if known is not None and known.stamp == stamp:
                return known
            return _Told(stamp, file.modified_at, _last_address(opened))


def _newest(told: Iterable[_Told], *, since: datetime | None) -> FoundAddress | None:
    """Returns the address in the log that was written to last, if that was on this visit."""
    on_this_visit = [known for known in told if since is None or known.at >= since]
    with_one = [known for known in on_this_visit if known.address is not None]
    newest = max(with_one, key=lambda known: known.at, default=None)
    return newest.address if newest else None


def _last_address(log: OpenLog) -> FoundAddress | None:
    tail = log.read(max(0, log.file.size - TAIL_BYTES), TAIL_BYTES)
    for tried in reversed(_TRIED.findall(tail)):
        text = tried.decode("ascii")
        try:
            ip_address(text)
        except ValueError:
            continue
        return FoundAddress(text, log.file.path)
    return None
