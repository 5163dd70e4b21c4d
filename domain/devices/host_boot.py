"""Host boot: when the station's computer was started."""

from datetime import UTC, datetime

from domain.host_paths import HostPaths

STAT = "/proc/stat"


def find_boot_time(paths: HostPaths) -> datetime | None:
    """Returns when the kernel started, UTC, to the second; None where it does not say.

    `btime` of proc_stat(5) follows the clock: after a step of the clock it is another one. Blocks.
    """
    try:
        text = paths.real(STAT).read_text("ascii", "replace")
    except OSError:
        return None
    for line in text.splitlines():
        name, _, value = line.partition(" ")
        if name == "btime" and value.strip().isdigit():
            return _moment(int(value))
    return None


def _moment(seconds: int) -> datetime | None:
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        return None
