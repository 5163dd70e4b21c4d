"""A small schema with everything that an executor can meet: lists, nulls, errors, unions, time."""

import asyncio
from collections.abc import AsyncGenerator, Generator, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import Enum
from typing import Annotated, Any, NewType, cast

import strawberry
from strawberry.schema.config import StrawberryConfig

from domain.events import Event, Hub, Update, watch_changes
from schema.scalars import DATE_TIME, LONG

Long = NewType("Long", int)
SCALARS: dict[Any, Any] = {datetime: DATE_TIME, Long: LONG}
MOMENT = datetime(2026, 8, 1, 12, 30, tzinfo=UTC)


@strawberry.enum
class Colour(Enum):
    RED = "red"
    GREEN = "green"


@strawberry.interface
class Named:
    name: str


@strawberry.type
class Plain:
    """Ten plain fields, as a list of boards has them."""

    serial: str
    port: str | None
    state: str
    image: str | None
    size: Long
    changes: int
    secure: bool
    colour: Colour
    weight: float
    at: datetime | None


@strawberry.type
class Tool(Named):
    """Fields that hold whatever a test puts there, of the declared type or not."""

    id: strawberry.ID
    text: str | None = None
    needed: str = "there"
    count: int | None = None
    ratio: float | None = None
    flag: bool | None = None
    size: Long | None = None
    at: datetime | None = None
    colour: Colour | None = None
    words: list[str] | None = None
    numbers: list[int | None] | None = None
    colours: list[Colour] | None = None
    owner: "Person | None" = None
    best: "Person | None" = None
    parts: "list[Tool | None] | None" = None
    strict_parts: "list[Tool] | None" = None
    things: "list[Thing] | None" = None
    named: list[Named] | None = None

    @strawberry.field
    def greeting(self, word: str = "hello") -> str:
        return f"{word} {self.name}"

    @strawberry.field
    async def slow(self) -> str:
        await asyncio.sleep(0)
        return f"slow {self.name}"

    @strawberry.field
    async def slow_failing(self) -> str | None:
        await asyncio.sleep(0)
        raise ValueError("too slow")


@strawberry.type
class Person(Named):
    age: int
    tools: list[Tool] = strawberry.field(default_factory=list)
    friend: "Person | None" = None
    closest: "Person" = strawberry.field(default=None)


Thing = Annotated[Tool | Person, strawberry.union("Thing")]


class BrokenTool(Tool):
    """A tool of which some attributes cannot be read."""

    def __init__(self, broken: set[str], **values: Any) -> None:
        super().__init__(**values)
        self.broken = broken

    def __getattribute__(self, name: str) -> Any:
        if name in object.__getattribute__(self, "__dict__").get("broken", ()):
            raise RuntimeError(f"{name} cannot be read")
        return object.__getattribute__(self, name)


class Later:
    """An awaitable that can be awaited again and again; an exception is raised."""

    def __init__(self, value: object) -> None:
        self.value = value

    def __await__(self) -> Generator[Any, Any, object]:
        yield from asyncio.sleep(0).__await__()
        if isinstance(self.value, Exception):
            raise self.value
        return self.value


@dataclass(frozen=True, slots=True)
class Ticked(Event):
    number: int


@strawberry.type
class Frame:
    sequence: int
    snapshot: bool
    number: int
    text: str

    @strawberry.field
    async def late(self) -> int:
        executions.append(self.number)
        await asyncio.sleep(0)
        return self.number

    @strawberry.field
    async def gated(self, info: "strawberry.Info[Context, None]") -> str:
        executions.append(self.number)
        info.context.station.entered.set()
        await info.context.station.gate.wait()
        return "open"

    @strawberry.field
    def failing(self) -> str:
        executions.append(self.number)
        raise ValueError(f"frame {self.number} cannot be shown")


executions: list[int] = []
"""The numbers of the frames whose `late` or `failing` was resolved, one entry for each time."""


@dataclass
class Station:
    """What the toy's root fields read."""

    rows: Any = field(default_factory=list)
    tools: Any = field(default_factory=list)
    tool: Any = None
    hub: Hub = field(default_factory=Hub)
    entered: asyncio.Event = field(default_factory=asyncio.Event)
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    written: list[str] = field(default_factory=list)


@dataclass
class Context:
    """The context of one request or one socket."""

    station: Station = field(default_factory=Station)
    share_key: object = "viewer"
    connection_params: dict[str, object] | None = None


Info = strawberry.Info[Context, None]


@strawberry.type
class Query:
    @strawberry.field
    def rows(self, info: Info) -> list[Plain]:
        return cast("list[Plain]", info.context.station.rows)

    @strawberry.field
    def tools(self, info: Info) -> list[Tool] | None:
        return cast("list[Tool] | None", info.context.station.tools)

    @strawberry.field
    def loose_tools(self, info: Info) -> list[Tool | None]:
        return cast("list[Tool | None]", info.context.station.tools)

    @strawberry.field
    def tool(self, info: Info) -> Tool | None:
        return cast("Tool | None", info.context.station.tool)

    @strawberry.field
    def things(self, info: Info) -> list[Thing] | None:
        return cast("list[Thing] | None", info.context.station.tools)

    @strawberry.field
    def echo(self, long: Long | None = None, at: datetime | None = None) -> str:
        return f"{long!r} {at!r}"

    @strawberry.field
    async def waits(self, info: Info) -> str:
        info.context.station.entered.set()
        await info.context.station.gate.wait()
        return "done"


@strawberry.type
class Mutation:
    @strawberry.mutation
    async def write(self, info: Info, text: str) -> str:
        info.context.station.entered.set()
        await info.context.station.gate.wait()
        info.context.station.written.append(text)
        return text


@strawberry.type
class Bare:
    """A frame that does not say which event it is of, so it is never shared."""

    number: int

    @strawberry.field
    async def late(self) -> int:
        executions.append(self.number)
        await asyncio.sleep(0)
        return self.number


@strawberry.type
class HangingFrame:
    """The first frame never gets ready."""

    number: int

    @strawberry.field
    async def hang(self) -> str:
        if self.number == 0:
            await asyncio.Event().wait()
        return "no"


@strawberry.type
class Subscription:
    @strawberry.subscription
    async def hanging_ticks(self, info: Info) -> AsyncGenerator[HangingFrame, None]:
        async for update in _ticks(info):
            yield HangingFrame(number=update.value)

    @strawberry.subscription
    async def failing_ticks(self, info: Info) -> AsyncGenerator[str, None]:
        async for update in _ticks(info):
            yield str(update.value)
            raise ValueError("the source broke")

    @strawberry.subscription
    async def ticks(self, info: Info, text: str = "") -> AsyncGenerator[Frame, None]:
        async for update in _ticks(info):
            yield Frame(
                sequence=update.sequence,
                snapshot=update.snapshot,
                number=update.value,
                text=text,
            )

    @strawberry.subscription
    async def bare_ticks(self, info: Info) -> AsyncGenerator[Bare, None]:
        async for update in _ticks(info):
            yield Bare(number=update.value)


async def _ticks(info: Info) -> AsyncGenerator[Update[int], None]:
    async def snapshot() -> int:
        return 0

    def change(event: Event) -> int | None:
        return event.number if isinstance(event, Ticked) else None

    hub = info.context.station.hub
    async for update in watch_changes(hub, Ticked, snapshot=snapshot, change=change, size=8):
        yield update


def toy_schema(**arguments: Any) -> strawberry.Schema:
    """Returns the toy as a schema; `arguments` are those of `strawberry.Schema`."""
    return strawberry.Schema(
        query=Query,
        mutation=Mutation,
        subscription=Subscription,
        types=[Person],
        config=StrawberryConfig(scalar_map=SCALARS),
        **arguments,
    )


def tool_of(name: str, **values: Any) -> Tool:
    """Returns a tool that holds whatever `values` say, right or wrong."""
    return Tool(id=strawberry.ID("1"), name=name, **values)


def person_of(name: str, **values: Any) -> Person:
    """Returns a person that holds whatever `values` say."""
    return Person(name=name, **{"age": 40, **values})


def plain_rows(count: int) -> list[Plain]:
    """Returns `count` rows of ten plain fields."""
    return list(_plain(count))


def _plain(count: int) -> Iterator[Plain]:
    for number in range(count):
        yield Plain(
            serial=f"{number:016x}",
            port=f"1-1.{number}" if number % 3 else None,
            state="provisioner-started",
            image="raspios-lite.img",
            size=Long(8_000_000_000 + number),
            changes=number,
            secure=number % 2 == 0,
            colour=Colour.GREEN,
            weight=number / 7,
            at=MOMENT,
        )
