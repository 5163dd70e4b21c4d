"""Rules for JSON: what a value must be, as a tree of small values that name every way in which it
is not."""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol

ROOT = "<root>"
LONGEST_SHOWN = 80
"""Characters of a member's name in a fault."""


@dataclass(frozen=True, slots=True)
class SchemaFault:
    """One way in which a document breaks its rules; `path` is `<root>` with `["member"]` and
    `[index]` behind it (contract images 6.1)."""

    path: str
    description: str


Faults = Iterator[SchemaFault]


class Rule(Protocol):
    """What a value must be."""

    def faults(self, value: object, path: str) -> Faults:
        """Yields each fault of the value at this path; never raises on what `json` reads."""


@dataclass(frozen=True, slots=True)
class Anything:
    """Every value."""

    def faults(self, value: object, path: str) -> Faults:
        """Yields nothing."""
        del value, path
        yield from ()


@dataclass(frozen=True, slots=True)
class Text:
    """A string: of `choices` if there are any, all of it matched by `pattern`, and not shorter
    than `shortest` characters."""

    pattern: re.Pattern[str] | None = None
    choices: tuple[str, ...] = ()
    shortest: int = 0

    def faults(self, value: object, path: str) -> Faults:
        """Yields what is wrong."""
        if not isinstance(value, str):
            yield _not("a string", path)
        elif self.choices and value not in self.choices:
            yield SchemaFault(path, f"must be one of {', '.join(self.choices)}")
        elif self.pattern and not self.pattern.fullmatch(value):
            yield SchemaFault(path, f"must look like {self.pattern.pattern}")
        elif len(value) < self.shortest:
            yield SchemaFault(path, f"must have at least {self.shortest} characters")


@dataclass(frozen=True, slots=True)
class Whole:
    """A whole number; `1.0` is one too (JSON Schema draft-07)."""

    smallest: int | None = None

    def faults(self, value: object, path: str) -> Faults:
        """Yields what is wrong."""
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if not is_number or (isinstance(value, float) and not value.is_integer()):
            yield _not("a whole number", path)
        elif self.smallest is not None and isinstance(value, int | float) and value < self.smallest:
            yield SchemaFault(path, f"must be at least {self.smallest}")


@dataclass(frozen=True, slots=True)
class Truth:
    """True or false."""

    def faults(self, value: object, path: str) -> Faults:
        """Yields what is wrong."""
        if not isinstance(value, bool):
            yield _not("true or false", path)


@dataclass(frozen=True, slots=True)
class Items:
    """An array whose items all keep one rule."""

    each: Rule

    def faults(self, value: object, path: str) -> Faults:
        """Yields what is wrong."""
        if not isinstance(value, list):
            yield _not("an array", path)
            return
        for index, item in enumerate(value):
            yield from self.each.faults(item, f"{path}[{index}]")


@dataclass(frozen=True, slots=True)
class Members:
    """An object with these members; `any_of` needs one of them at least, a `closed` one has no
    others."""

    known: Mapping[str, Rule] = field(default_factory=dict)
    required: tuple[str, ...] = ()
    any_of: tuple[str, ...] = ()
    closed: bool = False

    def faults(self, value: object, path: str) -> Faults:
        """Yields what is wrong."""
        if not isinstance(value, dict):
            yield _not("an object", path)
            return
        for name in self.required:
            if name not in value:
                yield SchemaFault(path, f"the member {shown(name)} is missing")
        if self.any_of and not any(name in value for name in self.any_of):
            yield SchemaFault(path, f"one of {', '.join(self.any_of)} is missing")
        yield from self._faults_inside(value, path)

    def _faults_inside(self, value: Mapping[str, object], path: str) -> Faults:
        for name, inner in value.items():
            rule = self.known.get(name)
            if rule is not None:
                yield from rule.faults(inner, below(path, name))
            elif self.closed:
                yield SchemaFault(path, f"the member {shown(name)} is not allowed")


@dataclass(frozen=True, slots=True)
class Named:
    """An object whose members' names all match `pattern` and whose values all keep one rule."""

    each: Rule
    pattern: re.Pattern[str]

    def faults(self, value: object, path: str) -> Faults:
        """Yields what is wrong."""
        if not isinstance(value, dict):
            yield _not("an object", path)
            return
        for name, inner in value.items():
            if self.pattern.fullmatch(name):
                yield from self.each.faults(inner, below(path, name))
            else:
                yield SchemaFault(path, f"the member {shown(name)} is not allowed")


@dataclass(frozen=True, slots=True)
class Choice:
    """An object with exactly one member, which is one of these."""

    known: Mapping[str, Rule]

    def faults(self, value: object, path: str) -> Faults:
        """Yields what is wrong."""
        if isinstance(value, dict) and len(value) == 1 and next(iter(value)) in self.known:
            name, inner = next(iter(value.items()))
            yield from self.known[name].faults(inner, below(path, name))
        else:
            names = ", ".join(self.known)
            yield SchemaFault(path, f"must be an object with exactly one member of {names}")


@dataclass(frozen=True, slots=True)
class Later:
    """A rule that is looked up when it is needed: one that holds itself."""

    rule: Callable[[], Rule]

    def faults(self, value: object, path: str) -> Faults:
        """Yields what the rule yields."""
        yield from self.rule().faults(value, path)


def below(path: str, name: str) -> str:
    """Returns the path of a member."""
    return f"{path}[{shown(name)}]"


def shown(name: str) -> str:
    """Returns a member's name in quotes, cut where it is long."""
    return json.dumps(name[:LONGEST_SHOWN], ensure_ascii=False)


def _not(kind: str, path: str) -> SchemaFault:
    return SchemaFault(path, f"must be {kind}")
