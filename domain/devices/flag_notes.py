"""Flag notes: who set a flag and when, kept beside the files because the scripts consume those."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from domain.devices.flag_files import FlagFile
from domain.errors import Unavailable

log = logging.getLogger("provisioner.flags")


@dataclass(frozen=True, slots=True)
class FlagNote:
    """Who set a flag and when (UTC), good for as long as the file has this `stamp`."""

    set_by: str
    set_at: datetime
    stamp: str


class FlagNotes(Protocol):
    """Keeps who set which flag; a place is `flag/name`. All raise a kind of `Unavailable`."""

    async def keep(self, place: str, note: FlagNote) -> None:
        """Keeps the note in place of an older one."""

    async def find(self, places: Sequence[str]) -> Mapping[str, FlagNote]:
        """Returns the notes of those places that have one."""

    async def drop(self, places: Sequence[str]) -> None:
        """Forgets these notes."""


class BestNotes:
    """The notes as far as they can be had: a flag counts whether or not anybody knows who set
    it."""

    def __init__(self, notes: FlagNotes) -> None:
        self._notes = notes

    async def find_for(self, files: Sequence[FlagFile]) -> Mapping[str, FlagNote]:
        """Returns the notes that are of these very files, by place."""
        stamps = {place_of(file): file.stamp for file in files}
        try:
            notes = await self._notes.find(list(stamps)) if stamps else {}
        except Unavailable as error:
            log.warning("who set the flags is unknown: %s", error.message)
            return {}
        # A file that somebody wrote by hand since has another stamp.
        return {place: note for place, note in notes.items() if note.stamp == stamps[place]}

    async def keep(self, file: FlagFile, *, set_by: str, set_at: datetime) -> None:
        """Keeps who set the flag."""
        try:
            await self._notes.keep(place_of(file), FlagNote(set_by, set_at, file.stamp))
        except Unavailable as error:
            log.warning("who set the flag %s is not kept: %s", place_of(file), error.message)

    async def drop(self, files: Sequence[FlagFile]) -> None:
        """Forgets who set flags that are gone."""
        try:
            if files:
                await self._notes.drop([place_of(file) for file in files])
        except Unavailable as error:
            log.warning("old notes of flags stay: %s", error.message)


def place_of(file: FlagFile) -> str:
    """Returns the place of a note: `flag/name`."""
    return f"{file.flag.value}/{file.name}"
