"""Port rules are read as the station's scripts read them (contract devices section 10)."""

from pathlib import Path

import pytest

from domain.devices.port_rules import (
    NOT_ORDINARY,
    PortPathInvalid,
    PortRules,
    RuleOrigin,
    checked_path,
    read_port_rules,
)
from tests.fakes.usb import Sysfs


@pytest.fixture
def sysfs(tmp_path: Path) -> Sysfs:
    return Sysfs(tmp_path)


def rules_of(sysfs: Sysfs) -> PortRules:
    return read_port_rules(sysfs.paths)


def test_without_rules_every_port_is_permitted(sysfs: Sysfs) -> None:
    sysfs.rules("README", "1-1")
    sysfs.rules("example.conf.sample", "1-1")
    rules = rules_of(sysfs)
    assert (rules.patterns, rules.is_restricting) == ((), False)
    assert rules.permission("9-9").is_permitted
    assert rules.permission("").is_permitted


def test_comments_blanks_and_line_ends_are_no_part_of_a_pattern(sysfs: Sysfs) -> None:
    sysfs.rules("a.conf", "# head A\r\n 1-1 . 2\t# left\r\n\r\n\n2-*\n1-3.#1\n3-1")
    assert rules_of(sysfs).patterns == ("1-1.2", "2-*", "1-3.", "3-1")


def test_files_count_in_the_order_of_their_names_the_stations_own_first(sysfs: Sysfs) -> None:
    sysfs.rules("b.conf", "2-1\n")
    sysfs.rules("B.conf", "1-1\n")
    sysfs.rules("a.conf", "3-1\n3-1\n", vendor=True)
    assert rules_of(sysfs).patterns == ("1-1", "2-1", "3-1", "3-1")


def test_a_local_file_masks_the_vendors_of_its_name(sysfs: Sysfs) -> None:
    sysfs.rules("jig.conf", "")
    sysfs.rules("jig.conf", "1-1\n", vendor=True)
    rules = rules_of(sysfs)
    assert not rules.is_restricting
    assert [(file.origin, file.is_masked) for file in rules.files] == [
        (RuleOrigin.LOCAL, False),
        (RuleOrigin.VENDOR, True),
    ]
    assert rules.files[1].lines[0].pattern is not None


def test_what_is_no_ordinary_file_masks_nothing(sysfs: Sysfs) -> None:
    sysfs.rules("jig.conf", "1-1\n", vendor=True)
    folder = sysfs.rules("other", "").parent
    (folder / "jig.conf").symlink_to("/dev/null")
    (folder / "dir.conf").mkdir()
    rules = rules_of(sysfs)
    assert rules.patterns == ("1-1",)
    assert {file.name for file in rules.files if file.problem == NOT_ORDINARY} == {
        "jig.conf",
        "dir.conf",
    }


def test_hidden_files_are_not_read(sysfs: Sysfs) -> None:
    sysfs.rules(".hidden.conf", "1-1\n")
    assert rules_of(sysfs).files == ()


def test_a_link_to_an_ordinary_file_is_read(sysfs: Sysfs) -> None:
    folder = sysfs.rules("elsewhere", "1-1\n").parent
    (folder / "jig.conf").symlink_to("/etc/rpi-sb-provisioner/usb-ports.d/elsewhere")
    assert rules_of(sysfs).patterns == ("1-1",)


def test_a_decision_names_the_first_pattern_that_lets_a_board_in(sysfs: Sysfs) -> None:
    path = sysfs.rules("jig.conf", "# jig\n1-2\n1-1.*\n1-1.2\n")
    decided = rules_of(sysfs).permission("1-1.2")
    assert (decided.is_permitted, decided.pattern, decided.line) == (True, "1-1.*", 3)
    assert decided.path == "/etc/rpi-sb-provisioner/usb-ports.d/" + path.name


def test_a_port_that_nobody_knows_is_not_permitted_by_any_pattern(sysfs: Sysfs) -> None:
    sysfs.rules("jig.conf", "*\n")
    rules = rules_of(sysfs)
    assert not rules.permission("").is_permitted
    assert rules.permission("7-7").is_permitted


def test_bytes_that_are_no_text_are_kept_readable(sysfs: Sysfs) -> None:
    sysfs.rules("jig.conf", "").write_bytes(b"\xff\xfe1-1\n1-2\n")
    rules = rules_of(sysfs)
    assert [p.is_permitted for p in map(rules.permission, ("1-1", "1-2"))] == [False, True]


@pytest.mark.parametrize("text", ["1", "1-", "a-1", "1-1.", "1-1/..", "1-1 ", "1" * 400])
def test_a_text_that_is_no_path_is_refused(text: str) -> None:
    with pytest.raises(PortPathInvalid):
        checked_path(text)
    assert checked_path("1-1.4") == "1-1.4"
