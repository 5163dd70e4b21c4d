"""`service.db`, the service's own database: opened, brought up to date and closed (design 5)."""

import asyncio
import contextvars
import errno
import os
import sqlite3
import stat
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from domain.atomic_files import sync_folder
from domain.errors import Unavailable
from domain.host_paths import HostPaths, PathRefused

if TYPE_CHECKING:
    from tortoise.context import TortoiseContext

T = TypeVar("T")
Identity = tuple[int, int]

MODE = 0o600
"""It will hold tokens."""
BUSY_SECONDS = 2.0
LIMIT_SECONDS = 10.0
OPENING_SECONDS = 60.0
"""Longer than a question may take: a migration may have to rewrite a table."""

CONNECTION = "service"
APP = "service"
MODELS = "adapters.service_db.models"
MIGRATIONS = "adapters.service_db.migrations"


class ServiceDbUnavailable(Unavailable):
    """The service's own database cannot be opened, read or written."""

    code = "SERVICE_DB_UNAVAILABLE"
    title = "Service Database Unavailable"
    meaning = (
        "The database of the service itself (names, histories, uploads) cannot be used; what does "
        "not need it works on."
    )
    remedy = (
        "Make room on the disk and check the rights of the file that the message names. A damaged "
        "one may be moved away: the service makes a new one at once."
    )


@dataclass(frozen=True, slots=True)
class _Opened:
    identity: Identity
    tortoise: "TortoiseContext"
    variables: contextvars.Context


class ServiceDb:
    """Runs questions to `service.db`; it is opened at the first one, and again when the file was
    replaced or the last try failed.

    Everything raises `ServiceDbUnavailable` and nothing waits without a limit.
    """

    def __init__(
        self,
        paths: HostPaths,
        *,
        busy_seconds: float = BUSY_SECONDS,
        limit_seconds: float = LIMIT_SECONDS,
        migrations: str = MIGRATIONS,
    ) -> None:
        self._paths = paths
        self._busy_seconds = busy_seconds
        self._limit_seconds = limit_seconds
        self._migrations = migrations
        self._opened: _Opened | None = None
        self._opening = asyncio.Lock()
        self._closed = False

    async def run(self, work: Callable[[], Coroutine[None, None, T]]) -> T:
        """Returns what `work` finds; within it the models of this database can be used.

        Import the models inside `work`: that is what keeps the service's start short. A single
        write is on the disk when this returns; several belong into Tortoise's `in_transaction`.
        """
        opened = await self._current()
        return await self._guarded(
            lambda: _within(opened.variables, work()), seconds=self._limit_seconds
        )

    async def probe(self) -> None:
        """Raises while the database cannot be read and written; opens it where needed."""
        await self.run(_lock_for_writing)

    async def aclose(self) -> None:
        """Closes the file and ends its thread; later calls raise."""
        self._closed = True
        async with self._opening:
            await self._close()

    async def _current(self) -> _Opened:
        async with self._opening:
            if self._closed:
                raise self._unavailable("it is closed, because the service is stopping")
            return await self._guarded(self._open_or_keep, seconds=OPENING_SECONDS)

    async def _open_or_keep(self) -> _Opened:
        real = self._paths.real(self._paths.service_db)
        identity = await asyncio.to_thread(_identity, real)
        if self._opened is not None:
            if self._opened.identity == identity:
                return self._opened
            # Moved away or replaced: what we wrote on would be written into nowhere.
            await self._close()
        self._opened = await self._open(real)
        return self._opened

    async def _open(self, real: Path) -> _Opened:
        identity = await asyncio.to_thread(_prepare, real)
        # Half a second of imports; they must not hold up the loop, nor a start that needs no name.
        await asyncio.to_thread(import_tortoise)
        from tortoise.context import TortoiseContext

        tortoise = TortoiseContext()
        # Tortoise keeps its state in a context variable. One context of our own, entered once
        # and copied for each question, is seen by every task and by no other database.
        variables = contextvars.copy_context()
        variables.run(tortoise.__enter__)
        try:
            await _within(variables, self._set_up(tortoise, real))
        except BaseException:
            # A failed open leaves aiosqlite's thread behind unless it is closed like any other.
            await asyncio.shield(tortoise.close_connections())
            raise
        return _Opened(identity, tortoise, variables)

    async def _set_up(self, tortoise: "TortoiseContext", real: Path) -> None:
        from adapters.service_db.migrating import migrate

        await tortoise.init(config=_config(real, self._busy_seconds))
        await migrate(CONNECTION, app=APP, module=self._migrations)

    async def _close(self) -> None:
        opened, self._opened = self._opened, None
        if opened is not None:
            await opened.tortoise.close_connections()

    async def _guarded(self, work: Callable[[], Coroutine[None, None, T]], *, seconds: float) -> T:
        try:
            async with asyncio.timeout(seconds):
                return await work()
        except TimeoutError as error:
            raise self._unavailable(f"it did not answer within {seconds:g} s") from error
        except PathRefused as error:
            raise self._unavailable(error.message) from error
        except OSError as error:
            raise self._unavailable(error.strerror or "the disk failed") from error
        except _orm_failures() as error:
            if isinstance(error, _orm_answers()):
                raise
            raise self._unavailable(str(error)) from error

    def _unavailable(self, reason: str) -> ServiceDbUnavailable:
        return ServiceDbUnavailable(
            f"The service's own database {self._paths.service_db} cannot be used: {reason}. Check "
            "the disk and the file's rights; a damaged file may be moved away.",
            detail=reason,
        )


async def _within(variables: contextvars.Context, work: Coroutine[None, None, T]) -> T:
    return await asyncio.create_task(work, context=variables.copy())


async def _lock_for_writing() -> None:
    from tortoise.connection import get_connection

    await get_connection(CONNECTION).execute_script("BEGIN IMMEDIATE; ROLLBACK;")


def _config(real: Path, busy_seconds: float) -> dict[str, object]:
    credentials = {
        "file_path": str(real),
        "busy_timeout": round(busy_seconds * 1000),
        "journal_mode": "WAL",
        # In WAL mode NORMAL may lose the last commits in a power cut: set() promises more.
        "synchronous": "FULL",
    }
    connection = {"engine": "tortoise.backends.sqlite", "credentials": credentials}
    app = {"models": [MODELS], "default_connection": CONNECTION}
    return {"connections": {CONNECTION: connection}, "apps": {APP: app}}


def _prepare(real: Path) -> Identity:
    """Makes the file and its folder where they are missing; returns which file it is."""
    real.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    try:
        os.close(os.open(real, os.O_RDWR | os.O_CREAT | os.O_EXCL, MODE))
        sync_folder(real.parent)
    except FileExistsError:
        _check(real)
    # SQLite gives its side files the mode of the file, but does not change those it finds.
    for file in (real, *(real.with_name(real.name + suffix) for suffix in ("-wal", "-shm"))):
        if file.exists() and stat.S_IMODE(file.stat().st_mode) != MODE:
            file.chmod(MODE)
    status = real.stat()
    return (status.st_dev, status.st_ino)


def _check(real: Path) -> None:
    if not stat.S_ISREG(real.stat().st_mode):
        raise OSError(errno.EINVAL, "it is no ordinary file")


def _identity(real: Path) -> Identity | None:
    try:
        status = real.stat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    return (status.st_dev, status.st_ino)


def import_tortoise() -> None:
    """Imports the library and the models; half a second, blocking."""
    import_module("adapters.service_db.migrating")
    import_module(MODELS)


def _orm_failures() -> tuple[type[Exception], ...]:
    from tortoise.exceptions import BaseORMException

    return (sqlite3.Error, BaseORMException)


def _orm_answers() -> tuple[type[Exception], ...]:
    """Returns what Tortoise raises about the data and not about the database."""
    from tortoise.exceptions import IntegrityError, NotExistOrMultiple, ValidationError

    return (IntegrityError, NotExistOrMultiple, ValidationError)
