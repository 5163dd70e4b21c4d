"""Documented and real legacy paths that this version does not serve yet; the list only shrinks."""

from dataclasses import dataclass

from rest_compat.route import Showing


@dataclass(frozen=True, slots=True)
class Pending:
    """A method at a path of common section 8 that waits for its feature."""

    method: str
    path: str
    showing: Showing = Showing.NEVER


def _all(method: str, *paths: str) -> tuple[Pending, ...]:
    return tuple(Pending(method, path) for path in paths)


PENDING: tuple[Pending, ...] = (
    *_all(
        "GET",
    ),
    *_all(
        "POST",
        "/options/keys/register-pkcs11",
    ),
)
