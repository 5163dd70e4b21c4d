"""The table of all REST routes, and how a request finds its route."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache

from domain.errors import ProvisionerError
from resolvers.operation import Effect
from rest_compat import audit, configuration, firmware, station, verification, working_folder
from rest_compat.customisation import changes, scripts, uploading
from rest_compat.devices import devices, flags, internal, keypairs, live, logs
from rest_compat.http_errors import MethodNotAllowed, NotServedYet, UnknownPath
from rest_compat.images import (
    analysis,
    boot_package_sockets,
    boot_packages,
    hash_sockets,
    hashes,
    images,
    progress_sockets,
    tus,
)
from rest_compat.images.uploads import ROUTES as UPLOADS
from rest_compat.keys import keys, registering, secrets_at_rest, tokens
from rest_compat.keys import uploads as key_uploads
from rest_compat.manufacturing import export, records
from rest_compat.pending import PENDING, Pending
from rest_compat.route import Route, pattern_of
from rest_compat.services import downloads, services, unit_logs
from rest_compat.sockets import SocketRoute

ROUTES: tuple[Route, ...] = (
    *station.ROUTES,
    *devices.ROUTES,
    *logs.ROUTES,
    *UPLOADS,
    *tus.ROUTES,
    *keypairs.ROUTES,
    *flags.ROUTES,
    *internal.ROUTES,
    *configuration.ROUTES,
    *tokens.ROUTES,
    *keys.ROUTES,
    *registering.ROUTES,
    *key_uploads.ROUTES,
    *secrets_at_rest.ROUTES,
    *firmware.ROUTES,
    *working_folder.ROUTES,
    *audit.ROUTES,
    *services.ROUTES,
    *unit_logs.ROUTES,
    *downloads.ROUTES,
    *records.ROUTES,
    *export.ROUTES,
    *verification.ROUTES,
    *images.ROUTES,
    *hashes.ROUTES,
    *analysis.ROUTES,
    *scripts.ROUTES,
    *changes.ROUTES,
    *uploading.ROUTES,
    *boot_packages.ROUTES,
)
SOCKETS: tuple[SocketRoute, ...] = (
    *live.SOCKETS,
    *hash_sockets.SOCKETS,
    *progress_sockets.SOCKETS,
    *boot_package_sockets.SOCKETS,
)
NOT_HERE = {
    "/devices/_test": "The old service's test aid: it paused the real station. `make demo` shows a "
    "simulated one instead (contract devices 6.8).",
    "/devices/_test/{scenario}": "The same.",
}
"""Paths of the old service that are 404, which no pattern may take for its own, and why."""

MOST_REMEMBERED = 512
LONGEST_REMEMBERED = 200
"""So many paths, each of so many characters at most, are found without looking again."""


@dataclass(frozen=True, slots=True)
class Place:
    """One path with all its methods: served routes and pending ones."""

    path: str
    routes: Mapping[str, Route]
    pending: Mapping[str, Pending]

    @property
    def allowed(self) -> tuple[str, ...]:
        """The methods of this path, for `Allow` (RFC 9110 section 10.2.1)."""
        methods = {*self.routes, *self.pending, "OPTIONS"}
        return tuple(sorted(methods | ({"HEAD"} if "GET" in methods else set())))


@dataclass(frozen=True, slots=True)
class Found:
    """A place and what the request's path says of its parameters."""

    place: Place
    values: Mapping[str, str]

    def refusal(self, method: str, path: str) -> ProvisionerError:
        """Returns why no route of this place takes `method`."""
        if method in self.place.pending:
            return NotServedYet(f"{method} {self.place.path} is not served by this version yet.")
        return MethodNotAllowed(method, path, self.place.allowed)


class RouteTable:
    """Finds routes: case ignored, literal paths before patterns, patterns in their order
    (common 3)."""

    def __init__(
        self, routes: Iterable[Route] = ROUTES, pending: Iterable[Pending] = PENDING
    ) -> None:
        self._literals: dict[str, Place] = {}
        self._patterns: list[tuple[re.Pattern[str], Place]] = []
        for place in _places(tuple(routes), tuple(pending)):
            if "{" in place.path:
                self._patterns.append((pattern_of(place.path), place))
            else:
                self._literals[place.path.lower()] = place
        self._remembered = lru_cache(MOST_REMEMBERED)(self._look)

    def find(self, path: str) -> Found:
        """Returns the place of a decoded path; raises `UnknownPath`."""
        # Each request asks twice, the guard and the endpoint, and pollers ask for the same again.
        return (self._look if len(path) > LONGEST_REMEMBERED else self._remembered)(path)

    def _look(self, path: str) -> Found:
        literal = self._literals.get(path.lower())
        if literal is not None:
            return Found(literal, {})
        for pattern, place in self._patterns:
            matched = pattern.fullmatch(path)
            if matched is not None and path.lower() not in NOT_HERE:
                return Found(place, matched.groupdict())
        raise UnknownPath("There is nothing at this address.", detail=path[:200])

    def changes_by_get(self, path: str) -> bool:
        """Whether GET at a decoded path changes something, as some paths of old do."""
        try:
            route = self.find(path).place.routes.get("GET")
        except UnknownPath:
            return False
        return bool(route and route.serves and route.serves.policy.effect is Effect.CHANGE)


def _places(routes: tuple[Route, ...], pending: tuple[Pending, ...]) -> list[Place]:
    served = [(path, route) for route in routes for path in route.paths]
    paths = dict.fromkeys([path for path, _ in served] + [later.path for later in pending])
    return [
        Place(
            path,
            {route.method: route for known, route in served if known == path},
            {later.method: later for later in pending if later.path == path},
        )
        for path in paths
    ]
