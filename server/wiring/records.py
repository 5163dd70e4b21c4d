"""Builds what knows of manufacturing records, and watches their database (design 4)."""

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from pathlib import Path

from adapters.inotify import names_changed
from adapters.manufacturing.record_index import SqliteRecordIndex
from adapters.manufacturing.records import ManufacturingRecords, logical_path
from adapters.service_db.database import ServiceDb
from adapters.service_db.qr_scans import StoredScans
from domain.configuration.configuration import Configuration
from domain.devices.attempt_list import Attempts
from domain.events import Hub
from domain.host_paths import HostPaths, PathRefused
from domain.manufacturing.manufacturing import Manufacturing
from domain.verification.failed_attempts import FailedAttempts
from domain.verification.verification import Verification
from server.background import Background

VARIABLE = "RPI_SB_PROVISIONER_MANUFACTURING_DB"
CATCH_UP_SECONDS = 1.0
SAME_FOLDER_SECONDS = 30.0
"""For so long one folder is watched: the configuration may name another file at any time."""


@dataclass(frozen=True, slots=True)
class Recording:
    """The records, and where their database is just now (it blocks; None when nowhere)."""

    records: Manufacturing
    file: Callable[[], Path | None]


def build_recording(
    paths: HostPaths, hub: Hub, configuration: Configuration, stack: AsyncExitStack
) -> Recording:
    """Opens the shell side's database and the index beside it."""

    def configured() -> str | None:
        setting = configuration.values_now().get(VARIABLE)
        # Set to nothing means none; not set at all is another thing.
        return None if setting is None else setting.value

    records = ManufacturingRecords(paths, configured)
    stack.push_async_callback(records.aclose)
    index = SqliteRecordIndex(paths, configured)
    stack.push_async_callback(index.aclose)
    logical = logical_path(paths, configured)

    def file() -> Path | None:
        path = logical()
        with suppress(PathRefused):
            return paths.real(path) if path else None
        return None

    return Recording(Manufacturing(hub, records, index), file)


def build_verification(
    records: Manufacturing, service_db: ServiceDb, attempts: Attempts
) -> Verification:
    """Joins records, scans and what became of boards later."""
    return Verification(records, StoredScans(service_db), FailedAttempts(attempts))


def watch_records(background: Background, recording: Recording) -> None:
    """Starts the watch of the database's folder, and the check each second that is its net."""
    catch_up = recording.records.catch_up

    async def follow() -> None:
        real = await asyncio.to_thread(recording.file)
        if real is None or not real.parent.is_dir():
            return
        with suppress(TimeoutError):
            async with asyncio.timeout(SAME_FOLDER_SECONDS):
                async for _ in names_changed(real.parent, lambda name: name.startswith(real.name)):
                    await catch_up()

    background.repeat("the reading of records", CATCH_UP_SECONDS, catch_up)
    background.repeat("the watch of records", CATCH_UP_SECONDS, follow)
