"""Cursors of the journal: what one looks like, and what it says (sd_journal_get_cursor(3))."""

import re

from domain.paging import CursorInvalid, Key

_HEX = "[0-9a-f]"
_CURSOR = re.compile(
    rf"s={_HEX}{{32}};i={_HEX}{{1,16}};b=({_HEX}{{32}});"
    rf"m={_HEX}{{1,16}};t={_HEX}{{1,16}};x={_HEX}{{1,16}}",
    re.ASCII,
)


def journal_cursor(key: Key | None) -> str | None:
    """Returns the journal's cursor that a page's key holds, None for no key; raises
    `CursorInvalid`."""
    if key is None:
        return None
    cursor = key[0]
    if len(key) != 1 or not isinstance(cursor, str) or not _CURSOR.fullmatch(cursor):
        raise CursorInvalid("This cursor is no place in a journal; start again without one.")
    return cursor


def boot_of(cursor: str) -> str | None:
    """Returns the boot in which an entry was written, 32 hex digits."""
    found = _CURSOR.fullmatch(cursor)
    return found[1] if found else None
