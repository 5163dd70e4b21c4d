"""Files that are whole at every instant: the old one or the new one, never half (design 5)."""

import contextlib
import os
import re
import secrets
from collections.abc import Iterator
from pathlib import Path


def write_whole(path: Path, content: bytes, *, mode: int) -> None:
    """Writes `content` to `path` so that a crash at any instruction leaves the old or the new
    file.

    The temporary file lies in the same folder under a name that starts with a dot, has `mode`
    from its first byte, and is removed when anything fails. Raises OSError as the system does.
    """
    with _staged(path, content, mode) as staged:
        staged.replace(path)
    sync_folder(path.parent)


def create_whole(path: Path, content: bytes, *, mode: int) -> None:
    """Like `write_whole`, but raises FileExistsError when `path` is there, whoever made it and
    when."""
    with _staged(path, content, mode) as staged:
        os.link(staged, path)
        staged.unlink()
    sync_folder(path.parent)


def remove_leftovers(path: Path) -> None:
    """Removes what killed writers of `path` left beside it; call it only while nobody else can be
    writing `path`. Raises OSError as the system does."""
    left = re.compile(rf"\.{re.escape(path.name[:80])}\.[0-9a-f]{{16}}\.tmp")
    for entry in path.parent.iterdir():
        if left.fullmatch(entry.name):
            entry.unlink(missing_ok=True)


def sync_folder(folder: Path) -> None:
    """Makes the entries of `folder` durable."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextlib.contextmanager
def _staged(path: Path, content: bytes, mode: int) -> Iterator[Path]:
    staged = path.with_name(f".{path.name[:80]}.{secrets.token_hex(8)}.tmp")
    handle = os.open(staged, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, mode)
    try:
        with os.fdopen(handle, "wb") as file:
            # The process's umask may have taken bits away; the mode is a promise.
            os.fchmod(file.fileno(), mode)
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        yield staged
    except BaseException:
        staged.unlink(missing_ok=True)
        raise
