"""The station's signing keys: uploaded, labelled, activated, wrapped, removed."""

import asyncio
import re
from collections.abc import AsyncGenerator
from dataclasses import dataclass, replace

from domain.configuration.configuration import Configuration
from domain.errors import ProvisionerError
from domain.events import Hub, Update, watch_view
from domain.file_accesses import FileAccess
from domain.host_paths import HostPaths
from domain.keys.key_files import KeyFiles
from domain.keys.key_refusals import (
    KeyActive,
    KeyFileTooLarge,
    KeyUnfit,
    checked_label,
)
from domain.keys.key_registry import Clock, KeyRegistry, SigningKeysChanged, utc_now
from domain.keys.names import KeyName
from domain.keys.pem import LARGEST_KEY, KeyFormatInvalid, PemKey, parse_pem
from domain.keys.registry import KeyKind, KeyNotFound, Registry, SigningKey, new_key
from domain.keys.reports import KeyReport
from domain.keys.selection import Selection, selected_now, selection_of
from domain.keys.token_keys import TokenKeys
from domain.keys.wrapping import is_wrapped


@dataclass(frozen=True, slots=True)
class Registered:
    """A key that was registered, and whether it is the active one now."""

    key: SigningKey
    activated: bool


class SigningKeys:
    """Changes the keys, one change at a time. `note` writes down which files were touched."""

    def __init__(
        self,
        paths: HostPaths,
        configuration: Configuration,
        *,
        hub: Hub,
        registry: KeyRegistry,
        files: KeyFiles,
        tokens: TokenKeys,
        now: Clock = utc_now,
    ) -> None:
        self._paths = paths
        self._hub = hub
        self._configuration = configuration
        self._registry = registry
        self._files = files
        self._tokens = tokens
        self._now = now
        self._turn = asyncio.Lock()

    async def list_all(self) -> Registry:
        """Returns all keys; raises `RegistryUnreadable` and `ConfigUnreadable`.

        A station of old whose registry is empty gets one with the key of the configured URI, as
        far as the token shows it to everybody: a look never logs in (contract configuration 9,
        10).
        """
        keys = await self._registry.read()
        uri = "" if keys.keys else (await asyncio.to_thread(selected_now, self._configuration)).uri
        return await self._with_legacy_token(uri) if uri else keys

    def watch(self) -> AsyncGenerator[Update[Registry], None]:
        """Yields all keys now and after each change."""
        return watch_view(self._hub, SigningKeysChanged, view=self.list_all)

    async def get(self, key_id: str) -> SigningKey:
        """Returns one key; raises `KeyNotFound` and what `list_all` raises."""
        return (await self._registry.read()).get(key_id)

    async def upload(
        self,
        file_name: str,
        content: bytes,
        *,
        label: str = "",
        activate: bool = True,
        note: FileAccess,
    ) -> Registered:
        """Stores a key wrapped, registers it, and makes it active if that is wanted and it is fit.

        Nothing is written before the key was read and wrapped in memory. Raises `KeyNameInvalid`,
        `KeyTypeInvalid`, `KeyFileTooLarge`, `KeyFormatInvalid`, `KeyLabelInvalid`, and as
        `KeyFiles.store`, `KeyRegistry.change` and `Configuration.update` do.
        """
        name = KeyName.uploaded(file_name)
        shown = checked_label(label) if label else name.text
        if len(content) > LARGEST_KEY:
            text = f"The file has {len(content)} bytes; a key has at most {LARGEST_KEY}."
            raise KeyFileTooLarge(text, field="file")
        async with self._turn:
            report = await self._read(name, content, note)
            # A registry that cannot be read stops this before anything is stored.
            await self._registry.read()
            path = await self._store(name, content, note)
            key = new_key(
                KeyKind.PEM,
                path,
                label=shown if label else path.rpartition("/")[2],
                report=report,
                is_wrapped=True,
                now=self._now(),
            )
            return await self._register(key, activate=activate, note=note)

    async def register_token(
        self, uri: str, *, label: str, report: KeyReport, activate: bool, note: FileAccess
    ) -> Registered:
        """Registers a key that lies on a token, as the token's driver reported it; a URI that is
        known keeps its id. Raises as `upload` does."""
        async with self._turn:
            registry = await self._registry.read()
            # Two spellings of one URI are one key (contract configuration 12, register [F]).
            known = next((key for key in registry.keys if Selection(uri=uri).names(key)), None)
            key = (
                replace(known, report=report)
                if known
                else new_key(
                    KeyKind.PKCS11,
                    uri,
                    label=checked_label(label) if label else uri,
                    report=report,
                    is_wrapped=True,
                    now=self._now(),
                )
            )
            # Without an active key the new one is it (contract configuration 12).
            wanted = activate or registry.active is None
            return await self._register(key, activate=wanted, note=note, before=known)

    async def label(self, key_id: str, label: str) -> SigningKey:
        """Gives a key another label; raises `KeyLabelInvalid`, `KeyNotFound` and as
        `KeyRegistry.change` does."""
        chosen = checked_label(label)
        changed = await self._registry.change(
            lambda registry: registry.with_key(replace(registry.get(key_id), label=chosen))
        )
        return changed.get(key_id)

    async def activate(self, key_id: str, *, note: FileAccess) -> SigningKey:
        """Makes boards be signed with a key, once it was read again and is fit.

        What was found out is registered in any case. Raises `KeyNotFound`, `KeyUnfit`, what
        reading the key raises, and as `KeyRegistry.change` and `Configuration.update` do.
        """
        async with self._turn:
            known = (await self._registry.read()).get(key_id)
            found = await self._found(known)
            await self._registry.change(
                lambda registry: registry.with_key(
                    replace(registry.get(key_id), report=found.report, is_wrapped=found.is_wrapped)
                )
            )
            if not found.report.is_fit:
                raise KeyUnfit(f"{found.report.status}.", detail=key_id, field="id")
            await self._select(selection_of(found), note)
            changed = found.report.fingerprint != known.report.fingerprint
            note("ACTIVATE_KEY", found.shown.place, info=_changed(key_id) if changed else key_id)
            return (await self._registry.read()).get(key_id)

    def require_fit_now(self, selection: Selection) -> None:
        """Raises `KeyUnfit` where a registered key is named that is not fit; blocks, and raises
        `RegistryUnreadable`."""
        for key in self._registry.read_now().keys:
            if selection.names(key) and not key.report.is_fit:
                raise KeyUnfit(f"{key.report.status}.", detail=key.id)

    async def deactivate(self, *, note: FileAccess) -> Registry:
        """Makes no key active; raises as `KeyRegistry.change` and `Configuration.update` do."""
        async with self._turn:
            active = (await self._registry.read()).active
            await self._select(Selection(), note)
            if active:
                note("DEACTIVATE_KEY", active.shown.place, info=active.id)
            return await self._registry.read()

    async def remove(self, key_id: str, *, note: FileAccess) -> SigningKey:
        """Forgets a key; its file is deleted if it lies in the keys' folder and no other key has
        it. Raises `KeyNotFound`, `KeyActive`, `KeyNotStored`, and as `KeyRegistry.change` does."""

        def forget(registry: Registry) -> Registry:
            if selected_now(self._configuration).names(registry.get(key_id)):
                text = "The active key is not removed; activate another one, or deactivate it."
                raise KeyActive(text, detail=key_id, field="id")
            return registry.without(key_id)

        async with self._turn:
            key = (await self._registry.read()).get(key_id)
            # The registry first: killed in between, no entry leads to a file that is gone.
            left = await self._registry.change(forget)
            shared = left.find_place(KeyKind.PEM, key.path) is not None
            if key.path and not shared and await asyncio.to_thread(self._files.remove, key.path):
                note("DELETE_KEY", key.path, info=key_id)
            return key

    async def wrap(self, key_id: str, *, note: FileAccess) -> SigningKey:
        """Wraps a key's file, which stays where it is; one that is wrapped stays as it is.

        Raises `KeyNotFound`, also for a token's key, and as `KeyFiles.wrap` and
        `KeyRegistry.change` do.
        """
        async with self._turn:
            key = (await self._registry.read()).get(key_id)
            if key.kind is not KeyKind.PEM:
                text = "A key on a token has no file to wrap."
                raise KeyNotFound(text, detail=key_id, field="id")
            if await asyncio.to_thread(self._files.wrap, key.path):
                note("WRAP_SECRET", key.path)
            changed = await self._registry.change(lambda registry: registry)
            return changed.get(key_id)

    async def _with_legacy_token(self, uri: str) -> Registry:
        try:
            report = await self._tokens.foresee(uri)
        except ProvisionerError:
            report = None
        if report is None or not report.is_valid:
            return await self._registry.read()
        key = new_key(
            KeyKind.PKCS11,
            uri,
            label=_object_of(uri),
            report=report,
            is_wrapped=True,
            now=self._now(),
        )
        return await self._registry.change(
            lambda registry: registry if registry.keys else registry.with_key(key)
        )

    async def _read(self, name: KeyName, content: bytes, note: FileAccess) -> KeyReport:
        try:
            return (await asyncio.to_thread(_parsed, content)).report
        except KeyFormatInvalid as error:
            place = f"{self._paths.keys}/{name.text}"
            note("UPLOAD_KEY", place, success=False, info=error.message)
            raise

    async def _store(self, name: KeyName, content: bytes, note: FileAccess) -> str:
        try:
            path = await asyncio.to_thread(self._files.store, name, content)
        except ProvisionerError as error:
            place = f"{self._paths.keys}/{name.text}"
            note("WRAP_KEY", place, success=False, info=error.message)
            raise
        note("UPLOAD_KEY", path)
        note("WRAP_KEY", path)
        return path

    async def _register(
        self,
        key: SigningKey,
        *,
        activate: bool,
        note: FileAccess,
        before: SigningKey | None = None,
    ) -> Registered:
        activated = activate and key.report.is_fit
        try:
            await self._registry.change(lambda registry: registry.with_key(key))
            if activated:
                await self._select(selection_of(key), note)
        except ProvisionerError:
            await self._undo(key, before)
            raise
        note("REGISTER_KEY", key.shown.place, info=key.id)
        return Registered((await self._registry.read()).get(key.id), activated)

    async def _undo(self, key: SigningKey, before: SigningKey | None) -> None:
        if key.kind is KeyKind.PEM:
            await asyncio.to_thread(self._files.remove, key.path)
        await self._registry.change(
            lambda registry: registry.with_key(before) if before else registry.without(key.id)
        )

    async def _found(self, key: SigningKey) -> SigningKey:
        if key.kind is KeyKind.PKCS11:
            return replace(key, report=await self._tokens.report(key.uri))
        opened = await asyncio.to_thread(self._files.open, key.path)
        return replace(key, report=opened.key.report, is_wrapped=opened.is_wrapped)

    async def _select(self, selection: Selection, note: FileAccess) -> None:
        """Writes the configuration, then brings the registry in step; if that fails, the
        configuration is as before."""
        before = await asyncio.to_thread(selected_now, self._configuration)
        try:
            await self._configuration.update(selection.changes)
        except ProvisionerError as error:
            note("WRITE", self._paths.config, success=False, info=error.message)
            raise
        note("WRITE", self._paths.config, info="Config updated")
        try:
            await self._registry.change(lambda registry: registry)
        except ProvisionerError:
            await self._configuration.update(before.changes)
            raise


def _object_of(uri: str) -> str:
    """The text after `object=`, as it stands there (contract configuration 10), else the URI."""
    found = re.search(r"object=([^;?]+)", uri)
    return found[1] if found else uri


def _parsed(content: bytes) -> PemKey:
    if is_wrapped(content):
        text = "The file was wrapped by a board; upload the key as it was before."
        raise KeyFormatInvalid(text, field="file")
    return parse_pem(content)


def _changed(key_id: str) -> str:
    return f"{key_id}; the file holds another key than before"
