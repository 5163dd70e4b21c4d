"""libsystemd's journal as Python sees it: open files, matches, places and fields (sd-journal(3)).

cysystemd 2.0.5 is too narrow for us: its `open_files` frees the names of all files but the last
before it uses them, it cannot list the values of a field, and it joins matches in one way only.
So we call libsystemd itself: the machine's, else the one that cysystemd brings.
"""

import ctypes
import os
import re
from collections.abc import Iterator, Sequence
from ctypes import POINTER, byref, c_char_p, c_int, c_size_t, c_uint64, c_void_p
from functools import cache
from pathlib import Path

LIBRARY = "libsystemd.so.0"
_MAPPED = re.compile(r"/\S+/libsystemd-\S+\.so\S*")

Matches = Sequence[Sequence[Sequence[str]]]
"""Each of the groups must hold; a group holds where all texts of one of its terms do. A text is
`FIELD=value`; texts of the same field in one term are alternatives (sd_journal_add_match(3))."""

_BYTES = (POINTER(c_void_p), POINTER(c_size_t))
_FUNCTIONS: dict[str, Sequence[type]] = {
    "open_files": (POINTER(c_void_p), POINTER(c_char_p), c_int),
    "set_data_threshold": (c_void_p, c_size_t),
    "add_match": (c_void_p, c_char_p, c_size_t),
    "add_disjunction": (c_void_p,),
    "add_conjunction": (c_void_p,),
    "seek_head": (c_void_p,),
    "seek_tail": (c_void_p,),
    "seek_cursor": (c_void_p, c_char_p),
    "seek_realtime_usec": (c_void_p, c_uint64),
    "test_cursor": (c_void_p, c_char_p),
    "next_skip": (c_void_p, c_uint64),
    "previous_skip": (c_void_p, c_uint64),
    "get_realtime_usec": (c_void_p, POINTER(c_uint64)),
    "get_cursor": (c_void_p, POINTER(c_void_p)),
    "get_data": (c_void_p, c_char_p, *_BYTES),
    "query_unique": (c_void_p, c_char_p),
    "enumerate_unique": (c_void_p, *_BYTES),
}


class JournalFailed(OSError):
    """libsystemd refused; `errno` says why."""


class LibraryMissing(Exception):
    """There is no libsystemd."""


class OpenJournal:
    """The entries of some journal files as one sequence, with a place in it.

    Of compressed fields `threshold` bytes are read, 0 for all. All methods block and raise
    `JournalFailed`.
    """

    def __init__(
        self, files: Sequence[Path], *, threshold: int, library: ctypes.CDLL | None = None
    ) -> None:
        self._library = library or load_library()
        self._journal = c_void_p()
        names = (c_char_p * (len(files) + 1))(*(os.fsencode(file) for file in files), None)
        _checked(self._library.sd_journal_open_files(byref(self._journal), names, 0))
        self._call("set_data_threshold", threshold)

    def close(self) -> None:
        """Closes the files."""
        journal, self._journal = self._journal, c_void_p()
        self._library.sd_journal_close(journal)

    def match(self, matches: Matches) -> None:
        """Shows only entries that match; forgets the place."""
        self._library.sd_journal_flush_matches(self._journal)
        for group in matches:
            for term in group:
                for text in term:
                    raw = text.encode("utf-8", "surrogatepass")
                    self._call("add_match", raw, len(raw))
                self._call("add_disjunction")
            self._call("add_conjunction")

    def seek_end(self, *, backwards: bool) -> None:
        """Goes behind the newest entry if `backwards`, else before the oldest."""
        self._call("seek_tail" if backwards else "seek_head")

    def seek_cursor(self, cursor: str) -> None:
        """Goes to where `cursor` is or would be; the next step leads to it or past it."""
        self._call("seek_cursor", cursor.encode())

    def seek_time(self, microseconds: int) -> None:
        """Goes to this time since the epoch."""
        self._call("seek_realtime_usec", microseconds)

    def step(self, steps: int = 1, *, backwards: bool) -> int:
        """Goes so many entries on; returns how many there were."""
        return self._call("previous_skip" if backwards else "next_skip", steps)

    def is_at(self, cursor: str) -> bool:
        """Whether this entry is the one of `cursor`."""
        return self._call("test_cursor", cursor.encode()) > 0

    def microseconds(self) -> int:
        """Returns this entry's time since the epoch."""
        found = c_uint64()
        self._call("get_realtime_usec", byref(found))
        return found.value

    def cursor(self) -> str:
        """Returns this entry's place."""
        text = c_void_p()
        self._call("get_cursor", byref(text))
        try:
            return ctypes.string_at(text.value or 0).decode("ascii")
        finally:
            self._library.free(text)

    def field(self, name: str) -> bytes | None:
        """Returns the first value of a field of this entry, None where it has none that can be
        read."""
        data, size = c_void_p(), c_size_t()
        found = self._library.sd_journal_get_data(
            self._journal, name.encode(), byref(data), byref(size)
        )
        if found < 0:
            return None
        return ctypes.string_at(data.value or 0, size.value)[len(name) + 1 :]

    def values(self, name: str) -> Iterator[bytes]:
        """Yields each value that a field has in any entry; do nothing else meanwhile."""
        self._call("query_unique", name.encode())
        data, size = c_void_p(), c_size_t()
        while self._call("enumerate_unique", byref(data), byref(size)):
            yield ctypes.string_at(data.value or 0, size.value)[len(name) + 1 :]

    def _call(self, name: str, *arguments: object) -> int:
        return _checked(getattr(self._library, f"sd_journal_{name}")(self._journal, *arguments))


@cache
def load_library(name: str = LIBRARY) -> ctypes.CDLL:
    """Returns libsystemd; raises `LibraryMissing`."""
    try:
        found = ctypes.CDLL(name)
    except OSError:
        found = ctypes.CDLL(_bundled())
    for function, arguments in _FUNCTIONS.items():
        getattr(found, f"sd_journal_{function}").argtypes = arguments
    for function in ("sd_journal_close", "sd_journal_flush_matches", "free"):
        getattr(found, function).argtypes = (c_void_p,)
        getattr(found, function).restype = None
    return found


def _bundled() -> str:
    try:
        import cysystemd.reader  # noqa: F401 -- for the library that it loads
    except ImportError as error:
        raise LibraryMissing("the Debian package libsystemd0 is not installed") from error
    found = _MAPPED.search(Path("/proc/self/maps").read_text("utf-8", "replace"))
    if found is None:
        raise LibraryMissing("cysystemd brings no libsystemd")
    return found[0]


def _checked(code: int) -> int:
    if code < 0:
        raise JournalFailed(-code, os.strerror(-code))
    return code
