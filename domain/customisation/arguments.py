"""What the shell side hands to a hook: its arguments and its environment (contract customisation
6.2, 6.3)."""

from dataclasses import dataclass

from domain.customisation.hooks import Stage


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


SERIAL = Argument("TARGET_DEVICE_SERIAL", "the device's serial", "10000000deadbeef")
FASTBOOT = Argument(
    "FASTBOOT_DEVICE_SPECIFIER",
    "where fastboot reaches the device: its USB serial, or tcp:<address>",
    "10000000deadbeef",
)
STORAGE = Argument("STORAGE_TYPE", "the storage that is provisioned", "mmcblk0")
PROVISIONING = (FASTBOOT, SERIAL, STORAGE)
MOUNTED = (
    Argument("BOOT_MOUNT", "the folder where the boot file system is mounted", "/mnt/boot"),
    Argument("ROOTFS_MOUNT", "the folder where the root file system is mounted", "/mnt/rootfs"),
)
ARGUMENTS: dict[Stage, tuple[Argument, ...]] = {
    Stage.BOOTSTRAP: (
        Argument(
            "TARGET_DEVICE_SERIAL",
            "the device's serial; may be a short one, or the device node, this early",
            "deadbeef",
        ),
        Argument("TARGET_DEVICE_FAMILY", "the device family: 2712, 2711 or 2710", "2712"),
        Argument("TARGET_USB_PATH", "the USB path, such as 1-1.2", "1-1.2"),
        Argument("TARGET_DEVICE_PATH", "the USB device node", "/dev/bus/usb/001/005"),
    ),
    Stage.PROVISION_STARTED: (
        FASTBOOT,
        SERIAL,
        Argument(
            "STORAGE_TYPE",
            "the storage as the configuration words it: sd, emmc or nvme (IDP: the block device)",
            "emmc",
        ),
    ),
    Stage.BOOTFS_MOUNTED: MOUNTED,
    Stage.ROOTFS_MOUNTED: MOUNTED,
    Stage.POST_FLASH: (FASTBOOT, SERIAL, Argument("STORAGE_TYPE", "the block device", "mmcblk0")),
    Stage.PROVISION_FAILED: PROVISIONING,
}
"""A run that fails during bootstrap hands over the arguments of that stage instead."""

USB = (
    Variable("TARGET_USB_PATH", "the USB path, such as 1-1.2", "1-1.2"),
    Variable("TARGET_DEVICE_PATH", "the USB device node", "/dev/bus/usb/001/005"),
)
WORD = "the storage as the configuration words it: sd, emmc or nvme"
BLOCK = "the block device that the storage turned out to be"
EARLY: tuple[Variable, ...] = (
    *USB,
    Variable("TARGET_DEVICE_SERIAL", "the serial; may be short or the device node", "deadbeef"),
    Variable("TARGET_DEVICE_FAMILY", "the USB product id", "2712"),
    Variable("FASTBOOT_DEVICE_SPECIFIER", "empty: fastboot is not reached yet", ""),
    Variable("RPI_DEVICE_STORAGE_TYPE", WORD, "emmc"),
)


def _later(storage: Variable) -> tuple[Variable, ...]:
    return (
        *USB,
        Variable("TARGET_DEVICE_SERIAL", "the device's serial", "10000000deadbeef"),
        Variable("TARGET_DEVICE_FAMILY", "empty: known to bootstrap only", ""),
        Variable("FASTBOOT_DEVICE_SPECIFIER", "where fastboot reaches it", "10000000deadbeef"),
        storage,
        Variable("GOLD_MASTER_OS_KIND", "image or idp, empty before it is known", "image"),
        Variable("GOLD_MASTER_OS_ERROR", "why the image cannot be used, mostly empty", ""),
    )


FAILED: tuple[Variable, ...] = (
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

ENVIRONMENT: dict[Stage, tuple[Variable, ...]] = {
    Stage.BOOTSTRAP: EARLY,
    Stage.PROVISION_STARTED: _later(Variable("RPI_DEVICE_STORAGE_TYPE", WORD, "emmc")),
    Stage.BOOTFS_MOUNTED: _later(Variable("RPI_DEVICE_STORAGE_TYPE", BLOCK, "mmcblk0")),
    Stage.ROOTFS_MOUNTED: _later(Variable("RPI_DEVICE_STORAGE_TYPE", BLOCK, "mmcblk0")),
    Stage.POST_FLASH: (*_later(Variable("RPI_DEVICE_STORAGE_TYPE", BLOCK, "mmcblk0")), *BOARD),
    Stage.PROVISION_FAILED: (
        *_later(Variable("RPI_DEVICE_STORAGE_TYPE", BLOCK, "mmcblk0")),
        *FAILED,
    ),
}
