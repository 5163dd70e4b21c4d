"""Whether this board has a key to wrap secrets with: a part of the station, asked now and then."""

import asyncio
import time
from collections.abc import Callable

from domain.errors import ProvisionerError
from domain.keys.wrapping import DeviceWrapping

AGAIN_SECONDS = 60.0
"""For so long an answer holds: looking runs a program once for each slot."""


class DeviceKey:
    """Remembers the last answer; `clock` counts seconds."""

    def __init__(
        self, wrapping: DeviceWrapping, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._wrapping = wrapping
        self._clock = clock
        self._asked: float | None = None
        self._failure: ProvisionerError | None = None

    async def probe(self) -> None:
        """Returns when there is a key; raises `FirmwareCryptoUnavailable` and
        `DeviceKeyMissing`."""
        if self._asked is None or self._clock() - self._asked > AGAIN_SECONDS:
            self._failure = await asyncio.to_thread(self._look)
            self._asked = self._clock()
        if self._failure is not None:
            # Its traceback would grow with each time that it is raised.
            raise self._failure.with_traceback(None)

    def _look(self) -> ProvisionerError | None:
        try:
            self._wrapping.slot()
        except ProvisionerError as error:
            return error
        return None
