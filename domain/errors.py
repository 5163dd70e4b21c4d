"""The one tree of everything that can go wrong and be told to a client.

Six kinds say what sort of failure it is; a concrete error stands beside the rule that raises it
and names its `code`, `title`, `meaning` and `remedy`. Each surface maps kinds to its own form
once (design 2.1, 2.2; style 7).
"""

from typing import ClassVar


class ProvisionerError(Exception):
    """A failure that a client may be told: the message is a sentence for an operator.

    `message` holds no secret and no path below the root prefix. `detail` names the thing that was
    asked for (the legacy `details` member); `field` names the input that is wrong. `code`,
    `title`, `meaning` and `remedy` are class attributes, printed in `docs/errors.md`.
    """

    code: ClassVar[str] = "ERROR"
    title: ClassVar[str] = "Error"
    meaning: ClassVar[str] = ""
    remedy: ClassVar[str] = ""

    def __init__(self, message: str, *, detail: str = "", field: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.detail = detail
        self.field = field


class NotFound(ProvisionerError):
    """What was asked for is not there."""

    code = "NOT_FOUND"
    title = "Not Found"
    meaning = "There is nothing at this address."
    remedy = "Check the address; docs/endpoints.md lists every path."


class Conflict(ProvisionerError):
    """The present state forbids it."""

    code = "CONFLICT"
    title = "Conflict"
    meaning = "The present state of the station forbids this."
    remedy = "Read the present state and decide again."


class Invalid(ProvisionerError):
    """An input is wrong; the same request can never succeed."""

    code = "INVALID"
    title = "Invalid Request"
    meaning = "An input is wrong."
    remedy = "Correct the input that the message names."


class Denied(ProvisionerError):
    """The caller may not do this."""

    code = "DENIED"
    title = "Access Denied"
    meaning = "The caller's role does not allow this."
    remedy = "Ask with a token of the role that the message names."


class Unavailable(ProvisionerError):
    """A part of the station is missing, broken or too slow just now."""

    code = "UNAVAILABLE"
    title = "Temporarily Unavailable"
    meaning = "A part of the station that this needs does not answer."
    remedy = "See /readyz or the query `station { parts }` for the part and its reason."


class Unsupported(ProvisionerError):
    """This service does not do that."""

    code = "UNSUPPORTED"
    title = "Not Supported"
    meaning = "This version of the service does not do that."
    remedy = "See CHANGELOG.md for what each version brings."


KINDS: tuple[type[ProvisionerError], ...] = (
    NotFound,
    Conflict,
    Invalid,
    Denied,
    Unavailable,
    Unsupported,
)


def every_error() -> list[type[ProvisionerError]]:
    """Returns every error class that has a code of its own, sorted by code; what is imported
    counts."""
    found: dict[str, type[ProvisionerError]] = {}
    waiting: list[type[ProvisionerError]] = [ProvisionerError]
    while waiting:
        error = waiting.pop()
        waiting += error.__subclasses__()
        if "code" in vars(error) and error is not ProvisionerError:
            found[error.code] = error
    return [found[code] for code in sorted(found)]


def kind_of(error: type[ProvisionerError]) -> type[ProvisionerError]:
    """Returns which of the six kinds `error` is."""
    return next(kind for kind in KINDS if issubclass(error, kind))
