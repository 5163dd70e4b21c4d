"""What the release notes say of versions (contract configuration 11.2)."""

from pathlib import Path

import pytest

from domain.errors import ProvisionerError
from domain.firmware.notes import FirmwareNotes, parse_notes
from tests.domain.firmware.tree import build_tree

TEXT = """# Notes

## 2026-07-02: Newest

* one

### Detail

#### More
## 2026-05-11: first of two
* two
##2026-05-11 second of two
* three
## Not a date
* dropped
## 2025-01-01
* last"""


def test_sections_keep_their_lower_headings_and_neighbours_of_one_date() -> None:
    assert parse_notes(TEXT) == [
        FirmwareNotes("2026-07-02", "## 2026-07-02: Newest\n\n* one\n\n### Detail\n\n#### More\n"),
        FirmwareNotes(
            "2026-05-11",
            "## 2026-05-11: first of two\n* two\n##2026-05-11 second of two\n* three\n",
        ),
        FirmwareNotes("2025-01-01", "## 2025-01-01\n* last\n"),
    ]


@pytest.mark.parametrize("text", ["", "\n", "no heading\n* x\n", "## x 2026-01-01\n"])
def test_a_file_without_dates_has_no_sections(text: str) -> None:
    assert parse_notes(text) == []


async def test_a_range_is_newest_first_and_excludes_its_lower_end(tmp_path: Path) -> None:
    tree = build_tree(tmp_path)
    tree.write_notes("2712", TEXT)

    async def versions(after: str, until: str) -> list[str]:
        found = await tree.firmware.list_notes(after=after, until=until)
        return [notes.version for notes in found]

    assert await versions("", "") == ["2026-07-02", "2026-05-11", "2025-01-01"]
    assert await versions("2025-01-01", "2026-05-11") == ["2026-05-11"]
    assert await versions("2026-07-02", "") == []


@pytest.mark.parametrize(("family", "title"), [("4", "four"), ("5", "five"), ("2W", "five")])
async def test_notes_are_of_the_family_s_chip_else_of_the_newest(
    tmp_path: Path, family: str, title: str
) -> None:
    tree = build_tree(tmp_path, family=family)
    tree.write_notes("2711", "## 2026-01-01: four\n")
    tree.write_notes("2712", "## 2026-01-01: five\n")
    assert title in (await tree.firmware.notes("2026-01-01")).text
    assert "four" in (await tree.firmware.notes("2026-01-01", chip="2711")).text


async def test_without_a_family_the_selected_file_says_which_chip(tmp_path: Path) -> None:
    tree = build_tree(tmp_path, family="")
    tree.write_notes("2711", "## 2026-01-01: four\n")
    selected = tree.release("2711", "latest", "2026-06-09")
    tree.configuration.update_now({"RPI_DEVICE_FIRMWARE_FILE": selected})
    assert "four" in (await tree.firmware.notes("2026-01-01")).text


@pytest.mark.parametrize(
    ("version", "chip", "code"),
    [
        ("1999-01-01", "", "FIRMWARE_NOTES_NOT_FOUND"),
        ("", "", "MISSING_FIRMWARE_VERSION"),
        ("2026-07-02", "2710", "INVALID_CHIP"),
        ("2026-07-02", "../2712", "INVALID_CHIP"),
    ],
)
async def test_what_has_no_notes_is_refused(
    tmp_path: Path, version: str, chip: str, code: str
) -> None:
    tree = build_tree(tmp_path)
    tree.write_notes("2712", TEXT)
    with pytest.raises(ProvisionerError) as caught:
        await tree.firmware.notes(version, chip=chip)
    assert caught.value.code == code
