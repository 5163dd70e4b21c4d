"""The generator of boot packages: its unit, what it needs, and how its end is told (contract images
8.4)."""

import contextlib
import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from domain.configuration.settings import Setting
from domain.host_paths import HostPaths
from domain.kept_files import open_real, real_below
from domain.services.unit_names import UnitFamily, parsed
from domain.services.units import UNIT_CHARACTERS, UnitState, escape_instance

TEMPLATE = "rpi-sb-image-bootimg-generator"
UNIT_FOLDERS = (
    "/usr/lib/systemd/system",
    "/usr/local/lib/systemd/system",
    "/run/systemd/system",
    "/etc/systemd/system",
)
PLAIN = UNIT_CHARACTERS - {"\\"} | {"@"}
"""What may stand unescaped in the name of an instance."""
STYLES = frozenset({"secure-boot", "fde-only"})
"""The provisioning styles in which a boot package may be asked for."""
STYLE, FAMILY = "PROVISIONING_STYLE", "RPI_DEVICE_FAMILY"
KEYS = ("CUSTOMER_KEY_FILE_PEM", "CUSTOMER_KEY_PKCS11_NAME")
MOST_LINE_BYTES = 4096
LONGEST_LINE = 300

_WORDS = {
    "exit-code": "ended with exit status {status}",
    "signal": "was ended by signal {status}",
    "core-dump": "crashed with signal {status}",
    "timeout": "took too long and was stopped",
    "oom-kill": "was ended because the memory was full",
    "start-limit-hit": "was started too often",
    "resources": "could not be started: systemd lacks resources",
    "failed": "failed",
    "canceled": "was stopped",
    "dependency": "was not started: a unit that it needs failed",
}


class GeneratorUnit:
    """The template unit, and how it takes the image's name."""

    def __init__(self, paths: HostPaths) -> None:
        self._paths = paths

    def name_for(self, image: str) -> str:
        """Returns the unit that makes an image's package; blocks.

        The name is escaped as systemd-escape(1) does, which a unit undoes with `%I`. The unit of
        old takes it with `%i` as it stands: what can stand unescaped does so there (contract
        images 8.4).
        """
        can_stand = PLAIN.issuperset(image) and not image.startswith(".")
        if can_stand and self._takes_it_as_it_stands():
            return f"{TEMPLATE}@{image}.service"
        return f"{TEMPLATE}@{escape_instance(image)}.service"

    def _takes_it_as_it_stands(self) -> bool:
        lines = [line.strip() for text in self._texts() for line in text.splitlines()]
        starts = [line for line in lines if line.startswith("ExecStart=")]
        return bool(starts) and "%i" in starts[-1] and "%I" not in starts[-1]

    def _texts(self) -> Iterator[str]:
        """Yields the unit's file and its drop-ins, those that count more behind (systemd.unit(5));
        nothing where there is none."""
        for folder in UNIT_FOLDERS:
            name = f"{folder}/{TEMPLATE}@.service"
            for path in (self._paths.real(name), *self._drop_ins(name)):
                with contextlib.suppress(OSError):
                    yield path.read_text(errors="replace")

    def _drop_ins(self, unit: str) -> list[Path]:
        return sorted(self._paths.real(f"{unit}.d").glob("*.conf"))


def image_of(unit: str) -> str | None:
    """Returns the image that a unit works on, None for units of other kinds."""
    name = parsed(unit)
    return name.image if name.family is UnitFamily.BOOT_PACKAGE else None


def why_skipped(settings: Mapping[str, Setting]) -> str:
    """Returns why the generator ended well without making anything, which it does in silence."""

    def value(name: str) -> str:
        setting = settings.get(name)
        return setting.value if setting else ""

    if value(STYLE) != "secure-boot":
        return f"it makes packages in the style secure-boot only; {STYLE} is {value(STYLE)!r}"
    if not any(value(name) for name in KEYS):
        return "no signing key is configured"
    if not value(FAMILY):
        return f"{FAMILY} is not set"
    return "it does not say why; its log may"


def how_ended(result: str, state: UnitState | None) -> str:
    """Returns how a run ended, as the end of a sentence about the generator; `result` is systemd's
    word."""
    status = state.exit_status if state is not None else None
    shown = "?" if status is None else str(status)
    words = _WORDS.get(result, f"ended with the result {result!r}")
    return words.format(status=shown)


class GeneratorLog:
    """What the generator writes down; one file for all images. All methods block and never
    raise."""

    def __init__(self, paths: HostPaths) -> None:
        self._paths = paths
        self.logical = f"{paths.logs}/bootimg-generator/bootimg-generator.log"

    def size(self) -> int:
        """Returns its size in bytes, 0 where there is none."""
        return self._read(0, 0)[1]

    def last_line(self, since: int) -> str:
        """Returns the last line that was written behind this byte, nothing where there is none."""
        size = self._read(0, 0)[1]
        begin = max(since if since <= size else 0, size - MOST_LINE_BYTES)
        lines = self._read(begin, MOST_LINE_BYTES)[0].decode("utf-8", "replace").splitlines()
        printable = ("".join(filter(str.isprintable, line)).strip() for line in reversed(lines))
        return next((line[:LONGEST_LINE] for line in printable if line), "")

    def _read(self, offset: int, length: int) -> tuple[bytes, int]:
        try:
            handle = open_real(real_below(self._paths, self.logical, folder=self._paths.logs))
        except OSError:
            return b"", 0
        try:
            return os.pread(handle, length, offset), os.fstat(handle).st_size
        except OSError:
            return b"", 0
        finally:
            os.close(handle)
