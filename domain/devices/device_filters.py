"""Device filters: which boards somebody wants to see."""

from dataclasses import dataclass
from datetime import datetime

from domain.devices.projection import Device
from domain.devices.stages import Stage, Style
from domain.devices.status import Status, Verdict


@dataclass(frozen=True, slots=True)
class DeviceView:
    """A board and how it stands. `run` is the id of its newest run."""

    device: Device
    verdict: Verdict
    run: int

    @property
    def port(self) -> str | None:
        """Where it is plugged in, else where its rows saw it last."""
        return self.verdict.facts.presence.port or self.device.port


@dataclass(frozen=True, slots=True)
class DeviceFilter:
    """What a board has to be; an empty or absent condition takes every board.

    `text` is looked for in serial, port, state, image and address, case ignored. `since` and
    `until` (not included) bound the time of the last change; a board whose last row has no time
    lies outside of every bound.
    """

    statuses: frozenset[Status] = frozenset()
    stages: frozenset[Stage] = frozenset()
    styles: frozenset[Style] = frozenset()
    port: str | None = None
    text: str = ""
    since: datetime | None = None
    until: datetime | None = None

    def takes(self, view: DeviceView) -> bool:
        """Whether the board is wanted."""
        device, verdict = view.device, view.verdict
        return (
            (not self.statuses or verdict.status in self.statuses)
            and (not self.stages or verdict.stage in self.stages)
            and (not self.styles or verdict.style in self.styles)
            and (self.port is None or view.port == self.port)
            and within(device.last_change_at, self.since, self.until)
            and self._says(view)
        )

    def _says(self, view: DeviceView) -> bool:
        if not self.text:
            return True
        device = view.device
        texts = (device.serial, view.port, device.state, device.image, device.ip_address)
        wanted = self.text.casefold()
        return any(wanted in text.casefold() for text in texts if text)


EVERY_DEVICE = DeviceFilter()


def within(at: datetime | None, since: datetime | None, until: datetime | None) -> bool:
    """Whether a moment lies between two others; no moment lies between any."""
    if since is None and until is None:
        return True
    return at is not None and (since is None or since <= at) and (until is None or at < until)
