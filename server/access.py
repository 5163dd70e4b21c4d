"""Who asks: tokens, configured proxies, and everybody on loopback (design 6)."""

import hashlib
import hmac
import ipaddress

from starlette.types import Scope

from domain.caller import Caller, Role
from server.settings import Settings

LOCAL = "local"
LONGEST_NAME = 255
"""Characters of what a proxy may call somebody; all stores take as many."""


class ListeningRefused(Exception):
    """The service would be open to the network without anything that protects it."""


def is_loopback(address: str) -> bool:
    """Whether an address or host name is this machine's own."""
    try:
        return ipaddress.ip_address(address.split("%", maxsplit=1)[0]).is_loopback
    except ValueError:
        return address == "localhost"


def check_listening(settings: Settings) -> None:
    """Raises `ListeningRefused` with the ways to go on, unless listening there is safe or
    wanted."""
    if is_loopback(settings.address) or settings.tokens or settings.trust_network:
        return
    raise ListeningRefused(
        f"Listening on {settings.address} would let everybody on the network change this station. "
        "Make a token with `provisioner-service token NAME ROLE` and put it into "
        "/etc/rpi-sb-provisioner/service.toml, or start with --trust-network, or listen on "
        "127.0.0.1."
    )


class Access:
    """Finds out who the caller of a request is."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._proxies = frozenset(settings.trusted_proxies)

    def caller(self, scope: Scope, correlation_id: str) -> Caller:
        """Returns the caller, with the role NOBODY where a token is wanted and none came."""
        headers: dict[bytes, bytes] = dict(scope["headers"])
        peer = scope["client"][0] if scope.get("client") else ""
        forwarded = peer in self._proxies
        address = _first(headers.get(b"x-forwarded-for")) if forwarded else ""
        user = _first(headers.get(b"x-forwarded-user")) if forwarded else ""
        name, role = self.identify(headers.get(b"authorization", b"").decode("latin-1"), user)
        return Caller(
            name=name,
            role=role,
            address=address or peer,
            peer_address=peer,
            user_agent=headers.get(b"user-agent", b"").decode("latin-1"),
            entry="",
            surface="",
            correlation_id=correlation_id,
        )

    def identify(self, authorization: str, proxy_user: str = "") -> tuple[str, Role]:
        """Returns name and role of who sent this `Authorization` header (RFC 6750)."""
        scheme, _, credential = authorization.partition(" ")
        if scheme.lower() == "bearer" and credential:
            found = self._by_token(credential.strip())
            if found is not None:
                return found
        if proxy_user:
            return proxy_user, self._settings.proxy_role
        if self._settings.tokens:
            return "nobody", Role.NOBODY
        return LOCAL, Role.KEY_OFFICER

    def _by_token(self, credential: str) -> tuple[str, Role] | None:
        digest = hashlib.sha256(credential.encode("utf-8", "surrogateescape")).hexdigest()
        # Every token is compared, so that the time tells nothing of which came close.
        matching = [t for t in self._settings.tokens if hmac.compare_digest(t.sha256, digest)]
        return (matching[0].name, matching[0].role) if matching else None


def _first(value: bytes | None) -> str:
    return (value or b"").decode("latin-1").split(",")[0].strip()[:LONGEST_NAME]
