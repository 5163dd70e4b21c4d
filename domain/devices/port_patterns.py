"""Port patterns: what a pattern of the port rules matches, as the scripts' `case` decides it."""

import string
from dataclasses import dataclass

Characters = frozenset[str]

ANY: Characters = frozenset(map(chr, range(1, 128)))
"""USB paths are ASCII; what is not cannot match."""
_CLASSES: dict[str, Characters] = {
    "alnum": frozenset(string.ascii_letters + string.digits),
    "alpha": frozenset(string.ascii_letters),
    "blank": frozenset(" \t"),
    "cntrl": frozenset(map(chr, [*range(1, 32), 127])),
    "digit": frozenset(string.digits),
    "graph": frozenset(map(chr, range(33, 127))),
    "lower": frozenset(string.ascii_lowercase),
    "print": frozenset(map(chr, range(32, 127))),
    "punct": frozenset(string.punctuation),
    "space": frozenset(" \t\n\v\f\r"),
    "upper": frozenset(string.ascii_uppercase),
    "xdigit": frozenset(string.hexdigits),
}


@dataclass(frozen=True, slots=True)
class PortPattern:
    """A pattern as dash's `case` reads it (contract devices section 10).

    `*` is any text, dots too; `?` one character; `[a-c]`, `[!a-c]` and `[[:digit:]]` one of a
    set; a backslash takes the next character as it is. `[^x]` is no negation, and braces are
    ordinary characters. Make it with `pattern_of`; in `parts` None is the `*`.
    """

    text: str
    parts: tuple[Characters | None, ...]

    def matches(self, path: str) -> bool:
        """Whether the whole of `path` matches; the time is bounded by both lengths."""
        at = part = 0
        star, resumed = -1, 0
        while at < len(path):
            wanted = self.parts[part] if part < len(self.parts) else frozenset[str]()
            if wanted is None:
                star, resumed = part, at
                part += 1
            elif path[at] in wanted:
                at += 1
                part += 1
            elif star >= 0:
                # The last `*` takes one character more; an earlier one never has to.
                resumed += 1
                at, part = resumed, star + 1
            else:
                return False
        return all(rest is None for rest in self.parts[part:])


def pattern_of(text: str) -> PortPattern:
    """Returns the pattern written `text`; every text is one."""
    parts: list[Characters | None] = []
    at = 0
    while at < len(text):
        part, at = _part(text, at)
        parts.append(part)
    return PortPattern(text, tuple(parts))


def _part(text: str, at: int) -> tuple[Characters | None, int]:
    character = text[at]
    if character == "*":
        return None, at + 1
    if character == "?":
        return ANY, at + 1
    if character == "[":
        # A bracket that nothing closes is an ordinary character.
        return _bracket(text, at + 1) or (frozenset("["), at + 1)
    if character == "\\" and at + 1 < len(text):
        return frozenset(text[at + 1]), at + 2
    return frozenset(character), at + 1


def _bracket(text: str, at: int) -> tuple[Characters, int] | None:
    """Returns the set that begins behind the bracket, and where the text goes on."""
    is_inverted = text[at : at + 1] == "!"
    at += is_inverted
    found: set[str] = set()
    is_first = True
    while at < len(text):
        if text[at] == "]" and not is_first:
            return ANY - found if is_inverted else frozenset(found), at + 1
        is_first = False
        member = _class(text, at) or _range(text, at)
        if member is None:
            return None
        found |= member[0]
        at = member[1]
    return None


def _class(text: str, at: int) -> tuple[Characters, int] | None:
    if not text.startswith("[:", at):
        return None
    name, closed, _ = text[at + 2 :].partition(":]")
    known = _CLASSES.get(name) if closed else None
    return None if known is None else (known, at + 2 + len(name) + 2)


def _range(text: str, at: int) -> tuple[Characters, int] | None:
    """Returns one character or a range such as `1-4`; None where the text ends within."""
    low, at = _plain(text, at)
    if not text.startswith("-", at) or text.startswith("]", at + 1):
        return frozenset(low), at
    high, at = _plain(text, at + 1)
    if not (low and high):
        return None
    return frozenset(map(chr, range(ord(low), min(ord(high), 127) + 1))), at


def _plain(text: str, at: int) -> tuple[str, int]:
    at += text[at : at + 1] == "\\"
    return text[at : at + 1], at + 1
