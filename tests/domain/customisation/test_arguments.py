"""What each hook is given, as the station's scripts call it (contract customisation 6.2, 6.3)."""

import pytest

from domain.customisation.arguments import arguments_of, environment_of
from domain.customisation.hooks import HOOKS, Hook, Stage, description_of, find_hook
from domain.customisation.templates import template_of

SERIAL = "10000000deadbeef"


def hook_of(name: str) -> Hook:
    hook = find_hook(name)
    assert hook is not None
    return hook


def prose(name: str) -> str:
    """Returns a template as one line of words."""
    return " ".join(template_of(hook_of(name)).replace("#", " ").split())


@pytest.mark.parametrize(
    ("name", "storage"),
    [
        ("sb-provisioner-provision-started", "emmc"),
        ("fde-provisioner-provision-started", "emmc"),
        ("naked-provisioner-provision-started", "emmc"),
        ("idp-provisioner-provision-started", "mmcblk0"),
        ("sb-provisioner-post-flash", "mmcblk0"),
        ("idp-provisioner-post-flash", "mmcblk0"),
        ("naked-provisioner-provision-failed", "emmc"),
        ("idp-provisioner-provision-failed", "mmcblk0"),
    ],
)
def test_the_storage_is_a_word_until_the_provisioner_has_resolved_it(
    name: str, storage: str
) -> None:
    hook = hook_of(name)
    samples = [argument.sample for argument in arguments_of(hook)]
    assert samples == [SERIAL, SERIAL, storage]
    environment = {variable.name: variable.sample for variable in environment_of(hook)}
    assert environment["RPI_DEVICE_STORAGE_TYPE"] == storage


def test_each_template_words_the_storage_of_its_own_provisioner() -> None:
    idp, naked = (prose(f"{name}-provisioner-provision-started") for name in ("idp", "naked"))
    assert "$3 the block device" in idp
    assert "sd, emmc or nvme" not in idp
    assert "$3 the storage as the configuration words it: sd, emmc or nvme" in naked
    assert "block device" not in naked


def test_a_failed_run_may_not_have_come_as_far_as_its_storage_or_fastboot() -> None:
    text = prose("sb-provisioner-provision-failed")
    assert "$3 the storage as the configuration words it, or the block device" in text
    assert "may be empty" in text
    environment = {
        variable.name: variable.meaning
        for variable in environment_of(hook_of("sb-provisioner-provision-failed"))
    }
    assert "short" in environment["TARGET_DEVICE_SERIAL"]
    assert environment["TARGET_DEVICE_FAMILY"].startswith("the USB product id")
    assert "empty" in environment["FASTBOOT_DEVICE_SPECIFIER"]


def test_naked_customises_a_copy_for_each_board_and_mounts_what_is_asked_for() -> None:
    for stage in (Stage.BOOTFS_MOUNTED, Stage.ROOTFS_MOUNTED):
        assert "cache" not in prose(f"naked-provisioner-{stage}")
        assert "each board" in prose(f"naked-provisioner-{stage}")
        assert "once for the cache" in prose(f"sb-provisioner-{stage}")
    only = "empty unless the rootfs-mounted hook is enabled too"
    assert only in prose("naked-provisioner-bootfs-mounted")
    assert only not in prose("sb-provisioner-bootfs-mounted")


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("sb-provisioner-provision-started", "image"),
        ("idp-provisioner-provision-started", "idp"),
        ("idp-provisioner-post-flash", "idp"),
        # Its image is looked at later only.
        ("naked-provisioner-provision-started", ""),
        ("naked-provisioner-post-flash", "image"),
    ],
)
def test_the_kind_of_the_image_is_that_of_the_provisioner(name: str, kind: str) -> None:
    environment = {variable.name: variable.sample for variable in environment_of(hook_of(name))}
    assert environment["GOLD_MASTER_OS_KIND"] == kind


def test_every_hook_is_described() -> None:
    assert all(description_of(hook).endswith(".") for hook in HOOKS)
