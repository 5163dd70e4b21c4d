"""What can be wrong with a request before any resolver sees it."""

from domain.errors import Invalid, NotFound, Unsupported


class UnknownPath(NotFound):
    """No route has this path."""

    code = "NOT_FOUND"


class MethodNotAllowed(Unsupported):
    """The path is known and does not take this method; `allowed` are those that it takes."""

    code = "METHOD_NOT_ALLOWED"
    title = "Method Not Allowed"
    meaning = "The path exists, but not for this method."
    remedy = "Use one of the methods that the header Allow names."

    def __init__(self, method: str, path: str, allowed: tuple[str, ...]) -> None:
        names = ", ".join(allowed)
        super().__init__(f"{method[:20]} is not possible here; use {names}.", detail=path[:200])
        self.allowed = allowed


class RangeNotSatisfiable(Invalid):
    """The range begins behind the end of the file, which has `size` bytes."""

    code = "RANGE_NOT_SATISFIABLE"
    title = "Range Not Satisfiable"
    meaning = "The range that was asked for begins behind the end of the file."
    remedy = "Ask for a range within the size that the header Content-Range names."

    def __init__(self, size: int) -> None:
        super().__init__(f"The file has {size} bytes; the range begins behind them.")
        self.size = size


class NotServedYet(Unsupported):
    """The path belongs to the documented surface, and this version does not serve it yet."""

    code = "NOT_IMPLEMENTED"
    title = "Not Served Yet"
    meaning = "The path is part of the documented surface; this version does not serve it yet."
    remedy = "docs/endpoints.md lists what is served and what is pending."


class BodyTooLarge(Invalid):
    """The body is larger than this address takes."""

    code = "BODY_TOO_LARGE"
    title = "Body Too Large"
    meaning = "The request's body is larger than this address takes."
    remedy = "Send less; the limit is in the message."


class JsonInvalid(Invalid):
    """A JSON object was expected in the body."""

    code = "INVALID_JSON"
    title = "Invalid Request"
    meaning = "The body is not a JSON object, or Content-Type is not application/json."
    remedy = "Send one JSON object (RFC 8259) with Content-Type: application/json."


class ClientGone(Invalid):
    """The client closed the connection before its request was complete."""

    code = "CLIENT_GONE"
    title = "Client Gone"
    meaning = "The connection was closed in the middle of the request; nothing was changed."
    remedy = "Send the request again."


class PartTypeWrong(Invalid):
    """A part of a resumable upload with another media type than the protocol's."""

    code = "PART_TYPE_WRONG"
    title = "Unsupported Media Type"
    meaning = "A part of a resumable upload has the media type application/offset+octet-stream."
    remedy = "Use a tus client, or set Content-Type by hand."


class TusVersionUnknown(Invalid):
    """A request of another version of tus, or one that does not say which."""

    code = "TUS_VERSION_UNKNOWN"
    title = "Precondition Failed"
    meaning = "Requests to /uploads carry `Tus-Resumable: 1.0.0`."
    remedy = "Use a client of the tus protocol 1.0, or send the header."
