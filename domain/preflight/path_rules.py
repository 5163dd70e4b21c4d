"""What paths in the configuration must name (contract configuration 4, 5)."""

import os
import stat
from collections.abc import Callable
from pathlib import Path

from domain.host_paths import HostPaths, PathRefused
from domain.preflight.answers import GOOD, FieldAnswer, bad


def real_of(paths: HostPaths, value: str) -> Path:
    """Returns where a value leads, every link followed; a relative one is taken from `/`, where the
    service stands. Raises `PathRefused`."""
    return paths.real(value if value.startswith("/") else f"/{value}")


def checked(
    paths: HostPaths, value: str, rule: Callable[[Path, str], FieldAnswer], *, shown: str
) -> FieldAnswer:
    """Returns what `rule` says of the place that the value names, told as `shown`; blocks."""
    try:
        return rule(real_of(paths, value), shown)
    except PathRefused as error:
        return bad(error.message)
    except OSError as error:
        return bad(f"{shown} cannot be looked at: {error.strerror or 'the disk failed'}.")


def readable_file(real: Path, value: str) -> FieldAnswer:
    """An ordinary file that can be opened."""
    mode = _mode(real)
    if mode is None:
        return bad(f"There is no file {value}.")
    if not stat.S_ISREG(mode):
        return bad(f"{value} is not an ordinary file.")
    os.close(os.open(real, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW))
    return GOOD


def folder(real: Path, value: str) -> FieldAnswer:
    """A folder, or the name of one beside others."""
    mode = _mode(real)
    if mode is None:
        return _parent(real, value)
    return GOOD if stat.S_ISDIR(mode) else bad(f"{value} is not a folder.")


def announced_folder(real: Path, value: str) -> FieldAnswer:
    """Like `folder`, with a word where there is none yet."""
    answer = folder(real, value)
    if answer.is_valid and not real.exists():
        # The scripts use the folder only if it is there (contract configuration 4).
        return FieldAnswer(message=f"The folder {value} does not exist yet and must be created.")
    return answer


def database(real: Path, value: str) -> FieldAnswer:
    """A file, or a place where one can be made."""
    mode = _mode(real)
    if mode is None:
        answer = _parent(real, value)
        return FieldAnswer(answer.error, "" if answer.error else f"{value} will be created.")
    return bad(f"{value} is a folder, not a database.") if stat.S_ISDIR(mode) else GOOD


def _parent(real: Path, value: str) -> FieldAnswer:
    return GOOD if real.parent.is_dir() else bad(f"The folder that would hold {value} is missing.")


def _mode(real: Path) -> int | None:
    try:
        return real.stat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        return None
