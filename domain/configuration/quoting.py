"""Words of the station's configuration file: how a value is written, and how a word is read as
`sh` does."""

import re
from dataclasses import dataclass

_BLANKS = re.compile(r"(?:[ \t]|\\\n)*+")
_BARE = re.compile(r"[A-Za-z0-9_@%+=:,./-]+")

# Expansions are not carried out. Only those that hold no quote are passed over: what a quote
# inside a substitution opens and closes is the shell's own grammar, not ours.
_EXPANSION = r"""\$\([^'"`\\\#<()\n]*\)|\$\{[^'"`\\{}\n]*\}|`[^'"`\\\#<()\n]*`"""
_LONE_DOLLAR = r"\$(?![({])"
_INNER_RETURN = r"\r(?!\n|\Z)"


def _piece(bare: str) -> re.Pattern[str]:
    return re.compile(
        rf"""'(?P<single>[^']*+)'
        |"(?P<double>(?:[^"\\$`]|\\.|{_EXPANSION}|{_LONE_DOLLAR})*+)"
        |\\(?P<return>(?=\r(?:\n|\Z)))
        |(?P<last>\\\Z)
        |\\(?P<escaped>.)
        |(?P<bare>{bare}|{_EXPANSION}|{_LONE_DOLLAR}|{_INNER_RETURN})""",
        re.VERBOSE | re.DOTALL,
    )


@dataclass(frozen=True, slots=True)
class Grammar:
    """Which unquoted characters end a word."""

    stops: str
    piece: re.Pattern[str]


POSIX = Grammar(" \t\n;&|<>()", _piece(r"""[^\ \t\n\r'"\\$`;&|<>()]++"""))
"""POSIX Shell Command Language 2.3: blanks and operators end a word."""

WIDE = Grammar(" \t\n", _piece(r"""[^\ \t\n\r'"\\$`<]++|<(?!<)"""))
"""Only blanks end a word: unquoted PKCS#11 URIs and lines that `sh` would not read as
assignments. A here-document is no word in it, because it hides the lines that follow."""


class NotAWord(ValueError):
    """A quote or an expansion that does not end in a way that this reader follows."""


@dataclass(frozen=True, slots=True)
class Word:
    """A word's value, quotes removed, and the offset just behind it."""

    value: str
    end: int


def quote(value: str) -> str:
    """Returns the word that `sh`, and the service before this one, read as `value` (contract
    configuration 3.3)."""
    if _BARE.fullmatch(value):
        return value
    return "'" + value.replace("'", "'\\''") + "'"


def read_word(text: str, start: int, *, grammar: Grammar) -> Word:
    """Returns the word at `start`, perhaps empty, perhaps of several lines; raises `NotAWord`.

    Quoting is POSIX 2.2; nothing is expanded; a carriage return that ends a line is no part of it.
    """
    position, parts = start, list[str]()
    while found := grammar.piece.match(text, position):
        parts.append(_value(found))
        position = found.end()
    if not (position == len(text) or text[position] in grammar.stops or ends_line(text, position)):
        raise NotAWord
    return Word("".join(parts), position)


def read_phrase(text: str, start: int) -> Word:
    """Returns all words up to the end of the line or a comment, with the blanks between them."""
    word = read_word(text, behind_blanks(text, start), grammar=WIDE)
    value, end = word.value, word.end
    while not ends_statement(text, following := behind_blanks(text, end)):
        word = read_word(text, following, grammar=WIDE)
        blanks = text[end:following].replace("\\\n", "")
        value, end = value + blanks + word.value, word.end
    return Word(value, end)


def behind_blanks(text: str, position: int) -> int:
    """Returns the offset behind blanks and continued line ends."""
    found = _BLANKS.match(text, position)
    return found.end() if found else position


def ends_line(text: str, position: int) -> bool:
    """Whether nothing but a line's end, of either convention, stands at `position`."""
    rest = text[position : position + 2]
    return rest in {"", "\r", "\r\n"} or rest.startswith("\n")


def ends_statement(text: str, position: int) -> bool:
    """Whether the line ends or a comment begins at `position`, which is not inside a word."""
    return ends_line(text, position) or text[position] == "#"


def _value(piece: re.Match[str]) -> str:
    if (double := piece["double"]) is not None:
        return re.sub(r'\\([$`"\\\n])', _unescaped, double)
    if piece["escaped"] is not None:
        return _unescaped(piece)
    return piece["single"] or piece["bare"] or piece["last"] or ""


def _unescaped(piece: re.Match[str]) -> str:
    character = piece[0][1:]
    return "" if character == "\n" else character
