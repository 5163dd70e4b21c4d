"""A real systemd manager in its own namespaces, with units of the test alone."""

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

PATIENCE = 10.0
"""Seconds until a start or a clean-up that takes longer counts as failed."""

DISTRIBUTION = Path("/lib/systemd/system")
SYSTEMD = Path("/lib/systemd/systemd")

# The private /dev keeps the nested journald from making /dev/log on the host; the read-only
# /proc/sys keeps the nested systemd from raising the host's fs.file-max.
OUTER = """
set -eu
folder=$(mktemp -d)
mount -t cgroup2 cgroup2 "$folder"
mkdir -p "$folder/nsd-$$"
echo $$ > "$folder/nsd-$$/cgroup.procs"
umount "$folder"
rmdir "$folder"
exec unshare --cgroup --pid --fork --kill-child=SIGKILL --mount-proc --uts --ipc --net \
  -- bash -c "$2" inner "$1"
"""
INNER = """
set -eu
mount -t cgroup2 cgroup2 /sys/fs/cgroup
mount -t tmpfs tmpfs /mnt
for n in null zero full random urandom tty; do
  touch /mnt/$n
  mount --bind /dev/$n /mnt/$n
done
ln -s /proc/self/fd /mnt/fd
mkdir /mnt/shm /mnt/pts
mount --move /mnt /dev
mount --bind /proc/sys /proc/sys
mount -o remount,bind,ro /proc/sys
mount --bind "$1/run" /run
mount --bind "$1/machine-id" /etc/machine-id
ip link set lo up 2>/dev/null || true
exec env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin container=nsd SYSTEMD_UNIT_PATH="$1/units" \
  SYSTEMD_GENERATOR_PATH="$1/nogen" SYSTEMD_ENVIRONMENT_GENERATOR_PATH="$1/nogen" \
  /lib/systemd/systemd --system --unit=fixture.target --show-status=0 --log-target=journal
"""
CLEAN = """
set -eu
folder=$(mktemp -d)
mount -t cgroup2 cgroup2 "$folder"
[ ! -d "$folder/nsd-$1" ] || find "$folder/nsd-$1" -depth -type d -exec rmdir {} +
umount "$folder"
rmdir "$folder"
"""
PRIVATE_MOUNTS = ("unshare", "--mount", "--propagation", "private", "--")

TARGET = """[Unit]
Requires=dbus.socket systemd-journald.socket
After=dbus.socket systemd-journald.socket
AllowIsolate=yes
"""
EMPTY_TARGETS = ("sysinit", "basic", "sockets", "shutdown", "umount")
NOT_COPIED = ("systemd-journald-dev-log.socket", "systemd-journald-audit.socket", "syslog.socket")


@dataclass(frozen=True, slots=True)
class RealSystemd:
    """A running manager; `address` is its bus, `journal` the folder that holds its journal."""

    base: Path
    pid: int

    @property
    def socket(self) -> Path:
        return self.base / "run/dbus/system_bus_socket"

    @property
    def address(self) -> str:
        return f"unix:path={self.socket}"

    @property
    def journal(self) -> Path:
        machine = (self.base / "machine-id").read_text(encoding="ascii").strip()
        return self.base / "run/log/journal" / machine


def missing() -> str | None:
    """Says what this machine lacks to run a manager of its own, None when it can."""
    if os.geteuid() != 0:
        return "a real systemd manager needs root"
    for path, package in ((SYSTEMD, "systemd"), (Path("/usr/bin/dbus-daemon"), "dbus")):
        if not path.exists():
            return f"{path} is absent: install the Debian package {package}"
    for program, package in (("unshare", "util-linux"), ("ip", "iproute2")):
        if shutil.which(program) is None:
            return f"{program} is absent: install the Debian package {package}"
    return _namespaces_refused()


def _namespaces_refused() -> str | None:
    trial = [*PRIVATE_MOUNTS, "bash", "-c", CLEAN, "trial", "0"]
    done = subprocess.run(trial, capture_output=True, text=True, check=False, timeout=PATIENCE)
    if done.returncode == 0:
        return None
    return f"namespaces or cgroup2 are refused here: {done.stderr.strip()}"


@contextmanager
def real_systemd(base: Path, units: Mapping[str, str]) -> Iterator[RealSystemd]:
    """Runs a manager whose units are `units` (file name to text) and what a bus and a journal
    need; leaves no process, cgroup or mount behind."""
    _prepare(base, units)
    # bash becomes unshare by exec: the pid that was started is the one to kill, and its cgroup.
    command = [*PRIVATE_MOUNTS, "bash", "-c", OUTER, "outer", str(base), INNER]
    with tempfile.TemporaryFile() as noise:
        manager = subprocess.Popen(command, stdout=noise, stderr=noise, stdin=subprocess.DEVNULL)
        try:
            _wait_for_bus(base, manager)
            yield RealSystemd(base, manager.pid)
        except ManagerFailed as error:
            noise.seek(0)
            error.add_note(noise.read().decode(errors="replace"))
            raise
        finally:
            manager.kill()
            manager.wait(PATIENCE)
            _remove_cgroups(manager.pid)


class ManagerFailed(Exception):
    """The manager did not come up although the machine has all it needs."""


def _prepare(base: Path, units: Mapping[str, str]) -> None:
    for folder in ("run", "units", "nogen"):
        (base / folder).mkdir()
    (base / "machine-id").write_text(os.urandom(16).hex() + "\n", encoding="ascii")
    texts = {"fixture.target": TARGET}
    texts |= {f"{name}.target": "[Unit]\nDefaultDependencies=no\n" for name in EMPTY_TARGETS}
    for name in ("dbus", "systemd-journald"):
        for kind in ("socket", "service"):
            texts[f"{name}.{kind}"] = _copied(f"{name}.{kind}")
    for name, text in (texts | dict(units)).items():
        (base / "units" / name).write_text(text, encoding="utf-8")


def _copied(name: str) -> str:
    text = (DISTRIBUTION / name).read_text(encoding="utf-8")
    for socket in NOT_COPIED:
        text = text.replace(f" {socket}", "")
    return text


def _wait_for_bus(base: Path, manager: subprocess.Popen[bytes]) -> None:
    socket = base / "run/dbus/system_bus_socket"
    end = time.monotonic() + PATIENCE
    while not socket.exists():
        if manager.poll() is not None or time.monotonic() > end:
            raise ManagerFailed(f"no bus after the start; exit status {manager.poll()}")
        time.sleep(0.01)


def _remove_cgroups(pid: int) -> None:
    # The kernel ends the namespace's processes after the one that was killed: try again till then.
    command = [*PRIVATE_MOUNTS, "bash", "-c", CLEAN, "clean", str(pid)]
    end = time.monotonic() + PATIENCE
    while subprocess.run(command, capture_output=True, check=False, timeout=PATIENCE).returncode:
        if time.monotonic() > end:
            raise ManagerFailed(f"the control group nsd-{pid} could not be removed")
        time.sleep(0.02)
