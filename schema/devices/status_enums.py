"""The words of statuses as GraphQL clients see them."""

from domain.devices.attempts import Outcome
from domain.devices.evidence import Source, Stance
from domain.devices.next_actions import Action
from domain.devices.stages import Stage, Style
from domain.devices.status import Cause, Status
from schema.enums import describe_enum

describe_enum(
    Stage,
    name="DeviceStage",
    description="How far a board is; the stages follow each other in this order.",
    values={
        Stage.BOOTSTRAP: "Its boot ROM is answered, its EEPROM is written, fastboot is loaded.",
        Stage.TRIAGE: "Its key pair is read and its provisioner is chosen.",
        Stage.PROVISIONING: "The image is written.",
        Stage.COMPLETE: "It is done.",
    },
)
describe_enum(
    Style,
    name="ProvisioningStyle",
    description="How boards are provisioned.",
    values={
        Style.SB: "Secure boot: only signed software starts, the storage is encrypted.",
        Style.FDE: "Full-disk encryption without secure boot.",
        Style.NAKED: "The image as it is.",
        Style.IDP: "As an image's own description of partitions says.",
    },
)
describe_enum(
    Status,
    name="DeviceStatus",
    description="How a board stands, by everything that is known of it.",
    values={
        Status.ACTIVE: "It is being worked on, or the next stage is about to begin.",
        Status.COMPLETE: "It is done, and nothing speaks against it.",
        Status.FAILED: "A stage failed, or something denies that the board is done.",
        Status.SKIPPED: "It is in a port that the port rules keep out; nothing was done.",
        Status.STALLED: "It was being worked on, and nothing stands behind that any more.",
        Status.UNKNOWN: "What is known does not say, or does not fit together.",
    },
)
describe_enum(
    Cause,
    name="DeviceStatusCause",
    description="Why a board stands so.",
    values={
        Cause.CHECKING: "It was said to be finished, and the other sources are being asked.",
        Cause.FINISHING: "It was said to be finished, and its unit still runs.",
        Cause.ABORTED: "A stage gave up and wrote so.",
        Cause.UNIT_FAILED: "systemd says that the stage's unit failed.",
        Cause.NOT_SECURE: "Provisioned for secure boot, but recorded as not secure.",
        Cause.RECORD_MISSING: "Said to be finished, without the record that every board gets.",
        Cause.UNIT_GONE: "The stage's unit is over and wrote no end.",
        Cause.BOARD_GONE: "The board was unplugged, or lost power or its cable.",
        Cause.PORT_TAKEN: "Another board began at its port.",
        Cause.HOST_RESTARTED: "The station was restarted meanwhile.",
        Cause.NO_NEXT_STAGE: "A stage was over and the next one never began.",
        Cause.TOO_LONG: "The stage has said nothing for longer than it can take.",
        Cause.BEGAN_AGAIN: "The board began again before this attempt came to an end.",
        Cause.PORT_EXCLUDED: "The port rules keep the port out.",
        Cause.STATE_UNKNOWN: "A row holds no state that the station's scripts write.",
    },
)
describe_enum(
    Source,
    name="EvidenceSource",
    description="Who says something of a board.",
    values={
        Source.STATE_ROWS: "The rows that the station's scripts wrote.",
        Source.UNIT: "systemd, of the unit that works on the board.",
        Source.USB: "What is plugged in.",
        Source.MANUFACTURING_RECORD: "The manufacturing database.",
        Source.HOST: "The station's computer.",
    },
)
describe_enum(
    Stance,
    name="EvidenceStance",
    description="How evidence stands to what the board's last row says.",
    values={
        Stance.SUPPORTS: "It says the same.",
        Stance.CONTRADICTS: "It says otherwise; such a board is never COMPLETE.",
        Stance.SILENT: "It says nothing about that, or cannot be asked: the status rests on less.",
    },
)
describe_enum(
    Action,
    name="OperatorAction",
    description="What a person at the jig does now.",
    values={
        Action.WAIT: "Leave the board plugged in.",
        Action.TAKE_OUT: "Take it out: it is done.",
        Action.PLUG_AGAIN: "Unplug it and plug it in again with its button held.",
        Action.CHECK_CABLE: "Check cable and power, then plug it in again.",
        Action.USE_ANOTHER_PORT: "Plug it into a permitted port.",
        Action.SET_ASIDE: "Set it aside for an engineer.",
    },
)
describe_enum(
    Outcome,
    name="AttemptOutcome",
    description="How an attempt or one of its stages ended.",
    values={
        Outcome.RUNNING: "It goes on.",
        Outcome.FINISHED: "It did what it had to.",
        Outcome.FAILED: "It failed.",
        Outcome.STALLED: "It never came to an end.",
        Outcome.SKIPPED: "The port rules kept the port out.",
        Outcome.UNKNOWN: "Nobody knows.",
    },
)
