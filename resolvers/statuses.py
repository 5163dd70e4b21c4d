"""The natural HTTP status of each kind of error: one table for both surfaces."""

from domain.caller import Unauthenticated
from domain.errors import (
    Conflict,
    Denied,
    Invalid,
    NotFound,
    ProvisionerError,
    Unavailable,
    Unsupported,
)

INTERNAL = 500
BY_KIND: tuple[tuple[type[ProvisionerError], int], ...] = (
    # RFC 9110 section 15.5.2: who is nobody yet is asked to log in.
    (Unauthenticated, 401),
    (NotFound, 404),
    (Conflict, 409),
    (Invalid, 400),
    (Denied, 403),
    (Unavailable, 503),
    (Unsupported, 501),
)


def natural_status(error: type[ProvisionerError]) -> int:
    """Returns the HTTP status (RFC 9110) that fits the kind of `error`; a route may override it."""
    return next((status for kind, status in BY_KIND if issubclass(error, kind)), INTERNAL)
