"""A station's signing keys in a temporary folder, with a board's key that is made of software."""

import json
import stat
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from domain.configuration.configuration import Configuration
from domain.events import Hub
from domain.host_paths import HostPaths
from domain.keys.key_files import KeyFiles
from domain.keys.key_registry import KeyRegistry
from domain.keys.key_uses import KeyUses
from domain.keys.registry import PEM_VARIABLE, URI_VARIABLE
from domain.keys.registry_file import RegistryFile
from domain.keys.secrets_at_rest import SecretsAtRest
from domain.keys.signing_keys import SigningKeys
from domain.keys.token_keys import TokenKeys
from domain.keys.wrapping import DeviceWrapping
from tests.fakes.device_files import Accesses
from tests.fakes.firmware_crypto import FakeFirmwareCrypto
from tests.fakes.tokens import NoTokenKeys

KEYS = "/etc/rpi-sb-provisioner/keys"
NOW = datetime(2026, 8, 1, 12, 0, tzinfo=UTC)


@dataclass
class KeyStation:
    """The parts, and what lies on the disk."""

    root: Path
    firmware: FakeFirmwareCrypto = field(default_factory=FakeFirmwareCrypto)
    tokens: TokenKeys = field(default_factory=NoTokenKeys)
    notes: Accesses = field(default_factory=Accesses)

    def __post_init__(self) -> None:
        self.paths, self.hub = HostPaths(self.root), Hub()
        self.configuration = Configuration(self.paths, self.hub)
        self.wrapping = DeviceWrapping(self.firmware)
        self.files = KeyFiles(self.paths, self.wrapping)
        file = RegistryFile(self.paths)
        self.registry = KeyRegistry(
            self.hub, self.configuration, files=self.files, file=file, now=lambda: NOW
        )
        self.configuration.follow(self.registry.follow)
        self.keys = SigningKeys(
            self.paths,
            self.configuration,
            hub=self.hub,
            registry=self.registry,
            files=self.files,
            tokens=self.tokens,
            now=lambda: NOW,
        )
        self.uses = KeyUses(
            self.paths,
            self.configuration,
            registry=self.registry,
            files=self.files,
            tokens=self.tokens,
        )
        self.secrets = SecretsAtRest(
            self.paths, self.configuration, registry=self.registry, files=self.files
        )

    def put(self, logical: str, content: bytes, *, mode: int = 0o600) -> Path:
        """Puts a file at a logical path."""
        real = self.paths.real(logical)
        real.parent.mkdir(parents=True, exist_ok=True)
        real.write_bytes(content)
        real.chmod(mode)
        return real

    def select(self, *, path: str = "", uri: str = "") -> None:
        """Writes both variables as somebody else would, past the service."""
        self.configuration.update_now({PEM_VARIABLE: path, URI_VARIABLE: uri})

    @property
    def selected(self) -> tuple[str, str]:
        """Path and URI in the configuration."""
        values = self.configuration.value_now
        return values(PEM_VARIABLE), values(URI_VARIABLE)

    @property
    def stored(self) -> Any:
        """The registry as it lies on the disk."""
        return json.loads(self.paths.real(f"{KEYS}/registry.json").read_text())

    def content(self, logical: str) -> bytes:
        """A file's content."""
        return self.paths.real(logical).read_bytes()

    def mode(self, logical: str) -> int:
        """A file's mode."""
        return stat.S_IMODE(self.paths.real(logical).stat().st_mode)

    @property
    def names(self) -> list[str]:
        """Everything in the keys' folder but the lock."""
        folder = self.paths.real(KEYS)
        found = folder.iterdir() if folder.exists() else iter(())
        return sorted(path.name for path in found if path.name != ".registry.json.lock")
