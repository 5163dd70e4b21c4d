"""The engine of GraphQL is loaded beside the first requests, not before them."""

import asyncio
import subprocess
import sys
from pathlib import Path

from tests.surfaces.conftest import running

NAME = "{ station { name } }"
HEAVY = ("graphql", "strawberry", "schema.build")


def test_the_engine_is_no_part_of_what_the_start_imports() -> None:
    code = f"import sys, server.running; print([n for n in {HEAVY} if n in sys.modules])"

    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert told.stdout.strip() == "[]"


async def test_a_client_that_leaves_while_it_waits_takes_nothing_from_the_next(
    tmp_path: Path,
) -> None:
    async with running(tmp_path) as service:
        leaving = asyncio.create_task(service.graphql(NAME))
        await asyncio.sleep(0)
        leaving.cancel()

        answers = await asyncio.gather(*(service.graphql(NAME) for _ in range(3)))

    assert all("errors" not in answer for answer in answers)


async def test_neither_the_sdl_nor_the_end_needs_the_engine(tmp_path: Path) -> None:
    async with running(tmp_path) as service:
        answer = await service.client.get("/schema.graphql")
        await service.application.graphql.close_all(seconds=1)

    assert "type Query {" in answer.text
    assert service.application.graphql.open_operations == 0
