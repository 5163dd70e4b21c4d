"""What people and programs ask about the logs of a device."""

from collections.abc import AsyncGenerator

from domain.caller import Role
from domain.devices.log_files import LogFile, LogKind
from domain.devices.log_following import LogUpdate
from domain.devices.log_pages import LogPage, LogTail
from resolvers.operation import Call, Effect, operation, watch


@operation(role=Role.VIEWER, effect=Effect.READ, graphql="Query.deviceLog")
async def open_provisioner_log(call: Call, *, identifier: str, tail: int | None) -> LogTail:
    """Returns the provisioner log, open, from its beginning or its last `tail` lines on."""
    return await _open(call, identifier, LogKind.PROVISIONER, tail)


@operation(role=Role.VIEWER, effect=Effect.READ, graphql="Query.deviceLog")
async def open_bootstrap_log(call: Call, *, identifier: str, tail: int | None) -> LogTail:
    """Returns the bootstrap log, open, from its beginning or its last `tail` lines on."""
    return await _open(call, identifier, LogKind.BOOTSTRAP, tail)


@operation(role=Role.VIEWER, effect=Effect.READ, graphql="Query.deviceLog")
async def open_triage_log(call: Call, *, identifier: str, tail: int | None) -> LogTail:
    """Returns the triage log, open, from its beginning or its last `tail` lines on."""
    return await _open(call, identifier, LogKind.TRIAGE, tail)


@operation(role=Role.VIEWER, effect=Effect.READ, graphql="Query.deviceLogs")
async def list_device_logs(call: Call, *, identifier: str) -> list[LogFile]:
    """Returns which logs of a device there are."""
    return await call.station.logs.list_files(identifier)


@operation(role=Role.VIEWER, effect=Effect.READ, graphql="Query.deviceLog")
async def get_device_log(call: Call, *, identifier: str, kind: LogKind) -> LogFile:
    """Returns where one log of a device is, and its size."""
    return await call.station.logs.get_file(identifier, kind, note=call.file_access)


@operation(role=Role.VIEWER, effect=Effect.READ, graphql="Query.deviceLog")
async def page_device_log(
    call: Call, *, file: LogFile, lines: int, after: int | None, before: int | None
) -> LogPage:
    """Returns some lines of a log, the last ones where no place is named."""
    return await call.station.logs.page(
        file, lines=lines, after=after, before=before, note=call.file_access
    )


@watch(role=Role.VIEWER, graphql="Subscription.deviceLogLines")
async def follow_device_log(
    call: Call, *, identifier: str, kind: LogKind, lines: int
) -> AsyncGenerator[LogUpdate, None]:
    """Yields the last lines of a log, then new ones."""
    updates = call.station.logs.follow(identifier, kind, lines=lines)
    noted: str | None = None
    try:
        async for update in updates:
            if update.log is not None and update.log.path != noted:
                # Which file it is shows only now, after the row of who follows it.
                noted = update.log.path
                reading = Call(call.caller, call.station)
                reading.file_access("READ", noted)
                call.station.audit.record(*reading.entries)
            yield update
    finally:
        await updates.aclose()


async def _open(call: Call, identifier: str, kind: LogKind, tail: int | None) -> LogTail:
    return await call.station.logs.open(identifier, kind, tail=tail, note=call.file_access)
