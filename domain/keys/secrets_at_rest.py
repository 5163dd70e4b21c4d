"""Secrets on this station's disk: which are still plain, and how they are wrapped."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from domain.configuration.configuration import Configuration
from domain.configuration.masking import holds_pin
from domain.errors import ProvisionerError
from domain.file_accesses import FileAccess
from domain.host_paths import HostPaths, PathRefused
from domain.keys.key_files import KeyFiles
from domain.keys.key_registry import KeyRegistry
from domain.keys.registry import URI_VARIABLE, KeyKind, Registry, RegistryUnreadable
from domain.keys.selection import selected_now

log = logging.getLogger("provisioner.keys")


class Target(StrEnum):
    """Which secrets are wrapped. `KEY` and `ALL` mean the configured key's file, as the old
    service does; `EVERYTHING` means every registered key's file too."""

    PIN = "pin"
    KEY = "key"
    ALL = "all"
    EVERYTHING = "everything"


@dataclass(frozen=True, slots=True)
class Protection:
    """Whether a secret is there, and whether it is wrapped; one that is absent counts as wrapped
    (contract configuration 12, encryption-status)."""

    configured: bool
    wrapped: bool


@dataclass(frozen=True, slots=True)
class EncryptionStatus:
    """How secrets lie on the disk. `plain` are the logical paths of all that are not wrapped."""

    pin: Protection
    key: Protection
    plain: tuple[str, ...]

    @property
    def any_plain(self) -> bool:
        """Whether anything is still plain."""
        return bool(self.plain)


@dataclass(frozen=True, slots=True)
class WrappingResult:
    """How the wrapping of one file ended: `problem` is empty when it is wrapped now."""

    path: str
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Migration:
    """What became of every secret that was there: None where there was no PIN."""

    pin: WrappingResult | None
    keys: tuple[WrappingResult, ...]

    @property
    def problems(self) -> tuple[str, ...]:
        """Why secrets are still plain."""
        every = (*([self.pin] if self.pin else []), *self.keys)
        return tuple(result.problem for result in every if result.problem)


class SecretsAtRest:
    """Looks at the secrets and wraps them, each file whole at every instant."""

    def __init__(
        self,
        paths: HostPaths,
        configuration: Configuration,
        *,
        registry: KeyRegistry,
        files: KeyFiles,
    ) -> None:
        self._paths = paths
        self._configuration = configuration
        self._registry = registry
        self._files = files
        self._turn = asyncio.Lock()

    async def status(self) -> EncryptionStatus:
        """Returns how secrets lie on the disk; raises `ConfigUnreadable`."""
        return await asyncio.to_thread(self._status)

    async def migrate(self, target: Target, *, note: FileAccess) -> Migration:
        """Wraps what is still plain, each file for itself: one that fails stops no other.

        Raises `ConfigUnreadable`, and `RegistryUnreadable` where all keys are meant.
        """
        async with self._turn:
            done = await asyncio.to_thread(self._migrate, target, note)
            try:
                await self._registry.change(lambda registry: registry)
            except ProvisionerError as error:
                # The files are wrapped; what the registry says of them is looked up anyway.
                log.warning("the registry of signing keys is out of step: %s", error.message)
        return done

    def _status(self) -> EncryptionStatus:
        selection = selected_now(self._configuration)
        selected = selection.path
        pin, key = self._protection(self._paths.pin), self._protection(selected)
        keys = dict.fromkeys([selected, *_paths_of(self._registry_or_none())])
        plain = [path for path in keys if path and self._files.is_wrapped(path) is False]
        pins = [] if pin.wrapped else [self._paths.pin]
        uris = [self._paths.config] if holds_pin(URI_VARIABLE, selection.uri) else []
        return EncryptionStatus(pin, key, (*pins, *plain, *uris))

    def _protection(self, path: str) -> Protection:
        wrapped = self._files.is_wrapped(path) if path else None
        configured = wrapped is not None and self._size(path) > 0
        return Protection(configured, wrapped is not False or not configured)

    def _size(self, path: str) -> int:
        try:
            return self._paths.real(path).stat().st_size
        except (OSError, PathRefused):
            return 0

    def _registry_or_none(self) -> Registry:
        try:
            return self._registry.read_now()
        except RegistryUnreadable:
            return Registry()

    def _migrate(self, target: Target, note: FileAccess) -> Migration:
        selection = selected_now(self._configuration)
        selected = selection.path
        keys = [] if target is Target.PIN else [selected]
        if target is Target.EVERYTHING:
            keys += _paths_of(self._registry.read_now())
        there = [path for path in dict.fromkeys(keys) if path and self._protection(path).configured]
        pin = None
        if target is not Target.KEY and self._protection(self._paths.pin).configured:
            pin = _ended(self._paths.pin, self._wrap_pin, note)
        ended = [_ended(path, self._files.wrap, note) for path in there]
        if target is not Target.KEY and holds_pin(URI_VARIABLE, selection.uri):
            # Which of two PINs is right, nobody but its owner knows.
            problem = (
                f"{URI_VARIABLE} holds a PIN; store it as the token's PIN, set the URI without it"
            )
            ended.append(WrappingResult(self._paths.config, f"{self._paths.config}: {problem}."))
        return Migration(pin, tuple(ended))

    def _wrap_pin(self, path: str) -> bool:
        if self._files.is_wrapped(path):
            return False
        # Line ends are no part of a PIN (contract configuration 9).
        self._files.replace(path, self._files.read(path).rstrip(b"\r\n"))
        return True


def _ended(path: str, wrap: Callable[[str], bool], note: FileAccess) -> WrappingResult:
    try:
        if wrap(path):
            note("WRAP_SECRET", path)
    except ProvisionerError as error:
        note("WRAP_SECRET", path, success=False, info=error.message)
        return WrappingResult(path, f"{path}: {error.message}")
    return WrappingResult(path)


def _paths_of(registry: Registry) -> list[str]:
    return [key.path for key in registry.keys if key.kind is KeyKind.PEM]
