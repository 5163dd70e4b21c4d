"""Outcomes: every way that an attempt can go."""

from server.demo.attempts import Action, Move, Outcome, Phase
from server.demo.boards import CM4, ZERO_2_W
from server.demo.stories import (
    BEGUN,
    BOOTSTRAP,
    DETECTED,
    ERASED,
    FIRST_RPIBOOT,
    FWCRYPTO,
    GETVAR,
    GOOD_RUN,
    LOCKED,
    OLD_BOOTSTRAP,
    PROVISIONING,
    SECOND_RPIBOOT,
    STARTED,
    TAKEN_OUT,
    TRIAGE,
    TRIAGE_BEGUN,
    WRITING,
    failed_bootstrap,
    limited,
    log,
    moves,
    record,
)

_B, _T, _P = Phase.BOOTSTRAP, Phase.TRIAGE, Phase.PROVISIONER
_RULES = "/etc/rpi-sb-provisioner/usb-ports.d or /usr/share/rpi-sb-provisioner/usb-ports.d"
_PERMITTED = "Permitted USB ports: 1-1.* 3-1.* "
_ABORTED = "{style}-PROVISIONER-ABORTED"
_PULLED_OUT = moves(_P, (180, Action.LEAVE))


def _timed_out(command: str, seconds: int) -> str:
    return f'"{command}" FAILED: Timed out after {seconds} seconds (exit code 124).'


def _until(story: tuple[Move, ...], state: str) -> tuple[Move, ...]:
    last = next(index for index, move in enumerate(story) if move.state == state)
    return story[: last + 1]


def _gives_up(phase: Phase, seconds: float = 0.3) -> list[Move]:
    return [
        *moves(phase, (0.2, Action.HOOK, "provision-failed")),
        Move(seconds, Action.EXIT, phase, status=1),
    ]


_AT_PROVISIONING = (*BOOTSTRAP, *TRIAGE, *STARTED)
_FLASH_FAILED = (
    "Sending sparse 'mapper/cryptroot' 2/2 (524288 KB)  FAILED (remote: 'Input/output error')",
    "fastboot: error: Command failed",
)
_NO_DEVICE = ("FAILED (Write to device failed (No such device))", "fastboot: error: Command failed")
_FAMILY_MISMATCH = (
    "Device family mismatch: this station is configured for RPI_DEVICE_FAMILY=5 (BCM2712) but the "
    "connected device is BCM{chip}. Refusing to provision. Connect a matching device, or change "
    "the device family / firmware selection."
)

FINISHED = Outcome("finished", 70, GOOD_RUN)
BOOTSTRAP_ABORTED = Outcome(
    "bootstrap aborted",
    3,
    (
        *BEGUN,
        log(_B, 0.5, "Updating EEPROM from {bootloader}", limited(60, FIRST_RPIBOOT)),
        record(_B, 60, "BOOTSTRAP-ABORTED"),
        *moves(_B, (0.1, Action.SAY, _timed_out(FIRST_RPIBOOT, 60))),
        *failed_bootstrap(),
        *_PULLED_OUT,
    ),
    again=True,
)
FASTBOOT_NOT_SENT = Outcome(
    "bootstrap aborted late",
    1,
    (
        *_until(BOOTSTRAP, "bootstrap-fastboot-initialisation-started"),
        log(_B, 0.1, limited(60, SECOND_RPIBOOT)),
        *moves(_B, (1, Action.LEAVE)),
        record(_B, 59, "BOOTSTRAP-ABORTED"),
        *moves(_B, (0.1, Action.SAY, _timed_out(SECOND_RPIBOOT, 60))),
        *failed_bootstrap(),
        *_PULLED_OUT,
    ),
    again=True,
)
WRONG_FAMILY = Outcome(
    "wrong family",
    1,
    (
        *LOCKED,
        record(_B, 0.5, "BOOTSTRAP-ABORTED"),
        *moves(_B, (0.1, Action.SAY, _FAMILY_MISMATCH)),
        *failed_bootstrap(),
        *moves(_B, (60, Action.LEAVE)),
    ),
    models=(CM4,),
)
NEVER_WOKE = Outcome("no fastboot", 1, (*BOOTSTRAP, *_PULLED_OUT), again=True)
TRIAGE_ABORTED = Outcome(
    "triage aborted",
    2,
    (
        *BOOTSTRAP,
        *TRIAGE_BEGUN,
        record(_T, 30, "TRIAGE-ABORTED"),
        *moves(_T, (0.1, Action.SAY, _timed_out(FWCRYPTO, 30))),
        *_gives_up(_T),
        *_PULLED_OUT,
    ),
    again=True,
)
LOST_BEFORE_TRIAGE = Outcome(
    "lost before triage",
    1,
    # A board that is away again has no USB path, and no rule permits that.
    (
        *BOOTSTRAP,
        *moves(_T, (5, Action.FASTBOOT), (0.4, Action.LEAVE), (0.2, Action.START)),
        log(
            _T,
            0.4,
            "USB port restriction active but this device's port could not be determined; "
            "skipping triage",
            _PERMITTED,
        ),
        record(_T, 0.1, "PORT-EXCLUDED"),
        *moves(_T, (0.2, Action.EXIT)),
    ),
    again=True,
)
PROVISIONER_ABORTED = Outcome(
    "provisioner aborted",
    4,
    (
        *_AT_PROVISIONING,
        *(log(_P, 5, "Error in losetup.  Retrying...") for _ in range(5)),
        record(_P, 5, _ABORTED),
        *moves(_P, (0.1, Action.SAY, "ERROR: losetup failed after 5 retries; exiting")),
        *_gives_up(_P),
        *_PULLED_OUT,
    ),
    again=True,
)
PROVISIONER_TIMED_OUT = Outcome(
    "provisioner timed out",
    2,
    # A fatal command timeout in a provisioner writes ABORTED twice (contract devices section 4).
    (
        *_AT_PROVISIONING,
        *ERASED,
        log(_P, 2, limited(30, GETVAR)),
        record(_P, 30, _ABORTED),
        record(_P, 0.2, _ABORTED),
        *moves(_P, (0.1, Action.SAY, _timed_out(GETVAR, 30))),
        *_gives_up(_P),
        *_PULLED_OUT,
    ),
    again=True,
)
SILENT_STOP = Outcome(
    "silent stop",
    3,
    # Many failures write no row: the board stays STARTED for ever (contract devices section 4).
    (
        *_AT_PROVISIONING,
        *ERASED,
        *WRITING,
        Move(9, Action.SAY, _P, _FLASH_FAILED),
        *_gives_up(_P),
        *_PULLED_OUT,
    ),
    again=True,
)
VANISHED = Outcome(
    "vanished",
    2,
    (
        *_AT_PROVISIONING,
        *ERASED,
        *WRITING,
        *moves(_P, (4, Action.LEAVE)),
        Move(1, Action.SAY, _P, _NO_DEVICE),
        *_gives_up(_P),
    ),
    again=True,
)
SWAPPED_EARLY = Outcome(
    "swapped early",
    2,
    # The next board is in the port before this one's script has noticed.
    (
        *_AT_PROVISIONING,
        *ERASED,
        *WRITING,
        *moves(_P, (4, Action.LEAVE)),
        Move(6, Action.SAY, _P, _NO_DEVICE),
        *_gives_up(_P),
    ),
    hasty=True,
)
SWAPPED = Outcome("finished and swapped", 4, GOOD_RUN, hasty=True)
_NAMELESS = (*OLD_BOOTSTRAP, *TRIAGE, *PROVISIONING, *TAKEN_OUT)
NAMELESS = Outcome("nameless", 2, _NAMELESS, models=(ZERO_2_W,), rom_says="Broadcom")
SPEECHLESS = Outcome("speechless", 2, _NAMELESS, models=(ZERO_2_W,), rom_says="")

OUTCOMES = (
    FINISHED,
    BOOTSTRAP_ABORTED,
    FASTBOOT_NOT_SENT,
    WRONG_FAMILY,
    NEVER_WOKE,
    TRIAGE_ABORTED,
    LOST_BEFORE_TRIAGE,
    PROVISIONER_ABORTED,
    PROVISIONER_TIMED_OUT,
    SILENT_STOP,
    VANISHED,
    SWAPPED_EARLY,
    SWAPPED,
    NAMELESS,
    SPEECHLESS,
)
"""All that can happen on the line; add one and it happens."""

EXCLUDED = Outcome(
    "port excluded",
    3,
    (
        *DETECTED,
        log(
            _B,
            0.2,
            f"USB port {{port}} is not listed in {_RULES}; skipping bootstrap",
            _PERMITTED,
        ),
        record(_B, 0.1, "PORT-EXCLUDED"),
        *moves(_B, (0.2, Action.EXIT), (600, Action.LEAVE)),
    ),
)
EXCLUDED_LATE = Outcome(
    "port excluded in triage",
    1,
    # A board that was provisioned before boots straight into the fastboot gadget.
    (
        *moves(_T, (0, Action.FASTBOOT), (0.4, Action.START)),
        log(
            _T,
            0.4,
            f"USB port {{port}} is not listed in {_RULES}; skipping triage",
            _PERMITTED,
        ),
        record(_T, 0.1, "PORT-EXCLUDED"),
        *moves(_T, (0.2, Action.EXIT), (600, Action.LEAVE)),
    ),
)
EXCLUSIONS = (EXCLUDED, EXCLUDED_LATE)
"""What happens on a port that the port rules exclude."""
