"""A GraphQL list of 100 rows x 10 plain fields: our executor against stock Strawberry, in one run.

Run: .venv/bin/python benchmarks/graphql_list.py. Prints executions a second and their ratio.
"""

import asyncio
import time

import orjson
import strawberry

from schema.execution import QuickExecutor
from schema.limits import Limits, checks

RUNS = 200
ROUNDS = 3
QUERY = "{ rows { a b c d e f g h i j } }"


@strawberry.type
class Row:
    a: int
    b: str
    c: int
    d: str
    e: float
    f: bool
    g: str
    h: int
    i: str
    j: str | None


ROWS = [Row(a=n, b="b", c=n, d="d", e=1.5, f=True, g="g", h=1, i="i", j=None) for n in range(100)]


@strawberry.type
class StockQuery:
    @strawberry.field
    def rows(self) -> list[Row]:
        return ROWS


@strawberry.type
class OurQuery:
    @strawberry.field
    def rows(self) -> list[Row]:
        return ROWS


async def rate(schema: strawberry.Schema) -> float:
    began = time.perf_counter()
    for _ in range(RUNS):
        result = await schema.execute(QUERY)
        orjson.dumps(result.data)
    return RUNS / (time.perf_counter() - began)


async def main() -> None:
    stock = strawberry.Schema(StockQuery)
    ours = strawberry.Schema(
        OurQuery, execution_context_class=QuickExecutor, extensions=[checks(Limits())]
    )
    same = (await stock.execute(QUERY)).data == (await ours.execute(QUERY)).data
    rates = [(await rate(stock), await rate(ours)) for _ in range(ROUNDS)]
    slow, fast = max(r for r, _ in rates), max(r for _, r in rates)
    print(f"same results  {same}")
    print(f"stock         {slow:8.0f} /s")
    print(f"ours          {fast:8.0f} /s")
    print(f"ratio         {fast / slow:8.1f} x (budget 3)")


if __name__ == "__main__":
    asyncio.run(main())
