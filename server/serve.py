"""How the process serves: its listeners, from the first accept to the orderly end."""

import asyncio
import contextlib
import logging
import os
import signal
import ssl
import sys
import threading
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from typing import Protocol

import uvloop
from starlette.types import ASGIApp

from domain.errors import ProvisionerError
from server.doors import AddressInUse, CannotListen, Doors, Listening

log = logging.getLogger("provisioner.serve")

LAST_SECONDS = 1.5
"""What remains after the grace period for closing the rest; with 3 s of grace the end is within
5 s."""
REFRESH_SECONDS = 24 * 3600.0
SIGNALS = (signal.SIGTERM, signal.SIGINT)


class Tls(Protocol):
    """Where the HTTPS listener gets its certificate; both calls may block and raise a
    `ProvisionerError`."""

    def context(self) -> ssl.SSLContext:
        """Returns the server's side of TLS."""

    def refresh(self, context: ssl.SSLContext) -> None:
        """Renews the certificate in `context` if it is time."""


SWITCH_SECONDS = 0.001
"""After so long a thread that reads files lets the event loop go on; Python's own 5 ms make a third
of what a subscriber may wait."""


def run(service: Coroutine[object, object, None]) -> int:
    """Runs `service`, which calls `serve`, on uvloop; returns the process's exit status.

    A `ProvisionerError` is told on stderr in one line, and the status is 1.
    """
    sys.setswitchinterval(SWITCH_SECONDS)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        try:
            runner.run(service)
        except ProvisionerError as error:
            sys.stderr.write(f"{error.message}\n")
            return 1
    return 0


async def serve(
    app: ASGIApp,
    listening: Listening,
    *,
    ready: Callable[[list[str]], None],
    before_close: Callable[[], Awaitable[None]],
    tls: Tls,
    https_off: Callable[[str], None],
    stop: asyncio.Event | None = None,
) -> None:
    """Serves `app` until `stop` is set; without `stop`, until SIGTERM or SIGINT.

    `ready` gets the addresses (`http://127.0.0.1:3142`) once requests are answered; `https_off` the
    reason when there is no HTTPS, which never ends the service. At the end, within the grace period
    and `LAST_SECONDS`: nothing new is accepted, WebSockets are closed with 1001, requests may
    finish, then `before_close` runs. A second signal ends the process at once. Raises
    `AddressInUse` or `CannotListen` for the HTTP listener, before anything else happened.
    """
    doors = Doors(app, listening)
    addresses = [await doors.open(listening.address, listening.port)]
    stopping = stop or asyncio.Event()
    own_signals = contextlib.nullcontext() if stop else _stopped_by_signals(stopping, listening)
    with own_signals:
        try:
            context = await _https_context(listening, tls, https_off)
            addresses += await _open_https(doors, listening, context, https_off)
            ready(addresses)
            await _until(stopping, context, tls)
        finally:
            end = time.monotonic() + listening.grace_seconds + LAST_SECONDS
            await doors.close()
            await _close_the_rest(before_close, end - time.monotonic())


async def _https_context(
    listening: Listening, tls: Tls, https_off: Callable[[str], None]
) -> ssl.SSLContext | None:
    if listening.https_port is None:
        return None
    try:
        return await asyncio.to_thread(tls.context)
    except ProvisionerError as error:
        https_off(error.message)
        return None


async def _open_https(
    doors: Doors,
    listening: Listening,
    context: ssl.SSLContext | None,
    https_off: Callable[[str], None],
) -> list[str]:
    if context is None or listening.https_port is None:
        return []
    try:
        return [await doors.open(listening.address, listening.https_port, context=context)]
    except (AddressInUse, CannotListen) as error:
        https_off(error.message)
        return []


async def _until(stopping: asyncio.Event, context: ssl.SSLContext | None, tls: Tls) -> None:
    while True:
        try:
            async with asyncio.timeout(REFRESH_SECONDS):
                await stopping.wait()
                return
        except TimeoutError:
            if context is not None:
                await _refresh(context, tls)


async def _refresh(context: ssl.SSLContext, tls: Tls) -> None:
    try:
        await asyncio.to_thread(tls.refresh, context)
    except ProvisionerError as error:
        log.warning("the certificate stays as it is: %s", error.message)


async def _close_the_rest(before_close: Callable[[], Awaitable[None]], seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await before_close()
    except TimeoutError:
        log.warning("the service did not close everything in %.1f s; ending anyway", seconds)
    except Exception:
        log.exception("the service could not close everything; ending anyway")


@contextlib.contextmanager
def _stopped_by_signals(stopping: asyncio.Event, listening: Listening) -> Iterator[None]:
    loop = asyncio.get_running_loop()

    def stop() -> None:
        for number in SIGNALS:
            # From now on the system's own way: a second one ends the process at once, also when
            # the loop hangs.
            loop.remove_signal_handler(number)
            signal.signal(number, signal.SIG_DFL)
        last = threading.Timer(listening.grace_seconds + LAST_SECONDS + 0.3, _give_up)
        last.daemon = True
        last.start()
        stopping.set()

    for number in SIGNALS:
        loop.add_signal_handler(number, stop)
    try:
        yield
    finally:
        for number in SIGNALS:
            loop.remove_signal_handler(number)


def _give_up() -> None:
    """Ends a process whose loop or worker threads hang; it was asked to end, so with status 0."""
    log.error("something hangs and is left behind")
    os._exit(0)
