"""A folder of scripts below a temporary root, and the feature over it."""

from dataclasses import dataclass, field
from pathlib import Path

from domain.customisation.script_folder import FOLDER, ScriptFolder
from domain.customisation.script_history import ScriptHistory
from domain.customisation.scripts import Scripts
from domain.customisation.syntax import Shell, SyntaxUnchecked
from domain.customisation.versions import History
from domain.events import Hub
from domain.host_paths import HostPaths
from tests.fakes.device_files import Accesses
from tests.fakes.script_versions import FakeVersions


@dataclass
class FakeShells:
    """Complains of every text that holds `if`; `broken` is a machine without shells."""

    broken: bool = False
    asked: list[Shell] = field(default_factory=list)

    async def complaint(self, shell: Shell, content: bytes) -> str:
        """Says what it is made to say."""
        self.asked.append(shell)
        if self.broken:
            raise SyntaxUnchecked("sh cannot be started.")
        return "1: unexpected if" if b"if" in content else ""


class Bed:
    """Everything that a test of scripts needs."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.hub = Hub()
        self.shells = FakeShells()
        self.files = ScriptFolder(HostPaths(root))
        self.versions = FakeVersions()
        past = History(self.versions)
        self.scripts = Scripts(self.hub, self.files, self.shells, past)
        self.history = ScriptHistory(self.files, self.scripts, past)
        self.notes = Accesses()
        self.folder = root / FOLDER.lstrip("/")

    def put(self, name: str, content: bytes = b"#!/bin/sh\n", mode: int = 0o644) -> Path:
        """Puts a file there as somebody else would."""
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / name
        path.write_bytes(content)
        path.chmod(mode)
        return path

    def names(self) -> list[str]:
        """Returns what lies in the folder, hidden files too."""
        return sorted(path.name for path in self.folder.iterdir())
