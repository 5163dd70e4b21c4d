"""The versions of what runs here."""

import asyncio
import platform
from importlib.metadata import PackageNotFoundError, version

from domain.host_paths import HostPaths
from domain.station import Versions

PACKAGE = "rpi-sb-provisioner"


def service_version() -> str:
    """Returns this service's version as installed."""
    try:
        return version("provisioner-service")
    except PackageNotFoundError:
        return "unknown"


async def find_versions(paths: HostPaths) -> Versions:
    """Returns the versions of this service, of the station's package and of Python."""
    return Versions(
        service=service_version(),
        package=await asyncio.to_thread(_package_version, paths),
        python=platform.python_version(),
    )


def _package_version(paths: HostPaths) -> str:
    """Returns the station package's version as dpkg knows it, `unknown` if it does not."""
    try:
        text = paths.real("/var/lib/dpkg/status").read_text("utf-8", "replace")
    except OSError:
        return "unknown"
    for block in text.split("\n\n"):
        if block.startswith(f"Package: {PACKAGE}\n"):
            found = [line for line in block.split("\n") if line.startswith("Version: ")]
            return found[0].removeprefix("Version: ") if found else "unknown"
    return "unknown"
