"""Script names: what may be asked for, and which file that is (contract customisation 3)."""

import re
from dataclasses import dataclass

from domain.customisation.hooks import SUFFIX, Hook, find_hook, names_in_words
from domain.errors import Invalid, NotFound

LONGEST_FILE = 255
"""Bytes of a name on Linux's file systems."""
_FORBIDDEN = re.compile(r"[^A-Za-z0-9_-]")
_STRAY = re.compile("[\udc80-\udcff]")
"""A byte that is no UTF-8, as Python spells it in a text (PEP 383)."""


class ScriptNameMissing(Invalid):
    """Nothing was said about which script."""

    code = "MISSING_SCRIPT_NAME"
    title = "Missing Parameter"
    meaning = "The request names no script."
    remedy = "Name the script as <provisioner>-<stage>, such as sb-provisioner-post-flash."


class ScriptNameInvalid(Invalid):
    """A name that no hook point has, or that no file can have."""

    code = "INVALID_SCRIPT_NAME"
    title = "Invalid Script Name"
    meaning = "The name is none of a hook point, or no file can have it."
    remedy = "Choose one of the names that the details list; they are <provisioner>-<stage>."


class ScriptNotFound(NotFound):
    """There is no such script."""

    code = "SCRIPT_NOT_FOUND"
    title = "Script Not Found"
    meaning = (
        "The folder of scripts has no such file. /customisation/get-script says so also of one "
        "that cannot be opened."
    )
    remedy = "List the scripts, or save this one first."


@dataclass(frozen=True, slots=True)
class ScriptName:
    """A script as somebody names it. `text` is the name without one `.sh` at its end; bytes that
    are no UTF-8 are lone surrogates in it."""

    text: str

    @classmethod
    def asked(cls, given: str) -> "ScriptName":
        """Returns the name in a request; raises `ScriptNameMissing` for the empty text."""
        if not given:
            message = "A script is named as <provisioner>-<stage>; none was named."
            raise ScriptNameMissing(message, field="name")
        is_longer = len(given.encode("utf-8", "replace")) > len(SUFFIX)
        return cls(given.removesuffix(SUFFIX) if is_longer else given)

    @property
    def filename(self) -> str:
        """The file in the folder of scripts: every byte that is no letter, digit, `_` or `-`
        becomes `_`."""
        return _FORBIDDEN.sub(lambda found: "_" * _size(found[0]), self.text) + SUFFIX

    @property
    def is_possible(self) -> bool:
        """Whether a file can have this name."""
        return len(self.filename) <= LONGEST_FILE

    @property
    def hook(self) -> Hook:
        """The hook point of exactly this name; raises `ScriptNameInvalid`."""
        hook = find_hook(self.text)
        if hook is None:
            raise _invalid(f"{self.text[:80]!r} is the name of no hook point.")
        return hook

    def require_possible(self) -> None:
        """Raises `ScriptNameInvalid` for a name that no file can have."""
        if not self.is_possible:
            raise _invalid(f"A script's name has at most {LONGEST_FILE - len(SUFFIX)} characters.")


def _size(character: str) -> int:
    """Returns how many bytes a character came in."""
    return 1 if _STRAY.match(character) else len(character.encode("utf-8", "surrogatepass"))


def can_be_named(filename: str) -> bool:
    """Whether a request can name the file; a hook's script always can."""
    return filename == ScriptName.asked(filename).filename


def _invalid(message: str) -> ScriptNameInvalid:
    return ScriptNameInvalid(message, detail=names_in_words(), field="name")
