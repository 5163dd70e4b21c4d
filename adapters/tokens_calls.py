"""Calls to the process that asks tokens, one after the other, each with a time limit."""

import asyncio
import itertools
import logging
import sys
from asyncio.subprocess import PIPE
from collections.abc import Mapping
from pathlib import Path

from adapters.systemd_pipe import BusPipe, ChildGone, Line, Plain
from domain.keys.token_refusals import TokensUnavailable

log = logging.getLogger("provisioner.tokens")

CHILD = Path(__file__).with_name("tokens_child.py")
LONGEST_LINE = 2**20
"""Bytes; a token with a thousand keys answers 600,000."""
CRASHED = (
    "A PKCS#11 module crashed; the next call starts it again. `p11-kit list-modules` shows which "
    "modules are there."
)
NONSENSE = "A PKCS#11 module answered too much, or what nobody understands."


class TokenCalls:
    """Asks one child, started at the first call and again after it ended.

    A call that is not answered in `limit` seconds ends the child; for as long again calls fail
    at once. So does a caller that goes away: a PIN must not wait in a pipe.
    `environment` is the child's, None for this process's own.
    """

    def __init__(self, environment: Mapping[str, str] | None, *, limit: float) -> None:
        self._environment = environment
        self._limit = limit
        self._numbers = itertools.count(1)
        self._turn = asyncio.Lock()
        self._pipe: BusPipe | None = None
        self._module = ""
        self._hung_until = 0.0
        self._closed = False

    async def ask(self, module: str, request: Mapping[str, str]) -> Line:
        """Returns the answer to a request to the PKCS#11 module at the path `module`; raises
        `TokensUnavailable`."""
        async with self._turn:
            self._refuse_at_once()
            try:
                async with asyncio.timeout(self._limit):
                    return await self._exchange(module, request)
            except TimeoutError as error:
                self._hung_until = asyncio.get_running_loop().time() + self._limit
                await self._drop()
                raise self._hung() from error
            except ChildGone as error:
                await self._drop()
                raise TokensUnavailable(CRASHED) from error
            except ValueError as error:
                await self._drop()
                raise TokensUnavailable(NONSENSE) from error
            except BaseException:
                await self._drop()
                raise

    async def aclose(self) -> None:
        """Ends the child; a call that waits fails."""
        self._closed = True
        if self._pipe is not None:
            self._pipe.kill()
        async with self._turn:
            await self._drop()

    async def _exchange(self, module: str, request: Mapping[str, str]) -> Line:
        if self._pipe is None or module != self._module:
            await self._drop()
            self._pipe, self._module = await self._opened(module), module
            # Whoever closed this meanwhile saw no child to end.
            self._refuse_at_once()
        number = str(next(self._numbers))
        line: dict[str, Plain] = {**request, "id": number}
        self._pipe.send(line)
        answer = await self._pipe.receive()
        if answer.get("id") != number:
            raise ChildGone("the child answered another question")
        return answer

    async def _opened(self, module: str) -> BusPipe:
        # -P: the child's folder holds modules with the names of libraries.
        command = (sys.executable, "-P", str(CHILD), module, f"{self._limit:f}")
        try:
            child = await asyncio.create_subprocess_exec(
                *command,
                stdin=PIPE,
                stdout=PIPE,
                limit=LONGEST_LINE,
                start_new_session=True,
                env=self._environment,
            )
        except OSError as error:
            raise ChildGone("the child could not be started") from error
        return BusPipe(child)

    async def _drop(self) -> None:
        pipe, self._pipe = self._pipe, None
        if pipe is not None:
            pipe.kill()
            await pipe.close()

    def _refuse_at_once(self) -> None:
        if self._closed:
            raise TokensUnavailable("The service is stopping; tokens are asked nothing more.")
        if asyncio.get_running_loop().time() < self._hung_until:
            raise self._hung()

    def _hung(self) -> TokensUnavailable:
        return TokensUnavailable(
            f"A PKCS#11 module did not answer within {self._limit:g} s and was ended; try again. "
            "`p11-kit list-modules` shows which modules are there."
        )
