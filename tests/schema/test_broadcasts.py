"""One subscription that is run for all who asked the same: who comes, who goes, who is slow."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import pytest

from domain.events import Event
from schema.broadcasts import LATEST, MOST_WAITING, Broadcast, FellBehind, Follower
from schema.shared_subscriptions import FrameKey, Scope
from tests.schema.driver import LIMIT, Socket, connected
from tests.schema.serving import Toy, toy
from tests.schema.toy import Ticked, toy_schema

TICKS = "subscription{ticks{sequence snapshot number}}"


class Other(Event):
    """Something that nobody follows."""


@pytest.fixture
async def stack() -> AsyncIterator[AsyncExitStack]:
    async with AsyncExitStack() as opened:
        yield opened


@pytest.fixture
def served() -> Toy:
    return toy()


async def watcher(served: Toy, stack: AsyncExitStack, query: str = TICKS) -> Socket:
    """Opens a socket and reads its snapshot."""
    socket = await stack.enter_async_context(connected(served.endpoint))
    await socket.init()
    await socket.subscribe("1", query)
    assert (await ticks(socket))["snapshot"]
    return socket


async def ticks(socket: Socket) -> Any:
    message = await socket.next()
    assert message["type"] == "next", message
    return message["payload"]["data"]["ticks"]


async def numbers(socket: Socket, count: int) -> list[int]:
    return [(await ticks(socket))["number"] for _ in range(count)]


async def test_many_sockets_are_one_subscriber_of_the_hub(
    served: Toy, stack: AsyncExitStack
) -> None:
    sockets = [await watcher(served, stack) for _ in range(20)]
    served.hub.publish(Other())
    # Who comes when something else happened meanwhile sees the same present.
    sockets.append(await watcher(served, stack))
    await served.watched_by(1)
    for number in (7, 8):
        served.hub.publish(Ticked(number))
    assert [await numbers(socket, 2) for socket in sockets] == [[7, 8]] * 21


async def test_the_first_may_leave_and_the_last_ends_it(served: Toy, stack: AsyncExitStack) -> None:
    sockets = [await watcher(served, stack) for _ in range(3)]
    await sockets[0].send({"id": "1", "type": "complete"})
    served.hub.publish(Ticked(7))
    assert [await numbers(socket, 1) for socket in sockets[1:]] == [[7], [7]]
    for socket in sockets[1:]:
        await socket.send({"id": "1", "type": "complete"})
    await served.watched_by(0)
    assert len(served.endpoint.broadcasts) == 0
    again = await watcher(served, stack)
    served.hub.publish(Ticked(8))
    assert await numbers(again, 1) == [8]


@pytest.mark.parametrize("seed", range(20))
async def test_whoever_comes_whenever_misses_nothing_and_hears_nothing_twice(
    served: Toy, stack: AsyncExitStack, seed: int
) -> None:
    chance, last = random.Random(seed), 60

    async def follow() -> list[int]:
        for _ in range(chance.randrange(60)):
            await asyncio.sleep(0)
        socket = await stack.enter_async_context(connected(served.endpoint))
        await socket.init()
        await socket.subscribe("1", TICKS)
        heard = [await ticks(socket)]
        while heard[-1]["sequence"] < last:
            heard.append(await ticks(socket))
        assert [frame["snapshot"] for frame in heard] == [True] + [False] * (len(heard) - 1)
        return [frame["sequence"] for frame in heard]

    following = [asyncio.create_task(follow()) for _ in range(10)]
    for number in range(1, last + 1):
        for _ in range(chance.randrange(1, 30)):
            await asyncio.sleep(0)
        served.hub.publish(Ticked(number))
    for sequences in await asyncio.wait_for(asyncio.gather(*following), LIMIT):
        assert sequences == list(range(sequences[0], last + 1))


async def test_a_source_that_breaks_ends_for_all_alike(served: Toy, stack: AsyncExitStack) -> None:
    sockets = []
    for _ in range(3):
        socket = await stack.enter_async_context(connected(served.endpoint))
        await socket.init()
        await socket.subscribe("1", "subscription{failingTicks}")
        sockets.append(socket)
    for socket in sockets:
        assert (await socket.next())["payload"] == {"data": {"failingTicks": "0"}}
        assert (await socket.next())["type"] in ("error", "next")
    await served.watched_by(0)


async def test_stopping_leaves_no_subscription_behind(served: Toy, stack: AsyncExitStack) -> None:
    for _ in range(3):
        await watcher(served, stack)
    await served.endpoint.close_all()
    assert (served.hub.subscribers, len(served.endpoint.broadcasts)) == (0, 0)


async def test_a_follower_gets_what_waits_and_then_the_end() -> None:
    results: list[Any] = ["a", "b"]
    follower = Follower(results[:1])
    follower.tell(results[1])
    follower.end()
    assert [await follower.next() for _ in range(3)] == ["a", "b", None]


async def test_a_follower_that_is_too_slow_falls_behind() -> None:
    result: Any = "a"
    follower = Follower([])
    for _ in range(MOST_WAITING):
        follower.tell(result)
    assert await follower.next() == "a"
    for _ in range(2):
        follower.tell(result)
    with pytest.raises(FellBehind):
        await follower.next()


async def test_a_frame_that_was_told_long_ago_is_no_place_to_begin() -> None:
    scope = Scope(toy_schema()._schema, "{a}", "", b"{}", "viewer")

    async def source() -> AsyncIterator[Any]:
        await asyncio.Event().wait()
        yield None

    results: Any = source()
    broadcast = Broadcast(FrameKey(scope, 5, snapshot=True), results)
    for sequence in range(6, 6 + LATEST):
        broadcast._latest.append((sequence, None))
    assert broadcast.join(5) is None
    follower = broadcast.join(6)
    assert follower is not None
    broadcast.leave(follower)
    await asyncio.wait_for(broadcast.stopped(), LIMIT)
