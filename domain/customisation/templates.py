"""Templates: what somebody begins with who writes a new hook (contract customisation 5)."""

from textwrap import wrap

from domain.customisation.arguments import (
    AT_BOOTSTRAP,
    BOARD,
    Argument,
    arguments_of,
    environment_of,
)
from domain.customisation.hooks import LABELS, Hook, Stage, description_of

WIDTH = 78
NO_RECORD = "The board's manufacturing data is not known yet at this stage."
NOTES: dict[Stage, tuple[str, ...]] = {
    Stage.BOOTSTRAP: (
        "Only what USB tells is known yet: there is no fastboot, and the serial may be a",
        "short one or the device node.",
    ),
    Stage.PROVISION_STARTED: (NO_RECORD,),
    Stage.BOOTFS_MOUNTED: (NO_RECORD,),
    Stage.ROOTFS_MOUNTED: (NO_RECORD,),
    Stage.POST_FLASH: ("A number that the board did not tell is an empty text, never 0.",),
    Stage.PROVISION_FAILED: ("There is no manufacturing data of a run that failed.",),
}
ECHOES: dict[Stage, str] = {
    Stage.BOOTSTRAP: 'echo "Bootstrap of ${TARGET_DEVICE_SERIAL} on ${TARGET_USB_PATH}"',
    Stage.PROVISION_STARTED: 'echo "Provisioning of ${TARGET_DEVICE_SERIAL} has begun"',
    Stage.BOOTFS_MOUNTED: 'echo "Boot files for ${TARGET_DEVICE_SERIAL} are in ${BOOT_MOUNT}"',
    Stage.ROOTFS_MOUNTED: 'echo "Root files for ${TARGET_DEVICE_SERIAL} are in ${ROOTFS_MOUNT}"',
    Stage.POST_FLASH: 'echo "Device ${TARGET_DEVICE_SERIAL} is flashed on ${STORAGE_TYPE}"',
    Stage.PROVISION_FAILED: (
        'echo "Device ${TARGET_DEVICE_SERIAL} failed during ${PROVISION_FAILED_CONTEXT}"'
    ),
}
EXAMPLES: dict[Stage, tuple[str, ...]] = {
    Stage.BOOTSTRAP: (
        "Example: light the lamp of the port that the device is plugged into.",
        'case "${TARGET_USB_PATH}" in',
        "    1-1.1) echo 1 > /sys/class/leds/port1/brightness ;;",
        "    1-1.2) echo 1 > /sys/class/leds/port2/brightness ;;",
        "esac",
    ),
    Stage.PROVISION_STARTED: (
        "Example: let the device show that it is being worked on.",
        'fastboot -s "${FASTBOOT_DEVICE_SPECIFIER}" oem led PWR',
    ),
    Stage.BOOTFS_MOUNTED: (
        "Example: switch the serial console on for every device.",
        'echo "enable_uart=1" >> "${BOOT_MOUNT}/config.txt"',
    ),
    Stage.ROOTFS_MOUNTED: (
        "Example: let every device know a server of the factory.",
        'echo "192.0.2.10 mes" >> "${ROOTFS_MOUNT}/etc/hosts"',
    ),
    Stage.POST_FLASH: (
        "Example: switch the lamp of the port off, and ask the device something.",
        'case "${TARGET_USB_PATH}" in',
        "    1-1.1) echo 0 > /sys/class/leds/port1/brightness ;;",
        "    1-1.2) echo 0 > /sys/class/leds/port2/brightness ;;",
        "esac",
        'fastboot -s "${FASTBOOT_DEVICE_SPECIFIER}" getvar version',
    ),
    Stage.PROVISION_FAILED: (
        "Example: call somebody where trying again cannot help.",
        'if [ "${PROVISION_FAILED_PERMANENT}" = "1" ]; then',
        '    logger -t line "Settings stop ${TARGET_DEVICE_SERIAL}; see the configuration"',
        "fi",
    ),
}
_END = (
    "",
    "It runs as root, without a time limit; what it prints is in the unit's journal.",
    "Any other exit status than 0 ends the run of the board as failed, but for the",
    "stage provision-failed.",
)


def template_of(hook: Hook) -> str:
    """Returns a valid script of POSIX sh that says what this stage is given and does nothing."""
    stage = hook.stage
    head = (*_heading(hook), *_arguments(hook), *_environment(hook), *NOTES[stage], *_END)
    parts = [
        f"#!/bin/sh\n{_comment(*head)}",
        "\n".join(_assignments(hook)),
        ECHOES[stage],
        _comment(*EXAMPLES[stage]),
        "exit 0",
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _heading(hook: Hook) -> tuple[str, ...]:
    lines = [f"{LABELS[hook.stage]}.", *_wrapped(description_of(hook)), ""]
    if hook.stage in (Stage.BOOTFS_MOUNTED, Stage.ROOTFS_MOUNTED):
        lines += [f"Provisioner: {hook.provisioner}, stage: {hook.stage}.", ""]
    return tuple(lines)


def _arguments(hook: Hook) -> tuple[str, ...]:
    arguments = _numbered(arguments_of(hook))
    if hook.stage is not Stage.PROVISION_FAILED:
        return ("Arguments:", *arguments, "")
    return (
        "Arguments, where PROVISION_FAILED_CONTEXT is provisioning:",
        *arguments,
        "Arguments, where it is bootstrap:",
        *_numbered(AT_BOOTSTRAP),
        "",
    )


def _numbered(arguments: tuple[Argument, ...]) -> list[str]:
    lines = []
    for number, argument in enumerate(arguments, 1):
        lines += _wrapped(f"  ${number}  {argument.meaning}", indent="      ")
    return lines


def _environment(hook: Hook) -> tuple[str, ...]:
    lines = ["Environment:"]
    for variable in environment_of(hook):
        if variable not in BOARD:
            lines += _wrapped(f"  {variable.name}  {variable.meaning}", indent="      ")
    lines += ["  and every variable of the configuration.", ""]
    if hook.stage is Stage.POST_FLASH:
        names = " ".join(variable.name for variable in BOARD)
        lines += ["Manufacturing data, as in the record of this board:"]
        lines += [*_wrapped(f"  {names}", indent="  "), ""]
    return tuple(lines)


def _assignments(hook: Hook) -> list[str]:
    if hook.stage is Stage.PROVISION_FAILED:
        # Its arguments come in two forms; the environment has the same facts in both.
        return []
    return [
        f'{argument.variable}="${{{number}}}"'
        for number, argument in enumerate(arguments_of(hook), 1)
    ]


def _comment(*lines: str) -> str:
    return "\n".join(f"# {line}".rstrip() for line in lines)


def _wrapped(text: str, *, indent: str = "") -> list[str]:
    return wrap(text, WIDTH, subsequent_indent=indent, break_on_hyphens=False)
