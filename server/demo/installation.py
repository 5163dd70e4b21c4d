"""What package, host and operator brought to the simulated station: files that do not change."""

import json

from server.demo.images import StoredImage
from server.demo.keys import SigningKeys
from server.demo.tree import Tree

ETC = "/etc/rpi-sb-provisioner"
SHARE = "/usr/share/rpi-sb-provisioner"
DEFAULTS = (
    ("PROVISIONING_STYLE", "secure-boot"),
    ("CUSTOMER_KEY_FILE_PEM", ""),
    ("CUSTOMER_KEY_PKCS11_NAME", ""),
    ("GOLD_MASTER_OS_FILE", ""),
    ("RPI_DEVICE_STORAGE_TYPE", ""),
    ("RPI_DEVICE_BOOT_ORDER_MATCH_STORAGE", "1"),
    ("RPI_DEVICE_STORAGE_CIPHER", "aes-xts-plain64"),
    ("RPI_DEVICE_FAMILY", ""),
    ("RPI_DEVICE_BOOTLOADER_CONFIG_FILE", ""),
    ("RPI_DEVICE_FIRMWARE_FILE", ""),
    ("RPI_DEVICE_LOCK_JTAG", ""),
    ("RPI_DEVICE_EEPROM_WP_SET", ""),
    ("RPI_DEVICE_RPIBOOT_GPIO", ""),
    ("RPI_DEVICE_RETRIEVE_KEYPAIR", ""),
    ("RPI_SB_WORKDIR", ""),
    ("RPI_SB_PROVISIONER_MANUFACTURING_DB", "/srv/rpi-sb-provisioner/manufacturing.db"),
)
FIRMWARE = (
    ("2712", "default", "2026-05-11", 2 << 20),
    ("2712", "latest", "2026-07-02", 2 << 20),
    ("2711", "default", "2026-04-18", 512 << 10),
    ("2711", "latest", "2026-06-09", 512 << 10),
)
HOOK = '#!/bin/sh\n# Called with image, storage and serial.\nlogger "hook $0: $*"\nexit 0\n'


def install(tree: Tree, *, gold: StoredImage, keys: SigningKeys) -> None:
    """Writes defaults, configuration, port rules, hooks, firmware, keys and empty folders."""
    for folder in ("/var/log/journal", "/srv/rpi-sb-provisioner/tmp", f"{SHARE}/usb-ports.d"):
        tree.folder(folder)
    tree.folder("/run/rpi-sb-provisioner", mode=0o700)
    tree.write("/etc/machine-id", "0123456789abcdef0123456789abcdef\n")
    tree.write(f"{SHARE}/defaults/config", _assignments("packaged defaults", DEFAULTS))
    settings = (
        ("GOLD_MASTER_OS_FILE", gold.path),
        ("RPI_DEVICE_FAMILY", "5"),
        ("RPI_DEVICE_STORAGE_TYPE", "emmc"),
        ("CUSTOMER_KEY_FILE_PEM", keys.active_path),
    )
    tree.write(f"{ETC}/config", _assignments("the simulated line", settings), mode=0o600)
    tree.write(f"{ETC}/usb-ports.d/10-jig.conf", "# the jig's ports\n1-1.*\n3-1.*\n")
    for name, mode in (("sb-provisioner-post-flash", 0o755), ("sb-provisioner-bootstrap", 0o644)):
        tree.write(f"{ETC}/scripts/{name}.sh", HOOK, mode=mode)
    _firmware(tree)
    _signing_keys(tree, keys)


def _assignments(title: str, values: tuple[tuple[str, str], ...]) -> str:
    return f"# {title}\n" + "".join(f"{name}={value}\n" for name, value in values)


def _firmware(tree: Tree) -> None:
    for chip, channel, version, size in FIRMWARE:
        folder = f"/usr/lib/firmware/raspberrypi/bootloader-{chip}"
        tree.write(f"{folder}/{channel}/pieeprom-{version}.bin", version, size=size)
    for chip in ("2711", "2712"):
        versions = sorted({v for c, _, v, _ in FIRMWARE if c == chip}, reverse=True)
        notes = "".join(f"## {v}: Simulated release\n\n* Nothing changed\n\n" for v in versions)
        path = f"/usr/lib/firmware/raspberrypi/bootloader-{chip}/release-notes.md"
        tree.write(path, f"# Raspberry Pi {chip} bootloader\n\n{notes}")
    tree.link("/lib", "usr/lib")


def _signing_keys(tree: Tree, keys: SigningKeys) -> None:
    tree.folder(f"{ETC}/keys", mode=0o700)
    for key in keys.all:
        tree.write(key.path, key.pem, mode=0o400)
    registry = json.dumps(keys.registry(), indent=1) + "\n"
    tree.write(f"{ETC}/keys/registry.json", registry, mode=0o600)
