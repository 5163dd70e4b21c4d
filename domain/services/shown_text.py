"""Text of the journal as any screen can show it."""


def shown(text: str) -> str:
    """Returns `text` with its line breaks and tabs, and without what moves cursors: control
    characters of the C0 set are shown by their pictures (U+2400 and up), others as U+FFFD."""
    return text.translate(_SHOWN)


def _table() -> dict[int, str]:
    kept = (ord("\t"), ord("\n"))
    pictures = {code: chr(0x2400 + code) for code in range(0x20) if code not in kept}
    # What turns the direction of writing could make a line look like another one.
    turning = (*range(0x202A, 0x202F), *range(0x2066, 0x206A), 0x200E, 0x200F, 0x2028, 0x2029)
    return {**pictures, 0x7F: "\u2421", **dict.fromkeys((*range(0x80, 0xA0), *turning), "\ufffd")}


_SHOWN = _table()
