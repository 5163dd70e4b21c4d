"""The logs of devices as GraphQL clients see them."""

from collections.abc import AsyncGenerator
from datetime import datetime
from typing import Annotated, ClassVar

import strawberry

from domain.devices.log_files import LogFile, LogKind
from domain.devices.log_following import LogUpdate
from domain.devices.log_lines import LogLine as Line
from domain.devices.log_pages import MOST_LINES
from domain.devices.log_pages import LogPage as Page
from domain.devices.names import one_of
from resolvers.devices.logs import (
    follow_device_log,
    get_device_log,
    list_device_logs,
    page_device_log,
)
from resolvers.parts import part_of
from schema.context import Info, who
from schema.devices.naming import Named, Port, Serial
from schema.enums import describe_enum
from schema.scalars import Long

TAIL = 100
MOST = f"How many lines; 1 to {MOST_LINES}."
describe_enum(
    LogKind,
    name="DeviceLogKind",
    description="Which log of a device.",
    values={
        LogKind.PROVISIONER: "What the provisioner wrote: the image, the keys, the record.",
        LogKind.BOOTSTRAP: "What bootstrap wrote: the EEPROM, the fastboot gadget.",
        LogKind.TRIAGE: "What triage wrote: the device key pair, which provisioner it chose.",
        LogKind.EARLY: "A bootstrap log that still lies in the early folder, because bootstrap "
        "runs or was aborted.",
    },
)
Kind = Annotated[LogKind, strawberry.argument(description="Which log.")]
Lines = Annotated[int, strawberry.argument(description=MOST)]


@strawberry.type(description="One line of a log, or a piece of one that is too long.")
class LogLine:
    """A line."""

    at: datetime | None = strawberry.field(
        description="When it was written; null where the line does not begin with a time."
    )
    text: str = strawberry.field(
        description="The line without its time. Control characters are shown by their pictures "
        "(␛), what is no text as �."
    )
    start_byte: Long = strawberry.field(description="Where the line begins in the file, in bytes.")
    end_byte: Long = strawberry.field(description="Where the next line begins, in bytes.")
    continues: bool = strawberry.field(description="Whether the next line is the rest of this one.")


@strawberry.type(description="Some lines of a log, in their order.")
class LogPage:
    """A page."""

    lines: list[LogLine] = strawberry.field(description="The lines.")
    start_byte: Long = strawberry.field(
        description="Where they begin, in bytes; ask for `beforeByte` with it for older ones."
    )
    end_byte: Long = strawberry.field(
        description="Where they end, in bytes; ask for `fromByte` with it for newer ones."
    )
    size: Long = strawberry.field(description="The size of the whole log now, in bytes.")


@strawberry.type(description="One log of a device.")
class DeviceLog:
    """A log file."""

    kind: LogKind = strawberry.field(description="Which log it is.")
    path: str = strawberry.field(description="Where it is on the station.")
    size: Long = strawberry.field(description="Its size in bytes.")
    modified_at: datetime = strawberry.field(description="When it was last written to.")
    file: strawberry.Private[LogFile]

    @strawberry.field(description=f"Its last lines, at most {MOST_LINES}.")
    async def tail(self, info: Info, lines: Lines = TAIL) -> LogPage:
        """Resolves the end of the log."""
        return await _paged(info, self.file, lines=lines, after=None, before=None)

    @strawberry.field(
        description=f"At most {MOST_LINES} lines, from a byte of the file on or up to one; the "
        "last ones if neither is given. Use the bytes that lines and pages name."
    )
    async def page(
        self,
        info: Info,
        from_byte: Annotated[
            Long | None, strawberry.argument(description="Where the first line begins.")
        ] = None,
        before_byte: Annotated[
            Long | None, strawberry.argument(description="Where the last line ends.")
        ] = None,
        lines: Lines = TAIL,
    ) -> LogPage:
        """Resolves a page."""
        return await _paged(info, self.file, lines=lines, after=from_byte, before=before_byte)


@strawberry.type(description="New lines of a log that is followed.")
class DeviceLogLines:
    """One frame of `deviceLogLines`."""

    # Each follower began at its own time: equal numbers are not equal frames.
    shareable: ClassVar[bool] = False

    sequence: int = strawberry.field(description="Counts the frames of this subscription.")
    snapshot: bool = strawberry.field(
        description="True where `lines` are the end of a log to begin with: the first frame, "
        "another file in its place, or after the client was too slow. Show them instead of all "
        "lines before."
    )
    log: DeviceLog | None = strawberry.field(description="The log; null while there is none yet.")
    lines: list[LogLine] = strawberry.field(description="The lines.")


def log_of(file: LogFile) -> DeviceLog:
    """Returns the log as clients see it."""
    return DeviceLog(
        kind=file.kind,
        path=file.path,
        size=Long(file.size),
        modified_at=file.modified_at,
        file=file,
    )


async def logs_of(root: strawberry.Parent[Named], info: Info) -> list[DeviceLog]:
    """Resolves the logs of a device; none while it has neither serial nor port."""
    identifier = root.serial or root.port
    if not identifier:
        return []
    found = await part_of(
        list_device_logs.policy,
        *who(info),
        lambda call: list_device_logs.perform(call, identifier=identifier),
    )
    return [log_of(file) for file in found]


async def _paged(
    info: Info, file: LogFile, *, lines: int, after: int | None, before: int | None
) -> LogPage:
    page = await part_of(
        page_device_log.policy,
        *who(info),
        lambda call: page_device_log.perform(
            call, file=file, lines=lines, after=after, before=before
        ),
    )
    return _page(page)


def _page(page: Page) -> LogPage:
    return LogPage(
        lines=[_line(line) for line in page.lines],
        start_byte=Long(page.start),
        end_byte=Long(page.end),
        size=Long(page.size),
    )


def _line(line: Line) -> LogLine:
    return LogLine(
        at=line.at,
        text=line.text,
        start_byte=Long(line.start),
        end_byte=Long(line.end),
        continues=line.continues,
    )


def _frame(update: LogUpdate) -> DeviceLogLines:
    return DeviceLogLines(
        sequence=update.sequence,
        snapshot=update.snapshot,
        log=log_of(update.log) if update.log else None,
        lines=[_line(line) for line in update.lines],
    )


@strawberry.type
class DeviceLogQueries:
    """Root fields about logs."""

    @strawberry.field(
        description="The logs of one device, by either of its serials or by the port it is at; "
        "also of a board that has no state row."
    )
    async def device_logs(
        self, info: Info, serial: Serial = None, port: Port = None
    ) -> list[DeviceLog]:
        """Resolves the logs."""
        found = await list_device_logs(*who(info), identifier=one_of(serial, port))
        return [log_of(file) for file in found]

    @strawberry.field(
        description="One log of a device, by either of its serials or by the port it is at."
    )
    async def device_log(
        self, info: Info, kind: Kind, serial: Serial = None, port: Port = None
    ) -> DeviceLog:
        """Resolves one log."""
        identifier = one_of(serial, port)
        return log_of(await get_device_log(*who(info), identifier=identifier, kind=kind))


@strawberry.type
class DeviceLogSubscriptions:
    """What one can watch of logs."""

    @strawberry.subscription(
        description="The last lines of a log, then new ones as they are written; waits for a log "
        "that has not begun, and goes on when it is truncated or replaced."
    )
    async def device_log_lines(
        self,
        info: Info,
        kind: Kind,
        serial: Serial = None,
        port: Port = None,
        tail: Lines = TAIL,
    ) -> AsyncGenerator[DeviceLogLines, None]:
        """Yields frames."""
        identifier = one_of(serial, port)
        updates = follow_device_log(*who(info), identifier=identifier, kind=kind, lines=tail)
        try:
            async for update in updates:
                yield _frame(update)
        finally:
            await updates.aclose()
