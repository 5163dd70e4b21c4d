"""The journal of the simulated host: lines of scripts and of systemd, in the journal's export
format (systemd's documentation, "Journal Export Formats")."""

import threading
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from server.demo.configuration import MACHINE_ID
from server.demo.scripts import Script

HOSTNAME = "simulated"
INFO, NOTICE, WARNING, ERROR = "6", "5", "4", "3"
STARTING = "7d4958e842da4a758f6c1cdc7b36dcc5"
STARTED = "39f53479d3a045ac8e11786248231fbf"
NOT_STARTED = "be02cf6855d2428ba40df7e9d022f03d"
EXITED = "98e322203f7a4ed290d09fe03c09fe15"
FAILED = "d9b373ed55a64feb8242e02dbe79a49c"
ENDED = "7ad2d189f7e94e70a38c781354912448"
"""The message ids of systemd 252, as a real manager wrote them."""

_ROOT = {"_UID": "0", "_GID": "0", "_CAP_EFFECTIVE": "1ffffffffff", "SYSLOG_FACILITY": "3"}
_SYSTEMD = {
    "_TRANSPORT": "journal",
    "_PID": "1",
    "_COMM": "systemd",
    "_EXE": "/usr/lib/systemd/systemd",
    "_SYSTEMD_CGROUP": "/init.scope",
    "_SYSTEMD_UNIT": "init.scope",
    "_SYSTEMD_SLICE": "-.slice",
    "SYSLOG_IDENTIFIER": "systemd",
    "TID": "1",
}
_MICROSECOND = timedelta(microseconds=1)


class Journal:
    """Takes what happens, in the order in which it happens; `feed` gets it entry by entry, and
    what comes before there is one waits."""

    def __init__(self) -> None:
        self._waiting: list[bytes] = []
        self._feed: Callable[[bytes], None] = self._waiting.append
        self._boot_id = ""
        self._booted_at: datetime | None = None
        self._last: datetime | None = None
        self._lock = threading.Lock()

    def take_waiting(self) -> bytes:
        """Returns everything that nobody has got yet."""
        waiting = b"".join(self._waiting)
        self._waiting.clear()
        return waiting

    def feed_to(self, feed: Callable[[bytes], None]) -> None:
        """Gives what comes from now on to `feed`, in whatever thread it happens."""
        self._feed = feed

    def boot(self, boot_id: str, *, at: datetime) -> None:
        """Takes the first line of a kernel that starts."""
        self._boot_id, self._booted_at = boot_id, at
        kernel = {"_TRANSPORT": "kernel", "SYSLOG_IDENTIFIER": "kernel", "SYSLOG_FACILITY": "0"}
        self._add({**kernel, "PRIORITY": NOTICE, "MESSAGE": "Booting Linux on CPU 0x0"}, at)

    def said(self, script: Script, text: str, *, at: datetime) -> None:
        """Takes a line that a script wrote to its standard output or error."""
        own = {
            "_TRANSPORT": "stdout",
            "_STREAM_ID": script.invocation_id[::-1],
            "PRIORITY": INFO,
            "SYSLOG_IDENTIFIER": script.service.program,
            "_PID": str(script.pid),
            "_COMM": script.service.program[:15],
            "_SYSTEMD_CGROUP": script.control_group,
            "_SYSTEMD_UNIT": script.unit,
            "_SYSTEMD_SLICE": script.slice,
            "_SYSTEMD_INVOCATION_ID": script.invocation_id,
            "MESSAGE": text,
        }
        self._add({**_ROOT, **own}, at)

    def starting(self, script: Script, *, at: datetime) -> None:
        """Takes systemd's line that it starts a unit."""
        message = f"Starting {script.unit} - {script.service.description}..."
        self._job(script, STARTING, message, at=at)

    def started(self, script: Script, *, at: datetime) -> None:
        """Takes systemd's line that a unit has started, or that a oneshot unit is done."""
        word = "Finished" if script.service.oneshot else "Started"
        message = f"{word} {script.unit} - {script.service.description}."
        self._job(script, STARTED, message, at=at, JOB_RESULT="done")

    def ended(self, script: Script, *, at: datetime) -> None:
        """Takes systemd's line that a unit ended well."""
        message = f"{script.unit}: Deactivated successfully."
        self._unit(script, ENDED, message, at=at)

    def failed(self, script: Script, *, status: int, at: datetime) -> None:
        """Takes systemd's lines that a unit's program ended with `status`."""
        how = f"code=exited, status={status}/FAILURE"
        exit_facts = {"EXIT_CODE": "exited", "EXIT_STATUS": str(status), "COMMAND": "ExecStart"}
        message = f"{script.unit}: Main process exited, {how}"
        self._unit(script, EXITED, message, at=at, PRIORITY=NOTICE, **exit_facts)
        message = f"{script.unit}: Failed with result 'exit-code'."
        self._unit(script, FAILED, message, at=at, PRIORITY=WARNING, UNIT_RESULT="exit-code")

    def not_started(self, script: Script, *, at: datetime) -> None:
        """Takes systemd's line that a unit failed before it had started."""
        message = f"Failed to start {script.unit} - {script.service.description}."
        self._job(script, NOT_STARTED, message, at=at, PRIORITY=ERROR, JOB_RESULT="failed")

    def _job(
        self, script: Script, message_id: str, message: str, *, at: datetime, **more: str
    ) -> None:
        job = {"JOB_ID": str(script.job), "JOB_TYPE": "start"}
        self._unit(script, message_id, message, at=at, **job, **more)

    def _unit(
        self, script: Script, message_id: str, message: str, *, at: datetime, **more: str
    ) -> None:
        about = {
            "UNIT": script.unit,
            "INVOCATION_ID": script.invocation_id,
            "MESSAGE_ID": message_id,
            "MESSAGE": message,
        }
        self._add({**_ROOT, **_SYSTEMD, "PRIORITY": INFO, **about, **more}, at)

    def _add(self, fields: Mapping[str, str], at: datetime) -> None:
        # The line and the generator write from threads of their own.
        with self._lock:
            self._write(fields, at)

    def _write(self, fields: Mapping[str, str], at: datetime) -> None:
        # A journal's times only grow.
        at = at if self._last is None else max(at, self._last + _MICROSECOND)
        self._last = at
        address = {
            "__REALTIME_TIMESTAMP": _microseconds(at.timestamp()),
            "__MONOTONIC_TIMESTAMP": _microseconds(self._uptime(at)),
            "_BOOT_ID": self._boot_id,
            "_MACHINE_ID": MACHINE_ID,
            "_HOSTNAME": HOSTNAME,
        }
        lines = (f"{name}={value}\n" for name, value in (address | dict(fields)).items())
        self._feed("".join([*lines, "\n"]).encode())

    def _uptime(self, at: datetime) -> float:
        return (at - self._booted_at).total_seconds() if self._booted_at else 0.0


def _microseconds(seconds: float) -> str:
    return str(round(seconds * 1_000_000))
