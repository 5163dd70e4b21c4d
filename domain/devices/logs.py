"""Logs: what bootstrap, triage and provisioner wrote of one device."""

import asyncio
from collections.abc import AsyncGenerator

from domain.devices.devices import DevicesChanged
from domain.devices.log_files import LogFile, LogFolder, LogKind, Search
from domain.devices.log_following import LogFollower, LogUpdate
from domain.devices.log_pages import (
    LogPage,
    LogTail,
    check_lines,
    check_place,
    check_tail,
    last_lines_at,
    page_after,
    page_before,
)
from domain.devices.names import DeviceNames, Known, required
from domain.errors import NotFound
from domain.events import Hub
from domain.file_accesses import FileAccess
from domain.host_paths import HostPaths
from domain.paging import PageInvalid

POLL_SECONDS = 0.5
"""The way to a log leads over links of several folders, and the kernel has few watchers (inotify
instances: 128 for a user), so followers look instead."""


class LogNotFound(NotFound):
    """The device has no such log."""

    code = "LOG_NOT_FOUND"
    title = "Log Not Found"
    meaning = (
        "No log of this kind lies in the folders of the device, or a link leads out of the log "
        "folder."
    )
    remedy = "Check the serial; a stage's log appears when that stage begins."


class DeviceLogs:
    """Finds, reads and follows the logs of devices."""

    def __init__(
        self, paths: HostPaths, hub: Hub, names: DeviceNames, *, poll: float = POLL_SECONDS
    ) -> None:
        self._folder = LogFolder(paths)
        self._hub = hub
        self._names = names
        self._poll = poll

    async def open(
        self, identifier: str, kind: LogKind, *, tail: int | None, note: FileAccess
    ) -> LogTail:
        """Returns the open log, from its beginning or its last `tail` lines on; who takes it
        closes it. Raises `SerialMissing`, `PageInvalid` and `LogNotFound`."""
        if tail is not None:
            check_tail(tail)
        search = await self._search(identifier, kind)
        opened = await asyncio.to_thread(self._open, search, tail)
        if opened is None:
            raise await self._missing(search, note)
        note("READ", opened.log.file.path)
        return opened

    async def list_files(self, identifier: str) -> list[LogFile]:
        """Returns the logs that there are; raises `SerialMissing`."""
        known = await self._names.known(required(identifier))
        searches = [self._folder.search(kind, identifier, known) for kind in LogKind]
        found = [await asyncio.to_thread(self._look, search) for search in searches]
        return [file for file in found if file is not None]

    async def get_file(self, identifier: str, kind: LogKind, *, note: FileAccess) -> LogFile:
        """Returns where the log is, and its size; raises `SerialMissing` and `LogNotFound`."""
        search = await self._search(identifier, kind)
        found = await asyncio.to_thread(self._look, search)
        if found is None:
            raise await self._missing(search, note)
        return found

    async def page(
        self,
        file: LogFile,
        *,
        lines: int,
        note: FileAccess,
        after: int | None = None,
        before: int | None = None,
    ) -> LogPage:
        """Returns up to `lines` lines from the byte `after` on, or those that end at the byte
        `before`; the last ones where neither is given.

        Raises `PageInvalid`, and `LogNotFound` when the log has gone meanwhile.
        """
        check_lines(lines)
        check_place(after, "fromByte")
        check_place(before, "beforeByte")
        if after is not None and before is not None:
            raise PageInvalid("Ask for `fromByte` or for `beforeByte`, not both.", field="fromByte")
        page = await asyncio.to_thread(self._page, file, lines, after, before)
        if page is None:
            raise await self._missing(Search(file.kind, (file.path,)), note)
        note("READ", file.path)
        return page

    async def follow(
        self, identifier: str, kind: LogKind, *, lines: int
    ) -> AsyncGenerator[LogUpdate, None]:
        """Yields the last `lines` lines, then new ones, also of a log that begins later.

        Each follower reads for itself when it is asked for more: a slow one holds up nobody.
        Raises `SerialMissing` and `PageInvalid`.
        """
        required(identifier)
        check_lines(lines)
        follower = LogFollower(self._folder, lines=lines)
        with self._hub.subscribe(DevicesChanged) as changes:
            search = await self._search(identifier, kind)
            while True:
                update = await asyncio.to_thread(follower.look, search)
                if update is not None:
                    yield update
                    continue
                try:
                    async with asyncio.timeout(self._poll):
                        await changes.next()
                    changes.skip_to_newest()
                    search = await self._search(identifier, kind)
                except TimeoutError:
                    continue

    async def tail(self, serials: tuple[str, ...], port: str | None, kind: LogKind) -> LogPage:
        """Returns the last lines of the log of a board whose names the caller knows, none where
        there is no log."""
        page = await asyncio.to_thread(self._tail, self._search_of(serials, port, kind))
        return page or LogPage((), 0, 0, 0)

    async def find_file(
        self, serials: tuple[str, ...], port: str | None, kind: LogKind
    ) -> LogFile | None:
        """Returns the log of a board whose names the caller knows, as it is now."""
        return await asyncio.to_thread(self._look, self._search_of(serials, port, kind))

    def _search_of(self, serials: tuple[str, ...], port: str | None, kind: LogKind) -> Search:
        first, *others = serials or (port or "",)
        known = Known(serials=tuple(others), port=port)
        return self._folder.search(kind, first, known) if first else Search(kind, ())

    async def _search(self, identifier: str, kind: LogKind) -> Search:
        known = await self._names.known(required(identifier))
        return self._folder.search(kind, identifier, known)

    async def _missing(self, search: Search, note: FileAccess) -> LogNotFound:
        away = await asyncio.to_thread(self._folder.leads_away, search)
        info = f"a link leads out of the log folder: {away}" if away else ""
        note("READ", search.paths[0], success=False, info=info)
        return LogNotFound(
            f"This device has no {search.kind.value} log; it appears when that stage begins.",
            detail=f"Requested log: {search.paths[0]}",
        )

    def _open(self, search: Search, tail: int | None) -> LogTail | None:
        log = self._folder.open_first(search)
        if log is None:
            return None
        return LogTail(log, last_lines_at(log, tail) if tail else 0)

    def _look(self, search: Search) -> LogFile | None:
        opened = self._folder.open_first(search)
        if opened is None:
            return None
        opened.close()
        return opened.file

    def _page(
        self, file: LogFile, lines: int, after: int | None, before: int | None
    ) -> LogPage | None:
        opened = self._folder.open(file.kind, file.path)
        if opened is None:
            return None
        with opened as log:
            if after is not None:
                return page_after(log, after, lines=lines)
            return page_before(log, log.file.size if before is None else before, lines=lines)

    def _tail(self, search: Search) -> LogPage | None:
        opened = self._folder.open_first(search)
        if opened is None:
            return None
        with opened as log:
            return page_before(log, log.file.size, lines=100)
