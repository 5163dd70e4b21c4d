"""A save that is killed leaves the old script or the new one, never half."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

from tests.domain.customisation import saver
from tests.domain.customisation.folder import Bed

FILE = "sb-provisioner-post-flash.sh"
ROOT = Path(saver.__file__).parents[3]


async def test_a_killed_save_leaves_a_whole_script(tmp_path: Path) -> None:
    bed, chance = Bed(tmp_path), random.Random(7)
    command = [sys.executable, saver.__file__, str(tmp_path), FILE]
    for _ in range(8):
        saving = subprocess.Popen(
            command, stdout=subprocess.PIPE, env={**os.environ, "PYTHONPATH": str(ROOT)}
        )
        assert saving.stdout is not None
        assert saving.stdout.readline() == b"saving\n"
        # Not a wait for anything: somewhere in the middle is where it shall be killed.
        time.sleep(chance.random() / 50)
        saving.send_signal(signal.SIGKILL)
        saving.wait(10)
        saving.stdout.close()
        content = (bed.folder / FILE).read_bytes()
        assert (len(content), len(set(content))) == (saver.SIZE, 1)
        assert bed.files.find(FILE).mode == 0o644
    bed.put(".mine.tmp")
    await bed.scripts.catch_up()
    assert bed.names() == [".mine.tmp", FILE]
