"""The station's hook scripts, enabled by their executable bit (contract customisation 1)."""

from server.demo.tree import Tree

SCRIPTS = "/etc/rpi-sb-provisioner/scripts"
_POST_FLASH = """#!/bin/sh
# Runs after flashing; $1 fastboot specifier, $2 serial, $3 storage.
set -eu
echo "Device ${2} on USB path ${TARGET_USB_PATH} has got ${OS_IMAGE_FILENAME}"
exit 0
"""
_FAILED = """#!/bin/sh
# Runs when a run has failed; PROVISION_FAILED_CONTEXT tells the form of the arguments.
echo "Device ${TARGET_DEVICE_SERIAL} failed during ${PROVISION_FAILED_CONTEXT}"
exit 0
"""
_BOOTFS = """#!/bin/sh
# Runs with the image mounted; $1 boot file system, $2 root file system.
set -eu
echo "enable_uart=1" >> "${1}/config.txt"
exit 0
"""


def build_hooks(tree: Tree) -> None:
    """Makes two enabled hooks and a disabled one."""
    tree.write(f"{SCRIPTS}/sb-provisioner-post-flash.sh", _POST_FLASH, mode=0o755)
    tree.write(f"{SCRIPTS}/sb-provisioner-provision-failed.sh", _FAILED, mode=0o755)
    tree.write(f"{SCRIPTS}/sb-provisioner-bootfs-mounted.sh", _BOOTFS, mode=0o644)
