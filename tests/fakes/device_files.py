"""What features of device files need, without an audit log or a database."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from domain.devices.flag_notes import FlagNote
from domain.errors import Unavailable


@dataclass
class Accesses:
    """Satisfies `FileAccess`: keeps what was noted as (operation, target, success)."""

    rows: list[tuple[str, str, bool]] = field(default_factory=list)
    infos: list[str] = field(default_factory=list)

    def __call__(
        self, operation: str, target: str, *, success: bool = True, info: str = ""
    ) -> None:
        self.rows.append((operation, target, success))
        self.infos.append(info)


class FakeFlagNotes:
    """Satisfies `FlagNotes` in memory; set `failure` and every method raises it."""

    def __init__(self) -> None:
        self.failure: Unavailable | None = None
        self.kept: dict[str, FlagNote] = {}

    async def keep(self, place: str, note: FlagNote) -> None:
        self._check()
        self.kept[place] = note

    async def find(self, places: Sequence[str]) -> Mapping[str, FlagNote]:
        self._check()
        return {place: self.kept[place] for place in places if place in self.kept}

    async def drop(self, places: Sequence[str]) -> None:
        self._check()
        for place in places:
            self.kept.pop(place, None)

    def _check(self) -> None:
        if self.failure is not None:
            raise self.failure
