"""The shells of this machine, asked to read a script and run nothing of it."""

import asyncio
from asyncio.subprocess import PIPE, STDOUT

from domain.customisation.syntax import Shell, SyntaxUnchecked

LIMIT_SECONDS = 5.0
MOST_LINES = 10
LONGEST_COMPLAINT = 2000
ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8"}
"""Nothing of our own: bash would read a file that BASH_ENV names."""


class SystemShells:
    """Satisfies `domain.customisation.syntax.Shells`."""

    async def complaint(self, shell: Shell, content: bytes) -> str:
        """Returns what `shell -n` says of the script, without the name that it was given."""
        try:
            asked = await asyncio.create_subprocess_exec(
                shell.value, "-n", stdin=PIPE, stdout=PIPE, stderr=STDOUT, env=ENVIRONMENT
            )
        except OSError as error:
            raise SyntaxUnchecked(f"{shell} cannot be started: {error.strerror}.") from error
        try:
            async with asyncio.timeout(LIMIT_SECONDS):
                said, _ = await asked.communicate(content)
        except TimeoutError as error:
            raise SyntaxUnchecked(f"{shell} did not answer in {LIMIT_SECONDS:g} s.") from error
        finally:
            if asked.returncode is None:
                asked.kill()
                await asked.wait()
        return "" if asked.returncode == 0 else _told(said)


def _told(said: bytes) -> str:
    lines = said.decode("utf-8", "replace").strip().splitlines()[:MOST_LINES]
    return "\n".join(lines)[:LONGEST_COMPLAINT] or "The shell cannot read it and does not say why."
