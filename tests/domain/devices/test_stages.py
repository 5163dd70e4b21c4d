"""State texts: every one that the scripts write, and some that nobody does."""

import pytest

from domain.devices.stages import Stage, Style, Word, read_state

B, T, P = Stage.BOOTSTRAP, Stage.TRIAGE, Stage.PROVISIONING
ROWS = [
    ("BOOTSTRAP-STARTED", B, Word.STARTED, None),
    ("bootstrap-firmware-updated", B, Word.WORKING, None),
    ("bootstrap-fastboot-initialisation-started", B, Word.WORKING, None),
    ("BOOTSTRAP-FINISHED", B, Word.FINISHED, None),
    ("BOOTSTRAP-ABORTED", B, Word.ABORTED, None),
    ("TRIAGE-STARTED", T, Word.STARTED, None),
    ("TRIAGE-FINISHED", T, Word.FINISHED, None),
    ("TRIAGE-ABORTED", T, Word.ABORTED, None),
    *((f"{style}-PROVISIONER-STARTED", P, Word.STARTED, style) for style in Style),
    *((f"{style}-PROVISIONER-FINISHED", P, Word.FINISHED, style) for style in Style),
    *((f"{style}-PROVISIONER-ABORTED", P, Word.ABORTED, style) for style in Style),
    ("PORT-EXCLUDED", None, Word.EXCLUDED, None),
    # None of the scripts writes these; the old pages read them so (contract section 4).
    ("sb-provisioner-finished", P, Word.FINISHED, Style.SB),
    ("ABORTED", B, Word.ABORTED, None),
    ("fastboot", B, Word.WORKING, None),
    ("bootstrap", B, Word.WORKING, None),
    ("triage", T, Word.WORKING, None),
    ("TRIAGE-FINISHED-TWICE", T, Word.WORKING, None),
    ("NEW-PROVISIONER-FINISHED", P, Word.FINISHED, None),
    ("complete", None, Word.UNKNOWN, None),
    ("error", None, Word.UNKNOWN, None),
    ("", None, Word.UNKNOWN, None),
]


@pytest.mark.parametrize(("text", "stage", "word", "style"), ROWS)
def test_a_text_says_stage_word_and_style(
    text: str, stage: Stage | None, word: Word, style: Style | None
) -> None:
    reading = read_state(text, "1-1")
    assert (reading.stage, reading.word, reading.style) == (stage, word, style)


def test_an_empty_state_without_a_path_is_an_aborted_triage() -> None:
    reading = read_state("", "unknown-usb-path")
    assert (reading.stage, reading.word, reading.place) == (T, Word.ABORTED, 1)


def test_a_board_leaves_usb_after_two_of_the_texts() -> None:
    rebooting = [text for text, *_ in ROWS if read_state(text).rebooting]
    assert rebooting == ["bootstrap-fastboot-initialisation-started", "BOOTSTRAP-FINISHED"]


def test_only_a_finished_provisioner_finishes_the_board() -> None:
    finishing = {text for text, *_ in ROWS if read_state(text).finishes}
    assert {text for text in finishing if "PROVISIONER-FINISHED" not in text.upper()} == set()
    assert len(finishing) == len(Style) + 2
