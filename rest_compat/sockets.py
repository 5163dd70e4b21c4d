"""Legacy WebSockets: each a value like a route, and the endpoint that serves them."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from typing import TypeVar

from starlette.types import Receive, Scope, Send

from domain.caller import Caller
from domain.errors import ProvisionerError
from domain.station import Station
from resolvers.operation import Policy, Watch
from rest_compat.errors import ErrorForm, encode_error, told
from rest_compat.http_errors import UnknownPath
from rest_compat.talk import (
    LONGEST_MESSAGE,
    STALL_SECONDS,
    TOO_LONG,
    ClientStalled,
    SocketClosed,
    Talk,
)

R = TypeVar("R")
Converse = Callable[[Caller, Station, Talk], Awaitable[None]]

log = logging.getLogger("provisioner.sockets")

# RFC 6455 section 7.4.1: the end of the conversation, the server goes away, the client breaks the
# policy that it reads what it is sent, and something unexpected.
DONE, GOING_AWAY, STALLED, FAILED = 1000, 1001, 1008, 1011
CLOSE_CODES: Mapping[int, str] = {
    DONE: "there is nothing more to tell",
    GOING_AWAY: "the service stops; come back",
    STALLED: f"the client did not read for {STALL_SECONDS:g} s",
    TOO_LONG: f"the client said something longer than {LONGEST_MESSAGE} bytes",
    FAILED: "something that the feature needs fell away; the reason says what",
}


@dataclass(frozen=True, slots=True)
class Conversation:
    """A watch between what the client says and what it is told; made by `pushed`."""

    name: str
    policy: Policy
    converse: Converse


@dataclass(frozen=True, slots=True)
class Told:
    """A kind of frame, a JSON object: when it comes and which members it may have."""

    meaning: str
    members: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SocketRoute:
    """One WebSocket path; `contract` is the section that it keeps. Asked for without an upgrade,
    the path is unknown.

    `asks` are examples of what the client may say, empty where that is ignored; `tells` are the
    frames that it may get.
    """

    path: str
    summary: str
    contract: str
    serves: Conversation
    asks: tuple[str, ...] = ()
    tells: tuple[Told, ...] = ()


def pushed(
    watch: Watch[[], R],
    texts: Callable[[AsyncGenerator[R, None]], AsyncGenerator[str, None]],
) -> Conversation:
    """Returns the conversation in which the client only listens; `texts` makes frames of what the
    watch yields."""

    async def converse(caller: Caller, station: Station, talk: Talk) -> None:
        async with aclosing(watch(caller, station)) as updates, aclosing(texts(updates)) as frames:
            # The first frame is made before the handshake ends, so that its errors show there.
            first = await anext(frames)
            await talk.accept()
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(talk.drain())
                tasks.create_task(_send_all(talk, first, frames))

    return Conversation(watch.name, watch.policy, converse)


async def _send_all(talk: Talk, first: str, rest: AsyncGenerator[str, None]) -> None:
    await talk.send(first)
    async for text in rest:
        await talk.send(text)
    await talk.end(DONE, "")


class SocketEndpoint:
    """The ASGI application of all legacy WebSockets; the guard has put the caller into the
    scope."""

    def __init__(
        self,
        station: Station,
        routes: Iterable[SocketRoute],
        *,
        form: ErrorForm = ErrorForm.FLAT,
        stall_seconds: float = STALL_SECONDS,
    ) -> None:
        self._station = station
        self._routes = {route.path.lower(): route for route in routes}
        self._form = form
        self._stall_seconds = stall_seconds
        self._talks: set[Talk] = set()

    def __len__(self) -> int:
        return len(self._talks)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves one socket until either side closes it."""
        talk = Talk(scope, receive, send, stall_seconds=self._stall_seconds)
        self._talks.add(talk)
        try:
            await self._serve(scope, talk)
        except Exception as error:  # noqa: BLE001 -- the top of a socket; it is logged there
            await self._fail(talk, _first(error), scope["caller"])
        finally:
            self._talks.discard(talk)

    async def close_all(self) -> None:
        """Closes every socket with 1001, all at once."""
        closing = [talk.end(GOING_AWAY, "The service stops.") for talk in self._talks]
        await asyncio.gather(*closing, return_exceptions=True)

    async def _serve(self, scope: Scope, talk: Talk) -> None:
        route = self._routes.get(scope["path"].lower())
        if route is None:
            raise UnknownPath("There is no WebSocket at this address.", detail=scope["path"][:200])
        scope["route"] = route.path
        caller: Caller = scope["caller"].entering(route.path, surface="websocket")
        await route.serves.converse(caller, self._station, talk)

    async def _fail(self, talk: Talk, error: Exception, caller: Caller) -> None:
        if isinstance(error, ClientStalled):
            log.info("a client stopped reading its WebSocket, which is closed")
            await talk.end(STALLED, "The client does not read what it is sent.")
            return
        if isinstance(error, SocketClosed):
            return
        known = told(error, (), correlation_id=caller.correlation_id)
        if talk.is_open:
            reason = known.message if isinstance(error, ProvisionerError) else "See the log."
            await talk.end(FAILED, reason)
        else:
            await talk.refuse(encode_error(known, accept="", form=self._form))


def _first(error: Exception) -> Exception:
    """Returns what went wrong, of several things at once the most telling one."""
    if not isinstance(error, ExceptionGroup):
        return error
    inner = [_first(each) for each in error.exceptions]
    return min(inner, key=lambda each: (type(each) is SocketClosed, type(each) is ClientStalled))
