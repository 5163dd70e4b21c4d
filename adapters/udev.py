"""The kernel's own word that something was plugged in or out: uevents of the subsystem `usb`."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import suppress
from typing import Protocol

from domain.errors import Unavailable

MOST_AT_ONCE = 256
"""Events that are taken in one turn of the event loop; the rest waits for the next."""
BUFFER_BYTES = 4 << 20
"""Room for some thousand events while the loop is busy; the kernel drops what does not fit."""


class UsbEventsUnavailable(Unavailable):
    """Nothing tells this service when something is plugged in."""

    code = "USB_EVENTS_UNAVAILABLE"
    title = "USB Events Unavailable"
    meaning = "The kernel's USB events cannot be heard, so changes show some seconds late."
    remedy = (
        "Install the Debian package libudev1; in a container, share the host's network namespace: "
        "the kernel tells its events there."
    )


class UdevEvents:
    """Satisfies `domain.devices.usb_events.UsbEvents` with libudev's monitor, whose file descriptor
    is in the event loop.

    The kernel is heard directly, not udevd: a container has none, and its rules may take their
    time. What an event says is not used, so losing some of many loses nothing.
    """

    def __init__(self) -> None:
        self._failure: UsbEventsUnavailable | None = None

    async def changes(self) -> AsyncGenerator[None, None]:
        """Yields after any number of events since the last time."""
        monitor = self._open()
        loop, heard = asyncio.get_running_loop(), asyncio.Event()
        loop.add_reader(monitor.fileno(), _take, monitor, heard)
        try:
            # What happened before the monitor was open is not told.
            heard.set()
            while True:
                await heard.wait()
                heard.clear()
                yield
        finally:
            loop.remove_reader(monitor.fileno())

    async def probe(self) -> None:
        """Raises `UsbEventsUnavailable` where events could not be heard at the last try."""
        if self._failure is not None:
            raise self._failure

    def _open(self) -> "_Monitor":
        try:
            monitor = _usb_monitor()
        except (ImportError, OSError) as error:
            self._failure = UsbEventsUnavailable(
                "USB events cannot be heard, so changes show up to 10 s late: install libudev1, or "
                "give the container the host's network namespace.",
                detail=str(error)[:200],
            )
            raise self._failure from error
        self._failure = None
        return monitor


class _Monitor(Protocol):
    """What is used of `pyudev.Monitor`, which has no types."""

    def fileno(self) -> int: ...
    def poll(self, timeout: float) -> object | None: ...


def _usb_monitor() -> _Monitor:
    # Late: it loads libudev, which may be missing.
    from pyudev import Context, Monitor

    monitor = Monitor.from_netlink(Context(), source="kernel")
    monitor.filter_by("usb")
    with suppress(OSError):  # more than the system's limit is for root alone
        monitor.set_receive_buffer_size(BUFFER_BYTES)
    monitor.start()
    found: _Monitor = monitor
    return found


def _take(monitor: _Monitor, heard: asyncio.Event) -> None:
    heard.set()
    try:
        for _ in range(MOST_AT_ONCE):
            if monitor.poll(timeout=0) is None:
                return
    except OSError:
        # ENOBUFS: the kernel dropped events. That there were some is all one needs to know.
        return
