"""The values that were last known, kept so that a change is noticed that was made while nothing
ran."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from domain.configuration.masking import MASK, masked
from domain.configuration.variables import variable_of


@dataclass(frozen=True, slots=True)
class Alteration:
    """One setting of a change. Of a secret only its name is kept: `old` and `new` are empty."""

    name: str
    old: str = field(repr=False)
    new: str = field(repr=False)
    is_secret: bool = False


class KeptText(Protocol):
    """Where one text is kept."""

    async def get(self) -> str | None:
        """Returns the text, None when none was kept; raises a kind of `Unavailable`."""

    async def set(self, text: str) -> None:
        """Keeps the text; it is durable when this returns."""


class LastSeen:
    """The last known values, masked: a secret that became another one is not noticed, only one
    that came or went."""

    def __init__(self, kept: KeptText) -> None:
        self._kept = kept
        self._values: dict[str, str] | None = None
        self._is_kept = True

    async def begin(self, present: Mapping[str, str]) -> tuple[Alteration, ...]:
        """Returns, the first time, what differs from what was kept; raises `Unavailable`."""
        if self._values is not None:
            return ()
        known = _values_in(await self._kept.get())
        self._values = {name: masked(name, value) for name, value in present.items()}
        self._is_kept = known == self._values
        if known is None:
            return ()
        names = sorted({*known, *self._values})
        pairs = ((name, known.get(name, ""), self._values.get(name, "")) for name in names)
        return tuple(_alteration(*pair) for pair in pairs if pair[1] != pair[2])

    def take(self, values: Mapping[str, str]) -> None:
        """Takes in values that are in force now."""
        if self._values is not None:
            self._values |= {name: masked(name, value) for name, value in values.items()}
            self._is_kept = False

    async def keep(self) -> None:
        """Keeps the values, if they are others; raises `Unavailable`."""
        if self._values is not None and not self._is_kept:
            await self._kept.set(json.dumps(self._values))
            self._is_kept = True


def _values_in(text: str | None) -> dict[str, str] | None:
    try:
        found = json.loads(text or "")
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def _alteration(name: str, old: str, new: str) -> Alteration:
    if variable_of(name).secret or f"={MASK}" in old + new:
        return Alteration(name, "", "", is_secret=True)
    return Alteration(name, old, new)
