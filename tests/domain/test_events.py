"""The hub never waits, and a stalled reader gets a fresh snapshot."""

import asyncio
from dataclasses import dataclass

from domain.events import Event, Hub, Lagged, Published, watch_changes, watch_view


@dataclass(frozen=True, slots=True)
class Counted(Event):
    number: int


@dataclass(frozen=True, slots=True)
class Unrelated(Event):
    pass


async def test_a_subscriber_gets_events_of_its_kind_in_order() -> None:
    hub = Hub()
    with hub.subscribe(Counted) as subscription:
        hub.publish(Counted(1))
        hub.publish(Unrelated())
        hub.publish(Counted(2))
        assert await subscription.next() == Published(1, Counted(1))
        assert await subscription.next() == Published(3, Counted(2))


async def test_an_overflow_is_told_once_and_then_events_flow_again() -> None:
    hub = Hub()
    with hub.subscribe(Counted, size=3) as subscription:
        for number in range(10):
            hub.publish(Counted(number))
        assert await subscription.next() == Lagged(10)
        hub.publish(Counted(11))
        assert await subscription.next() == Published(11, Counted(11))
    assert hub.lagged == 7


async def test_leaving_a_subscription_frees_it() -> None:
    hub = Hub()
    with hub.subscribe(Counted):
        assert hub.subscribers == 1
    assert hub.subscribers == 0


async def test_a_stalled_view_shows_the_present_not_the_past() -> None:
    hub, present = Hub(), [0]

    async def view() -> int:
        return present[0]

    watching = watch_view(hub, Counted, view=view, size=2)
    assert (await anext(watching)).value == 0
    for number in range(1, 50):
        present[0] = number
        hub.publish(Counted(number))
    late = await anext(watching)
    assert (late.value, late.snapshot) == (49, True)
    await watching.aclose()


async def test_changes_follow_the_snapshot_and_a_lag_gives_another() -> None:
    hub, total = Hub(), [0]

    async def snapshot() -> int:
        return total[0]

    def change(event: Event) -> int | None:
        return event.number if isinstance(event, Counted) else None

    watching = watch_changes(hub, Counted, snapshot=snapshot, change=change, size=2)
    assert (await anext(watching)).snapshot
    hub.publish(Counted(7))
    update = await anext(watching)
    assert (update.value, update.snapshot, update.sequence) == (7, False, 1)
    total[0] = 99
    for number in range(5):
        hub.publish(Counted(number))
    assert (await anext(watching)).value == 99
    await watching.aclose()


async def test_publishing_does_not_wait_for_a_reader_that_never_reads() -> None:
    hub = Hub()
    with hub.subscribe(Counted, size=1):
        async with asyncio.timeout(5):
            for number in range(100_000):
                hub.publish(Counted(number))
    assert hub.sequence == 100_000
