"""USB events by real libudev, in a process in which umockdev plays the kernel."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from adapters.udev import UdevEvents, UsbEventsUnavailable

ROOT = Path(__file__).resolve().parents[2]
SCENES = "tests/adapters/umockdev_scenes.py"


@pytest.mark.real
def test_scenes_at_the_jig() -> None:
    wrapper = shutil.which("umockdev-wrapper")
    if wrapper is None:
        pytest.skip("needs a kernel that plugs USB at will: Debian package umockdev")
    command = [wrapper, sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", SCENES]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    assert " passed" in done.stdout
    assert "skipped" not in done.stdout


async def test_without_libudev_the_reason_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyudev", None)
    events = UdevEvents()
    await events.probe()
    with pytest.raises(UsbEventsUnavailable, match="libudev1"):
        await anext(events.changes())
    with pytest.raises(UsbEventsUnavailable):
        await events.probe()
