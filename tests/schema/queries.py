"""Random documents over the toy schema, and random values behind it, right ones and wrong ones."""

from typing import Any

from graphql import GraphQLError
from hypothesis import strategies as st

from tests.schema.toy import MOMENT, BrokenTool, Colour, Later, Station, Tool, person_of, plain_rows

LEAVES = {
    "Tool": [
        "id", "name", "text", "needed", "count", "ratio", "flag", "size", "at", "colour", "words",
        "numbers", "colours", "greeting", "greeting(word: $word)", "slow", "slowFailing",
    ],
    "Person": ["name", "age"],
    "Named": ["name"],
    "Thing": [],
    "Plain": ["serial", "port", "size", "changes", "secure", "colour", "weight", "at"],
    "Query": ["echo"],
}  # fmt: skip
BRANCHES = {
    "Tool": {
        "owner": "Person", "best": "Person", "parts": "Tool", "strictParts": "Tool",
        "things": "Thing", "named": "Named",
    },
    "Person": {"tools": "Tool", "friend": "Person", "closest": "Person"},
    "Named": {},
    "Thing": {},
    "Plain": {},
    "Query": {"rows": "Plain", "tools": "Tool", "looseTools": "Tool", "tool": "Tool",
              "things": "Thing"},
}  # fmt: skip
CONDITIONS = {"Named": ["Tool", "Person"], "Thing": ["Tool", "Person"], "Tool": ["Tool", "Named"]}
DIRECTIVES = ["", "", "", "", " @skip(if: $yes)", " @include(if: $yes)", " @include(if: false)"]
FRAGMENTS = {"Tool": "toolParts", "Person": "personParts"}
DECLARED = {"$yes": "$yes: Boolean! = true", "$word": '$word: String! = "hi"'}


@st.composite
def selections(draw: st.DrawFn, parent: str = "Query", level: int = 4) -> str:
    """Draws a selection set on a type."""
    kinds = ["typename"] * (not LEAVES[parent]) + ["leaf"] * 4 * bool(LEAVES[parent])
    kinds += ["branch"] * 3 * bool(BRANCHES[parent] and level)
    kinds += ["inline"] * bool(level) + ["spread"] * (parent in FRAGMENTS) + ["typename"]
    chosen = draw(st.lists(st.sampled_from(kinds), min_size=1, max_size=6))
    return "{" + " ".join(draw(_selection(parent, kind, level)) for kind in chosen) + "}"


@st.composite
def _selection(draw: st.DrawFn, parent: str, kind: str, level: int) -> str:
    directive = draw(st.sampled_from(DIRECTIVES))
    if kind == "typename":
        return f"__typename{directive}"
    if kind == "spread":
        return f"...{FRAGMENTS[parent]}{directive}"
    if kind == "inline":
        condition = draw(st.sampled_from(CONDITIONS.get(parent, [parent])))
        return f"... on {condition}{directive} {draw(selections(condition, level - 1))}"
    if kind == "leaf":
        field = draw(st.sampled_from(LEAVES[parent]))
        return f"{_alias(draw, field)}{field}{directive}"
    field, type_ = draw(st.sampled_from(sorted(BRANCHES[parent].items())))
    return f"{_alias(draw, field)}{field}{directive} {draw(selections(type_, level - 1))}"


def _alias(draw: st.DrawFn, field: str) -> str:
    letter = draw(st.sampled_from(["", "", "", "a", "b"]))
    plain = "".join(c for c in field if c.isalnum())
    return f"{letter}_{plain}: " if letter or "(" in field else ""


@st.composite
def documents(draw: st.DrawFn) -> str:
    """Draws a document; some are not valid, which both executors' schemas refuse alike."""
    document = draw(selections())
    for type_, name in FRAGMENTS.items():
        if f"...{name}" in document:
            # A fragment that spreads itself or the other would be circular.
            inner = draw(selections(type_, 1)).replace("...toolParts", "__typename")
            document += f" fragment {name} on {type_} " + inner.replace(
                "...personParts", "__typename"
            )
    used = [declared for name, declared in DECLARED.items() if name in document]
    return f"query ({' '.join(used)}) {document}" if used else document


WRONG = st.sampled_from(
    [
        None, "text", "7", "", 7, 2**31, 2**63, -1, 1.5, 3.0, float("nan"), float("inf"), True, b"",
        [], ["a", None], [1, 2**40], [Colour.RED, "green"], (), {}, Colour.GREEN, "green", MOMENT,
        MOMENT.replace(tzinfo=None), object, ValueError("as a value"), GraphQLError("its own"),
        Later("later"), Later(None), Later(5), Later(ValueError("later")), {"a": 1},
    ]
)  # fmt: skip
RIGHT: dict[str, Any] = {
    "text": "t", "needed": "n", "count": 3, "ratio": 0.5, "flag": False, "size": 2**40,
    "at": MOMENT, "colour": Colour.RED, "words": ["a", "b"], "numbers": [1, None],
    "colours": [Colour.GREEN],
}  # fmt: skip
OBJECTS = {"owner", "best"}
LISTS = {"parts", "strict_parts", "things", "named"}


@st.composite
def tools(draw: st.DrawFn, level: int = 3) -> object:
    """Draws a tool, rarely something else."""
    odd = draw(st.integers(0, 11))
    if odd == 0:
        return draw(WRONG)
    if odd == 1 and level:
        return Later(draw(tools(level - 1)))
    values: dict[str, Any] = {"name": "hammer", "id": "h1"}
    for name, right in RIGHT.items():
        values[name] = right if draw(st.integers(0, 5)) else draw(WRONG)
    if level:
        for name in OBJECTS:
            values[name] = draw(st.none() | people(level - 1) | WRONG)
        for name in LISTS:
            values[name] = draw(_items(level - 1))
    broken = draw(st.sets(st.sampled_from(sorted(RIGHT) + sorted(OBJECTS)), max_size=2))
    return BrokenTool(broken, **values) if odd == 2 else Tool(**values)


@st.composite
def people(draw: st.DrawFn, level: int = 2) -> object:
    """Draws a person; `closest` is often the null that may not be."""
    friend = draw(st.none() | people(level - 1)) if level else None
    closest = draw(st.none() | people(level - 1)) if level else None
    own = draw(st.lists(tools(level - 1), max_size=2)) if level else []
    age: Any = 40 if draw(st.integers(0, 4)) else draw(WRONG)
    return person_of("Ada", age=age, tools=own, friend=friend, closest=closest)


@st.composite
def _items(draw: st.DrawFn, level: int) -> object:
    items = draw(st.lists(tools(level) | people(min(level, 1)), max_size=3))
    return draw(
        st.sampled_from([*[items] * 8, tuple(items), None, FailingItems(items), "no list", 5])
    )


class FailingItems:
    """A list that breaks off after its items; it can be read again."""

    def __init__(self, items: list[object]) -> None:
        self.items = items

    def __iter__(self) -> Any:
        yield from self.items
        raise RuntimeError("the list breaks off")


@st.composite
def stations(draw: st.DrawFn) -> Station:
    """Draws what the root fields read."""
    listed = draw(_items(3))
    rows: Any = plain_rows(2) if draw(st.booleans()) else draw(st.lists(WRONG, max_size=2))
    return Station(rows=rows, tools=listed, tool=draw(tools()))
