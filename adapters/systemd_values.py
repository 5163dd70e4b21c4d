"""What the child process says of units, in the words of the domain."""

from collections.abc import Iterator
from datetime import UTC, datetime

from adapters.systemd_pipe import Line, Plain
from domain.errors import ProvisionerError
from domain.services.units import (
    BusUnavailable,
    Unit,
    UnitChanged,
    UnitNameInvalid,
    UnitRefused,
    UnitState,
    UnitsUnavailable,
    UnitsUnintelligible,
    UnitUnknown,
    unit_name_of_label,
)

BUS_ERROR = "org.freedesktop.DBus.Error."
SYSTEMD_ERROR = "org.freedesktop.systemd1."
NO_SYSTEMD = ("ServiceUnknown", "NameHasNoOwner", "Spawn.")
NOT_ALLOWED = ("AccessDenied", "AuthFailed", "InteractiveAuthorizationRequired")
NO_BUS = ("FileNotFound", "ConnectionRefused", "NoServer", "BadAddress")

UNLOADED = ("inactive", "dead")
"""The state of every unit that systemd does not have in memory."""
REST = ("inactive", "failed")


def units_of(rows: Plain) -> list[Unit]:
    """Returns the rows of `ListUnits`."""
    if not isinstance(rows, list):
        raise _unintelligible()
    return [_unit(row) for row in rows]


def _unit(row: Plain) -> Unit:
    if not isinstance(row, list) or len(row) < 5:
        raise _unintelligible()
    name, description, load_state, active_state, sub_state = (str(text) for text in row[:5])
    return Unit(name, description, load_state, active_state, sub_state)


def state_of(name: str, properties: Plain) -> UnitState:
    """Returns what a unit's properties say; raises `UnitUnknown` for one without a unit file."""
    if not isinstance(properties, dict) or "LoadState" not in properties:
        raise _unintelligible()
    if properties["LoadState"] == "not-found":
        raise _unknown(name)
    said = {key: "" if value is None else str(value) for key, value in properties.items()}
    invocation = _hexadecimal(properties.get("InvocationID"))
    return UnitState(
        unit=Unit(
            said.get("Id", name),
            said.get("Description", ""),
            said["LoadState"],
            said.get("ActiveState", ""),
            said.get("SubState", ""),
        ),
        # A unit that never ran, or that systemd forgot, says `success` too: that is no result.
        result=said.get("Result", "") if invocation else "",
        exit_status=_number(properties, "ExecMainStatus") if _ended(properties) else None,
        invocation_id=invocation,
        active_since=_moment(_number(properties, "ActiveEnterTimestamp")),
        inactive_since=_moment(_number(properties, "InactiveEnterTimestamp")),
    )


def _hexadecimal(octets: Plain) -> str:
    if not isinstance(octets, list):
        return ""
    return bytes(octet for octet in octets if isinstance(octet, int)).hex()


def _ended(properties: Line) -> bool:
    return _number(properties, "ExecMainExitTimestamp") > 0


def _number(properties: Line, name: str) -> int:
    value = properties.get(name)
    return value if isinstance(value, int) else 0


def _moment(microseconds: int) -> datetime | None:
    if microseconds == 0:
        return None
    seconds, rest = divmod(microseconds, 1_000_000)
    return datetime.fromtimestamp(seconds, UTC).replace(microsecond=rest)


def failure(error: str, message: str, *, name: str = "") -> ProvisionerError:
    """Returns the D-Bus error of this name as the domain's; `name` is the unit asked for."""
    if error == f"{SYSTEMD_ERROR}NoSuchUnit":
        return _unknown(name)
    if error == f"{BUS_ERROR}InvalidArgs" and name:
        return UnitNameInvalid(f"systemd refuses the name {name}: {message}", detail=name)
    if error.startswith(SYSTEMD_ERROR):
        return UnitRefused(f"systemd will not start {name}: {message}", detail=name)
    word = error.removeprefix(BUS_ERROR)
    kind = BusUnavailable if word in NO_BUS else UnitsUnavailable
    return kind(_reason(word, message), detail=name)


def _reason(word: str, message: str) -> str:
    if word.startswith(NO_SYSTEMD):
        return (
            "The system bus answers, but systemd is not on it: the machine was not booted with "
            "systemd, or systemd is just starting."
        )
    if word in NOT_ALLOWED:
        return f"systemd does not allow this to the service; run it as root ({message})."
    if word in NO_BUS:
        return "There is no system bus: check `systemctl status dbus.socket`."
    return f"The system bus failed ({word.removeprefix('System.Error.')}: {message}); try again."


def _unknown(name: str) -> UnitUnknown:
    return UnitUnknown(
        f"systemd knows no unit {name}; check the name, or install the package that brings it.",
        detail=name,
    )


def _unintelligible() -> UnitsUnintelligible:
    return UnitsUnintelligible("systemd's answer is not what its interface promises.")


class UnitChanges:
    """Makes `UnitChanged` of signals, with what the signals before said of each unit."""

    def __init__(self) -> None:
        self._states: dict[str, tuple[str, str]] = {}
        self._results: dict[str, str] = {}
        self._seen_all = False

    def catch_up(self, units: list[Unit]) -> Iterator[UnitChanged]:
        """Takes the listing of a new subscription; yields what changed while there was none."""
        now = {unit.name: (unit.active_state, unit.sub_state) for unit in units}
        before, self._states = self._states, now
        self._results.clear()
        if not self._seen_all:
            self._seen_all = True
            return
        for name in before.keys() | now.keys():
            state = now.get(name, UNLOADED)
            if state != before.get(name, UNLOADED):
                yield UnitChanged(name, *state, result="")

    def hear(self, signal: Line) -> UnitChanged | None:
        """Returns the change that a signal tells, None when it tells nothing new."""
        if "job_of" in signal:
            name = str(signal["job_of"])
            return UnitChanged(name, *self._states.get(name, UNLOADED), str(signal["result"]))
        if "removed" in signal:
            self._states.pop(str(signal["removed"]), None)
            self._results.pop(str(signal["removed"]), None)
            return None
        properties = signal.get("properties")
        if not isinstance(properties, dict):
            return None
        name = unit_name_of_label(str(signal["changed"]).rpartition("/")[2])
        return self._change(name, properties)

    def _change(self, name: str, properties: Line) -> UnitChanged | None:
        # systemd tells the service's own properties first, then the unit's, which end the change.
        if "Result" in properties:
            self._results[name] = str(properties["Result"])
        if "ActiveState" not in properties:
            return None
        before = self._states.get(name, UNLOADED)
        state = (str(properties["ActiveState"]), str(properties.get("SubState", "")))
        self._states[name] = state
        if state == before:
            return None
        result = self._results.get(name, "") if _ends(before, state) else ""
        return UnitChanged(name, *state, result)


def _ends(before: tuple[str, str], state: tuple[str, str]) -> bool:
    # systemd says `success` also while a unit starts, and after `systemctl reset-failed`: only
    # the way from running to rest ends a run.
    if state[0] == "failed":
        return True
    return before[0] not in REST and (state[0] in REST or state[1] == "exited")
