"""One execution and one frame for all who ask the same in the same role, and for nobody else."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import orjson
import pytest
from strawberry.extensions import SchemaExtension

from domain.events import Update
from schema.shared_subscriptions import FRESH_SECONDS, FrameKey, Scope, SharedFrames, key_of
from tests.schema.driver import Socket, connected
from tests.schema.serving import Toy, toy
from tests.schema.toy import Context, Ticked, executions, toy_schema

LATE = "subscription{ticks{sequence number late}}"


@pytest.fixture(autouse=True)
def _counting() -> None:
    executions.clear()


@pytest.fixture
async def stack() -> AsyncIterator[AsyncExitStack]:
    async with AsyncExitStack() as opened:
        yield opened


async def watchers(
    toy: Toy, stack: AsyncExitStack, *queries: str, **members: object
) -> list[Socket]:
    """Opens a socket for each query and reads its snapshot."""
    sockets: list[Socket] = []
    for query in queries:
        socket = await stack.enter_async_context(connected(toy.endpoint))
        await socket.init()
        await socket.subscribe(f"id-{len(sockets)}", query, **members)
        await socket.next()
        sockets.append(socket)
    executions.clear()
    return sockets


async def test_the_same_operation_is_executed_once_for_each_event(stack: AsyncExitStack) -> None:
    served = toy()
    sockets = await watchers(served, stack, *[LATE] * 5)
    served.hub.publish(Ticked(7))
    frames = [await socket.next_text() for socket in sockets]
    assert executions == [7]
    assert frames[3] == (
        '{"id":"id-3","type":"next",'
        '"payload":{"data":{"ticks":{"sequence":1,"number":7,"late":7}}}}'
    )
    payloads = {frame.partition('"payload":')[2] for frame in frames}
    assert len(payloads) == 1


async def test_each_subscriber_gets_its_own_first_snapshot(stack: AsyncExitStack) -> None:
    served = toy()
    query = "subscription{ticks{sequence snapshot number}}"
    await watchers(served, stack, query)
    served.hub.publish(Ticked(7))
    other = await stack.enter_async_context(connected(served.endpoint))
    await other.init()
    await other.subscribe("1", query)
    assert (await other.next())["payload"]["data"]["ticks"] == {
        "sequence": 1, "snapshot": True, "number": 0
    }  # fmt: skip


@pytest.mark.parametrize(
    "other",
    [
        "subscription{ticks{sequence late number}}",
        "subscription Named{ticks{sequence number late}}",
        'subscription{ticks(text:"x"){sequence number late}}',
    ],
)
async def test_other_documents_do_not_share(stack: AsyncExitStack, other: str) -> None:
    served = toy()
    sockets = await watchers(served, stack, LATE, other)
    served.hub.publish(Ticked(7))
    for socket in sockets:
        assert (await socket.next())["payload"]["data"]["ticks"]["late"] == 7
    assert executions == [7, 7]


async def test_other_variables_do_not_share(stack: AsyncExitStack) -> None:
    served = toy()
    query = "subscription($t:String!){ticks(text:$t){text late}}"
    sockets = await watchers(served, stack, query, variables={"t": "a"})
    sockets += await watchers(served, stack, query, variables={"t": "b"})
    sockets += await watchers(served, stack, query, variables={"t": "b", "unused": 1})
    served.hub.publish(Ticked(7))
    texts = [(await socket.next())["payload"]["data"]["ticks"]["text"] for socket in sockets]
    assert texts == ["a", "b", "b"]
    assert executions == [7, 7]


async def test_other_operations_of_one_document_do_not_share(stack: AsyncExitStack) -> None:
    served = toy()
    query = "subscription A{ticks{text late}} subscription B{ticks{number late}}"
    sockets = await watchers(served, stack, query, operationName="A")
    sockets += await watchers(served, stack, query, operationName="B")
    served.hub.publish(Ticked(7))
    shown = [(await socket.next())["payload"]["data"]["ticks"] for socket in sockets]
    assert shown == [{"text": "", "late": 7}, {"number": 7, "late": 7}]


async def test_other_roles_do_not_share(stack: AsyncExitStack) -> None:
    served = toy()
    sockets = await watchers(served, stack, LATE)
    served.endpoint.share_key = "engineer"
    sockets += await watchers(served, stack, LATE)
    served.hub.publish(Ticked(7))
    for socket in sockets:
        await socket.next()
    assert executions == [7, 7]


async def test_without_a_key_nothing_is_shared(stack: AsyncExitStack) -> None:
    served = toy()
    served.endpoint.share_key = None
    sockets = await watchers(served, stack, LATE, LATE)
    served.hub.publish(Ticked(7))
    for socket in sockets:
        await socket.next()
    assert executions == [7, 7]


async def test_an_event_that_does_not_say_which_it_is_is_not_shared(stack: AsyncExitStack) -> None:
    served = toy()
    query = "subscription{bareTicks{number late}}"
    sockets = await watchers(served, stack, query, query)
    served.hub.publish(Ticked(7))
    for socket in sockets:
        assert (await socket.next())["payload"]["data"]["bareTicks"] == {"number": 7, "late": 7}
    assert executions == [7, 7]


async def test_a_subscriber_that_leaves_does_not_end_what_others_wait_for(
    stack: AsyncExitStack,
) -> None:
    served = toy()
    query = "subscription{ticks{number gated}}"
    sockets = []
    for _ in range(3):
        socket = await stack.enter_async_context(connected(served.endpoint))
        await socket.init()
        await socket.subscribe("1", query)
        sockets.append(socket)
    await asyncio.wait_for(served.station.entered.wait(), 5)
    await served.watched_by(3)
    # The first began the execution for all.
    await sockets[0].send({"id": "1", "type": "complete"})
    await served.watched_by(2)
    served.station.gate.set()
    for socket in sockets[1:]:
        assert (await socket.next())["payload"]["data"]["ticks"] == {"number": 0, "gated": "open"}
    assert executions == [0]


class Numbering(SchemaExtension):
    """Masks errors with a number that is new each time, as a correlation id is."""

    count = 0

    def on_stream_result(self, result: Any) -> Any:
        for error in result.errors or []:
            Numbering.count += 1
            error.message = f"error {Numbering.count}"
            error.extensions = {"code": "INTERNAL"}
            error.original_error = None
        yield


async def test_an_error_reaches_everybody_alike(stack: AsyncExitStack) -> None:
    served = toy(extensions=(Numbering,))
    sockets = await watchers(served, stack, *["subscription{ticks{number failing}}"] * 4)
    Numbering.count = 0
    served.hub.publish(Ticked(7))
    payloads = [(await socket.next())["payload"] for socket in sockets]
    assert executions == [7]
    assert Numbering.count == 1
    assert payloads == [payloads[0]] * 4
    assert payloads[0]["errors"][0]["message"] == "error 1"


async def test_what_an_extension_adds_is_not_shared(stack: AsyncExitStack) -> None:
    class Counting(SchemaExtension):
        made = 0

        def __init__(self, **arguments: Any) -> None:
            super().__init__(**arguments)
            Counting.made += 1
            self.number = Counting.made

        def get_results(self) -> dict[str, Any]:
            return {"number": self.number}

    served = toy(extensions=(Counting,))
    sockets = await watchers(served, stack, LATE, LATE)
    served.hub.publish(Ticked(7))
    numbers = [(await socket.next())["payload"]["extensions"]["number"] for socket in sockets]
    assert numbers == [1, 2]
    assert executions == [7]


async def test_without_a_socket_results_are_whole() -> None:
    served = toy()
    schema = toy_schema(execution_context_class=served.executor)
    context = Context(served.station)
    frames = [await schema.subscribe(LATE, context_value=context) for _ in range(2)]
    results = [await anext(each) for each in frames]
    assert [result.data for result in results] == [
        {"ticks": {"sequence": 0, "number": 0, "late": 0}}
    ] * 2
    for each in frames:
        await each.aclose()


def scope(document: str = "{a}") -> Scope:
    schema: Any = toy_schema()
    return Scope(schema._schema, document, "", b"{}", "viewer")


def test_an_update_is_shared_unless_it_says_otherwise() -> None:
    class Private:
        sequence = 1
        snapshot = False
        shareable = False

    shared = scope()
    assert key_of(shared, Update(1, snapshot=False, value="x")) == FrameKey(
        shared, 1, snapshot=False
    )
    assert key_of(shared, Private()) is None
    assert key_of(shared, {"sequence": 1, "snapshot": False}) is None
    assert key_of(None, Update(1, snapshot=False, value="x")) is None


def test_the_frames_kept_are_bounded_in_number() -> None:
    frames, shared = SharedFrames(most_frames=3), scope()
    for sequence in range(5):
        frames.begin(FrameKey(shared, sequence, snapshot=False))
    assert len(frames) == 3
    assert frames.find(FrameKey(shared, 1, snapshot=False)) is None
    assert frames.find(FrameKey(shared, 4, snapshot=False)) is not None


def test_the_text_kept_is_bounded() -> None:
    frames, shared = SharedFrames(most_characters=100), scope()
    for sequence in range(4):
        frame = frames.begin(FrameKey(shared, sequence, snapshot=False))
        frame.text = orjson.dumps("x" * 38).decode()
        frames.weigh(frame.text)
    assert len(frames) == 2
    frames.forget(FrameKey(shared, 3, snapshot=False))
    frames.begin(FrameKey(shared, 4, snapshot=False))
    assert len(frames) == 2


def test_a_frame_is_only_shared_while_it_is_new() -> None:
    now = [1000.0]
    frames, key = SharedFrames(clock=lambda: now[0]), FrameKey(scope(), 1, snapshot=True)
    frame = frames.begin(key)
    now[0] += FRESH_SECONDS
    assert frames.find(key) is frame
    now[0] += 0.001
    assert (frames.find(key), len(frames)) == (None, 0)
