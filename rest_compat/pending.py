"""Documented and real legacy paths that this version does not serve yet; the list only shrinks."""

from dataclasses import dataclass

from rest_compat.route import Showing


@dataclass(frozen=True, slots=True)
class Pending:
    """A method at a path of common section 8 that waits for its feature."""

    method: str
    path: str
    showing: Showing = Showing.NEVER


PENDING: tuple[Pending, ...] = ()
