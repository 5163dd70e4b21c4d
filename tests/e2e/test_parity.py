"""Every recorded answer of the existing service, REST and WebSocket, replayed against ours."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.surfaces.repository import ROOT, SHARED

REPLAY = SHARED / "parity/replay.py"
SERVE = f"{sys.executable} -m server.main serve --root {{root}} --port {{port}} --disable-https"


@pytest.mark.real
@pytest.mark.timeout(900)
def test_every_case_is_answered_as_recorded(tmp_path: Path) -> None:
    if not REPLAY.exists():
        pytest.skip("the parity kit (../shared/parity beside the checkout) is absent")
    report = tmp_path / "report.json"
    command = [sys.executable, str(REPLAY), "--serve", SERVE, "--report", str(report)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    results = json.loads(report.read_text())
    failed = [each["case"] for each in results if each["outcome"] == "failed"]
    assert failed == [], done.stdout[-5000:]
    assert len(results) > 450
