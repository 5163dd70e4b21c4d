"""The internal token: how the station's scripts show that it is they who say that a row was
written (contract devices section 6.9)."""

import asyncio
import contextlib
import hmac
import secrets
import stat
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address
from pathlib import Path

from domain.atomic_files import write_whole
from domain.errors import NotFound, Unavailable
from domain.events import Event
from domain.host_paths import HostPaths, PathRefused

TOKEN_BYTES = 32
FILE_MODE = 0o600
FOLDER_MODE = 0o700


class InternalCallRefused(NotFound):
    """Somebody else than the station's scripts: for them there is nothing at this address."""


class TokenNotWritten(Unavailable):
    """The scripts cannot read the token."""

    code = "INTERNAL_TOKEN_NOT_WRITTEN"
    title = "Internal Token Not Written"
    meaning = (
        "The file with which the station's scripts announce their rows cannot be written; rows are "
        "found without it, some moments later."
    )
    remedy = "Check the rights of /run/rpi-sb-provisioner and that there is room."


@dataclass(frozen=True, slots=True)
class RowsAnnounced(Event):
    """The station's scripts say that they wrote a row; which one they do not say."""


class InternalToken:
    """The token of this start of the service; it is in no log, answer or event."""

    def __init__(self, paths: HostPaths) -> None:
        self._paths = paths
        self._token = secrets.token_hex(TOKEN_BYTES)
        self._is_ours = False
        self._failure: TokenNotWritten | None = None

    async def keep(self) -> None:
        """Writes the file unless it holds this token; raises `TokenNotWritten`."""
        self._is_ours, self._failure = True, None
        try:
            await asyncio.to_thread(self._write)
        except (OSError, PathRefused) as error:
            reason = error.strerror if isinstance(error, OSError) else error.message
            self._failure = TokenNotWritten(
                f"The token for the station's scripts cannot be written to "
                f"{self._paths.internal_token} ({reason}); check the rights of its folder.",
                detail=self._paths.internal_token,
            )
            raise self._failure from error

    async def keep_again(self) -> None:
        """Keeps a token that was written once: somebody may have cleared /run, or another start
        of the service, which failed, left its own there."""
        if self._is_ours:
            await self.keep()

    async def probe(self) -> None:
        """Raises `TokenNotWritten` as the last try did."""
        if self._failure is not None:
            raise self._failure

    def check(self, *, peer: str, token: str) -> None:
        """Raises `InternalCallRefused` unless the peer of the connection is this machine and shows
        the token. What a proxy says of the peer does not count."""
        # Both are looked at in any case, and the token as a whole: time tells nothing.
        is_known = hmac.compare_digest(token.encode(), self._token.encode())
        if not (_is_this_machine(peer) and is_known):
            raise InternalCallRefused("There is nothing at this address.")

    def _write(self) -> None:
        # The entry itself: a link in its place is replaced, never followed.
        real = self._paths.entry(self._paths.internal_token)
        if _holds(real, self._token):
            return
        real.parent.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
        real.parent.chmod(FOLDER_MODE)
        write_whole(real, self._token.encode(), mode=FILE_MODE)


def _holds(real: Path, token: str) -> bool:
    with contextlib.suppress(OSError):
        status = real.lstat()
        is_private = stat.S_ISREG(status.st_mode) and stat.S_IMODE(status.st_mode) == FILE_MODE
        return is_private and real.read_bytes() == token.encode()
    return False


def _is_this_machine(peer: str) -> bool:
    try:
        address = ip_address(peer)
    except ValueError:
        return False
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return (mapped or address).is_loopback
