"""One event and many subscribers of the same operation, over real sockets.

Run: .venv/bin/python -m benchmarks.shared_subscriptions [EVENTS]. The service's own listener and
endpoint run in this process, the clients in a child (benchmarks/crowd.py). The event is a change of
one of 127 boards. Prints the time from its publication until the last subscriber has its frame,
against the budgets of 50 ms at 100 subscribers and 250 ms at 1,000; then the same with one
subscriber who has stopped reading, and with nothing shared.
"""

import asyncio
import gc
import resource
import sys
import time
from collections.abc import AsyncGenerator, AsyncIterator, Hashable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from statistics import quantiles

import strawberry
import uvloop

from domain.events import Event, Hub, watch_changes
from schema.document_checks import checks
from schema.endpoint import GraphqlEndpoint
from schema.limits import Limits
from schema.station_executor import station_executor
from server.doors import Doors, Listening

EVENTS = int(sys.argv[1]) if len(sys.argv) > 1 else 200
PATIENCE = 60.0
BUDGETS = {100: 50, 1_000: 250}
QUERY = """subscription { boardChanges { sequence snapshot boards {
    serial port state image address changes attempts { number result seconds } } } }"""
LARGE = "x" * 60_000


@dataclass(frozen=True, slots=True)
class BoardChanged(Event):
    number: int
    text: str = ""


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


def board(number: int, state: str = "provisioner-started") -> Board:
    attempts = [Attempt(number=n, result="failed", seconds=n * 1.5) for n in range(3)]
    return Board(
        serial=strawberry.ID(f"{number:016x}"),
        port=f"1-1.{number}",
        state=state,
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
            return [board(event.number, event.text)] if isinstance(event, BoardChanged) else None

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
    """The child process and what it tells."""

    process: asyncio.subprocess.Process

    async def all_told(self) -> int:
        """Returns when the last one of a round got its frame, in nanoseconds."""
        assert self.process.stdout is not None
        return int(await asyncio.wait_for(self.process.stdout.readline(), PATIENCE))

    async def stall(self) -> None:
        """Lets some stop reading, and returns when the service has noticed."""
        assert self.process.stdin is not None
        self.process.stdin.write(b"stall\n")
        before = HUB.lagged
        while HUB.lagged == before:
            HUB.publish(BoardChanged(0, LARGE))
            await self.all_told()


@asynccontextmanager
async def crowd(port: int, subscribers: int, stalling: int) -> AsyncIterator[Crowd]:
    """Connects a crowd and waits for everybody's snapshot."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "benchmarks.crowd", str(port), str(subscribers + stalling)),
        *(str(stalling), QUERY),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    there = Crowd(process)
    try:
        await there.all_told()
        yield there
    finally:
        assert process.stdin is not None
        process.stdin.close()
        await process.wait()


async def measure(
    subscribers: int, *, share_key: Hashable | None = "viewer", stalling: int = 0
) -> list[float]:
    """Returns the milliseconds of each event until all were told."""
    limits = Limits()
    schema = strawberry.Schema(
        Query,
        subscription=Subscription,
        extensions=[checks(limits)],
        execution_context_class=station_executor(limits),
    )
    endpoint = Endpoint(schema, limits=limits, stall_seconds=PATIENCE * 10)
    endpoint.share_key = share_key
    doors = Doors(endpoint, Listening(grace_seconds=0.1))
    port = int((await doors.open("127.0.0.1", 0)).rsplit(":", 1)[1])
    taken = []
    async with crowd(port, subscribers, stalling) as there:
        if stalling:
            await there.stall()
        gc.collect()
        for number in range(EVENTS):
            began = time.monotonic_ns()
            HUB.publish(BoardChanged(number % 127))
            taken.append((await there.all_told() - began) / 1e6)
    await endpoint.close_all()
    await doors.close()
    return taken


def told(name: str, taken: list[float], budget: int | None) -> None:
    """Prints one line of the result."""
    at = quantiles(taken, n=100, method="inclusive")
    against = f"budget {budget} ms, p99 uses {at[98] / budget:.0%}" if budget else ""
    print(f"{name:32} p50 {at[49]:7.1f} ms  p99 {at[98]:7.1f} ms  {against}", flush=True)


async def main() -> None:
    """Measures and prints."""
    print(f"One event until all are told; {EVENTS} events each")
    for subscribers, budget in BUDGETS.items():
        told(f"{subscribers} subscribers", await measure(subscribers), budget)
        stalled = await measure(subscribers, stalling=1)
        told(f"{subscribers}, one more has stalled", stalled, budget)
    shared, alone = await measure(1_000), await measure(1_000, share_key=None)
    told("1000, nothing shared", alone, None)
    print(f"sharing is {sum(alone) / sum(shared):.1f} x as fast as each for itself")


if __name__ == "__main__":
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    uvloop.run(main())
