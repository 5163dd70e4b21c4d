"""The folder that stands for `/` of the simulated station while it is made."""

import os
from pathlib import Path

from domain.host_paths import HostPaths


class Tree:
    """Writes files at their logical places, each with its mode and with one time of change.

    Nothing is synchronised to disk: the station is thrown away after use.
    """

    def __init__(self, paths: HostPaths, *, changed_at: float) -> None:
        self.paths = paths
        self._changed_at = changed_at

    def folder(self, logical: str, *, mode: int = 0o755) -> Path:
        """Makes the folder and its parents; returns where it is."""
        real = self.paths.real(logical)
        real.mkdir(parents=True, exist_ok=True)
        real.chmod(mode)
        return real

    def write(
        self, logical: str, content: str | bytes, *, mode: int = 0o644, size: int = 0
    ) -> Path:
        """Writes the file, filled up with a hole to `size` bytes; returns where it is."""
        real = self.paths.real(logical)
        real.parent.mkdir(parents=True, exist_ok=True)
        real.write_bytes(content.encode() if isinstance(content, str) else content)
        if size:
            os.truncate(real, size)
        self.settle(real, mode=mode)
        return real

    def link(self, logical: str, target: str) -> None:
        """Makes a symbolic link with exactly this target."""
        entry = self.paths.entry(logical)
        entry.parent.mkdir(parents=True, exist_ok=True)
        entry.symlink_to(target)

    def settle(self, real: Path, *, mode: int) -> None:
        """Gives a finished file its mode and its time."""
        real.chmod(mode)
        os.utime(real, (self._changed_at, self._changed_at))
