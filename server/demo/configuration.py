"""What package, host and administrator set up: defaults, configuration, port rules, empty
folders (contract configuration sections 1, 3, 4; devices section 10)."""

import re

from server.demo.firmware import selected_release
from server.demo.images import StoredImage
from server.demo.signing_keys import SigningKey
from server.demo.tree import Tree

ETC = "/etc/rpi-sb-provisioner"
SHARE = "/usr/share/rpi-sb-provisioner"
SRV = "/srv/rpi-sb-provisioner"
MACHINE_ID = "9b3f6c1de24a4f0c8a57d0e1c2b3a495"
_DEFAULTS = {
    "PROVISIONING_STYLE": "secure-boot",
    "CUSTOMER_KEY_FILE_PEM": "",
    "CUSTOMER_KEY_PKCS11_NAME": "",
    "GOLD_MASTER_OS_FILE": "",
    "RPI_DEVICE_STORAGE_TYPE": "",
    "RPI_DEVICE_BOOT_ORDER_MATCH_STORAGE": "1",
    "RPI_DEVICE_STORAGE_CIPHER": "aes-xts-plain64",
    "RPI_DEVICE_FAMILY": "",
    "RPI_DEVICE_BOOTLOADER_CONFIG_FILE": "",
    "RPI_DEVICE_FIRMWARE_FILE": "",
    "RPI_DEVICE_LOCK_JTAG": "",
    "RPI_DEVICE_EEPROM_WP_SET": "",
    "RPI_DEVICE_RPIBOOT_GPIO": "",
    "RPI_DEVICE_RETRIEVE_KEYPAIR": "",
    "RPI_SB_WORKDIR": "",
    "RPI_SB_PROVISIONER_MANUFACTURING_DB": f"{SRV}/manufacturing.db",
}
PORT_RULES = "# the two hubs of the jig; everything else is left alone\n1-1.*\n3-1.*\n"
_BARE = re.compile(r"[A-Za-z0-9_@%+=:,./-]+")


def build_installation(tree: Tree) -> None:
    """Makes what is there before anybody configures anything."""
    for folder in ("/srv/rpi-sb-provisioner/tmp", f"{SRV}/uploads", "/var/log/rpi-sb-provisioner"):
        tree.folder(folder)
    tree.folder(f"/var/log/journal/{MACHINE_ID}")
    tree.folder("/var/lock/rpi-sb-bootstrap")
    tree.folder("/run/rpi-sb-provisioner", mode=0o700)
    tree.write("/etc/machine-id", MACHINE_ID + "\n")
    tree.write(f"{SHARE}/defaults/config", _assignments("packaged defaults", _DEFAULTS))
    tree.write(f"{SHARE}/defaults/bootimg-package-config", "RPI_SB_PACKAGE_MAINTAINER_NAME=''\n")
    tree.write(f"{SHARE}/usb-ports.d/README", "Files *.conf: one glob of USB paths in a line.\n")
    tree.write(f"{SHARE}/usb-ports.d/10-example.conf.sample", "# only bus 1\n1-*\n")


def build_configuration(tree: Tree, *, gold: StoredImage, key: SigningKey) -> None:
    """Makes what the engineer of this station has set."""
    settings = {
        "PROVISIONING_STYLE": "secure-boot",
        "CUSTOMER_KEY_FILE_PEM": key.path,
        "CUSTOMER_KEY_PKCS11_NAME": "",
        "GOLD_MASTER_OS_FILE": gold.path,
        "RPI_DEVICE_STORAGE_TYPE": "emmc",
        "RPI_DEVICE_FAMILY": "5",
        "RPI_DEVICE_BOOTLOADER_CONFIG_FILE": f"{ETC}/bootloader.conf",
        "RPI_DEVICE_FIRMWARE_FILE": selected_release(),
        "RPI_SB_WORKDIR": f"{SRV}/workdir",
        "RPI_CONNECT_API_KEY": "simulated-not-a-token",
        "RPI_CONNECT_DESCRIPTION": "Line 3, jig 'A'",
    }
    tree.write(f"{ETC}/config", _assignments("the simulated line", settings), mode=0o600)
    tree.write(f"{ETC}/bootloader.conf", "[all]\nBOOT_UART=1\nBOOT_ORDER=0xf461\n")
    maintainer = "RPI_SB_PACKAGE_MAINTAINER_NAME='Example Ltd'\n"
    tree.write(f"{ETC}/bootimg-package-config", maintainer)
    tree.write(f"{ETC}/usb-ports.d/10-jig.conf", PORT_RULES)
    tree.folder(f"{SRV}/workdir", mode=0o700)


def _assignments(title: str, settings: dict[str, str]) -> str:
    lines = (f"{name}={_quoted(value)}\n" for name, value in settings.items())
    return f"# {title}\n" + "".join(lines)


def _quoted(value: str) -> str:
    """The value as the service's own writer quotes it (contract configuration section 3.3)."""
    if _BARE.fullmatch(value):
        return value
    return "'" + value.replace("'", "'\\''") + "'"
