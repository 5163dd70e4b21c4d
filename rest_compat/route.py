"""A REST route as one value: everything that router, OpenAPI, tables and checks need to know
of it."""

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import TypeAlias, TypeVar

from starlette.responses import Response

from domain.errors import ProvisionerError
from resolvers.operation import Call, Operation, Policy
from rest_compat.question import BODY_BYTES, Question

R = TypeVar("R")
Json: TypeAlias = "Mapping[str, Json] | Sequence[Json] | str | int | float | bool | None"
Schema: TypeAlias = Mapping[str, Json]
Arguments: TypeAlias = Mapping[str, object]
NOTHING: Schema = {"type": "string", "maxLength": 0}
"""The body of an answer that says nothing."""


class Showing(Enum):
    """When a browser gets a page instead of data (common section 2)."""

    NEVER = "never"
    ON_HTML = "if Accept contains text/html"
    UNLESS_JSON = "unless Accept contains application/json"
    ALWAYS = "always"

    def applies(self, accept: str) -> bool:
        """Whether a request with this Accept header gets the page. The substring test is kept."""
        if self is Showing.ON_HTML:
            return "text/html" in accept
        if self is Showing.UNLESS_JSON:
            return "application/json" not in accept
        return self is Showing.ALWAYS


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter in the path or the query; `schema` is JSON Schema 2020-12."""

    name: str
    place: str
    description: str
    required: bool = False
    schema: Schema = field(default_factory=lambda: {"type": "string"})


@dataclass(frozen=True, slots=True)
class Body:
    """A request's body: its media type, its schema, the most bytes that are read of it, and
    whether it must be there."""

    media_type: str
    schema: Schema
    most_bytes: int = BODY_BYTES
    required: bool = True


@dataclass(frozen=True, slots=True)
class Link:
    """What an answer's body names at a JSON pointer, and the operations (by their resolvers) whose
    `parameter` that may be (OpenAPI 3.1, Link Object)."""

    pointer: str
    parameter: str
    operations: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """A successful answer: status, what it means, media type (empty: no body), schema, and where
    it leads."""

    status: int
    description: str
    media_type: str = "application/json"
    schema: Schema = field(default_factory=dict)
    links: tuple[Link, ...] = ()


@dataclass(frozen=True, slots=True)
class Fault:
    """An error that the route may answer, and where the legacy status or code differs from the
    natural."""

    error: type[ProvisionerError]
    status: int | None = None
    code: str | None = None


async def no_arguments(question: Question) -> Arguments:
    """Parses a request that has nothing to say but its path."""
    del question
    return {}


@dataclass(frozen=True, slots=True)
class Served:
    """A resolver between its request's parser and its answer's encoder; made by `served`."""

    name: str
    policy: Policy
    answer: Callable[[Call, Question], Awaitable[Response]]


def served(
    resolver: Operation[..., R],
    encode: Callable[[R], Response | Awaitable[Response]],
    parse: Callable[[Question], Awaitable[Arguments]] = no_arguments,
) -> Served:
    """Binds parse, resolver and encode into what a route runs."""

    async def answer(call: Call, question: Question) -> Response:
        encoded = encode(await resolver.perform(call, **await parse(question)))
        return await encoded if isinstance(encoded, Awaitable) else encoded

    return Served(resolver.name, resolver.policy, answer)


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One method at one path (and its aliases), from the request to the answer.

    `entry` is the literal of the audit row (contract audit section 3) with `{places}` filled in
    from the path, the path itself if empty; `contract` is the section that the route keeps.
    `failure` are members that the flat envelope of this route's errors has besides.
    `serves` is None only where nothing of the station is told and `redirect` says where to look.
    """

    method: str
    path: str
    summary: str
    contract: str
    serves: Served | None
    redirect: str = ""
    aliases: tuple[str, ...] = ()
    parameters: tuple[Parameter, ...] = ()
    body: Body | None = None
    answers: tuple[Answer, ...] = ()
    faults: tuple[Fault, ...] = ()
    failure: Mapping[str, Json] = field(default_factory=dict)
    showing: Showing = Showing.NEVER
    checks_csrf: bool = False
    entry: str = ""

    @property
    def paths(self) -> tuple[str, ...]:
        """The path and its aliases."""
        return (self.path, *self.aliases)

    def entry_for(self, places: Mapping[str, str]) -> str:
        """Returns the audit literal of one request."""
        return PLACE.sub(lambda found: places.get(found[1], ""), self.entry or self.path)


PLACE = re.compile(r"\{(\w+)\}")


def pattern_of(path: str) -> re.Pattern[str]:
    """Returns what matches the decoded path: case ignored, a place is anything without a slash."""
    pieces = PLACE.split(path)
    text = "".join(
        f"(?P<{piece}>[^/]*)" if index % 2 else re.escape(piece)
        for index, piece in enumerate(pieces)
    )
    return re.compile(text, re.IGNORECASE | re.DOTALL)
