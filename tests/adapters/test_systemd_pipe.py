"""The pipe to a child."""

import asyncio
import sys
from asyncio.subprocess import PIPE

import pytest
import uvloop

from adapters.systemd_pipe import BusPipe, ChildGone

ROUNDS = 200


def test_on_the_loop_of_the_service_a_child_that_ended_while_nobody_asked_is_gone() -> None:
    async def ask() -> None:
        child = await asyncio.create_subprocess_exec(
            sys.executable, "-c", "", stdin=PIPE, stdout=PIPE
        )
        pipe = BusPipe(child)
        await child.wait()
        async with asyncio.timeout(10):
            while True:
                pipe.send({"id": 1})
                await asyncio.sleep(0)

    with pytest.raises(ChildGone):
        uvloop.run(ask())


async def test_a_kill_never_takes_the_exit_status_from_who_waits_for_it(
    caplog: pytest.LogCaptureFixture,
) -> None:
    for _ in range(ROUNDS):
        child = await asyncio.create_subprocess_exec("true", stdin=PIPE, stdout=PIPE)
        pipe = BusPipe(child)
        # The child ends just now, by itself or by the first of these.
        for _ in range(20):
            pipe.kill()
        await pipe.close()
        assert child.returncode in (0, -9)
    assert caplog.records == []
