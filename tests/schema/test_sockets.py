"""graphql-transport-ws, frame by frame."""

import asyncio
from typing import Any

import pytest

from schema.broadcasts import MOST_WAITING
from schema.limits import Limits
from tests.schema.driver import LIMIT, Socket, connected
from tests.schema.serving import Toy, toy
from tests.schema.toy import Ticked

TICKS = "subscription{ticks{sequence snapshot number}}"


@pytest.fixture
def served() -> Toy:
    return toy()


def frame(id: str, sequence: int, number: int, *, snapshot: bool = False) -> dict[str, Any]:
    ticks = {"sequence": sequence, "snapshot": snapshot, "number": number}
    return {"id": id, "type": "next", "payload": {"data": {"ticks": ticks}}}


async def test_a_subscription_tells_the_present_and_then_changes(served: Toy) -> None:
    async with connected(served.endpoint) as socket:
        await socket.init()
        assert socket.subprotocol == "graphql-transport-ws"
        await socket.subscribe("1", TICKS)
        assert await socket.next() == frame("1", 0, 0, snapshot=True)
        served.hub.publish(Ticked(7))
        assert await socket.next() == frame("1", 1, 7)
        assert (len(served.endpoint.sockets), served.endpoint.open_operations) == (1, 1)
        await socket.send({"id": "1", "type": "complete"})
        await served.watched_by(0)
    assert (len(served.endpoint.sockets), served.endpoint.open_operations) == (0, 0)


async def test_a_disconnected_client_leaves_no_subscription(served: Toy) -> None:
    async with connected(served.endpoint) as socket:
        await socket.init()
        await socket.subscribe("1", TICKS)
        await socket.next()
    assert served.hub.subscribers == 0


async def test_a_query_is_answered_and_completed(served: Toy) -> None:
    async with connected(served.endpoint) as socket:
        await socket.init()
        await socket.subscribe("q", "query($n:Long){echo(long:$n)}", variables={"n": 3})
        assert await socket.next() == {
            "id": "q", "type": "next", "payload": {"data": {"echo": "3 None"}}
        }  # fmt: skip
        assert await socket.next() == {"id": "q", "type": "complete"}
        await socket.subscribe("q", "{echo}")
        assert (await socket.next())["type"] == "next"


@pytest.mark.parametrize(
    ("query", "members", "code"),
    [
        ("{", {}, "GRAPHQL_PARSE_FAILED"),
        ("subscription{zzz}", {}, "GRAPHQL_VALIDATION_FAILED"),
        ("query A{echo}", {"operationName": "B"}, "GRAPHQL_OPERATION_UNKNOWN"),
        ("query($n:Long!){echo(long:$n)}", {"variables": {"n": "x"}}, "GRAPHQL_VARIABLES_INVALID"),
        (
            "subscription($t:String!){ticks(text:$t){number}}",
            {"variables": {"t": 5}},
            "GRAPHQL_VARIABLES_INVALID",
        ),
        ("{a" * 30 + "}" * 30, {}, "DEPTH_LIMIT"),
    ],
)
async def test_a_wrong_operation_is_an_error_and_the_socket_stays(
    served: Toy, query: str, members: dict[str, Any], code: str
) -> None:
    async with connected(served.endpoint) as socket:
        await socket.init()
        await socket.subscribe("1", query, **members)
        message = await socket.next()
        assert (message["id"], message["type"]) == ("1", "error")
        assert message["payload"][0]["extensions"]["code"] == code
        await socket.subscribe("1", "{echo}")
        assert (await socket.next())["type"] == "next"


async def test_a_ping_is_answered_with_what_it_carried(served: Toy) -> None:
    async with connected(served.endpoint) as socket:
        await socket.send({"type": "ping"})
        assert await socket.next() == {"type": "pong"}
        await socket.send({"type": "ping", "payload": {"at": 5}})
        assert await socket.next() == {"type": "pong", "payload": {"at": 5}}
        await socket.send({"type": "pong", "payload": {"unasked": True}})
        await socket.init()


@pytest.mark.parametrize(
    "text",
    [
        "", "{", "nonsense", "[]", "5", "null", '"text"', "{}", '{"type":null}', '{"type":[]}',
        '{"type":"start"}', '{"type":"subscribe"}', '{"type":"subscribe","id":"1"}',
        '{"type":"subscribe","id":1,"payload":{"query":"{echo}"}}',
        '{"type":"subscribe","id":"","payload":{"query":"{echo}"}}',
        '{"type":"subscribe","id":"1","payload":[]}',
        '{"type":"subscribe","id":"1","payload":{}}',
        '{"type":"subscribe","id":"1","payload":{"query":5}}',
        '{"type":"subscribe","id":"1","payload":{"query":"{echo}","variables":[]}}',
        '{"type":"subscribe","id":"1","payload":{"query":"{echo}","operationName":5}}',
        '{"type":"subscribe","id":"1","payload":{"query":"{echo}","extensions":5}}',
        '{"type":"complete"}', '{"type":"ping","payload":5}', '{"type":"pong","payload":[]}',
        '{"type":"connection_init","payload":[]}', "[" * 100_000, '{"type":"' + "x" * 5_000 + '"}',
    ],
)  # fmt: skip
async def test_what_the_protocol_does_not_know_closes_with_4400(served: Toy, text: str) -> None:
    async with connected(served.endpoint) as socket:
        await socket.send_text(text)
        code, reason = await socket.closing()
        assert code == 4400
        assert 0 < len(reason.encode()) <= 123


async def test_a_huge_id_closes_with_4400(served: Toy) -> None:
    async with connected(served.endpoint) as socket:
        await socket.init()
        await socket.subscribe("x" * 257, "{echo}")
        assert await socket.closing() == (4400, "`id` is a text of 1 to 256 characters.")


async def test_a_binary_frame_closes_with_4400(served: Toy) -> None:
    async with connected(served.endpoint) as socket:
        await socket.send_bytes(b'{"type":"ping"}')
        assert await socket.closing() == (4400, "A message is a text frame.")


async def test_subscribing_before_the_acknowledgement_closes_with_4401(served: Toy) -> None:
    async with connected(served.endpoint) as socket:
        await socket.subscribe("1", TICKS)
        assert await socket.closing() == (4401, "Unauthorized")


@pytest.mark.parametrize("name", ["stranger", "viewer"])
async def test_who_may_not_come_in_is_closed_with_4403(served: Toy, name: str) -> None:
    async with connected(served.endpoint) as socket:
        await socket.send({"type": "connection_init", "payload": {"name": name}})
        assert await socket.closing() == (4403, "Forbidden")


@pytest.mark.parametrize("protocols", [(), ("graphql-ws",), ("mqtt",)])
async def test_another_protocol_closes_with_4406(served: Toy, protocols: tuple[str, ...]) -> None:
    async with connected(served.endpoint, protocols=protocols) as socket:
        assert (await socket.closing())[0] == 4406


async def test_no_first_message_closes_with_4408() -> None:
    served = toy(init_seconds=0.01)
    async with connected(served.endpoint) as socket:
        assert await socket.closing() == (4408, "Connection initialisation timeout")


async def test_the_same_id_twice_closes_with_4409(served: Toy) -> None:
    id = "ü" * 100
    async with connected(served.endpoint) as socket:
        await socket.init()
        await socket.subscribe(id, TICKS)
        await socket.next()
        await socket.subscribe(id, TICKS)
        code, reason = await socket.closing()
        assert code == 4409
        assert reason.startswith("Subscriber for ü")
        assert len(reason.encode()) <= 123
    assert served.hub.subscribers == 0


async def test_a_second_init_closes_with_4429(served: Toy) -> None:
    async with connected(served.endpoint) as socket:
        await socket.init({})
        await socket.send({"type": "connection_init"})
        assert await socket.closing() == (4429, "Too many initialisation requests")


async def test_an_operation_too_many_is_an_error_of_that_operation() -> None:
    served = toy(limits=Limits(operations_per_socket=2))
    async with connected(served.endpoint) as socket:
        await socket.init()
        for id in ("1", "2", "3"):
            await socket.subscribe(id, TICKS)
        came = [await socket.next() for _ in range(3)]
        refused = next(message for message in came if message["type"] == "error")
        assert refused["id"] == "3"
        assert refused["payload"][0]["extensions"]["code"] == "OPERATION_LIMIT"
        await socket.send({"id": "1", "type": "complete"})
        await served.watched_by(1)
        await socket.subscribe("3", TICKS)
        assert (await socket.next())["id"] == "3"


async def test_every_socket_is_closed_with_1001_on_request(served: Toy) -> None:
    async with connected(served.endpoint) as one, connected(served.endpoint) as other:
        await one.init()
        await one.subscribe("1", TICKS)
        await one.next()
        await other.init()
        await served.endpoint.close_all()
        assert await one.closing() == (1001, "The service stops.")
        assert await other.closing() == (1001, "The service stops.")
    assert served.hub.subscribers == 0


async def test_closing_waits_for_a_mutation_whose_client_is_gone(served: Toy) -> None:
    async with connected(served.endpoint) as socket:
        await socket.init()
        await socket.subscribe("1", 'mutation{write(text:"whole")}')
        await asyncio.wait_for(served.station.entered.wait(), LIMIT)
    closing = asyncio.create_task(served.endpoint.close_all(seconds=LIMIT))
    served.station.gate.set()
    await asyncio.wait_for(closing, LIMIT)
    assert served.station.written == ["whole"]


async def test_a_client_that_stops_reading_gets_a_fresh_snapshot_when_it_goes_on(
    served: Toy,
) -> None:
    async with connected(served.endpoint) as slow, connected(served.endpoint) as quick:
        for socket in (slow, quick):
            await socket.init()
            await socket.subscribe("1", TICKS)
            await socket.next()
        slow.reads.clear()
        last = MOST_WAITING + 50
        for number in range(1, last + 1):
            served.hub.publish(Ticked(number))
            assert await quick.next() == frame("1", number, number)
        # So many went by: one frame waits in the transport's hands, the rest is a snapshot.
        assert slow.is_quiet
        slow.reads.set()
        assert await slow.next() == frame("1", 1, 1)
        assert await slow.next() == frame("1", last, 0, snapshot=True)
        assert served.endpoint.fallen_behind == 1
        served.hub.publish(Ticked(last + 1))
        for socket in (slow, quick):
            assert await socket.next() == frame("1", last + 1, last + 1)


async def test_a_client_that_never_reads_again_is_closed() -> None:
    served = toy(stall_seconds=0.02)
    async with connected(served.endpoint) as socket:
        await socket.init()
        for id in ("1", "2", "3"):
            await socket.subscribe(id, TICKS)
        for _ in range(3):
            await socket.next()
        socket.reads.clear()
        served.hub.publish(Ticked(1))
        await asyncio.wait_for(socket.given_up.wait(), LIMIT)
        await served.watched_by(0)
        assert socket.is_quiet
    assert len(served.endpoint.sockets) == 0


async def test_a_stalled_client_that_can_still_be_told_is_told_to_try_again() -> None:
    served = toy(stall_seconds=0.02)
    async with connected(served.endpoint) as socket:
        await socket.init()
        await socket.subscribe("1", TICKS)
        await socket.next()
        socket.reads.clear()
        served.hub.publish(Ticked(1))
        await asyncio.wait_for(socket.given_up.wait(), LIMIT)
        socket.reads.set()
        assert await socket.closing() == (1013, "The client does not read what it asked for.")


async def test_a_page_of_another_origin_is_turned_away(served: Toy) -> None:
    async with connected(served.endpoint, origin="http://evil.example", host="jig:3142") as socket:
        assert (await socket.closing())[0] == 1008
        assert socket.subprotocol is None


async def ping(socket: Socket) -> None:
    await socket.send({"type": "ping"})
    assert await socket.next() == {"type": "pong"}


async def test_a_failing_subscription_ends_that_operation_alone(served: Toy) -> None:
    async with connected(served.endpoint) as socket:
        await socket.init()
        await socket.subscribe("1", "subscription{failingTicks}")
        assert (await socket.next())["payload"] == {"data": {"failingTicks": "0"}}
        served.hub.publish(Ticked(1))
        broken = (await socket.next())["payload"]
        assert broken["data"] is None
        assert broken["errors"][0]["extensions"]["code"] == "INTERNAL"
        assert await socket.next() == {"id": "1", "type": "complete"}
        await ping(socket)
