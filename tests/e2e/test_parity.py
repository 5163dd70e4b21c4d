"""The recorded answers of the existing service, replayed against ours."""

import subprocess
import sys

import pytest

from tests.surfaces.repository import ROOT, SHARED

REPLAY = SHARED / "parity/replay.py"
SERVED = (
    "^(common/(?!get-images|gzip)|devices/device|options/csrf-(fetch|token)"
    "|fresh-install/empty-devices-html)"
)


@pytest.mark.real
@pytest.mark.timeout(600)
def test_the_served_paths_answer_as_recorded() -> None:
    if not REPLAY.exists():
        pytest.skip("the parity kit (../shared/parity beside the checkout) is absent")
    serve = f"{sys.executable} -m server.main serve --root {{root}} --port {{port}} --disable-https"
    done = subprocess.run(
        [sys.executable, str(REPLAY), "--serve", serve, "--only", SERVED],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:]
