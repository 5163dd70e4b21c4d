"""What the shell side hands to a hook: its arguments and its environment (contract customisation
6.2, 6.3)."""

from dataclasses import dataclass

from domain.customisation.hooks import Hook, Provisioner, Stage


@dataclass(frozen=True, slots=True)
class Argument:
    """One positional argument: what it is called in a script, what it means, and a value like
    those of a real run."""

    variable: str
    meaning: str
    sample: str


@dataclass(frozen=True, slots=True)
class Variable:
    """One variable of the environment."""

    name: str
    meaning: str
    sample: str


@dataclass(frozen=True, slots=True)
class _Storage:
    """What a hook is told of the storage, as an argument and in the environment."""

    meaning: str
    sample: str


WORD = _Storage("the storage as the configuration words it: sd, emmc or nvme", "emmc")
BLOCK = _Storage("the block device of the storage: mmcblk0 or nvme0n1", "mmcblk0")
_EITHER = (
    "the storage as the configuration words it, or the block device where the run came as far as "
    "that; may be empty"
)
WORD_OR_BLOCK = _Storage(_EITHER, WORD.sample)
IDP_FAILED = _Storage(_EITHER, BLOCK.sample)
"""An IDP run knows the block device from its artefact, before anything is written."""

SERIAL = Argument("TARGET_DEVICE_SERIAL", "the device's serial", "10000000deadbeef")
FASTBOOT = Argument(
    "FASTBOOT_DEVICE_SPECIFIER",
    "where fastboot reaches the device: its USB serial, or tcp:<address>",
    "10000000deadbeef",
)
AT_BOOTSTRAP = (
    Argument(
        "TARGET_DEVICE_SERIAL",
        "the device's serial; may be a short one, or the device node, this early",
        "deadbeef",
    ),
    Argument("TARGET_DEVICE_FAMILY", "the device family: 2712, 2711 or 2710", "2712"),
    Argument("TARGET_USB_PATH", "the USB path, such as 1-1.2", "1-1.2"),
    Argument("TARGET_DEVICE_PATH", "the USB device node", "/dev/bus/usb/001/005"),
)
"""Also what provision-failed is given after a failure before fastboot."""
BOOT = Argument("BOOT_MOUNT", "the folder where the boot file system is mounted", "/mnt/boot")
ROOTFS = Argument("ROOTFS_MOUNT", "the folder where the root file system is mounted", "/mnt/rootfs")
MAYBE_ROOTFS = Argument(
    "ROOTFS_MOUNT",
    "the folder for the root file system, empty unless the rootfs-mounted hook is enabled too",
    ROOTFS.sample,
)


def arguments_of(hook: Hook) -> tuple[Argument, ...]:
    """Returns the arguments of a hook in order; of provision-failed those of a run that reached
    fastboot."""
    if hook.stage is Stage.BOOTSTRAP:
        return AT_BOOTSTRAP
    if hook.stage is Stage.ROOTFS_MOUNTED:
        return (BOOT, ROOTFS)
    if hook.stage is Stage.BOOTFS_MOUNTED:
        return (BOOT, MAYBE_ROOTFS if hook.provisioner is Provisioner.NAKED else ROOTFS)
    storage = _storage_of(hook)
    return (FASTBOOT, SERIAL, Argument("STORAGE_TYPE", storage.meaning, storage.sample))


def _storage_of(hook: Hook) -> _Storage:
    is_idp = hook.provisioner is Provisioner.IDP
    if hook.stage is Stage.PROVISION_FAILED:
        return IDP_FAILED if is_idp else WORD_OR_BLOCK
    if hook.stage is Stage.BOOTSTRAP or (hook.stage is Stage.PROVISION_STARTED and not is_idp):
        return WORD
    return BLOCK


USB = (
    Variable("TARGET_USB_PATH", "the USB path, such as 1-1.2", "1-1.2"),
    Variable("TARGET_DEVICE_PATH", "the USB device node", "/dev/bus/usb/001/005"),
)
EARLY = (
    Variable("TARGET_DEVICE_SERIAL", "the serial; may be short or the device node", "deadbeef"),
    Variable("TARGET_DEVICE_FAMILY", "the USB product id", "2712"),
    Variable("FASTBOOT_DEVICE_SPECIFIER", "empty: fastboot is not reached yet", ""),
)
LATER = (
    Variable("TARGET_DEVICE_SERIAL", "the device's serial", SERIAL.sample),
    Variable("TARGET_DEVICE_FAMILY", "empty: known to bootstrap only", ""),
    Variable("FASTBOOT_DEVICE_SPECIFIER", "where fastboot reaches it", FASTBOOT.sample),
)
FAILED = (
    Variable(
        "TARGET_DEVICE_SERIAL",
        "the serial; may be short or the device node where the context is bootstrap",
        SERIAL.sample,
    ),
    Variable(
        "TARGET_DEVICE_FAMILY", "the USB product id where bootstrap itself failed, else empty", ""
    ),
    Variable(
        "FASTBOOT_DEVICE_SPECIFIER",
        "where fastboot reaches it, empty where the context is bootstrap",
        FASTBOOT.sample,
    ),
)
FAILURE = (
    Variable("PROVISION_FAILED_CONTEXT", "bootstrap or provisioning", "provisioning"),
    Variable("PROVISION_FAILED_PERMANENT", "1 where a retry cannot help, else 0", "0"),
)
_BOARD = """\
BOARDNAME=Raspberry Pi 5 Model B Rev 1.0;SERIAL=10000000deadbeef;ETH_MAC=2c:cf:67:00:00:01
WIFI_MAC=2c:cf:67:00:00:02;BT_MAC=2c:cf:67:00:00:03;MMC_SIZE=31268536320
MMC_CID=150100424a5444345203a1b2c3d4e5f6;RPI_DUID=1234567890123456;BOARD_REVISION=c04170
PROCESSOR=BCM2712;MEMORY=4GB;MANUFACTURER=Sony UK;SECURE=1;JTAG_LOCKED=0
EEPROM_WRITE_PROTECTED=0;PUBKEY_PROGRAMMED=1;DEVKEY_REVOKED=0;SIGNED_BOOT_ENABLED=1
OS_IMAGE_FILENAME=gold.img;OS_IMAGE_SHA256=;CONNECT_REGISTERED=;CONNECT_DEVICE_ID=
EEPROM_SIZE=2097152;EEPROM_JEDEC=ef6015;EEPROM_UNIQUE_ID=d1234567890abcde
BOOTLOADER_BUILD_TIMESTAMP=1754006400;CUSTOMER_KEY_FINGERPRINT=;CUSTOMER_KEY_LABEL="""
BOARD: tuple[Variable, ...] = tuple(
    Variable(name, "as in the manufacturing record", sample)
    for name, _, sample in (
        pair.partition("=") for line in _BOARD.splitlines() for pair in line.split(";")
    )
)
"""What post-flash finds of the board, whether a manufacturing database is configured or not."""
EXTRAS = {Stage.POST_FLASH: BOARD, Stage.PROVISION_FAILED: FAILURE}


def environment_of(hook: Hook) -> tuple[Variable, ...]:
    """Returns the variables that the run sets for a hook; its samples are those of a run that
    reached fastboot, but for bootstrap."""
    storage = _storage_of(hook)
    told = Variable("RPI_DEVICE_STORAGE_TYPE", storage.meaning, storage.sample)
    if hook.stage is Stage.BOOTSTRAP:
        return (*USB, *EARLY, told)
    identity = FAILED if hook.stage is Stage.PROVISION_FAILED else LATER
    return (*USB, *identity, told, *_image(hook), *EXTRAS.get(hook.stage, ()))


def _image(hook: Hook) -> tuple[Variable, ...]:
    kind = "idp" if hook.provisioner is Provisioner.IDP else "image"
    if hook.provisioner is Provisioner.NAKED and hook.stage is Stage.PROVISION_STARTED:
        # It looks at its image afterwards only.
        kind = ""
    return (
        Variable("GOLD_MASTER_OS_KIND", "image or idp, empty before it is known", kind),
        Variable("GOLD_MASTER_OS_ERROR", "why the image cannot be used, mostly empty", ""),
    )
