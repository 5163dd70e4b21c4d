"""Firmware crypto through the program `rpi-fw-crypto`, found on PATH."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

from domain.keys.firmware_crypto import FirmwareCryptoUnavailable

PROGRAM = "rpi-fw-crypto"
SECONDS = 10.0
"""How long one call may take; the firmware answers within milliseconds."""
DIGEST_BYTES = 32


class FirmwareCryptoProgram:
    """Runs the command lines of contract configuration 8; `seconds` limit each call."""

    def __init__(self, *, seconds: float = SECONDS) -> None:
        self._seconds = seconds

    def has_key(self, slot: int) -> bool:
        """Whether this slot holds a key."""
        return self._run("pubkey", "--key-id", str(slot)).returncode == 0

    def hmac(self, message: bytes, *, slot: int) -> bytes:
        """Returns the HMAC of `message` under the slot's key."""
        with _as_file(message) as handle:
            done = self._run(
                "hmac",
                "--in",
                f"/proc/self/fd/{handle}",
                "--key-id",
                str(slot),
                "--outform",
                "hex",
                passed=(handle,),
            )
        if done.returncode != 0:
            # A firmware's error code is 256 less the exit status (contract configuration 8).
            raise FirmwareCryptoUnavailable(
                f"The firmware refused to use the key in slot {slot} "
                f"(error {256 - done.returncode})."
            )
        return _digest(done.stdout)

    def _run(
        self, *arguments: str, passed: tuple[int, ...] = ()
    ) -> subprocess.CompletedProcess[bytes]:
        program = shutil.which(PROGRAM)
        if program is None:
            raise FirmwareCryptoUnavailable(
                f"The program {PROGRAM} is not installed, so this host has no key to wrap secrets "
                "with; install the package rpifwcrypto on a Raspberry Pi."
            )
        try:
            return subprocess.run(
                [program, *arguments],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                check=False,
                timeout=self._seconds,
                pass_fds=passed,
            )
        except subprocess.TimeoutExpired as error:
            text = f"{PROGRAM} did not answer within {self._seconds:g} s; the firmware may hang."
            raise FirmwareCryptoUnavailable(text) from error
        except OSError as error:
            text = f"{PROGRAM} cannot be run: {error.strerror}."
            raise FirmwareCryptoUnavailable(text) from error


def _digest(output: bytes) -> bytes:
    """Takes 64 hex digits; older programs answer the raw 32 bytes whatever they are asked for."""
    if len(output) == DIGEST_BYTES:
        return output
    try:
        digest = bytes.fromhex(output.decode("ascii").strip())
    except ValueError:
        digest = b""
    if len(digest) != DIGEST_BYTES:
        raise FirmwareCryptoUnavailable(f"{PROGRAM} answered something that is no HMAC.")
    return digest


@contextmanager
def _as_file(content: bytes) -> Iterator[int]:
    # In memory: a process that is killed leaves nothing behind.
    handle = os.memfd_create("salt", os.MFD_CLOEXEC)
    try:
        os.write(handle, content)
        yield handle
    finally:
        os.close(handle)
