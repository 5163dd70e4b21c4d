"""Stillness: whether files have not stirred for a while, told without a wait or a question."""

import asyncio
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from asyncinotify import Inotify, Mask

SETTLING_SECONDS = 1.0
"""A writer's bytes are seen before its commit: for so long after them the files are looked at."""
TRUSTED_SECONDS = 1.0
"""For so long one look holds without another (design 4: a check each second is the net)."""
STIRRING = Mask.MODIFY | Mask.CLOSE_WRITE | Mask.ATTRIB | Mask.MOVE_SELF | Mask.DELETE_SELF


class Stillness:
    """Belongs to the event loop's thread. `files` tells which files matter and are there now;
    where there is none, nothing is ever still.

    The kernel queues its news before a writer's call returns, and the loop hears it together with
    whatever that writer sends us afterwards: who asks because of a commit finds no stillness.
    What the kernel does not tell (a network file system, a folder that is replaced whole) shows
    with the next look, `TRUSTED_SECONDS` later at most.
    """

    def __init__(
        self, files: Callable[[], Sequence[Path]], *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._files = files
        self._clock = clock
        self._inotify: Inotify | None = None
        self._watched: Sequence[Path] = ()
        self._looked = self._stirred = clock() - TRUSTED_SECONDS

    def holds(self) -> bool:
        """Whether nothing stirred since the last look, and that look was not long ago."""
        if self._inotify is None:
            return False
        now = self._clock()
        return now - self._looked < TRUSTED_SECONDS and now - self._stirred >= SETTLING_SECONDS

    @contextmanager
    def look(self) -> Iterator[None]:
        """Look at the files in this context: what stirs from its beginning on counts."""
        looked = self._clock()
        self._watch()
        yield
        if list(self._files()) != self._watched:
            # The look itself may make a file (SQLite's log): it must be watched before it counts.
            self.close()
        self._looked = looked

    def close(self) -> None:
        """Ends the watch."""
        if self._inotify is None:
            return
        asyncio.get_running_loop().remove_reader(self._inotify.fd)
        self._inotify.close()
        self._inotify = None

    def _watch(self) -> None:
        files = list(self._files())
        if self._inotify is not None and files == self._watched:
            return
        self.close()
        inotify = Inotify()
        try:
            for file in files:
                inotify.add_watch(file, STIRRING)
        except OSError:
            files = []
        if not files:
            inotify.close()
            return
        self._inotify, self._watched = inotify, files
        asyncio.get_running_loop().add_reader(inotify.fd, self._stir)

    def _stir(self) -> None:
        # Another file may have taken the place of one: the next look watches anew.
        self.close()
        self._stirred = self._clock()
