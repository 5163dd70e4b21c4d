"""Hook logs: what the provisioners write about hooks into the logs of devices. Their own words do
not reach the journal; those of bootstrap and triage do."""

import os
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from domain.customisation.hook_lines import MARK, HookLine
from domain.host_paths import HostPaths, PathRefused
from domain.kept_files import open_real, real_below
from domain.serials import same_board

FOLDER = "/var/log/rpi-sb-provisioner"
FILE = "provisioner.log"
MOST_LOGS = 50
"""The logs that are looked at, those that were written last first."""
TAIL = 256 << 10
"""Bytes that are read of each, the newest."""
_STAMPED = re.compile(r"\[(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3})\] (.*)", re.ASCII)


class HookLogs:
    """Finds lines about hooks. All methods block; a log that cannot be read has none."""

    def __init__(self, paths: HostPaths) -> None:
        self._paths = paths

    def lines(self, serial: str | None) -> dict[str, list[HookLine]]:
        """Returns the lines of each device's log by its serial, of one board or of those that
        were worked on last."""
        found: list[tuple[float, str]] = []
        for name in self._names():
            if serial is None or same_board(name, serial):
                found += self._dated(name)
        newest = sorted(found, reverse=True)[:MOST_LOGS]
        return {name: list(self._read(name)) for _, name in newest}

    def _names(self) -> list[str]:
        try:
            return os.listdir(self._paths.real(FOLDER))  # noqa: PTH208 -- names, not paths
        except (OSError, PathRefused):
            return []

    def _dated(self, name: str) -> list[tuple[float, str]]:
        try:
            return [(self._log(name).stat().st_mtime, name)]
        except OSError:
            return []

    def _log(self, name: str) -> Path:
        return real_below(self._paths, f"{FOLDER}/{name}/{FILE}", folder=FOLDER)

    def _read(self, name: str) -> Iterator[HookLine]:
        try:
            handle = open_real(self._log(name))
        except OSError:
            return
        with os.fdopen(handle, "rb") as file:
            file.seek(max(0, os.fstat(handle).st_size - TAIL))
            data = file.read(TAIL)
        for line in data.decode("utf-8", "replace").split("\n"):
            stamped = _STAMPED.match(line) if MARK in line else None
            at = _moment(stamped[1]) if stamped else None
            if stamped and at:
                yield HookLine(stamped[2], at)


def _moment(text: str) -> datetime | None:
    try:
        # The shell side writes local time without a zone.
        return datetime.strptime(text, "%Y-%m-%d %H:%M:%S.%f").astimezone().astimezone(UTC)
    except (ValueError, OverflowError):
        return None
