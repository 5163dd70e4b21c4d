"""The page of docs/ about everything that is live: legacy WebSockets and GraphQL subscriptions."""

from collections.abc import Mapping

from graphql import GraphQLField, GraphQLList, GraphQLNonNull, GraphQLType

from resolvers.operation import REGISTERED
from rest_compat.routes import SOCKETS
from rest_compat.sockets import CLOSE_CODES as LEGACY_CODES
from rest_compat.sockets import SocketRoute
from rest_compat.talk import LONGEST_MESSAGE
from schema.build import build_schema
from schema.close_codes import CLOSE_CODES
from schema.limits import Limits
from server.http_limits import DEFAULT_LIMITS


def sockets() -> str:
    """Returns the page: each socket and each subscription with its frames, role and ends."""
    fields = subscriptions()
    limits = Limits()
    lines = [
        "# Live\n",
        "<!-- Made from code by `make docs`; a test compares it. -->\n",
        "Everything is told the present first, then changes. A slow client holds up nobody: what",
        "it did not read in time is replaced by the present as a whole. Pages of other sites are",
        "refused (403) unless `allowed_origins` names them. A refusal of the handshake is an error",
        "as on any path; a handshake that breaks RFC 6455 is answered 400 with a sentence in",
        "text/plain. Every socket is closed with 1002 or 1007 by a client's frames that break RFC",
        f"6455, with 1011 by a ping that is not answered in {DEFAULT_LIMITS.pong_seconds:g} s.\n",
        "## GraphQL subscriptions\n",
        "At `/graphql`, subprotocol `graphql-transport-ws`; a token goes into the header",
        "`Authorization` or into the member `authorization`, in whatever case, of the payload of",
        f"`connection_init`. One socket runs up to {limits.operations_per_socket} operations; a",
        f"message of a client has at most {DEFAULT_LIMITS.message_bytes} bytes.\n",
        "| subscription | role | arguments | each frame | tells |",
        "| --- | --- | --- | --- | --- |",
        *(_subscription(name, field) for name, field in sorted(fields.items())),
        "\nClose codes:\n",
        *_codes(CLOSE_CODES),
        "\n## Legacy WebSockets\n",
        "Frames are texts, one JSON object each. A message of a client has at most",
        f"{LONGEST_MESSAGE} bytes. Without an upgrade these paths answer 404.\n",
    ]
    for socket in sorted(SOCKETS, key=lambda socket: socket.path):
        lines += _socket(socket)
    lines += ["Close codes:\n", *_codes(LEGACY_CODES)]
    return "\n".join(lines) + "\n"


def subscriptions() -> Mapping[str, GraphQLField]:
    """Returns the fields of the root type of subscriptions."""
    root = build_schema()._schema.subscription_type  # noqa: SLF001 -- strawberry keeps it there
    return {} if root is None else root.fields


def _subscription(name: str, field: GraphQLField) -> str:
    # Some resolvers of changes name the subscription that tells of them; they need a higher role.
    role = min(
        policy.role for policy in REGISTERED.values() if policy.graphql == f"Subscription.{name}"
    )
    arguments = ", ".join(f"`{argument}`" for argument in field.args) or "-"
    kind = named(field.type)
    members = ", ".join(f"`{member}`" for member in getattr(kind, "fields", {}))
    told = (field.description or "").replace("\n", " ")
    cells = (f"`{name}`", role.words, arguments, f"{kind}: {members}", told)
    return f"| {' | '.join(cells)} |"


def named(kind: GraphQLType) -> GraphQLType:
    """Returns what a type is without its lists and exclamation marks."""
    while isinstance(kind, GraphQLNonNull | GraphQLList):
        kind = kind.of_type
    return kind


def _socket(socket: SocketRoute) -> list[str]:
    policy = socket.serves.policy
    lines = [
        f"### `{socket.path}`\n",
        f"{socket.summary} Role {policy.role.words}; in GraphQL `{policy.graphql}`; contract",
        f"{socket.contract}.\n",
    ]
    lines += [f"The client says `{text}`." for text in socket.asks]
    lines += ["", "| frame | members |", "| --- | --- |"] if socket.tells else []
    for told in socket.tells:
        lines.append(f"| {told.meaning} | {', '.join(f'`{name}`' for name in told.members)} |")
    return [*lines, ""]


def _codes(codes: Mapping[int, str]) -> list[str]:
    lines = [f"| {code} | {meaning} |" for code, meaning in sorted(codes.items())]
    return ["| code | meaning |", "| --- | --- |", *lines]
