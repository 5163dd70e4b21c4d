"""Key pairs: what triage read from a device, where it is kept, and who may have which half."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from domain.caller import Caller
from domain.configuration.configuration import Configuration
from domain.devices.key_files import (
    KeyFile,
    KeyPart,
    KeyPlace,
    PublicKey,
    find_key_file,
    holds_private_key,
    key_places,
    list_key_files,
    public_key,
    read_key,
)
from domain.devices.names import DeviceNames, required, sanitised
from domain.errors import Denied, NotFound, Unavailable
from domain.file_accesses import FileAccess
from domain.host_paths import HostPaths

FOLDER_VARIABLE = "RPI_DEVICE_RETRIEVE_KEYPAIR"
ENABLE_VARIABLE = "RPI_SB_PROVISIONER_ENABLE_PRIVATE_KEY_API"


class KeyNotFound(NotFound):
    """The device's key file is nowhere."""

    code = "KEY_NOT_FOUND"
    title = "Key Not Found"
    meaning = "No such key of this device lies in its log folder or in the configured folder."
    remedy = (
        "Check the serial. Triage keeps the public key; a private one exists only where the "
        "device's key slot was not locked."
    )


class KeyUnfit(Unavailable):
    """What is there under a key's name may not be handed out as such."""

    code = "KEY_UNFIT"
    title = "Key File Unfit"
    meaning = "The file is too large for a key, or a public key's file holds a private key."
    remedy = "Look at the file that the message names; run triage of the device again."


class PrivateKeyApiDisabled(Denied):
    """This station hands out no private keys."""

    code = "PRIVATE_KEY_API_DISABLED"
    title = "Endpoint Disabled"
    meaning = "Private keys are not handed out unless the station's configuration says so."
    remedy = (
        f"Set {ENABLE_VARIABLE}=true in /etc/rpi-sb-provisioner/config on the station itself; it "
        "counts from the next request on."
    )


class LineNotConfidential(Denied):
    """A private key would cross the network in clear."""

    code = "PRIVATE_KEY_NEEDS_HTTPS"
    title = "HTTPS Required"
    meaning = "Private keys leave the station over HTTPS only, or within the station itself."
    remedy = "Ask over HTTPS (port 3143), or on the station by 127.0.0.1."


@dataclass(frozen=True, slots=True)
class Keypair:
    """The key files of one device, those that count first. `public` is None where there is no
    public key file that can be read."""

    files: Sequence[KeyFile]
    public: PublicKey | None


class Keypairs:
    """Finds and reads the key pairs of devices."""

    def __init__(self, paths: HostPaths, configuration: Configuration, names: DeviceNames) -> None:
        self._paths = paths
        self._configuration = configuration
        self._names = names

    async def find(self, identifier: str, *, note: FileAccess) -> Keypair | None:
        """Returns what there is of the device's key pair, None when there is nothing.

        Reads the public key, never a private one. Raises `SerialMissing`, `ConfigUnreadable`.
        """
        kept, names = await self._kept(), await self._all_names(identifier)
        files: list[KeyFile] = []
        for part in KeyPart:
            places = self._places(names, kept, part)
            files += await asyncio.to_thread(list_key_files, self._paths, places, part)
        if not files:
            return None
        public = next((file.path for file in files if file.part is KeyPart.PUBLIC), None)
        places = self._places(names, kept, KeyPart.PUBLIC)
        place = next((place for place in places if place.path == public), None)
        content = await self._read(place) if place else None
        if place:
            note("READ_PUBLIC_KEY", place.path, success=content is not None)
        return Keypair(files, public_key(content) if content else None)

    async def read_public(self, identifier: str, *, note: FileAccess) -> bytes:
        """Returns the public key's file as it is; raises `SerialMissing`, `KeyNotFound`,
        `KeyUnfit` and `ConfigUnreadable`."""
        kept, names = await self._kept(), await self._all_names(identifier)
        places = self._places(names, kept, KeyPart.PUBLIC)
        file = await asyncio.to_thread(find_key_file, self._paths, places, KeyPart.PUBLIC)
        path = file.path if file else places[0].path
        content = await self._read_at(places, file)
        fit = content is not None and not holds_private_key(content)
        note("READ_PUBLIC_KEY", path, success=fit)
        return _handed_out(content if fit else None, path, found=file is not None)

    async def read_private(
        self, identifier: str, *, caller: Caller, confidential: bool, note: FileAccess
    ) -> bytes:
        """Returns the private key's file as it is. `confidential` is whether nobody can listen on
        the way to the client.

        The device is taken as named, no other name of it is tried. Raises, in this order,
        `PrivateKeyApiDisabled`, `LineNotConfidential`, `SerialMissing`, `KeyNotFound` or
        `KeyUnfit` (contract devices 6.5).
        """
        await self._check_gate(identifier, caller, confidential=confidential, note=note)
        name = sanitised(required(identifier))
        places = self._places([name], await self._kept(), KeyPart.PRIVATE)
        file = await asyncio.to_thread(find_key_file, self._paths, places, KeyPart.PRIVATE)
        content = await self._read_at(places, file)
        path = file.path if file else places[0].path
        info = f"private key of {identifier}, client {caller.address}"
        if content is not None:
            info = f"CRITICAL: {info}, User-Agent {caller.user_agent}"
        note("READ_PRIVATE_KEY", path, success=content is not None, info=info)
        return _handed_out(content, path, found=file is not None)

    async def _check_gate(
        self, identifier: str, caller: Caller, *, confidential: bool, note: FileAccess
    ) -> None:
        path = f"{self._paths.logs}/{identifier}/keypair/{identifier}{KeyPart.PRIVATE.value}"
        if await self._configuration.value(ENABLE_VARIABLE) != "true":
            info = f"the private key API is disabled, client {caller.address}"
            note("DENIED_PRIVATE_KEY_ACCESS", path, success=False, info=info)
            raise PrivateKeyApiDisabled(
                "This station hands out no private keys; to change that, set "
                f"{ENABLE_VARIABLE}=true in {self._paths.config} on the station.",
                detail="This is a security feature: the key of a device never leaves the station "
                "by mistake.",
            )
        if not confidential:
            info = f"plain HTTP over the network, client {caller.address}"
            note("DENIED_PRIVATE_KEY_ACCESS", path, success=False, info=info)
            raise LineNotConfidential(
                "A private key does not cross the network in clear; ask over HTTPS, or on the "
                "station itself."
            )

    async def _kept(self) -> str:
        folder = await self._configuration.value(FOLDER_VARIABLE)
        return folder if folder.startswith("/") and "\0" not in folder else ""

    async def _all_names(self, identifier: str) -> list[str]:
        known = await self._names.known(required(identifier))
        return list(dict.fromkeys(sanitised(name) for name in (identifier, *known.serials)))

    def _places(self, names: Sequence[str], kept: str, part: KeyPart) -> list[KeyPlace]:
        logs = self._paths.logs
        return [place for name in names for place in key_places(logs, kept, name, part=part)]

    async def _read_at(self, places: Sequence[KeyPlace], file: KeyFile | None) -> bytes | None:
        place = next((place for place in places if file and place.path == file.path), None)
        return await self._read(place) if place else None

    async def _read(self, place: KeyPlace) -> bytes | None:
        return await asyncio.to_thread(read_key, self._paths, place)


def _handed_out(content: bytes | None, path: str, *, found: bool) -> bytes:
    if content is not None:
        return content
    if found:
        raise KeyUnfit(f"The file {path} is no key that may be handed out here.", detail=path)
    raise KeyNotFound(
        "This device has no such key file; check its serial.", detail=f"Requested key: {path}"
    )
