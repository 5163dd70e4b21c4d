"""The pipe to a child, on the event loop that the service runs on."""

import asyncio
import sys
from asyncio.subprocess import PIPE

import pytest
import uvloop

from adapters.systemd_pipe import BusPipe, ChildGone


def test_a_child_that_ended_while_nobody_asked_is_gone() -> None:
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
