"""systemd's manager over D-Bus, spoken in the event loop: a bus that hangs holds nobody up.

By dbus-fast, not by pystemd: pystemd keeps the interpreter's lock during each call, so that a hung
bus would stop the whole process whatever thread it is called from (docs/decisions/0004).
"""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime

from dbus_fast import BusType, Message, MessageType, Variant
from dbus_fast.aio import MessageBus
from dbus_fast.errors import DBusFastError

from domain.services import (
    Unit,
    UnitChanged,
    UnitState,
    UnitsUnavailable,
    UnitUnknown,
    checked_unit_name,
    unit_name_of_label,
)

log = logging.getLogger("provisioner.systemd")

SYSTEMD = "org.freedesktop.systemd1"
MANAGER_PATH = "/org/freedesktop/systemd1"
UNIT_PATH = f"{MANAGER_PATH}/unit"
MANAGER = f"{SYSTEMD}.Manager"
PROPERTIES = "org.freedesktop.DBus.Properties"
MATCHES = (
    f"type='signal',sender='{SYSTEMD}',interface='{MANAGER}',member='JobRemoved'",
    f"type='signal',sender='{SYSTEMD}',interface='{PROPERTIES}',path_namespace='{UNIT_PATH}'",
)
REDIAL_SECONDS = 5.0


class SystemdUnits:
    """Satisfies `domain.services.Units`.

    `address` is a D-Bus address, None for the system bus; `limit` is the seconds a call may take.
    The bus is dialled at the first call and again after it was lost.
    """

    def __init__(self, address: str | None, *, limit: float = 5.0) -> None:
        self._address = address
        self._limit = limit
        self._bus: MessageBus | None = None
        self._dialling = asyncio.Lock()
        self._watch: asyncio.Task[None] | None = None
        self._changed: Callable[[UnitChanged], None] = _ignore

    async def aclose(self) -> None:
        """Ends the watch and leaves the bus."""
        if self._watch is not None:
            self._watch.cancel()
            await asyncio.gather(self._watch, return_exceptions=True)
        self._hang_up()

    async def list_units(self) -> list[Unit]:
        """Returns all loaded units."""
        (rows,) = await self._ask("ListUnits")
        return [Unit(*(str(field) for field in row[:5])) for row in _rows(rows)]

    async def get_state(self, name: str) -> UnitState:
        """Returns the unit's state; raises `UnitUnknown` and `UnitNameInvalid`."""
        (path,) = await self._ask("LoadUnit", "s", [checked_unit_name(name)])
        unit = await self._properties(str(path), f"{SYSTEMD}.Unit")
        if unit.get("LoadState") == "not-found":
            raise _unknown(name)
        return _state(name, unit, await self._properties(str(path), f"{SYSTEMD}.Service"))

    async def start(self, name: str) -> None:
        """Queues a start job in mode `replace`; raises `UnitUnknown` and `UnitNameInvalid`."""
        await self._ask("StartUnit", "ss", [checked_unit_name(name), "replace"])

    async def watch(self, changed: Callable[[UnitChanged], None]) -> None:
        """Calls `changed` for each change from now on; a lost bus is dialled again."""
        self._changed = changed
        bus = await self._connected()
        await self._subscribe(bus)
        self._watch = asyncio.create_task(self._stay_subscribed(bus), name="systemd-watch")

    async def probe(self) -> None:
        """Raises `UnitsUnavailable` with the reason while systemd does not answer."""
        await self._ask("ListUnits")

    async def _ask(
        self, member: str, signature: str = "", body: Sequence[object] = ()
    ) -> Sequence[object]:
        return await self._call(
            Message(
                destination=SYSTEMD,
                path=MANAGER_PATH,
                interface=MANAGER,
                member=member,
                signature=signature,
                body=list(body),
            )
        )

    async def _properties(self, path: str, interface: str) -> Mapping[str, object]:
        (found,) = await self._call(
            Message(
                destination=SYSTEMD,
                path=path,
                interface=PROPERTIES,
                member="GetAll",
                signature="s",
                body=[interface],
            )
        )
        return _plain(found)

    async def _call(self, message: Message) -> Sequence[object]:
        bus = await self._connected()
        try:
            async with asyncio.timeout(self._limit):
                reply = await bus.call(message)
        except TimeoutError as error:
            self._hang_up()
            raise _unavailable(f"it did not answer within {self._limit:g} s") from error
        except (OSError, EOFError, DBusFastError) as error:
            self._hang_up()
            raise _unavailable(str(error) or type(error).__name__) from error
        if reply is None or reply.message_type is MessageType.ERROR:
            raise _refusal(message, reply)
        return list(reply.body)

    async def _connected(self) -> MessageBus:
        async with self._dialling:
            if self._bus is None or not self._bus.connected:
                self._bus = await self._dial()
            return self._bus

    async def _dial(self) -> MessageBus:
        bus = MessageBus(bus_address=self._address, bus_type=BusType.SYSTEM)
        try:
            async with asyncio.timeout(self._limit):
                await bus.connect()
        except TimeoutError as error:
            bus.disconnect()
            raise _unavailable(f"the bus did not answer within {self._limit:g} s") from error
        except (OSError, EOFError, DBusFastError, ValueError) as error:
            raise _unavailable(f"the bus cannot be reached: {error}") from error
        return bus

    def _hang_up(self) -> None:
        if self._bus is not None:
            self._bus.disconnect()
        self._bus = None

    async def _subscribe(self, bus: MessageBus) -> None:
        bus.add_message_handler(self._heard)
        for match in MATCHES:
            await self._call(
                Message(
                    destination="org.freedesktop.DBus",
                    path="/org/freedesktop/DBus",
                    interface="org.freedesktop.DBus",
                    member="AddMatch",
                    signature="s",
                    body=[match],
                )
            )
        await self._ask("Subscribe")

    async def _stay_subscribed(self, bus: MessageBus) -> None:
        while True:
            try:
                await bus.wait_for_disconnect()
            except (OSError, EOFError, DBusFastError):
                log.warning("the system bus was lost; dialling again", exc_info=True)
            await asyncio.sleep(REDIAL_SECONDS)
            try:
                bus = await self._connected()
                await self._subscribe(bus)
            except UnitsUnavailable as error:
                log.debug("still no bus: %s", error.message)

    def _heard(self, message: Message) -> None:
        if message.message_type is not MessageType.SIGNAL:
            return
        if message.member == "JobRemoved" and message.path == MANAGER_PATH:
            _, _, name, result = message.body
            self._changed(UnitChanged(name, "", "", result))
        elif message.member == "PropertiesChanged" and (message.path or "").startswith(UNIT_PATH):
            change = _change(str(message.path), message.body)
            if change is not None:
                self._changed(change)


def _change(path: str, body: Sequence[object]) -> UnitChanged | None:
    properties = _plain(body[1])
    told = [str(properties.get(name, "")) for name in ("ActiveState", "SubState", "Result")]
    if not any(told):
        return None
    return UnitChanged(unit_name_of_label(path.removeprefix(UNIT_PATH + "/")), *told)


def _state(name: str, unit: Mapping[str, object], service: Mapping[str, object]) -> UnitState:
    ended = service.get("ExecMainExitTimestamp")
    status = service.get("ExecMainStatus")
    invocation = unit.get("InvocationID")
    return UnitState(
        unit=Unit(
            name,
            *(
                str(unit.get(key, ""))
                for key in ("Description", "LoadState", "ActiveState", "SubState")
            ),
        ),
        result=str(service.get("Result", "")),
        exit_status=status if ended and isinstance(status, int) else None,
        invocation_id=invocation.hex() if isinstance(invocation, bytes) else "",
        active_since=_moment(unit.get("ActiveEnterTimestamp")),
        inactive_since=_moment(unit.get("InactiveEnterTimestamp")),
    )


def _moment(microseconds: object) -> datetime | None:
    if not isinstance(microseconds, int) or microseconds == 0:
        return None
    return datetime.fromtimestamp(microseconds / 1e6, UTC)


def _plain(found: object) -> Mapping[str, object]:
    if not isinstance(found, dict):
        return {}
    return {
        str(name): variant.value if isinstance(variant, Variant) else variant
        for name, variant in found.items()
    }


def _rows(found: object) -> Sequence[Sequence[object]]:
    return found if isinstance(found, list) else []


def _refusal(message: Message, reply: Message | None) -> UnitUnknown | UnitsUnavailable:
    name = (reply.error_name or "") if reply is not None else ""
    words = str(reply.body[0]) if reply is not None and reply.body else name
    if name.startswith(SYSTEMD) and message.body:
        return _unknown(str(message.body[0]))
    return _unavailable(words)


def _unknown(name: str) -> UnitUnknown:
    return UnitUnknown(f"systemd knows no unit {name}; check its name.", detail=name)


def _unavailable(reason: str) -> UnitsUnavailable:
    return UnitsUnavailable(f"systemd does not answer: {reason}.")


def _ignore(changed: UnitChanged) -> None:
    del changed
