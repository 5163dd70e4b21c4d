"""Bootstrap nodes: which device node a bootstrap works on, told by links and rows alone.

A node is used again for the next board, so a unit that is named by it is never taken for a
board's without such proof (contract services section 1, devices section 5).
"""

import re

from domain.devices.runs import Run
from domain.host_paths import HostPaths
from domain.serials import SHORT

_EARLY = re.compile(r".*/early(/dev/bus/usb/\d{3}/\d{3})/bootstrap\.log")


def find_node(paths: HostPaths, run: Run) -> str | None:
    """Returns the device node of the run's bootstrap: what stood for the serial in its rows, else
    where the link leads that bootstrap makes in the board's own folder. Blocks."""
    if run.node:
        return run.node
    for serial in run.serials:
        if not SHORT.fullmatch(serial):
            continue
        try:
            target = paths.entry(f"{paths.logs}/{serial}/bootstrap.log").readlink()
        except OSError:
            continue
        found = _EARLY.fullmatch(str(target))
        if found:
            return found[1]
    return None
