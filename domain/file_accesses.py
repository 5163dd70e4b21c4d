"""File accesses: how a feature says which file it touched, and how that ended."""

from typing import Protocol


class FileAccess(Protocol):
    """Writes down one access; `operation` is a word of contract audit section 4, `target` a
    logical path."""

    def __call__(
        self, operation: str, target: str, *, success: bool = True, info: str = ""
    ) -> None:
        """Takes the access without waiting."""


def unnoted(operation: str, target: str, *, success: bool = True, info: str = "") -> None:
    """A `FileAccess` for what the service does for itself."""
    del operation, target, success, info
