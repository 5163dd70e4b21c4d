"""Port rules: on which USB ports the station's scripts take boards (contract devices section 10).

The scripts decide; what is read here is what they read, so that it can be shown and asked.
"""

import os
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from domain.devices.port_patterns import PortPattern, pattern_of
from domain.errors import Invalid
from domain.host_paths import HostPaths, PathRefused

SUFFIX = ".conf"
_PATH = re.compile(r"\d{1,3}-\d{1,3}(\.\d{1,3}){0,15}", re.ASCII)
MOST_BYTES = 1 << 20
MOST_KNOWN = 4096
"""Decisions that are remembered, more than a host has USB ports."""
_BLANKS = dict.fromkeys(map(ord, " \t\n\v\f\r\0"))
"""What `tr -d '[:space:]'` deletes, and NUL, which no variable of a shell can hold."""


class PortPathInvalid(Invalid):
    """A text that is no USB path."""

    code = "INVALID_PORT"
    title = "Invalid Port"
    meaning = "The text is no USB path of a port."
    remedy = "Write it as the kernel does: bus-port, and a dot with a number for each hub: 1-1.4."


class RuleOrigin(StrEnum):
    """Whose rules: this station's own, or a package's."""

    LOCAL = "LOCAL"
    VENDOR = "VENDOR"


@dataclass(frozen=True, slots=True)
class RuleLine:
    """One line of a rule file: its number from 1, its text, and its pattern, None without one."""

    number: int
    text: str
    pattern: PortPattern | None


@dataclass(frozen=True, slots=True)
class RuleFile:
    """One file of port rules; `path` is logical.

    `is_masked` is true while a local file of the same name takes its place. `problem` says why the
    scripts read nothing of it, empty when they do.
    """

    path: str
    origin: RuleOrigin
    is_masked: bool
    problem: str
    lines: tuple[RuleLine, ...]

    @property
    def name(self) -> str:
        """The name of the file alone."""
        return self.path.rpartition("/")[2]

    @property
    def patterns(self) -> tuple[PortPattern, ...]:
        """The patterns that count, in their order."""
        if self.is_masked:
            return ()
        return tuple(line.pattern for line in self.lines if line.pattern is not None)


@dataclass(frozen=True, slots=True)
class Permission:
    """Whether the scripts take a board at `port`, and the first pattern that lets it in.

    `path` and `line` are where that pattern stands; all three are None where no pattern decides.
    """

    port: str
    is_permitted: bool
    pattern: str | None = None
    path: str | None = None
    line: int | None = None


@dataclass(frozen=True, slots=True)
class PortRules:
    """All rule files, this station's first. Without any pattern every port is permitted."""

    files: tuple[RuleFile, ...] = ()
    _known: dict[str, Permission] = field(default_factory=dict, compare=False, repr=False)

    @property
    def patterns(self) -> tuple[str, ...]:
        """The texts of the patterns that count, in file order; the same one may occur twice."""
        return tuple(pattern.text for file in self.files for pattern in file.patterns)

    @property
    def is_restricting(self) -> bool:
        """Whether there is any pattern, and so a port that is not permitted."""
        return any(file.patterns for file in self.files)

    def permission(self, port: str) -> Permission:
        """Returns what the scripts decide for this USB path; the empty text is a port that
        nobody could find out."""
        known = self._known.get(port)
        if known is None:
            if len(self._known) >= MOST_KNOWN:
                self._known.clear()
            known = self._known[port] = self._decide(port)
        return known

    def _decide(self, port: str) -> Permission:
        if not self.is_restricting:
            return Permission(port, is_permitted=True)
        for file, line, pattern in self._counting():
            if port and pattern.matches(port):
                return Permission(port, True, pattern.text, file.path, line.number)  # noqa: FBT003 -- a value's members in their order
        return Permission(port, is_permitted=False)

    def _counting(self) -> Iterator[tuple[RuleFile, RuleLine, PortPattern]]:
        for file in self.files:
            for line in () if file.is_masked else file.lines:
                if line.pattern is not None:
                    yield file, line, line.pattern


def checked_path(port: str) -> str:
    """Returns a USB path, or the empty text for one that is unknown; raises `PortPathInvalid`."""
    if port and not _PATH.fullmatch(port):
        raise PortPathInvalid(
            f"{port[:60]} is no USB path; write bus-port, such as 1-1.4.", field="port"
        )
    return port


def read_port_rules(paths: HostPaths) -> PortRules:
    """Returns the rules as they are on the disk now; a folder that is not there has none. Blocks.

    As in the scripts: names in byte order, hidden files left out, and a name counts as taken only
    by an ordinary file, so that a link to /dev/null masks nothing.
    """
    files: list[RuleFile] = []
    taken: set[str] = set()
    for folder, origin in zip(paths.port_rules, RuleOrigin, strict=True):
        for name in _names(paths, folder):
            file = _read_file(paths, f"{folder}/{name}", origin, is_masked=name in taken)
            files.append(file)
        taken |= {file.name for file in files if file.problem != NOT_ORDINARY}
    return PortRules(tuple(files))


NOT_ORDINARY = "It is no ordinary file: the scripts pass it over, and it masks no other."
NOT_READABLE = "It cannot be read."
TOO_LARGE = f"Only its first {MOST_BYTES} bytes are shown; the scripts read all of it."


def _names(paths: HostPaths, folder: str) -> list[str]:
    try:
        found = os.listdir(paths.real(folder))  # noqa: PTH208 -- names alone are wanted
    except (OSError, PathRefused):
        return []
    shown = [name for name in found if name.endswith(SUFFIX) and not name.startswith(".")]
    return sorted(shown, key=os.fsencode)


def _read_file(paths: HostPaths, path: str, origin: RuleOrigin, *, is_masked: bool) -> RuleFile:
    data, problem = b"", ""
    try:
        data = _content(paths.real(path))
        problem = TOO_LARGE if len(data) > MOST_BYTES else ""
    except (_NotOrdinary, FileNotFoundError, PathRefused):
        problem = NOT_ORDINARY
    except OSError:
        problem = NOT_READABLE
    return RuleFile(path, origin, is_masked, problem, _lines(data[:MOST_BYTES]))


def _content(real: Path) -> bytes:
    if not stat.S_ISREG(real.stat().st_mode):
        raise _NotOrdinary
    # It may have become a pipe since: one that nobody writes to must not be waited for.
    handle = os.open(real, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(handle, "rb") as file:
        return file.read(MOST_BYTES + 1)


class _NotOrdinary(Exception):
    """A folder, a pipe or a device has the name of a rule file."""


def _lines(data: bytes) -> tuple[RuleLine, ...]:
    texts = data.decode("utf-8", "replace").split("\n")
    # A last line without its newline counts, as in the scripts; the nothing behind one does not.
    return tuple(
        _line(number, text) for number, text in enumerate(texts, 1) if text or number < len(texts)
    )


def _line(number: int, text: str) -> RuleLine:
    written = text.partition("#")[0].translate(_BLANKS)
    return RuleLine(number, text.rstrip("\r"), pattern_of(written) if written else None)
