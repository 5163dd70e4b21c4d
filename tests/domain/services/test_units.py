"""Unit names and the escaping of instances."""

import shutil
import subprocess

import pytest

from domain.services.units import (
    UnitNameInvalid,
    checked_unit_name,
    escape_instance,
    unescape_instance,
    unit_name_of_label,
)

ESCAPED = [
    ("1000000000a0b000", "1000000000a0b000"),
    ("bus/usb/001/010", "bus-usb-001-010"),
    ("1-1.1", r"1\x2d1.1"),
    (".hidden.img", r"\x2ehidden.img"),
    ("two words", r"two\x20words"),
    ("a\\b@c", r"a\x5cb\x40c"),
    ("Größe", r"Gr\xc3\xb6\xc3\x9fe"),
    ("/", "-"),
]


@pytest.mark.parametrize(
    "name",
    [
        "ssh.service",
        "rpi-sb-provisioner@1000000000a0b000.service",
        r"rpi-sb-bootstrap@1\x2d1.1.service",
        "a@b@c.service",
        "sys-devices-virtual.device",
        "-.mount",
        "x" * 247 + ".service",
    ],
)
def test_a_whole_unit_name_is_taken_as_it_is(name: str) -> None:
    assert checked_unit_name(name) == name


@pytest.mark.parametrize(
    "name",
    [
        "",
        "ssh",
        ".service",
        "ssh.services",
        "@x.service",
        "template@.service",
        "two words.service",
        "../ssh.service",
        "a/b@c.service",
        "a@b/c.service",
        "größe.service",
        "ssh.service\n",
        "x" * 248 + ".service",
    ],
)
def test_any_other_text_is_no_unit_name(name: str) -> None:
    with pytest.raises(UnitNameInvalid) as caught:
        checked_unit_name(name)
    assert caught.value.field == "name"


@pytest.mark.parametrize(("text", "escaped"), ESCAPED)
def test_an_instance_is_escaped_and_read_back(text: str, escaped: str) -> None:
    assert escape_instance(text) == escaped
    assert unescape_instance(escaped) == text


@pytest.mark.real
@pytest.mark.parametrize("text", [text for text, _ in ESCAPED])
def test_instances_are_escaped_as_systemd_escape_does(text: str) -> None:
    program = shutil.which("systemd-escape")
    if program is None:
        pytest.skip("systemd-escape is absent: install the Debian package systemd")
    said = subprocess.run([program, "--", text], capture_output=True, text=True, check=True)
    assert escape_instance(text) == said.stdout.rstrip("\n")


@pytest.mark.parametrize("escaped", ["\\", r"a\x2", r"a\y2d", r"a\xgg"])
def test_a_broken_escape_is_refused(escaped: str) -> None:
    with pytest.raises(UnitNameInvalid):
        unescape_instance(escaped)


@pytest.mark.parametrize(
    ("label", "name"),
    [
        ("rpi_2dsb_2dprovisioner_40a0b0_2eservice", "rpi-sb-provisioner@a0b0.service"),
        ("rpi_2dsb_2dbootstrap_401_5cx2d1_2eservice", r"rpi-sb-bootstrap@1\x2d1.service"),
        ("_31_5f2_2eservice", "1_2.service"),
        ("ssh_2eservice", "ssh.service"),
    ],
)
def test_an_object_path_tells_the_units_name(label: str, name: str) -> None:
    assert unit_name_of_label(label) == name
