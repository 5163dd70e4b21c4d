"""What a simulated station has for secrets: a board's key, and a software token with keys."""

import asyncio
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from adapters.firmware_crypto import FirmwareCryptoProgram
from domain.file_accesses import unnoted
from domain.host_paths import HostPaths
from domain.keys.key_files import KeyFiles
from domain.keys.pin import Pin
from domain.keys.stored_pin import StoredPin
from domain.keys.wrapping import DeviceWrapping
from server.demo.firmware_crypto import write_stand_in
from server.demo.signing_keys import FIT_BITS, UNFIT_BITS, generate_key

PACKAGE = "softhsm2"
TOKEN, PIN, OFFICER_PIN = "demo", "123456", "87654321"
DEVICE_KEY = bytes(range(32))
PROGRAMS, TOKENS = "/usr/local/bin", "/var/lib/softhsm/tokens"
CONFIGURATION = "/etc/softhsm/softhsm2.conf"
PARTS = (
    "# The token of a simulated station: it protects nothing.",
    "directories.tokendir = {tokens}",
    "objectstore.backend = file",
    "log.level = ERROR",
    "",
)


def can_make_tokens() -> bool:
    """Whether the program that makes software tokens is installed."""
    return shutil.which("softhsm2-util") is not None


@contextmanager
def secured(paths: HostPaths) -> Iterator[None]:
    """Gives the station a board's key, and a token where there can be one, for as long as the
    block runs: whoever starts a service decides what it finds on PATH, nothing else does."""
    programs = paths.real(PROGRAMS)
    write_stand_in(programs, {0: DEVICE_KEY})
    changes = {"PATH": f"{programs}:{os.environ.get('PATH', '')}"}
    if can_make_tokens():
        changes["SOFTHSM2_CONF"] = str(_token_folder(paths))
    before = {name: os.environ.get(name) for name in changes}
    os.environ.update(changes)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def wrap_key(paths: HostPaths, path: str) -> None:
    """Wraps the file of a signing key with the board's key; called inside `secured`.

    Raises what `KeyFiles.wrap` raises.
    """
    KeyFiles(paths, DeviceWrapping(FirmwareCryptoProgram())).wrap(path)


async def build_token(paths: HostPaths) -> None:
    """Makes the token with a fit key, one that is too big and an EC key, and stores its PIN;
    called inside `secured`.

    Raises subprocess.SubprocessError, OSError, and what `StoredPin.store` raises.
    """
    await asyncio.to_thread(_make_token, paths)
    wrapping = DeviceWrapping(FirmwareCryptoProgram())
    await StoredPin(paths, wrapping).store(Pin(PIN), note=unnoted)


def _make_token(paths: HostPaths) -> None:
    _run("--init-token", "--free", "--label", TOKEN, "--pin", PIN, "--so-pin", OFFICER_PIN)
    keys: dict[str, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey] = {
        "production": rsa.generate_private_key(public_exponent=65537, key_size=FIT_BITS),
        "too-big": generate_key(UNFIT_BITS),
        "curve": ec.generate_private_key(ec.SECP256R1()),
    }
    file = paths.real(TOKENS).with_name("import.pem")
    for number, (label, key) in enumerate(keys.items(), 1):
        form = PrivateFormat.PKCS8
        file.write_bytes(key.private_bytes(Encoding.PEM, form, NoEncryption()))
        named = ("--token", TOKEN, "--label", label, "--id", f"{number:02x}", "--pin", PIN)
        _run("--import", str(file), *named)
    file.unlink()


def _token_folder(paths: HostPaths) -> Path:
    tokens, configuration = paths.real(TOKENS), paths.real(CONFIGURATION)
    for folder in (tokens, configuration.parent):
        folder.mkdir(parents=True, exist_ok=True)
    configuration.write_text("\n".join(PARTS).format(tokens=tokens))
    return configuration


def _run(*arguments: str) -> None:
    command = ["softhsm2-util", *arguments]
    subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=True, timeout=30)
