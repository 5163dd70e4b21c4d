"""Stories: what the station's scripts do with a board, move by move, at the pace of a real
station (contract devices sections 3 to 5)."""

from server.demo.attempts import Action, Move, Phase

RULE = "=" * 80
_B, _T, _P = Phase.BOOTSTRAP, Phase.TRIAGE, Phase.PROVISIONER


def moves(phase: Phase, *steps: tuple[float, Action] | tuple[float, Action, str]) -> list[Move]:
    """Returns plain moves of one phase."""
    return [Move(step[0], step[1], phase, step[2:]) for step in steps]


def log(phase: Phase, seconds: float, *lines: str) -> Move:
    """Returns the move that writes these lines to the phase's log."""
    return Move(seconds, Action.LOG, phase, lines)


def announced(*texts: str) -> tuple[str, ...]:
    """Returns lines as the scripts announce what begins and ends."""
    return tuple(line for text in texts for line in (RULE, text, RULE))


def record(phase: Phase, seconds: float, state: str) -> Move:
    """Returns the move that records a state."""
    return Move(seconds, Action.RECORD, phase, state=state)


def limited(seconds: int, command: str) -> str:
    """Returns the line before a command that has so many seconds."""
    return f'Running command with {seconds}-second timeout: "{command}"'


def went_well(command: str) -> str:
    """Returns the line after such a command."""
    return f'"{command}" succeeded with exit code 0.'


FIRST_RPIBOOT = "rpiboot -j {metadata} -d {bootloader} -p {port}"
SECOND_RPIBOOT = "rpiboot -v -j {metadata} -d {staging} -p {port}"
GETVAR = "fastboot -s {serial} getvar version"
FWCRYPTO = "fastboot -s {serial} oem fwcrypto init"
_OVER_TCP = "fastboot -s tcp:{address} getvar version"
_NO_IPV6 = "fastboot -s tcp: getvar version"

# A board without an address of one kind makes a line with FAILED in every run: nothing is wrong.
_IDENTIFY = (
    limited(30, GETVAR),
    went_well(GETVAR),
    *announced("Starting Testing Fastboot IP connectivity"),
    limited(10, _NO_IPV6),
    f'"{_NO_IPV6}" FAILED: Command returned exit code 1.',
    limited(10, _OVER_TCP),
    went_well(_OVER_TCP),
    "Split-mode daemon: control over USB {serial}, flash over tcp:{address}",
    "Found USB path {port} for device {serial}",
)
_END_OF_BOOTSTRAP = announced("Starting Deleting udev lock", "Stopping Deleting udev lock")

DETECTED = (
    *moves(
        _B,
        (0, Action.ROM),
        (0.4, Action.START),
        (0.1, Action.STRAY, "Using device {using}: {told}"),
    ),
    *moves(_B, (0.2, Action.READY)),
)
"""A board with its boot ROM is there, and its bootstrap."""

LOCKED = (*DETECTED, *moves(_B, (0.1, Action.LOCK)))
"""... on a permitted port."""

BEGUN = (
    *LOCKED,
    log(
        _B,
        0.2,
        *announced(
            "Starting Finding the cache directory",
            "Stopping Finding the cache directory: Using specified name",
        ),
    ),
    record(_B, 1, "BOOTSTRAP-STARTED"),
    *moves(_B, (0.1, Action.HOOK, "bootstrap")),
)
_EEPROM = (
    log(_B, 0.5, "Updating EEPROM from {bootloader}", limited(60, FIRST_RPIBOOT)),
    *moves(_B, (8, Action.METADATA)),
    log(
        _B,
        0.1,
        went_well(FIRST_RPIBOOT),
        "rpiboot metadata: USER_BOARDREV=0x{revision} -> board_type=0x{board_type} ({board_name})",
    ),
)
_TO_FASTBOOT = (
    record(_B, 0.5, "bootstrap-firmware-updated"),
    log(_B, 0.1, *announced("Starting fastboot initialisation")),
    record(_B, 0.2, "bootstrap-fastboot-initialisation-started"),
    log(_B, 0.1, limited(60, SECOND_RPIBOOT)),
)
# The boot EEPROM is written, the board comes back with another device node: udev starts a second
# bootstrap, which finds the lock of the first (contract devices section 4).
_AGAIN = moves(_B, (1, Action.LEAVE), (3, Action.ROM), (0.4, Action.RIVAL))
_BOOTSTRAPPED = (
    *moves(_B, (4, Action.LEAVE), (1, Action.KEEP_LOG)),
    log(_B, 0.1, *announced("Stopping fastboot initialisation")),
    record(_B, 0.2, "BOOTSTRAP-FINISHED"),
    *moves(_B, (0.3, Action.EXIT)),
)
BOOTSTRAP = (*BEGUN, *_EEPROM, *_TO_FASTBOOT, *_AGAIN, *_BOOTSTRAPPED)
"""A Raspberry Pi 4 or later: its boot EEPROM is written first."""

OLD_BOOTSTRAP = (*BEGUN, *_TO_FASTBOOT, *_BOOTSTRAPPED)
"""A board before the Raspberry Pi 4 has no boot EEPROM, and tells no board type."""

TRIAGE_BEGUN = (
    *moves(_T, (5, Action.FASTBOOT), (0.4, Action.START)),
    record(_T, 0.6, "TRIAGE-STARTED"),
    log(_T, 0.2, "OS image: {image} ({kind})"),
    *moves(_T, (0.1, Action.ADOPT_LOGS)),
    log(_T, 2, *_IDENTIFY),
    log(_T, 0.1, "Ensuring device firmware crypto key is provisioned", limited(30, FWCRYPTO)),
)
TRIAGE = (
    *TRIAGE_BEGUN,
    log(_T, 1, went_well(FWCRYPTO)),
    *moves(_T, (0.5, Action.KEEP_KEYS), (0, Action.MARK, "TRIAGE-STARTED")),
    log(_T, 0.1, "Selecting {provisioner}"),
    # The script's own slip: this line ends up in the log twice.
    log(_T, 0.1, "TRIAGE-FINISHED", "TRIAGE-FINISHED"),
    record(_T, 0.2, "TRIAGE-FINISHED"),
)
STARTED = (
    *moves(_P, (0.3, Action.START), (0.5, Action.STRAY, limited(30, GETVAR))),
    log(_P, 1, *_IDENTIFY[1:]),
    record(_P, 0.3, "{style}-PROVISIONER-STARTED"),
    *moves(_P, (0.2, Action.READY)),
    # `systemctl start` in triage waits for that.
    *moves(_T, (0.1, Action.EXIT)),
    *moves(_P, (0.1, Action.HOOK, "provision-started")),
    log(
        _P,
        0.2,
        *announced(
            "Starting Finding the cache directory",
            "Stopping Finding the cache directory: Using specified name",
        ),
    ),
)
ERASED = (
    log(_P, 0.5, *announced("Starting Erase / Partition Device Storage")),
    *moves(
        _P, (2, Action.SAY, "Erasing '{storage}'                                OKAY [  1.871s]")
    ),
    log(_P, 10, *announced("Stopping Erase / Partition Device Storage")),
    log(
        _P,
        0.2,
        *announced(
            "Starting Resizing rootfs image",
            "Stopping Resizing OS images: Not required, already the correct size",
            "Stopping Resizing rootfs image",
        ),
    ),
)
WRITING = (
    log(_P, 2, *_IDENTIFY),
    log(_P, 0.2, *announced("Starting Writing OS images")),
    *moves(
        _P,
        (3, Action.SAY, "Sending '{storage}p1' (98304 KB)                   OKAY [  2.114s]"),
        (2, Action.SAY, "Writing '{storage}p1'                              OKAY [  1.306s]"),
        (10, Action.SAY, "Sending sparse 'mapper/cryptroot' 1/2 (524288 KB)  OKAY [  9.220s]"),
    ),
)
_WRITTEN = (
    *moves(
        _P, (18, Action.SAY, "Writing 'mapper/cryptroot'                         OKAY [ 17.8s]")
    ),
    log(_P, 0.5, *announced("Stopping Writing OS images", "Starting Metadata extraction")),
    log(_P, 4, *announced("Starting Manufacturing Database Insertion")),
    *moves(_P, (0.5, Action.MANUFACTURE)),
    log(
        _P,
        0.1,
        *announced("Stopping Manufacturing Database Insertion", "Stopping Metadata extraction"),
    ),
    *moves(_P, (0.1, Action.HOOK, "post-flash")),
    log(_P, 0.3, *announced("Starting Set LED status", "Stopping Set LED status")),
    record(_P, 0.2, "{style}-PROVISIONER-FINISHED"),
    log(_P, 0.1, "Provisioning completed. Remove the device from this machine."),
    *moves(_P, (0.5, Action.EXIT)),
)
PROVISIONING = (*STARTED, *ERASED, *WRITING, *_WRITTEN)
TAKEN_OUT = tuple(moves(_P, (45, Action.LEAVE)))
GOOD_RUN = (*BOOTSTRAP, *TRIAGE, *PROVISIONING, *TAKEN_OUT)
"""Everything that happens to a board that is finished."""


def failed_bootstrap(status: int = 1) -> tuple[Move, ...]:
    """Returns how a bootstrap ends that holds its lock."""
    return (
        log(_B, 0.1, *_END_OF_BOOTSTRAP),
        *moves(_B, (0.1, Action.HOOK, "provision-failed")),
        Move(0.3, Action.EXIT, _B, status=status),
    )
