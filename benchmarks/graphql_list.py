"""A GraphQL list of 100 rows x 10 plain fields: our engine against stock Strawberry, in one run.

Run: .venv/bin/python -m benchmarks.graphql_list [ROUNDS]. Every way answers the same HTTP request
through ASGI in this process; the ways take turns, so that a busy machine slows all alike. Prints
answers a second, the ratio to stock, and what each part brings when it is added to those before.
"""

import asyncio
import sys
import time
from collections.abc import MutableMapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from statistics import median
from typing import Any

import orjson
import strawberry
from starlette.types import ASGIApp
from strawberry.asgi import GraphQL
from strawberry.schema.config import StrawberryConfig

from schema.document_checks import checks
from schema.endpoint import GraphqlEndpoint
from schema.limits import Limits
from schema.scalars import DATE_TIME
from schema.station_executor import station_executor

ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 12
REQUESTS = 20
BUDGET = 3
QUERY = (
    "query Boards { rows { serial port state image address changes secure kind weight seenAt } }"
)
BODY = orjson.dumps({"query": QUERY})
SCOPE = {
    "type": "http",
    "method": "POST",
    "path": "/graphql",
    "query_string": b"",
    "headers": [(b"content-type", b"application/json"), (b"accept", b"application/json")],
}


@strawberry.enum
class Kind(Enum):
    COMPUTE = "compute"
    BOARD = "board"


@strawberry.type
class Row:
    serial: strawberry.ID
    port: str
    state: str
    image: str | None
    address: str | None
    changes: int
    secure: bool
    kind: Kind
    weight: float
    seen_at: datetime


SEEN = datetime(2026, 8, 1, 12, 30, tzinfo=UTC)
ROWS = [
    Row(
        serial=strawberry.ID(f"{number:016x}"),
        port=f"1-1.{number}",
        state="provisioner-started",
        image="raspios-lite.img",
        address=None,
        changes=number,
        secure=number % 2 == 0,
        kind=Kind.BOARD,
        weight=number / 7,
        seen_at=SEEN,
    )
    for number in range(100)
]


@strawberry.type
class Query:
    @strawberry.field
    def rows(self) -> list[Row]:
        return ROWS


class Plain(GraphqlEndpoint[None]):
    async def get_context(self, *_: object, **__: object) -> None:
        return None


@dataclass
class Way:
    name: str
    app: ASGIApp
    seconds: list[float]


def schema(**arguments: Any) -> strawberry.Schema:  # noqa: ANN401 -- as strawberry takes them
    config = StrawberryConfig(scalar_map={datetime: DATE_TIME})
    return strawberry.Schema(Query, config=config, **arguments)


def ways() -> list[Way]:
    limits = Limits()
    remembering = checks(limits)
    executor = station_executor(limits)
    whole = schema(extensions=[remembering], execution_context_class=executor)
    apps: dict[str, ASGIApp] = {
        "stock Strawberry": GraphQL[None, None](schema()),
        "+ limits, documents remembered": GraphQL[None, None](schema(extensions=[remembering])),
        "+ executor": GraphQL[None, None](whole),
        "+ endpoint (orjson): all of ours": Plain(whole, limits=limits),
    }
    return [Way(name, app, []) for name, app in apps.items()]


async def answer(app: ASGIApp) -> bytes:
    came: list[MutableMapping[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": BODY, "more_body": False}

    async def send(message: MutableMapping[str, Any]) -> None:
        came.append(message)

    await app(dict(SCOPE), receive, send)
    if came[0]["status"] != 200:
        raise SystemExit(f"answered {came[0]['status']}: {came[1]['body']!r}")
    return bytes(came[1]["body"])


async def main() -> None:
    measured = ways()
    answers = [orjson.loads(await answer(way.app)) for way in measured]
    if any(each != answers[0] for each in answers):
        raise SystemExit("the ways answer differently")
    for _ in range(ROUNDS):
        for way in measured:
            began = time.perf_counter()
            for _ in range(REQUESTS):
                await answer(way.app)
            way.seconds.append((time.perf_counter() - began) / REQUESTS)
    stock = median(measured[0].seconds)
    for way in measured:
        taken = median(way.seconds)
        print(f"{way.name:34} {1 / taken:8.0f} /s {taken * 1e3:8.2f} ms {stock / taken:6.1f} x")
    print(f"ratio to stock {stock / median(measured[-1].seconds):.1f} x (budget {BUDGET})")


if __name__ == "__main__":
    asyncio.run(main())
