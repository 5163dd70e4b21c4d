"""One event and 1,000 subscribers of the same operation: shared against each for itself.

Run: .venv/bin/python -m benchmarks.shared_subscriptions [SUBSCRIBERS] [EVENTS]. The event is a
change of one of 127 boards. Prints the time from its publication until the last subscriber's
frame is handed to the transport, and the ratio of the two, from one run.
"""

import asyncio
import sys
import time
from collections.abc import AsyncGenerator, Hashable, MutableMapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from statistics import median
from typing import Any

import orjson
import strawberry

from domain.events import Event, Hub, watch_changes
from schema.endpoint import GraphqlEndpoint
from schema.limits import Limits, checks
from schema.station_executor import station_executor

SUBSCRIBERS = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000
EVENTS = int(sys.argv[2]) if len(sys.argv) > 2 else 9
BUDGET = 250
QUERY = """subscription { boardChanges { sequence snapshot boards {
    serial port state image address changes attempts { number result seconds } } } }"""


@dataclass(frozen=True, slots=True)
class BoardChanged(Event):
    number: int


@strawberry.type
class Attempt:
    number: int
    result: str
    seconds: float


@strawberry.type
class Board:
    serial: strawberry.ID
    port: str
    state: str
    image: str | None
    address: str | None
    changes: int
    attempts: list[Attempt]


@strawberry.type
class BoardChange:
    sequence: int
    snapshot: bool
    boards: list[Board]


HUB = Hub()


def board(number: int) -> Board:
    attempts = [Attempt(number=n, result="failed", seconds=n * 1.5) for n in range(3)]
    return Board(
        serial=strawberry.ID(f"{number:016x}"),
        port=f"1-1.{number}",
        state="provisioner-started",
        image="raspios-lite.img",
        address=None,
        changes=number,
        attempts=attempts,
    )


@strawberry.type
class Query:
    boards: int = 127


@strawberry.type
class Subscription:
    @strawberry.subscription
    async def board_changes(self) -> AsyncGenerator[BoardChange, None]:
        async def snapshot() -> list[Board]:
            return [board(number) for number in range(127)]

        def change(event: Event) -> list[Board] | None:
            return [board(event.number)] if isinstance(event, BoardChanged) else None

        async for update in watch_changes(HUB, BoardChanged, snapshot=snapshot, change=change):
            yield BoardChange(
                sequence=update.sequence, snapshot=update.snapshot, boards=update.value
            )


@dataclass
class Context:
    share_key: Hashable | None
    connection_params: dict[str, object] | None = None


class Endpoint(GraphqlEndpoint[Context]):
    share_key: Hashable | None = None

    async def get_context(self, *_: object, **__: object) -> Context:
        return Context(self.share_key)


@dataclass
class Crowd:
    """Counts the frames that all sockets were sent."""

    frames: int = 0
    wanted: int = 0
    all_there: asyncio.Event = field(default_factory=asyncio.Event)

    async def take(self, message: MutableMapping[str, Any]) -> None:
        if message["type"] == "websocket.send" and '"next"' in message["text"][:60]:
            self.frames += 1
            if self.frames == self.wanted:
                self.all_there.set()

    async def expect(self, count: int) -> None:
        await asyncio.wait_for(self.all_there.wait(), 120)
        self.all_there.clear()
        self.frames, self.wanted = 0, count


async def connect(endpoint: Endpoint, crowd: Crowd, stack: AsyncExitStack) -> None:
    messages: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    payload = {"id": "1", "type": "subscribe", "payload": {"query": QUERY}}
    await messages.put({"type": "websocket.connect"})
    for message in ({"type": "connection_init"}, payload):
        text = orjson.dumps(message).decode()
        await messages.put({"type": "websocket.receive", "text": text})
    scope = {"type": "websocket", "path": "/graphql", "headers": [], "query_string": b""}
    scope["subprotocols"] = ["graphql-transport-ws"]
    serving = asyncio.ensure_future(endpoint(scope, messages.get, crowd.take))

    async def leave() -> None:
        await messages.put({"type": "websocket.disconnect", "code": 1000})
        await serving

    stack.push_async_callback(leave)


async def measure(share_key: Hashable | None) -> float:
    limits = Limits()
    schema = strawberry.Schema(
        Query,
        subscription=Subscription,
        extensions=[checks(limits)],
        execution_context_class=station_executor(limits),
    )
    endpoint, crowd = Endpoint(schema, limits=limits), Crowd(wanted=SUBSCRIBERS)
    endpoint.share_key = share_key
    taken = []
    async with AsyncExitStack() as stack:
        for _ in range(SUBSCRIBERS):
            await connect(endpoint, crowd, stack)
        await crowd.expect(SUBSCRIBERS)
        for number in range(EVENTS):
            began = time.perf_counter()
            HUB.publish(BoardChanged(number))
            await crowd.expect(SUBSCRIBERS)
            taken.append(time.perf_counter() - began)
    return median(taken) * 1e3


async def main() -> None:
    alone, shared = await measure(None), await measure("viewer")
    print(f"{SUBSCRIBERS} subscribers, one event, median of {EVENTS}")
    print(f"each for itself  {alone:8.1f} ms")
    print(f"shared           {shared:8.1f} ms (budget {BUDGET})")
    print(f"ratio            {alone / shared:8.1f} x")


if __name__ == "__main__":
    asyncio.run(main())
