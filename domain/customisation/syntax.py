"""Syntax: whether the shell that a script names can read it, without running any of it."""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from domain.customisation.refusals import ScriptSyntaxError
from domain.errors import ProvisionerError, Unavailable

_SPLIT = re.compile(rb"^(?:-[iv0]*S|--split-string=?)")
_WITH_VALUE = (b"-u", b"--unset", b"-C", b"--chdir")
_CARRIAGE_RETURN = re.compile(rb"#![^\n]*\r(\n|$)")
NO_PROGRAM = (
    "The first line ends in a carriage return, as Windows writes lines; the kernel takes it for a "
    "part of the program's name and finds no such program. Save the script with plain LF."
)
LONGEST_LINE = 4096


class Shell(StrEnum):
    """The shells whose scripts are checked."""

    SH = "sh"
    BASH = "bash"


SHELLS = {b"sh": Shell.SH, b"dash": Shell.SH, b"ash": Shell.SH, b"bash": Shell.BASH}


class SyntaxUnchecked(Unavailable):
    """The shell could not be asked."""

    code = "SCRIPT_CHECK_UNAVAILABLE"
    title = "Check Unavailable"
    meaning = "The shell that would read the script cannot be started, or did not answer in time."
    remedy = "Check that the shell that the script's first line names is installed; try again."


class Shells(Protocol):
    """The shells of this machine."""

    async def complaint(self, shell: Shell, content: bytes) -> str:
        """Returns what `shell -n` says of the script, empty where it can be read; raises
        `SyntaxUnchecked`."""


@dataclass(frozen=True, slots=True)
class SyntaxCheck:
    """What is known of a script's syntax. `shell` is None for a script of another language, which
    nobody checks; `complaint` is empty where it can be run and the shell can read it."""

    shell: Shell | None
    complaint: str = ""


def shell_of(content: bytes) -> Shell | None:
    """Returns the shell that will read the script, None for another program.

    A text without a first line that names a program is run by the caller's own shell, sh.
    """
    if content.startswith(b"\x7fELF"):
        return None
    line = content[:LONGEST_LINE].partition(b"\n")[0]
    words = line.removeprefix(b"#!").split()
    if not line.startswith(b"#!") or not words:
        return Shell.SH
    if _program(words) == b"env":
        words = _run_by_env(words[1:])
    if _program(words) == b"busybox":
        words = words[1:]
    return SHELLS.get(_program(words))


def _program(words: list[bytes]) -> bytes:
    return words[0].rpartition(b"/")[2] if words else b""


def _run_by_env(words: list[bytes]) -> list[bytes]:
    """Returns the command that env(1) runs: what follows its options and variables."""
    waiting = list(words)
    while waiting:
        word = _SPLIT.sub(b"", waiting.pop(0))
        if word in _WITH_VALUE:
            del waiting[:1]
        elif word and not word.startswith(b"-") and b"=" not in word:
            return [word, *waiting]
    return []


async def check_syntax(shells: Shells, content: bytes) -> SyntaxCheck:
    """Returns what the shell says of the script; raises `SyntaxUnchecked`."""
    shell = shell_of(content)
    if _CARRIAGE_RETURN.match(content):
        return SyntaxCheck(shell, NO_PROGRAM)
    if shell is None:
        return SyntaxCheck(None)
    if b"\0" in content:
        return SyntaxCheck(shell, "The script holds NUL bytes, which no shell reads.")
    return SyntaxCheck(shell, await shells.complaint(shell, content))


async def require_readable(shells: Shells, filename: str, content: bytes) -> None:
    """Raises `ScriptSyntaxError` with what the shell says of the script, and `SyntaxUnchecked`."""
    complaint = (await check_syntax(shells, content)).complaint
    if complaint:
        raise ScriptSyntaxError(
            f"The shell cannot read {filename[:100]}, so nothing was changed: {complaint}",
            detail=complaint,
            field="content",
        )


async def complaint_of(shells: Shells, filename: str, content: bytes) -> ProvisionerError | None:
    """Returns what `require_readable` raises, None where that is nothing."""
    try:
        await require_readable(shells, filename, content)
    except (ScriptSyntaxError, SyntaxUnchecked) as error:
        return error
    return None
