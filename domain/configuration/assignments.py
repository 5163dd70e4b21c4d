"""The text of a configuration file as its assignments, and that text with some of them changed."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from domain.configuration.quoting import (
    POSIX,
    WIDE,
    NotAWord,
    behind_blanks,
    ends_statement,
    quote,
    read_phrase,
    read_word,
)

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_ASSIGNED = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)=")
_EXPORT = re.compile(r"export(?=[ \t])")
_LINE_RETURN = re.compile(r"[ \t]*\r(?=\n|\Z)")
_SETTLED = re.compile(r"""'[^']*'|"[^"$`\\]*"|[A-Za-z0-9_@%+=:,./-]+""")
_CONTINUED_COMMENT = re.compile(r"(?:\A|\n)[ \t]*[#;][^\n]*\\\n\Z")


@dataclass(frozen=True, slots=True)
class Assignment:
    """One `NAME=value`; `start` and `end` are the offsets of the value's word in the text."""

    name: str
    value: str = field(repr=False)
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Line:
    """One line, or several that a quote joins.

    `foreign` lines are neither assignment, comment nor blank. `obscure` ones may also change how
    `sh` reads the lines behind them: an open quote, a here-document, a nested substitution.
    """

    end: int
    assignments: tuple[Assignment, ...] = ()
    foreign: bool = False
    obscure: bool = False


@dataclass(frozen=True, slots=True)
class ConfigText:
    """A configuration file's text, kept byte for byte, and what it assigns.

    `values` holds the last assignment of each name. `foreign_until` is the offset behind the last
    foreign line, 0 without one; `obscure_line` counts from 1.
    """

    text: str = field(repr=False)
    values: Mapping[str, str] = field(repr=False)
    assignments: tuple[Assignment, ...] = field(repr=False)
    foreign_until: int = 0
    obscure_line: int | None = None

    def changed(self, changes: Mapping[str, str]) -> str:
        """Returns the text with `changes` made: the last assignment of a name is replaced where
        it stands, a new name is appended, all else is untouched.

        An assignment before a foreign line is left and a new one appended, since that line may
        be a condition or a command which has the last word.
        """
        last = {one.name: one for one in self.assignments if one.start >= self.foreign_until}
        pieces, position = list[str](), 0
        for old in sorted((last[name] for name in changes if name in last), key=_start):
            if not self._says(old, changes[old.name]):
                pieces += [self.text[position : old.start], quote(changes[old.name])]
                position = self._behind(old)
        kept = "".join([*pieces, self.text[position:]])
        new = [f"{name}={quote(value)}\n" for name, value in changes.items() if name not in last]
        return _ready_for_more(kept) + "".join(new) if new else kept

    def is_exactly(self, values: Mapping[str, str]) -> bool:
        """Whether the text assigns `values`, all of them and no others, and `sh` reads its lines
        as this reader does.

        Both count: what is written behind a quote that never closed may close it.
        """
        return self.obscure_line is None and self.values == values

    def _says(self, old: Assignment, value: str) -> bool:
        # A word that only this reader takes for `value` (an unquoted URI, a CRLF line, `~`) is
        # written anew, so that `sh` reads it too.
        word = self.text[old.start : old.end]
        return (
            old.value == value and bool(_SETTLED.fullmatch(word)) and self._behind(old) == old.end
        )

    def _behind(self, old: Assignment) -> int:
        # `sh` takes the carriage return of a CRLF line for a part of the value.
        found = _LINE_RETURN.match(self.text, old.end)
        return found.end() if found else old.end


def parse(text: str) -> ConfigText:
    """Reads `text` as contract configuration 3.2 [F] says; every text can be read."""
    assignments, foreign_until, obscure_line = list[Assignment](), 0, None
    for start, line in _lines(text):
        assignments += line.assignments
        foreign_until = line.end if line.foreign else foreign_until
        if line.obscure and obscure_line is None:
            obscure_line = text.count("\n", 0, start) + 1
    values = {one.name: one.value for one in assignments}
    return ConfigText(text, values, tuple(assignments), foreign_until, obscure_line)


def _lines(text: str) -> Iterator[tuple[int, Line]]:
    position = 0
    while position < len(text):
        line = _line(text, position)
        yield position, line
        position = line.end


def _line(text: str, start: int) -> Line:
    first = behind_blanks(text, start)
    try:
        return _statement(text, first) or _loose(text, first)
    except NotAWord:
        words = _verbatim(text, first)
        return Line(_next_line(text, first), words, foreign=not words, obscure=True)


def _statement(text: str, start: int) -> Line | None:
    """Reads a line on which `sh` would do nothing but assign; None when it would do more."""
    found, position, exporting = list[Assignment](), start, False
    while not ends_statement(text, position := behind_blanks(text, position)):
        if _EXPORT.match(text, position) and not exporting:
            position, exporting = position + len("export"), True
        elif one := _assignment(text, position):
            found.append(one)
            position = one.end
        elif exporting and (end := _exported(text, position)):
            position = end
        elif found and text[position] == ";" and text[position + 1 : position + 2] != ";":
            position, exporting = position + 1, False
        else:
            return None
    return Line(_next_line(text, position), tuple(found))


def _exported(text: str, position: int) -> int | None:
    """Returns the offset behind a name that is exported without a new value."""
    word = read_word(text, position, grammar=POSIX)
    return word.end if _NAME.fullmatch(word.value) else None


def _assignment(text: str, position: int) -> Assignment | None:
    name = _ASSIGNED.match(text, position)
    if name is None:
        return None
    # `sh` ends an unquoted URI at its first `;`; the service that wrote it so meant all of it.
    grammar = WIDE if text.startswith("pkcs11:", name.end()) else POSIX
    word = read_word(text, name.end(), grammar=grammar)
    return Assignment(name[1], word.value, name.end(), word.end)


def _loose(text: str, start: int) -> Line:
    """Reads a line that `sh` would not take for assignments: `NAME=two words` as systemd and the
    service before this one do, all else as foreign."""
    name = _ASSIGNED.match(text, _behind_export(text, start))
    if name is None:
        phrase, end = read_phrase(text, start), _next_line(text, start)
        return Line(end, foreign=True, obscure=phrase.end > end)
    phrase = read_phrase(text, name.end())
    one = Assignment(name[1], phrase.value, name.end(), phrase.end)
    return Line(_next_line(text, phrase.end), (one,))


def _verbatim(text: str, start: int) -> tuple[Assignment, ...]:
    name = _ASSIGNED.match(text, _behind_export(text, start))
    if name is None:
        return ()
    end = name.end() + len(text[name.end() : _next_line(text, start)].rstrip("\r\n"))
    return (Assignment(name[1], text[name.end() : end], name.end(), end),)


def _behind_export(text: str, start: int) -> int:
    found = _EXPORT.match(text, start)
    return behind_blanks(text, found.end()) if found else start


def _next_line(text: str, position: int) -> int:
    end = text.find("\n", position)
    return len(text) if end < 0 else end + 1


def _ready_for_more(text: str) -> str:
    if text and not text.endswith("\n"):
        text += "\n"
    # systemd before 254 continues a comment that ends in a backslash with the line behind it.
    return text + "\n" if _CONTINUED_COMMENT.search(text) else text


def _start(one: Assignment) -> int:
    return one.start
