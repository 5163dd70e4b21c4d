"""The child process that asks systemd through pystemd: JSON lines in, JSON lines out.

pystemd 0.15 keeps Python's global lock while libsystemd waits for the bus: in a thread, one
hung bus would stop the whole service. A child can be killed. It runs as a script and imports
nothing of ours, so that it starts in some tens of milliseconds.

`systemd_child.py calls ADDRESS LIMIT` answers requests `{"id", "call", "name"}` with
`{"id", "body"}` or `{"id", "error", "message"}`. `systemd_child.py signals ADDRESS LIMIT` says
`{"units"}` once it is subscribed, then one line for each signal. An empty ADDRESS is the
system bus. Both end with their standard input.
"""

import errno
import json
import select
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from pystemd.dbusexc import DBusBaseError
from pystemd.dbuslib import DBus, DBusAddress, DbusMessage

Plain = None | bool | int | float | str | list["Plain"] | dict[str, "Plain"]

SYSTEMD = b"org.freedesktop.systemd1"
SYSTEMD_PATH = b"/org/freedesktop/systemd1"
UNIT_PATHS = SYSTEMD_PATH + b"/unit/"
MANAGER = b"org.freedesktop.systemd1.Manager"
PROPERTIES = b"org.freedesktop.DBus.Properties"
BUS = b"org.freedesktop.DBus"

STATE = (
    "Id",
    "Description",
    "LoadState",
    "ActiveState",
    "SubState",
    "Result",
    "ExecMainStatus",
    "ExecMainExitTimestamp",
    "InvocationID",
    "ActiveEnterTimestamp",
    "InactiveEnterTimestamp",
)
CHANGES = (b"ActiveState", b"SubState", b"Result")
SAFETY_NET_MS = 1000
"""How long signals could lie unseen if sd-bus read them without making its socket readable."""


def main() -> None:
    """Serves until the standard input ends."""
    purpose, address, limit = sys.argv[1:]
    # The service ends this process by closing the pipe; a Ctrl-C at its terminal is not for us.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    serve = serve_signals if purpose == "signals" else serve_calls
    with suppress(BrokenPipeError):
        serve(address, float(limit))


@contextmanager
def ending_in(seconds: float) -> Iterator[None]:
    """Ends this process when the block takes longer: a service that lives has killed it by then,
    and one that was itself killed leaves no child behind in a hung bus."""
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def serve_calls(address: str, limit: float) -> None:
    """Answers one request after the other, and connects again when the bus was gone."""
    bus: DBus | None = None
    for line in sys.stdin:
        request = json.loads(line)
        answer: dict[str, Plain] = {"id": request["id"]}
        try:
            with ending_in(2 * limit):
                bus = _fresh(bus) or _opened(address)
                answer["body"] = CALLS[request["call"]](bus, request["name"].encode())
        except DBusBaseError as error:
            answer |= {"error": _name_of(error), "message": _message_of(error)}
        _say(answer)


def serve_signals(address: str, limit: float) -> None:
    """Subscribes, says the units of that moment, then tells signals till one end is gone."""
    try:
        with ending_in(2 * limit):
            bus = _opened(address)
            listener = _subscribed(bus)
        while not listener.systemd_restarted:
            # The calls above read signals into sd-bus: look there first, then at the socket.
            _drain(bus)
            ready, _, _ = _wait(sys.stdin.fileno(), bus.get_fd())
            if sys.stdin.fileno() in ready:
                return
    except DBusBaseError as error:
        _say({"error": _name_of(error), "message": _message_of(error)})


def _subscribed(bus: DBus) -> "Listener":
    _ping(bus, b"")  # at boot the bus holds it until systemd has come
    listener = Listener(_call(bus, BUS, b"GetNameOwner", SYSTEMD, to=BUS))
    # Each member by its name: a signal without a body looks to `_drain` like none at all.
    for member in (b"JobRemoved", b"UnitRemoved"):
        bus.match_signal(SYSTEMD, None, MANAGER, member, listener.hear, None)
    bus.match_signal(SYSTEMD, None, PROPERTIES, b"PropertiesChanged", listener.hear, None)
    bus.match_signal(BUS, None, BUS, b"NameOwnerChanged", listener.hear_owner, None)
    _call(bus, MANAGER, b"Subscribe")
    _say({"units": _list_units(bus, b"")})
    return listener


class Listener:
    """Tells signals as lines; pystemd holds no reference to it, its owner must."""

    def __init__(self, owner: object) -> None:
        self._owner = owner
        self.systemd_restarted = False
        # pystemd hangs its own attribute on the callback, which a bound method cannot carry.
        self.hear = lambda signal, **_: self._hear(signal)
        self.hear_owner = lambda signal, **_: self._hear_owner(signal)

    def _hear(self, signal: DbusMessage) -> None:
        signal.process_reply(with_headers=True)
        # `Interface` holds the path in pystemd 0.15: member and path tell what it is.
        member, path, body = signal.headers["Member"], signal.headers["Path"], signal.body
        if member == b"PropertiesChanged" and path.startswith(UNIT_PATHS):
            kept = {name: value for name, value in (body[1] or {}).items() if name in CHANGES}
            if kept:
                self._tell(changed=path, properties=kept)
        if member == b"JobRemoved":
            self._tell(job_of=body[2], result=body[3])
        if member == b"UnitRemoved":
            self._tell(removed=body[0])

    def _hear_owner(self, signal: DbusMessage) -> None:
        signal.process_reply(with_headers=False)
        if signal.body[0] == SYSTEMD and signal.body[2] != self._owner:
            # A new systemd knows nothing of the subscription: the service starts another child.
            self.systemd_restarted = True

    def _tell(self, **line: object) -> None:
        _say({name: _plain(value) for name, value in line.items()})


def _opened(address: str) -> DBus:
    bus = DBusAddress(address.encode()) if address else DBus()
    bus.open()
    return bus


def _fresh(bus: DBus | None) -> DBus | None:
    """Returns the connection if it still stands; asking it costs no round trip."""
    if bus is None:
        return None
    try:
        _drain(bus)
    except DBusBaseError:
        bus.close()
        return None
    return bus


def _drain(bus: DBus) -> None:
    # sd-bus takes two steps that look like nothing before it admits that the connection is lost,
    # and also comes back without a message after work of its own: only the third nothing counts.
    nothing = 0
    while nothing < 3:
        nothing = nothing + 1 if bus.process().is_empty() else 0


def _wait(*readable: int) -> tuple[list[int], list[int], list[int]]:
    return select.select(readable, [], [], SAFETY_NET_MS / 1000)


def _call(
    bus: DBus,
    interface: bytes,
    member: bytes,
    *arguments: bytes,
    to: bytes = SYSTEMD,
    path: bytes = SYSTEMD_PATH,
) -> object:
    texts = [(ord("s"), argument) for argument in arguments]
    answer: object = bus.call_method(to, path, interface, member, texts).body
    return answer


def _list_units(bus: DBus, _name: bytes) -> Plain:
    rows = _plain(_call(bus, MANAGER, b"ListUnits"))
    return [row[:5] for row in rows if isinstance(row, list)] if isinstance(rows, list) else []


def _get_state(bus: DBus, name: bytes) -> Plain:
    path = _call(bus, MANAGER, b"LoadUnit", name)
    if not isinstance(path, bytes):
        return {}
    # The empty interface means all of them: unit and service properties of one moment.
    properties = _plain(_call(bus, PROPERTIES, b"GetAll", b"", path=path))
    if not isinstance(properties, dict):
        return {}
    return {key: properties[key] for key in STATE if key in properties}


def _start(bus: DBus, name: bytes) -> Plain:
    _call(bus, MANAGER, b"StartUnit", name, b"replace")
    return None


def _ping(bus: DBus, _name: bytes) -> Plain:
    _call(bus, b"org.freedesktop.DBus.Peer", b"Ping")
    return None


CALLS: dict[str, Callable[[DBus, bytes], Plain]] = {
    "list_units": _list_units,
    "get_state": _get_state,
    "start": _start,
    "ping": _ping,
}


def _plain(value: object) -> Plain:
    """Returns what pystemd gave in the types of JSON."""
    if isinstance(value, bytes):
        return value.decode(errors="replace")
    if isinstance(value, dict):
        return {key.decode(): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value if isinstance(value, bool | int | float | str) else None


def _name_of(error: DBusBaseError) -> str:
    """Returns the error's D-Bus name, or `System.Error.` and the system error's word.

    pystemd keeps the name only of errors that it has no class for; the class tells the others.
    """
    if error.err_name and isinstance(error.err_name, bytes):
        return error.err_name.decode(errors="replace")
    kind = type(error).__name__
    if kind == "DBusNoSuchUnitError":
        return "org.freedesktop.systemd1.NoSuchUnit"
    if kind == "DBusBaseError":
        return f"System.Error.{errno.errorcode.get(-error.errno, 'EIO')}"
    return f"org.freedesktop.DBus.Error.{kind.removeprefix('DBus').removesuffix('Error')}"


def _message_of(error: DBusBaseError) -> str:
    text = error.err_message
    return text.decode(errors="replace") if isinstance(text, bytes) else str(text)


def _say(line: dict[str, Plain]) -> None:
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
