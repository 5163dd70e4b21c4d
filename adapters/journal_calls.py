"""Calls to the process that reads the journal, one after the other, each with a time limit."""

import asyncio
import itertools
import logging
import sys
from asyncio.subprocess import PIPE
from pathlib import Path

from adapters.journal_lines import Line, Plain
from adapters.systemd_pipe import BusPipe, ChildGone
from domain.services.journal import JournalUnavailable

log = logging.getLogger("provisioner.journal")

CHILD = Path(__file__).with_name("journal_child.py")
LONGEST_LINE = 16 * 2**20
"""Bytes; a slice has some 512 KiB of text, and JSON may write a character in six bytes."""
TRIES = 2
"""A child that was idle has ended, and one that meets a file that was cut dies: the next one does
better."""

Waiting = tuple[dict[str, Plain], asyncio.Future[Plain]]


class JournalCalls:
    """Asks one child, started at the first call and again after it ended.

    All is done by one task, so that a caller who goes away leaves nothing half done. A call that
    is not answered in `limit` seconds ends the child; for as long again calls fail at once.
    """

    def __init__(self, root: Path, *, limit: float) -> None:
        self._root = root
        self._limit = limit
        self._numbers = itertools.count(1)
        self._waiting: asyncio.Queue[Waiting | None] = asyncio.Queue()
        self._worker: asyncio.Task[None] | None = None
        self._pipe: BusPipe | None = None
        self._refused_until = 0.0
        self._closed = False
        self.failure: JournalUnavailable | None = None
        """Why the last call failed; None after one that did not."""

    async def ask(self, request: dict[str, Plain]) -> Plain:
        """Returns the body of the answer; raises `JournalUnavailable`."""
        self._require_open()
        answer: asyncio.Future[Plain] = asyncio.get_running_loop().create_future()
        self._waiting.put_nowait((request, answer))
        if self._worker is None:
            self._worker = asyncio.create_task(self._work(), name="journal calls")
        return await answer

    async def aclose(self) -> None:
        """Ends the child; calls that wait fail. Takes some seconds at most."""
        self._closed = True
        self._waiting.put_nowait(None)
        if self._pipe is not None:
            self._pipe.kill()
        if self._worker is not None:
            await asyncio.wait({self._worker})

    async def _work(self) -> None:
        while (waiting := await self._waiting.get()) is not None:
            request, answer = waiting
            # Who asked may have gone meanwhile.
            if not answer.done():
                await self._answer(request, answer)
        await self._drop()

    async def _answer(self, request: dict[str, Plain], answer: asyncio.Future[Plain]) -> None:
        try:
            self._refuse_at_once()
            body = await self._asked({"id": next(self._numbers), **request})
        except JournalUnavailable as failure:
            self.failure = failure
            if not answer.done():
                answer.set_exception(failure)
            return
        except Exception as error:
            log.exception("The process that reads the journal said what it never should")
            await self._drop()
            if not answer.done():
                answer.set_exception(error)
            return
        self.failure = None
        if not answer.done():
            answer.set_result(body)

    async def _asked(self, request: Line) -> Plain:
        for _ in range(TRIES):
            try:
                async with asyncio.timeout(self._limit):
                    return await self._exchange(request)
            except ChildGone:
                await self._drop()
                self._require_open()
            except TimeoutError as error:
                await self._give_up()
                raise JournalUnavailable(
                    f"The journal could not be read within {self._limit:g} s; the service tries "
                    "again by itself. Check the disk."
                ) from error
        await self._give_up()
        raise JournalUnavailable(
            "The process that reads the journal ended unexpectedly: a file of the journal is "
            "damaged. `journalctl --verify` tells which."
        )

    async def _exchange(self, request: Line) -> Plain:
        if self._pipe is None:
            self._pipe = await self._opened()
        self._require_open()
        self._pipe.send(request)
        answer = await self._pipe.receive()
        if answer.get("id") != request["id"]:
            raise ValueError("an answer to another request")
        if answer["left_out"]:
            log.warning(
                "Files of the journal cannot be read and are left out: %s", answer["left_out"]
            )
        if "error" in answer:
            raise _unavailable(str(answer["error"]), str(answer["message"]))
        return answer["body"]

    async def _opened(self) -> BusPipe:
        # -P: the child's folder holds modules with the names of libraries.
        command = (sys.executable, "-P", str(CHILD), str(self._root), f"{self._limit:f}")
        try:
            child = await asyncio.create_subprocess_exec(
                *command, stdin=PIPE, stdout=PIPE, limit=LONGEST_LINE, start_new_session=True
            )
        except OSError as error:
            raise JournalUnavailable(
                f"The process that reads the journal could not be started: {error.strerror}."
            ) from error
        return BusPipe(child)

    def _require_open(self) -> None:
        if self._closed:
            raise JournalUnavailable("The service is stopping; the journal is read no more.")

    def _refuse_at_once(self) -> None:
        self._require_open()
        hung = asyncio.get_running_loop().time() < self._refused_until
        if hung and self.failure is not None:
            raise JournalUnavailable(self.failure.message)

    async def _give_up(self) -> None:
        self._refused_until = asyncio.get_running_loop().time() + self._limit
        if self._pipe is not None:
            self._pipe.kill()
        await self._drop()

    async def _drop(self) -> None:
        pipe, self._pipe = self._pipe, None
        if pipe is not None:
            await pipe.close()


def _unavailable(word: str, message: str) -> JournalUnavailable:
    if word == "denied":
        return JournalUnavailable(denied(message))
    if word == "missing":
        return JournalUnavailable(f"libsystemd cannot be loaded: {message}.")
    return JournalUnavailable(f"The journal's files cannot be read: {message}.")


def denied(message: str) -> str:
    """Returns what an operator is told of a journal that may not be read."""
    return (
        f"This service may not read the journal ({message}): run it as root or in the group "
        "systemd-journal."
    )
