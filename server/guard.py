"""What browsers of other sites may not do here: Host, Origin and Fetch Metadata (design 6)."""

import ipaddress
import socket
from collections.abc import Callable
from urllib.parse import urlsplit

from starlette.types import Scope

from domain.errors import Denied
from rest_compat.question import decoded_path
from server.settings import Settings

SAFE_METHODS = ("GET", "HEAD", "OPTIONS")
OWN_SITES = ("", "same-origin", "none")
MOST_KNOWN = 100
"""So many spellings of Host are remembered as this station's own."""
CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "font-src 'self'; connect-src 'self'; manifest-src 'self'; base-uri 'none'; "
    "form-action 'self'; frame-ancestors 'none'"
)


class HostRefused(Denied):
    """The name in `Host` is not one of this station."""

    code = "HOST_REFUSED"
    title = "Unknown Host"
    meaning = "The request's Host is no name of this station (a defence against DNS rebinding)."
    remedy = "Use the station's address, or add the name to allowed_hosts in service.toml."


class OriginRefused(Denied):
    """A page of another site tried to change something or to open a socket."""

    code = "ORIGIN_REFUSED"
    title = "Foreign Origin"
    meaning = "A browser sent this for a page of another site."
    remedy = "Open the station's own pages, or add the site to allowed_origins in service.toml."


class Guard:
    """Refuses what a browser sends in the name of another site; plain scripts send no Origin.

    `changes_by_get` says whether GET at a decoded path changes something.
    """

    def __init__(
        self, settings: Settings, *, changes_by_get: Callable[[str], bool] = lambda _: False
    ) -> None:
        self._changes_by_get = changes_by_get
        own = ("localhost", settings.address, socket.gethostname(), socket.getfqdn())
        names = {name.lower() for name in (*own, *settings.allowed_hosts)}
        self._hosts = names | {f"{name}.local" for name in names if "." not in name}
        self._known = set[str]()
        self._origins = frozenset(origin.lower() for origin in settings.allowed_origins)

    def refusal(self, scope: Scope) -> Denied | None:
        """Returns why the request is refused, None when it may pass."""
        headers: dict[bytes, bytes] = dict(scope["headers"])
        host = headers.get(b"host", b"").decode("latin-1")
        if host and not self._is_own(host):
            return HostRefused(f"{host[:100]} is not a name of this station.")
        if scope["type"] == "http" and self._is_safe(scope):
            return None
        origin = headers.get(b"origin", b"").decode("latin-1").lower()
        if origin and self._is_welcome(origin, host):
            return None
        if origin or headers.get(b"sec-fetch-site", b"").decode("latin-1") not in OWN_SITES:
            return OriginRefused(f"Pages of {origin[:100] or 'other sites'} may not do this here.")
        return None

    def allowed_origin(self, scope: Scope) -> str:
        """Returns the request's Origin if other sites' pages may read answers, else nothing."""
        if not self._origins:
            return ""
        origin = next((v for k, v in scope["headers"] if k == b"origin"), b"").decode("latin-1")
        return origin if origin.lower() in self._origins else ""

    def _is_safe(self, scope: Scope) -> bool:
        if scope["method"] not in SAFE_METHODS:
            return False
        # Pages of old change things by GET (contract customisation 11).
        path = decoded_path(scope.get("raw_path") or scope["path"].encode())
        return scope["method"] == "OPTIONS" or not self._changes_by_get(path)

    def _is_welcome(self, origin: str, host: str) -> bool:
        parts = urlsplit(origin)
        same = parts.scheme in ("http", "https") and parts.netloc == host.lower() and bool(host)
        return same or origin in self._origins

    def _is_own(self, host: str) -> bool:
        if host in self._known:
            return True
        own = self._names_this_station(host)
        if own and len(self._known) < MOST_KNOWN:
            self._known.add(host)
        return own

    def _names_this_station(self, host: str) -> bool:
        try:
            name = (urlsplit(f"//{host}").hostname or "").lower()
        except ValueError:
            return False
        if name in self._hosts:
            return True
        try:
            # An address cannot be rebound to another site: only names can.
            ipaddress.ip_address(name.split("%")[0])
        except ValueError:
            return False
        return True
