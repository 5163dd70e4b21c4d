"""`provisioner-service keyhelper`: signs for the station's scripts with what the service stored.

The command line and what it prints are contract configuration 14: `sign` prints lower-case hex
without a line end, `pubkey` SubjectPublicKeyInfo in PEM; problems go to the standard error.
"""

import argparse
import asyncio
import hashlib
import sys
from collections.abc import Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from urllib.parse import urlsplit

from adapters.firmware_crypto import FirmwareCryptoProgram
from domain.configuration.configuration import Configuration
from domain.errors import ProvisionerError
from domain.events import Hub
from domain.host_paths import HostPaths
from domain.keys.key_files import KeyFiles
from domain.keys.pem import PemKey
from domain.keys.pin import Pin
from domain.keys.pkcs11_uri import Pkcs11Uri, UriPin, split_pin
from domain.keys.signing import sign_digest
from domain.keys.signing_tokens import SigningTokens
from domain.keys.token_refusals import PinRequired
from domain.keys.wrapping import DeviceWrapping
from server.settings import Settings, SettingWrong, read_settings
from server.wiring.tokens import build_tokens

LONGEST_SOURCE = 4096
"""Bytes that are read of a file that a URI names as the source of its PIN."""


def run_keyhelper(asked: argparse.Namespace, environment: Mapping[str, str]) -> int:
    """Runs `sign` or `pubkey` and returns the exit status: 0, or 1 with the reason."""
    try:
        settings = read_settings({"root": asked.root} if asked.root else {}, environment)
        sys.stdout.write(_answer(asked, settings))
        sys.stdout.flush()
    except ProvisionerError as error:
        return _failed(error.message)
    except SettingWrong as error:
        return _failed(str(error))
    except OSError as error:
        return _failed(f"{error.filename or 'the input'} cannot be read: {error.strerror}.")
    return 0


def _failed(reason: str) -> int:
    print(f"keyhelper: {reason}", file=sys.stderr)  # noqa: T201 -- the command line speaks
    return 1


def _answer(asked: argparse.Namespace, settings: Settings) -> str:
    digest = _digest(asked.input) if asked.work == "sign" else None
    if asked.uri:
        return asyncio.run(_ask_token(asked.uri, digest, settings))
    key = _pem_key(asked.key, settings)
    return key.public_pem if digest is None else sign_digest(key.private, digest).hex()


def _digest(path: Path) -> bytes:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").digest()


def _pem_key(path: str, settings: Settings) -> PemKey:
    files = KeyFiles(HostPaths(settings.root), DeviceWrapping(FirmwareCryptoProgram()))
    return files.open(path if path.startswith("/") else str(Path.cwd() / path)).key


async def _ask_token(text: str, digest: bytes | None, settings: Settings) -> str:
    # Configurations of old hold labels with plain spaces (contract configuration 13).
    uri, named = split_pin(text.replace(" ", "%20"))
    paths = HostPaths(settings.root)
    async with AsyncExitStack() as stack:
        configuration = Configuration(paths, Hub())
        tokens = build_tokens(paths, configuration, settings, stack).signing
        return await _asked(tokens, uri, digest, pin=_pin(named, paths))


async def _asked(
    tokens: SigningTokens, uri: Pkcs11Uri, digest: bytes | None, *, pin: Pin | None
) -> str:
    if digest is None:
        return await tokens.unlocked_public_pem(uri, pin=pin)
    return (await tokens.sign_digest(uri, digest, pin=pin)).hex()


def _pin(named: UriPin, paths: HostPaths) -> Pin | None:
    """Returns the PIN that a URI holds or names; it comes before the stored one (contract
    configuration 9)."""
    if named.value:
        return Pin(named.value)
    if not named.source:
        return None
    place = urlsplit(named.source)
    if place.scheme not in ("", "file"):
        raise PinRequired("The URI's `pin-source` is no file; store the PIN instead.")
    with paths.real(place.path).open("rb") as file:
        content = file.read(LONGEST_SOURCE)
    return Pin(content.decode(errors="replace").rstrip("\r\n"))
