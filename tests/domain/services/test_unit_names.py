"""Which units are shown, whose logs are opened, and what names say."""

import pytest

from domain.services.unit_names import (
    ServiceUnauthorized,
    UnitFamily,
    is_shown,
    parsed,
    permitted,
)


@pytest.mark.parametrize(
    ("name", "template", "instance", "base_name"),
    [
        ("rpi-sb-triage@a0.service", "rpi-sb-triage@", "a0", "rpi-sb-triage"),
        ("rpi-sb-x.service", "rpi-sb-x", "", "rpi-sb-x"),
        ("rpi-x@.service", "rpi-x@", "", "rpi-x"),
        ("rpi-sb-x@a@b.service", "rpi-sb-x@", "a@b", "rpi-sb-x"),
        ("rpi-sb-x@a.service.service", "rpi-sb-x@", "a", "rpi-sb-x"),
    ],
)
def test_a_name_is_cut_as_the_old_service_cuts_it(
    name: str, template: str, instance: str, base_name: str
) -> None:
    parts = parsed(name)
    assert (parts.template, parts.instance, parts.base_name) == (template, instance, base_name)
    assert parts.full == f"{template}{instance}.service"


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("rpi-sb-bootstrap@1-1.1.service", True),
        ("rpi-idp-provisioner@y.service", True),
        ("my-rpi-sb-thing.service", True),
        ("rpi-provisioner-ui.service", False),
        ("rpi-sb-x.timer", False),
        ("ssh.service", False),
        ("rpi-eeprom-update.service", False),
        ("", False),
    ],
)
def test_the_list_shows_units_by_substrings(name: str, *, shown: bool) -> None:
    assert is_shown(name) is shown


@pytest.mark.parametrize("name", ["", "ssh.service", "RPI-SB-x", " rpi-sb-x", "rpi-provisioner-ui"])
def test_other_units_are_refused(name: str) -> None:
    with pytest.raises(ServiceUnauthorized) as caught:
        permitted(name)
    assert caught.value.detail == f"Requested service: {name}"
    assert caught.value.code == "SERVICE_UNAUTHORIZED"


@pytest.mark.parametrize(
    ("asked", "name"),
    [
        ("rpi-sb-x", "rpi-sb-x.service"),
        ("rpi-fde-provisioner@1.service", "rpi-fde-provisioner@1.service"),
        ("rpi-naked-x", "rpi-naked-x.service"),
        ("rpi-idp-x", "rpi-idp-x.service"),
    ],
)
def test_the_suffix_may_be_left_out(asked: str, name: str) -> None:
    assert permitted(asked) == name


@pytest.mark.parametrize(
    ("name", "family", "serial", "node", "image"),
    [
        ("rpi-sb-triage@10000000a0b0c0d0", UnitFamily.TRIAGE, "10000000a0b0c0d0", None, None),
        ("rpi-fde-provisioner@a0b0c0d0", UnitFamily.PROVISIONER, "a0b0c0d0", None, None),
        ("rpi-sb-provisioner@Broadcom", UnitFamily.PROVISIONER, None, None, None),
        (
            r"rpi-sb-bootstrap@-dev-bus-usb-001-004",
            UnitFamily.BOOTSTRAP,
            None,
            "/dev/bus/usb/001/004",
            None,
        ),
        (r"rpi-sb-bootstrap@1\x2d1.4", UnitFamily.BOOTSTRAP, None, "/1-1.4", None),
        (
            r"rpi-sb-image-bootimg-generator@my\x20os.img",
            UnitFamily.BOOT_PACKAGE,
            None,
            None,
            "my os.img",
        ),
        (
            "rpi-sb-image-bootimg-generator@my-os.img",
            UnitFamily.BOOT_PACKAGE,
            None,
            None,
            "my-os.img",
        ),
        (r"rpi-sb-triage@bro\x", UnitFamily.TRIAGE, r"bro\x", None, None),
        ("rpi-sb-else", UnitFamily.OTHER, None, None, None),
    ],
)
def test_an_instance_says_what_was_worked_on(
    name: str, family: UnitFamily, serial: str | None, node: str | None, image: str | None
) -> None:
    parts = parsed(f"{name}.service")
    assert (parts.family, parts.serial) == (family, serial)
    assert (parts.device_node, parts.image) == (node, image)
