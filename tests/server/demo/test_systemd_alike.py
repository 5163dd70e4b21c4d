"""What the simulated host says of its units is what a real systemd says of the same programs."""

import asyncio
import importlib.util
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from adapters.systemd import SystemdUnits
from server.demo.host import Host
from server.demo.journal import ENDED, EXITED, FAILED, NOT_STARTED, STARTED, STARTING
from server.demo.services import PROVISIONERS, TRIAGE, Service
from tests.adapters.systemd_manager import RealSystemd, missing, real_systemd
from tests.server.demo.bench import NOW, build_bench
from tests.server.demo.test_units import Seen

pytestmark = pytest.mark.real
LIMIT = 30.0
NOTIFY, ONESHOT = PROVISIONERS["SB"], TRIAGE
UNIT_FILE = """[Unit]
Description={description}
DefaultDependencies=no
[Service]
Type={type}
NotifyAccess=all
ExecStart=/bin/sh -c '{program}'
"""
READY = "sleep 0.1; systemd-notify --ready; sleep 0.2; "
PROGRAM = "case %i in early*) exit 1;; esac; {ready}case %i in late*) exit 1;; esac"
# The service, the instance, and how many changes a watcher hears.
RUNS = [
    (NOTIFY, "well", 4),
    (NOTIFY, "late", 4),
    (NOTIFY, "early", 3),
    (ONESHOT, "well", 3),
    (ONESHOT, "late", 3),
]
COMPARED = (
    "PRIORITY",
    "SYSLOG_FACILITY",
    "SYSLOG_IDENTIFIER",
    "MESSAGE",
    "MESSAGE_ID",
    "UNIT",
    "JOB_TYPE",
    "JOB_RESULT",
    "UNIT_RESULT",
    "EXIT_CODE",
    "EXIT_STATUS",
    "COMMAND",
    "_PID",
    "_UID",
    "_TRANSPORT",
    "_COMM",
    "_SYSTEMD_UNIT",
)
SAID = {STARTING, STARTED, NOT_STARTED, EXITED, FAILED, ENDED}
Entry = dict[str, str]


@pytest.fixture(scope="module")
def manager(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealSystemd]:
    reason = missing()
    if reason is not None:
        pytest.skip(reason)
    if importlib.util.find_spec("pystemd") is None or not shutil.which("journalctl"):
        pytest.skip("needs pystemd (Debian packages gcc, libsystemd-dev) and systemd")
    files = {f"{one.prefix}@.service": _unit_file(one) for one in (NOTIFY, ONESHOT)}
    with real_systemd(tmp_path_factory.mktemp("alike"), files) as started:
        yield started


def _unit_file(service: Service) -> str:
    kind, ready = ("oneshot", "") if service.oneshot else ("notify", READY)
    program = PROGRAM.format(ready=ready)
    return UNIT_FILE.format(description=service.description, type=kind, program=program)


def _entries(text: str, unit: str) -> list[Entry]:
    blocks = (block.splitlines() for block in text.split("\n\n"))
    entries = [dict(line.split("=", 1) for line in block if "=" in line) for block in blocks]
    # Newer ones also say how much processor time a unit took.
    about = [e for e in entries if e.get("UNIT") == unit and e.get("MESSAGE_ID") in SAID]
    return [{name: entry[name] for name in COMPARED if name in entry} for entry in about]


def _real_entries(manager: RealSystemd, unit: str) -> list[Entry]:
    command = ["journalctl", "-D", str(manager.journal), "-o", "export", f"UNIT={unit}"]
    done = subprocess.run(command, capture_output=True, check=True, timeout=LIMIT)
    return _entries(done.stdout.decode(errors="replace"), unit)


def _simulate(host: Host, service: Service, instance: str) -> None:
    script = host.start(service, instance, node="", serial=instance, endpoint="", at=NOW)
    if not service.oneshot and instance != "early":
        host.ready(script, at=NOW)
    host.end(script, status=0 if instance == "well" else 1, at=NOW)


@pytest.mark.parametrize(("service", "instance", "changes"), RUNS)
async def test_watchers_hear_and_the_journal_says_the_same(
    manager: RealSystemd, tmp_path: Path, service: Service, instance: str, changes: int
) -> None:
    unit, host = service.unit(instance), build_bench(tmp_path).host
    real, simulated = Seen(), Seen()
    systemd = SystemdUnits(manager.address)
    try:
        await systemd.watch(lambda change: real(change) if change.name == unit else None)
        await host.units.watch(simulated)
        await systemd.start(unit)
        heard = await real.first(changes)
    finally:
        await systemd.aclose()
    _simulate(host, service, instance)
    assert await simulated.first(changes) == heard
    said = _entries(host.journal.take_waiting().decode(), unit)
    async with asyncio.timeout(LIMIT):
        # journald takes its time; its file tells nobody.
        while len(_real_entries(manager, unit)) < len(said):
            await asyncio.sleep(0.05)
    assert said == _real_entries(manager, unit)
