"""Devices as GraphQL clients see them."""

from collections.abc import AsyncGenerator
from datetime import datetime
from typing import Annotated

import strawberry

from domain.devices import devices as domain
from domain.devices.device_filters import DeviceView
from domain.devices.plugged_boards import generation_by_rows
from domain.devices.stages import Stage, Style
from domain.devices.states import StateRow as Row
from domain.devices.status import Status
from domain.devices.status_following import DeviceFrame
from domain.events import Update
from domain.paging import MOST, page_request
from resolvers.devices.devices import (
    get_device,
    get_latest_state_row,
    list_devices,
    page_state_rows,
    watch_boards,
)
from schema.connections import Connection, connection
from schema.context import Info, who
from schema.devices.attempts import Attempt, attempts_of_device
from schema.devices.filters import DeviceFilterInput, device_filter
from schema.devices.flags import DeviceFlag, flags_of
from schema.devices.keypairs import DeviceKeypair, keypair_of_device
from schema.devices.logs import DeviceLog, logs_of
from schema.devices.naming import Port, Serial
from schema.devices.paging import After, Before, First, Last
from schema.devices.plugged import ip_address_of, ip_address_reason_of, plugged_of
from schema.devices.statuses import (
    Evidence,
    NextAction,
    StatusReason,
    evidence_of,
    explanation_of,
    next_action_of,
    reason_of,
)
from schema.devices.topology_types import TopologyNode
from schema.manufacturing.records import ManufacturingRecord
from schema.services.units import Unit
from schema.timeline.timeline import TimelineConnection, records_of, timeline_of, units_of


@strawberry.type(description="One board: its 8-digit and its 16-digit serial are the same device.")
class Device:
    """A board."""

    view: strawberry.Private[DeviceView]
    id: strawberry.ID = strawberry.field(description="Stable for this board; opaque.")
    serial: str | None = strawberry.field(
        description="The longest serial known; null while the board has told none."
    )
    port: str | None = strawberry.field(
        description="The USB path where it is plugged in, or was last seen, such as 1-1.4; null "
        "while unknown."
    )
    state: str = strawberry.field(description="The last state, in the station's own words.")
    image: str | None = strawberry.field(description="The image meant for it; null while unknown.")
    ip_address: str | None = strawberry.field(
        resolver=ip_address_of,
        description="Its IP address; null while none is known, see `ipAddressReason`.",
    )
    ip_address_reason: str = strawberry.field(
        resolver=ip_address_reason_of,
        description="Where the address is from, or why there is none.",
    )
    generation: int | None = strawberry.field(
        description="4 or 5 for boards of that generation, by its board type, else its image; null "
        "for others and while unknown."
    )
    plugged: TopologyNode | None = strawberry.field(
        resolver=plugged_of,
        description="What it is over USB now, joined with its record: model, generation, speed; "
        "null while it is not plugged in.",
    )
    board_type: str | None = strawberry.field(
        description="Two hex digits of its revision code (17 is a Pi 5); null while unknown."
    )
    first_seen_at: datetime | None = strawberry.field(
        description="When its first row was written; null where the row has no time."
    )
    last_change_at: datetime | None = strawberry.field(
        description="When its last row was written; null where the row has no time."
    )
    changes: int = strawberry.field(description="How many state rows it has.")
    status: Status = strawberry.field(
        description="How it stands, by all evidence; never COMPLETE while anything denies it."
    )
    stage: Stage | None = strawberry.field(
        description="How far it is; of a failure the stage that failed. Null where no stage has "
        "to do with it."
    )
    style: Style | None = strawberry.field(
        description="How it is provisioned; null until its provisioner is chosen."
    )
    since: datetime | None = strawberry.field(
        description="When it came to this; of a stalled board its last sign of life. Null where "
        "the row has no time."
    )
    reason: StatusReason | None = strawberry.field(
        description="Why it stands so; null while all goes as it should."
    )
    evidence: list[Evidence] = strawberry.field(
        resolver=evidence_of, description="What each source says of it, the rows first."
    )
    explanation: str | None = strawberry.field(
        resolver=explanation_of,
        description="The line of a log that says best why it failed or stalled; null where there "
        "is none, or no need of one.",
    )
    next_action: NextAction | None = strawberry.field(
        resolver=next_action_of,
        description="What to do with it now; null when nothing is to be done, or nobody can tell.",
    )
    attempts: Connection[Attempt] = strawberry.field(
        resolver=attempts_of_device, description="Its runs, the one that began last first."
    )
    logs: list[DeviceLog] = strawberry.field(
        resolver=logs_of, description="What the stages wrote of it; only logs that there are."
    )
    keypair: DeviceKeypair | None = strawberry.field(
        resolver=keypair_of_device,
        description="What the station keeps of its key pair; null when it keeps nothing.",
    )
    flags: list[DeviceFlag] = strawberry.field(
        resolver=flags_of,
        description="All its flags, set or not; none while it has told no serial.",
    )
    records: Connection[ManufacturingRecord] | None = strawberry.field(
        resolver=records_of,
        description="Its manufacturing records, the newest first; one for each time it was done. "
        "Null, with an error, while the records cannot be read.",
    )
    units: list[Unit] | None = strawberry.field(
        resolver=units_of,
        description="The units that work, or worked, on it, the newest first: those named for its "
        "serial, and its bootstrap while a row or a link tells which one that was. Null, with an "
        "error, while neither systemd nor the journal can tell.",
    )
    timeline: TimelineConnection = strawberry.field(
        resolver=timeline_of,
        description="All that happened to it, the newest first: states, attempts, units, errors "
        "in their journals, logs, records, and for engineers who did what with it.",
    )


@strawberry.type(description="One row that the station's scripts wrote of a change of state.")
class StateRow:
    """A row of the state database."""

    serial: str = strawberry.field(description="As written: 8 or 16 digits, a device path, empty.")
    port: str = strawberry.field(description="As written: a USB path, a stage's name, or empty.")
    state: str = strawberry.field(description="The state, in the station's own words.")
    image: str = strawberry.field(description="The image's name as written, may be empty.")
    at: datetime | None = strawberry.field(description="When; null where the text is no time.")


@strawberry.type(description="Boards that changed.")
class DeviceChange:
    """One frame of `deviceChanges`."""

    sequence: int = strawberry.field(description="Grows with each frame; gaps are normal.")
    snapshot: bool = strawberry.field(
        description="True for the first frame, after the client was too slow, and when another "
        "board, or none, is the one in the port: forget what was told before."
    )
    devices: list[Device] = strawberry.field(
        description="The boards as they are now, the one that changed last first."
    )
    gone: list[strawberry.ID] = strawberry.field(
        description="The ids of nameless boards that are known under another id now."
    )


def _device(view: DeviceView) -> Device:
    board, verdict = view.device, view.verdict
    return Device(
        view=view,
        id=strawberry.ID(board.key),
        serial=board.serial,
        port=view.port,
        state=board.state,
        image=board.image or None,
        generation=generation_by_rows(board),
        board_type=board.board_type or None,
        first_seen_at=board.first_seen_at,
        last_change_at=board.last_change_at,
        changes=board.changes,
        status=verdict.status,
        stage=verdict.stage,
        style=verdict.style,
        since=verdict.since,
        reason=reason_of(verdict),
    )


def _change(update: Update[DeviceFrame]) -> DeviceChange:
    return DeviceChange(
        sequence=update.sequence,
        snapshot=update.snapshot,
        devices=[_device(view) for view in update.value.views],
        gone=[strawberry.ID(key) for key in update.value.gone],
    )


def _row(row: Row) -> StateRow:
    return StateRow(
        serial=row.serial, port=row.endpoint, state=row.state, image=row.image, at=row.at
    )


Filter = Annotated[
    DeviceFilterInput | None, strawberry.argument(description="Which ones; absent means all.")
]
Identifier = Annotated[
    str, strawberry.argument(description="A serial or a USB path, exactly as written.")
]
OneSerial = Annotated[
    str | None,
    strawberry.argument(description="Only the board with this serial; absent means any."),
]
OnePort = Annotated[
    str | None,
    strawberry.argument(
        description="Only the board in this port, else the last one there; absent means any."
    ),
]
Most = Annotated[
    int,
    strawberry.argument(description="How many boards a snapshot holds at most; 1 to 500."),
]


@strawberry.type
class DeviceQueries:
    """Root fields about devices."""

    @strawberry.field(description="The boards, the one that changed last first.")
    async def devices(
        self,
        info: Info,
        filter: Filter = None,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Connection[Device]:
        """Resolves a page."""
        page = page_request(domain.ORDER, first=first, after=after, last=last, before=before)
        wanted = device_filter(filter)
        return connection(await list_devices(*who(info), page=page, wanted=wanted), _device)

    @strawberry.field(description="One board, by either of its serials or by the port it is at.")
    async def device(self, info: Info, serial: Serial = None, port: Port = None) -> Device:
        """Resolves one board."""
        return _device(await get_device(*who(info), serial=serial, port=port))

    @strawberry.field(
        description="What the station wrote of every change, oldest first, as GET /devices lists."
    )
    async def state_rows(
        self, info: Info, first: First = None, after: After = None
    ) -> Connection[StateRow]:
        """Resolves a page."""
        page = page_request(domain.ROW_ORDER, first=first, after=after)
        return connection(await page_state_rows(*who(info), page=page), _row)

    @strawberry.field(
        description="The newest row whose serial, else whose port, is exactly this text."
    )
    async def latest_state_row(self, info: Info, identifier: Identifier) -> StateRow:
        """Resolves one row."""
        return _row(await get_latest_state_row(*who(info), identifier=identifier))


@strawberry.type
class DeviceSubscriptions:
    """What one can watch of devices."""

    @strawberry.subscription(
        description="The boards that changed last, then each board whose status, evidence, "
        "explanation or rows change."
    )
    async def device_changes(
        self, info: Info, serial: OneSerial = None, port: OnePort = None, first: Most = MOST
    ) -> AsyncGenerator[DeviceChange, None]:
        """Yields frames."""
        most = page_request(domain.ORDER, first=first).size
        updates = watch_boards(*who(info), serial=serial, port=port, most=most)
        try:
            async for update in updates:
                yield _change(update)
        finally:
            await updates.aclose()
