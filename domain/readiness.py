"""Readiness: which parts of the station work, which do not, why, and what to do."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from domain.errors import ProvisionerError
from domain.events import Event, Hub

Probe = Callable[[], Awaitable[object]]


class PartState(StrEnum):
    """Whether a part can be used now."""

    READY = "READY"
    UNAVAILABLE = "UNAVAILABLE"


@dataclass(frozen=True, slots=True)
class Part:
    """One part of the station: its name, whether it works, and else why not and what to do."""

    name: str
    state: PartState
    reason: str = ""
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class PartChanged(Event):
    """A part became ready or unavailable, or for another reason."""

    part: Part


class Readiness:
    """Asks every part whether it works and remembers the answers.

    `probes` maps a part's name to a function that returns when the part works and raises a
    `ProvisionerError` with the reason when it does not. `essential` parts are those without which
    no change can be made safely; all others only switch off their own features.
    """

    def __init__(self, hub: Hub, probes: Mapping[str, Probe], *, essential: frozenset[str]) -> None:
        self._hub = hub
        self._probes = probes
        self._essential = essential
        self._parts: dict[str, Part] = {}

    @property
    def parts(self) -> list[Part]:
        """The answers of the last check, in the order of the parts' names."""
        return [self._parts[name] for name in sorted(self._parts)]

    @property
    def ready(self) -> bool:
        """Whether every essential part worked at the last check."""
        return all(
            name in self._parts and self._parts[name].state is PartState.READY
            for name in self._essential
        )

    async def check(self) -> list[Part]:
        """Asks every part now and returns the answers; a change is published as `PartChanged`."""
        for name, probe in self._probes.items():
            self._remember(await _ask(name, probe))
        return self.parts

    def _remember(self, part: Part) -> None:
        known = self._parts.get(part.name)
        self._parts[part.name] = part
        if known is not None and known != part:
            self._hub.publish(PartChanged(part))


async def _ask(name: str, probe: Probe) -> Part:
    try:
        await probe()
    except ProvisionerError as error:
        return Part(name, PartState.UNAVAILABLE, error.message, error.remedy)
    return Part(name, PartState.READY)
