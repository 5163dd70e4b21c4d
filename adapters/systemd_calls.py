"""Calls to systemd through one child process, each with a time limit."""

import asyncio
import itertools
import logging

from adapters.systemd_pipe import BusPipe, ChildGone, Line, Plain
from adapters.systemd_values import failure
from domain.services.units import UnitsUnavailable

log = logging.getLogger("provisioner.systemd")

CHILD_ENDED = (
    "The process that speaks to the system bus ended; the journal of this service tells why. "
    "The next call starts it again."
)


class SystemdCalls:
    """Asks one child, started at the first call and again after it ended.

    A call that is not answered in `limit` seconds ends the child, and with it all calls that
    wait. For as long again calls fail at once; the next one then starts a new child.
    """

    def __init__(self, address: str | None, *, limit: float) -> None:
        self._address = address
        self._limit = limit
        self._numbers = itertools.count(1)
        self._opening = asyncio.Lock()
        self._pipe: BusPipe | None = None
        self._listener: asyncio.Task[None] | None = None
        self._waiting: dict[int, asyncio.Future[Line]] = {}
        self._hung_until = 0.0
        self._closed = False

    async def ask(self, call: str, name: str = "") -> Plain:
        """Returns the body of the answer; raises `UnitsUnavailable`, or what systemd answers as
        `failure` translates it."""
        self._refuse_at_once()
        try:
            async with asyncio.timeout(self._limit):
                answer = await self._exchange(call, name)
        except TimeoutError as error:
            self._hung_until = asyncio.get_running_loop().time() + self._limit
            if self._pipe is not None:
                self._pipe.kill()
            self._drop()
            raise self._hung() from error
        except ChildGone as error:
            self._refuse_at_once()
            raise UnitsUnavailable(CHILD_ENDED) from error
        if "error" in answer:
            raise failure(str(answer["error"]), str(answer["message"]), name=name)
        return answer["body"]

    async def aclose(self) -> None:
        """Ends the child; calls that wait fail."""
        self._closed = True
        async with self._opening:
            pipe = self._pipe
            self._drop()
            if self._listener is not None:
                self._listener.cancel()
                await asyncio.wait({self._listener})
            if pipe is not None:
                # A listener that was cancelled before its first step closed nothing.
                await pipe.close()

    def _refuse_at_once(self) -> None:
        if self._closed:
            raise UnitsUnavailable("The service is stopping; systemd is asked nothing more.")
        if asyncio.get_running_loop().time() < self._hung_until:
            raise self._hung()

    def _hung(self) -> UnitsUnavailable:
        return UnitsUnavailable(
            f"The system bus or systemd did not answer within {self._limit:g} s; the service "
            "tries again by itself."
        )

    async def _exchange(self, call: str, name: str) -> Line:
        pipe = await self._opened()
        number = next(self._numbers)
        answer: asyncio.Future[Line] = asyncio.get_running_loop().create_future()
        self._waiting[number] = answer
        try:
            pipe.send({"id": number, "call": call, "name": name})
            return await answer
        finally:
            del self._waiting[number]

    async def _opened(self) -> BusPipe:
        async with self._opening:
            self._refuse_at_once()
            if self._pipe is None:
                if self._listener is not None:
                    await asyncio.wait({self._listener})
                self._pipe = await BusPipe.open("calls", self._address, limit=self._limit)
                self._listener = asyncio.create_task(self._listen(self._pipe), name="systemd calls")
            return self._pipe

    async def _listen(self, pipe: BusPipe) -> None:
        try:
            while True:
                line = await pipe.receive()
                number = line["id"]
                # Who asked may have gone: then nobody waits for this number.
                answer = self._waiting.get(number) if isinstance(number, int) else None
                if answer is not None and not answer.done():
                    answer.set_result(line)
        except ChildGone:
            log.debug("The child process for calls to systemd ended")
        except Exception:
            log.exception("The child process for calls to systemd said what it never should")
        finally:
            if self._pipe is pipe:
                self._drop()
            await pipe.close()

    def _drop(self) -> None:
        self._pipe = None
        for answer in self._waiting.values():
            if not answer.done():
                answer.set_exception(ChildGone("the child was ended"))
