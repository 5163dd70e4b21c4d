"""The flags of devices as GraphQL clients see them."""

from collections.abc import AsyncGenerator
from datetime import datetime
from typing import Annotated

import strawberry

from domain.devices import flags as domain
from domain.devices.flag_kinds import TEXTS, FlagKind, FlagMode
from domain.devices.flag_states import DeviceFlags as Flags
from domain.devices.flag_states import Flag
from domain.devices.names import one_of
from domain.events import Update
from domain.paging import page_request
from resolvers.devices.flags import get_device_flags, list_flags, set_device_flag, watch_flags
from resolvers.parts import part_of
from schema.connections import Connection, connection
from schema.context import Info, who
from schema.devices.naming import Named, Port, Serial
from schema.enums import describe_enum
from schema.errors import Problem, Problems

describe_enum(
    FlagKind,
    name="DeviceFlagKind",
    description="What the station's scripts can be told to do differently with one device.",
    values={kind: TEXTS[kind].description for kind in FlagKind},
)
describe_enum(
    FlagMode,
    name="DeviceFlagMode",
    description="How long a flag holds.",
    values={
        FlagMode.OFF: "It is not set.",
        FlagMode.ONCE: "Until the next bootstrap that succeeds, which consumes it.",
        FlagMode.PERSISTENT: "Until somebody takes it away.",
    },
)


@strawberry.type(description="One flag of one device.")
class DeviceFlag:
    """A flag."""

    flag: FlagKind = strawberry.field(description="Which flag.")
    label: str = strawberry.field(description="Its name for people.")
    description: str = strawberry.field(description="What the scripts do when it is set.")
    constraint: str | None = strawberry.field(
        description="For which boards it is; null when it is for all."
    )
    mode: FlagMode = strawberry.field(description="How it is set.")
    active: bool = strawberry.field(description="Whether it is set at all.")
    name: str | None = strawberry.field(
        description="The serial under which the scripts find it; null while it is off."
    )
    set_by: str | None = strawberry.field(
        description="Who set it; null while it is off, or when it was not set by this service."
    )
    set_at: datetime | None = strawberry.field(
        description="When it was set; null while it is off, or when not set by this service."
    )
    warning: str | None = strawberry.field(
        description="Why it does not fit this board; null when it does, or the board is unknown."
    )


@strawberry.type(description="All flags of one device.")
class DeviceFlags:
    """The flags of a device."""

    serial: str = strawberry.field(description="The device's serial, or what it was asked for by.")
    flags: list[DeviceFlag] = strawberry.field(description="All flags, set or not.")


@strawberry.type(description="Flags that changed, or all that are set.")
class FlagChange:
    """One frame of `flagChanges`."""

    sequence: int = strawberry.field(description="Grows with each frame; gaps are normal.")
    snapshot: bool = strawberry.field(
        description="True where `flags` are all that are set: the first frame, and after the "
        "client was too slow."
    )
    flags: list[DeviceFlag] = strawberry.field(
        description="All flags that are set, or the one that changed: OFF when it was taken away "
        "or the scripts consumed it."
    )


@strawberry.input(description="A flag to be set or taken away. Name the device one way.")
class SetDeviceFlagInput:
    """Input of `setDeviceFlag`."""

    flag: FlagKind = strawberry.field(description="Which flag.")
    mode: FlagMode = strawberry.field(description="How to set it; OFF takes it away.")
    serial: str | None = strawberry.field(
        default=None,
        description="The device's serial; one of 8 or 16 hex digits need not have been seen yet.",
    )
    port: str | None = strawberry.field(
        default=None, description="The USB path of the device, such as 1-1.4."
    )


SetDeviceFlagResult = Annotated[
    DeviceFlags | Problem,
    strawberry.union(
        "SetDeviceFlagResult", description="The device's flags as they are now, or why not."
    ),
]


def _flag(flag: Flag) -> DeviceFlag:
    text = TEXTS[flag.flag]
    return DeviceFlag(
        flag=flag.flag,
        label=text.label,
        description=text.description,
        constraint=text.constraint or None,
        mode=flag.mode,
        active=flag.mode is not FlagMode.OFF,
        name=flag.name or None,
        set_by=flag.set_by,
        set_at=flag.set_at,
        warning=flag.warning,
    )


def _flags(flags: Flags) -> DeviceFlags:
    return DeviceFlags(serial=flags.serial, flags=[_flag(flag) for flag in flags.flags])


def _change(update: Update[list[Flag]]) -> FlagChange:
    return FlagChange(
        sequence=update.sequence,
        snapshot=update.snapshot,
        flags=[_flag(flag) for flag in update.value],
    )


async def flags_of(root: strawberry.Parent[Named], info: Info) -> list[DeviceFlag]:
    """Resolves the flags of a device; none while it has told no serial."""
    serial = root.serial
    if not serial:
        return []
    found = await part_of(
        get_device_flags.policy,
        *who(info),
        lambda call: get_device_flags.perform(call, identifier=serial),
    )
    return [_flag(flag) for flag in found.flags]


@strawberry.type
class DeviceFlagQueries:
    """Root fields about flags."""

    @strawberry.field(
        description="All flags of one device, by serial or by port; all off for one never seen."
    )
    async def device_flags(
        self, info: Info, serial: Serial = None, port: Port = None
    ) -> DeviceFlags:
        """Resolves the flags."""
        return _flags(await get_device_flags(*who(info), identifier=one_of(serial, port)))

    @strawberry.field(
        description="Every flag that is set on this station, also for boards never seen."
    )
    async def flags(
        self,
        info: Info,
        first: Annotated[
            int | None, strawberry.argument(description="How many, from the beginning on.")
        ] = None,
        after: Annotated[
            str | None, strawberry.argument(description="The cursor after which to begin.")
        ] = None,
        last: Annotated[
            int | None, strawberry.argument(description="How many, up to the end.")
        ] = None,
        before: Annotated[
            str | None, strawberry.argument(description="The cursor before which to end.")
        ] = None,
    ) -> Connection[DeviceFlag]:
        """Resolves a page."""
        page = page_request(domain.ORDER, first=first, after=after, last=last, before=before)
        return connection(await list_flags(*who(info), page=page), _flag)


@strawberry.type
class DeviceFlagMutations:
    """Changes of flags."""

    @strawberry.mutation(
        description="Sets a flag of a device or takes it away (role operator). "
        "REPROVISION_DEVICE is for boards of the Raspberry Pi 5 family only.",
        extensions=[Problems()],
    )
    async def set_device_flag(
        self,
        info: Info,
        input: Annotated[
            SetDeviceFlagInput, strawberry.argument(description="Which flag, how, and whose.")
        ],
    ) -> SetDeviceFlagResult:
        """Sets the flag."""
        return _flags(
            await set_device_flag(
                *who(info),
                identifier=one_of(input.serial, input.port),
                flag=input.flag.value,
                mode=input.mode.value,
                unseen=input.port is None,
            )
        )


@strawberry.type
class DeviceFlagSubscriptions:
    """What one can watch of flags."""

    @strawberry.subscription(
        description="Every flag that is set, then each one that is set, changed, taken away or "
        "consumed by the scripts."
    )
    async def flag_changes(self, info: Info) -> AsyncGenerator[FlagChange, None]:
        """Yields frames."""
        updates = watch_flags(*who(info))
        try:
            async for update in updates:
                yield _change(update)
        finally:
            await updates.aclose()
