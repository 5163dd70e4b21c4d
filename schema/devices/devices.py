"""Devices as GraphQL clients see them."""

from datetime import datetime

import strawberry

from domain.devices import devices as domain
from domain.devices.projection import Device as Board
from domain.devices.states import StateRow as Row
from domain.paging import page_request
from resolvers.devices.devices import (
    get_device,
    get_latest_state_row,
    list_devices,
    page_state_rows,
)
from schema.connections import Connection, connection
from schema.context import Info, who


@strawberry.type(description="One board: its 8-digit and its 16-digit serial are the same device.")
class Device:
    """A board."""

    id: strawberry.ID = strawberry.field(description="Stable for this board; opaque.")
    serial: str | None = strawberry.field(
        description="The longest serial known; null while the board has told none."
    )
    port: str | None = strawberry.field(
        description="The USB path where it was last seen, such as 1-1.4; null while unknown."
    )
    state: str = strawberry.field(description="The last state, in the station's own words.")
    image: str | None = strawberry.field(description="The image meant for it; null while unknown.")
    ip_address: str | None = strawberry.field(
        description="Its address, where the station wrote one; else null."
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


@strawberry.type(description="One row that the station's scripts wrote of a change of state.")
class StateRow:
    """A row of the state database."""

    serial: str = strawberry.field(description="As written: 8 or 16 digits, a device path, empty.")
    port: str = strawberry.field(description="As written: a USB path, a stage's name, or empty.")
    state: str = strawberry.field(description="The state, in the station's own words.")
    image: str = strawberry.field(description="The image's name as written, may be empty.")
    at: datetime | None = strawberry.field(description="When; null where the text is no time.")


def _device(board: Board) -> Device:
    return Device(
        id=strawberry.ID(board.key),
        serial=board.serial,
        port=board.port,
        state=board.state,
        image=board.image or None,
        ip_address=board.ip_address or None,
        board_type=board.board_type or None,
        first_seen_at=board.first_seen_at,
        last_change_at=board.last_change_at,
        changes=board.changes,
    )


def _row(row: Row) -> StateRow:
    return StateRow(
        serial=row.serial, port=row.endpoint, state=row.state, image=row.image, at=row.at
    )


@strawberry.type
class DeviceQueries:
    """Root fields about devices."""

    @strawberry.field(description="The boards, the one that changed last first.")
    async def devices(
        self,
        info: Info,
        first: int | None = None,
        after: str | None = None,
        last: int | None = None,
        before: str | None = None,
    ) -> Connection[Device]:
        """Resolves a page."""
        page = page_request(domain.ORDER, first=first, after=after, last=last, before=before)
        return connection(await list_devices(*who(info), page=page), _device)

    @strawberry.field(description="One board, by either of its serials or by the port it is at.")
    async def device(
        self, info: Info, serial: str | None = None, port: str | None = None
    ) -> Device:
        """Resolves one board."""
        return _device(await get_device(*who(info), serial=serial, port=port))

    @strawberry.field(
        description="What the station wrote of every change, oldest first, as GET /devices lists."
    )
    async def state_rows(
        self, info: Info, first: int | None = None, after: str | None = None
    ) -> Connection[StateRow]:
        """Resolves a page."""
        page = page_request(domain.ROW_ORDER, first=first, after=after)
        return connection(await page_state_rows(*who(info), page=page), _row)

    @strawberry.field(
        description="The newest row whose serial, else whose port, is exactly this text."
    )
    async def latest_state_row(self, info: Info, identifier: str) -> StateRow:
        """Resolves one row."""
        return _row(await get_latest_state_row(*who(info), identifier=identifier))
