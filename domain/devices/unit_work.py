"""Unit work: what a systemd unit works on, told by its name (contract services section 1)."""

import re
from dataclasses import dataclass

from domain.devices.stages import Stage, Style
from domain.serials import board_key, is_real
from domain.services.units import UnitNameInvalid, escape_instance, unescape_instance

_NAMES = (
    (re.compile(r"rpi-sb-bootstrap@(.+)\.service"), Stage.BOOTSTRAP, None),
    (re.compile(r"rpi-sb-triage@(.+)\.service"), Stage.TRIAGE, None),
    *(
        (re.compile(rf"rpi-{style.lower()}-provisioner@(.+)\.service"), Stage.PROVISIONING, style)
        for style in Style
    ),
)


@dataclass(frozen=True, slots=True)
class Work:
    """What a unit works on: a stage of the board or the device node named `on`."""

    stage: Stage
    style: Style | None
    on: str


def work_of(name: str) -> Work | None:
    """Returns what the unit of this name works on, None where it is none of a board's."""
    for pattern, stage, style in _NAMES:
        found = pattern.fullmatch(name)
        if found is None:
            continue
        try:
            instance = unescape_instance(found[1])
        except UnitNameInvalid:
            return None
        if stage is Stage.BOOTSTRAP:
            # udev's escaping keeps the first slash as a dash, systemd-escape --path drops it.
            return Work(stage, None, f"/{instance.lstrip('/')}")
        return Work(stage, style, board_key(instance)) if is_real(instance) else None
    return None


def unit_names(stage: Stage, style: Style | None, on: str) -> tuple[str, ...]:
    """Returns what the unit may be called that works on the board with the serial `on`, or on the
    device node `on`."""
    if stage is Stage.BOOTSTRAP:
        whole, bare = escape_instance(on), escape_instance(on.lstrip("/"))
        return (f"rpi-sb-bootstrap@{whole}.service", f"rpi-sb-bootstrap@{bare}.service")
    if stage is Stage.TRIAGE:
        return (f"rpi-sb-triage@{escape_instance(on)}.service",)
    styles = (style,) if style else tuple(Style)
    return tuple(f"rpi-{one.lower()}-provisioner@{escape_instance(on)}.service" for one in styles)


def work_on(stage: Stage, style: Style | None, on: str) -> Work:
    """Returns the work on the board with the serial `on`, or on the device node `on`."""
    return Work(stage, style, on if stage is Stage.BOOTSTRAP else board_key(on))
