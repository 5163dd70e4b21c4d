"""A script: a file in the folder of scripts, or the place where one may be put."""

from dataclasses import dataclass
from datetime import datetime

from domain.customisation.hooks import Hook, hook_of_file
from domain.events import Event


@dataclass(frozen=True, slots=True)
class Script:
    """What lies in the folder under a name.

    `mode` is the permission bits. `sha256`, `size_bytes` and `modified_at` are None where the
    content cannot be read: nothing is there, no ordinary file, or a link that leads nowhere.
    `leads_away` tells of a link to something outside the folder.
    """

    filename: str
    exists: bool = False
    is_file: bool = False
    mode: int | None = None
    sha256: str | None = None
    size_bytes: int | None = None
    modified_at: datetime | None = None
    leads_away: bool = False

    @property
    def executable(self) -> bool:
        """Whether any executable bit is set, which is enough for root (contract customisation
        11)."""
        return bool(self.mode and self.mode & 0o111)

    @property
    def enabled(self) -> bool:
        """Whether the shell side runs it: an executable file, never a folder (contract
        customisation 6.1)."""
        return self.is_file and self.executable

    @property
    def hook(self) -> Hook | None:
        """When it runs; None for a file that nothing calls."""
        return hook_of_file(self.filename)


@dataclass(frozen=True, slots=True)
class HookState:
    """A hook point and what lies under its name."""

    hook: Hook
    script: Script


@dataclass(frozen=True, slots=True)
class OpenedScript:
    """A script with its content."""

    script: Script
    content: bytes

    @property
    def text(self) -> str:
        """The content as text; bytes that are no UTF-8 become U+FFFD."""
        return self.content.decode("utf-8", "replace")


@dataclass(frozen=True, slots=True)
class ScriptsChanged(Event):
    """Scripts were saved, enabled, disabled or deleted, by whomever; a deleted one does not
    exist."""

    scripts: tuple[Script, ...]
