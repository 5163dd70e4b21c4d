"""The past of scripts: kept, compared and restored."""

import asyncio
import os
from pathlib import Path

import pytest

from domain.customisation.diffs import MOST_LINES, ScriptDiffTooLarge, diff_of
from domain.customisation.names import ScriptName
from domain.customisation.refusals import ScriptSyntaxError
from domain.customisation.script import ScriptsChanged
from domain.customisation.versions import (
    MOST_KEPT,
    ScriptVersionNotFound,
)
from domain.errors import Unavailable
from domain.events import Published
from tests.domain.customisation.folder import Bed

HOOK = ScriptName("sb-provisioner-post-flash")
FILE = "sb-provisioner-post-flash.sh"
NAMES = ("a", "b")
NOT_UNICODE = os.fsdecode(b"caf\xe9.sh")


@pytest.fixture
def bed(tmp_path: Path) -> Bed:
    return Bed(tmp_path)


async def origins(bed: Bed) -> list[tuple[str, str | None]]:
    return [(v.origin.value, v.kept_by) for v in await bed.history.list_of(HOOK)]


async def test_what_was_there_before_is_kept_too(bed: Bed) -> None:
    bed.put(FILE, b"theirs")
    await bed.scripts.save(HOOK, b"mine", by="ann", note=bed.notes)
    await bed.scripts.save(HOOK, b"mine", by="ben", note=bed.notes)
    await bed.scripts.upload(HOOK, b"loaded", by="ben", note=bed.notes)
    assert await origins(bed) == [("UPLOADED", "ben"), ("SAVED", "ann"), ("FOUND", None)]


async def test_edits_of_others_are_kept_when_they_are_seen(bed: Bed) -> None:
    bed.put(FILE, b"one")
    await bed.scripts.catch_up()
    bed.put(FILE, b"two!")
    await bed.scripts.catch_up()
    await bed.scripts.catch_up()
    assert await origins(bed) == [("FOUND", None), ("FOUND", None)]


async def test_a_file_that_no_request_can_name_has_no_past(bed: Bed) -> None:
    for name in (NOT_UNICODE, "readme.txt", ".sh"):
        bed.put(name, b"x")
    bed.put(FILE, b"one")
    await bed.scripts.catch_up()
    assert [kept.version.filename for kept in bed.versions.kept] == [FILE]


async def test_a_round_that_was_broken_off_is_told_in_the_next(bed: Bed) -> None:
    await bed.scripts.catch_up()
    with bed.hub.subscribe(ScriptsChanged) as told:
        bed.put(FILE, b"one")
        bed.versions.failure = asyncio.CancelledError()
        with pytest.raises(asyncio.CancelledError):
            await bed.scripts.catch_up()
        bed.versions.failure = None
        await bed.scripts.catch_up()
        news = await told.next()
    assert isinstance(news, Published)
    assert isinstance(news.event, ScriptsChanged)
    assert [script.filename for script in news.event.scripts] == [FILE]
    assert await origins(bed) == [("FOUND", None)]


async def test_the_last_twenty_are_kept(bed: Bed) -> None:
    for number in range(MOST_KEPT + 5):
        await bed.scripts.save(HOOK, b"%d" % number, by="ann", note=bed.notes)
    kept = await bed.history.list_of(HOOK)
    assert len(kept) == MOST_KEPT
    assert (await bed.history.get(HOOK, kept[-1].id)).content == b"5"


async def test_a_deleted_script_comes_back_disabled(bed: Bed) -> None:
    bed.put(FILE, b"old", mode=0o755)
    await bed.scripts.delete(HOOK, note=bed.notes)
    version = (await bed.history.list_of(HOOK))[0]
    restored = await bed.history.restore(HOOK, version.id, by="ann", note=bed.notes)
    assert ((bed.folder / FILE).read_bytes(), restored.enabled) == (b"old", False)
    assert bed.notes.rows[-1][0] == "RESTORE_SCRIPT"


async def test_restoring_an_older_version_makes_a_new_one(bed: Bed) -> None:
    await bed.scripts.save(HOOK, b"one\n", by="ann", note=bed.notes)
    await bed.scripts.save(HOOK, b"two\n", by="ann", note=bed.notes)
    first = (await bed.history.list_of(HOOK))[-1]
    diff = await bed.history.diff(HOOK, first.id, None)
    assert diff.text.splitlines()[2:] == ["@@ -1 +1 @@", "-one", "+two"]
    await bed.history.restore(HOOK, first.id, by="ben", note=bed.notes)
    assert await origins(bed) == [("RESTORED", "ben"), ("SAVED", "ann"), ("SAVED", "ann")]
    assert (await bed.history.diff(HOOK, first.id, None)).text == ""


async def test_a_version_that_no_shell_reads_does_not_replace_what_is_enabled(bed: Bed) -> None:
    await bed.scripts.save(HOOK, b"if", by="ann", note=bed.notes)
    await bed.scripts.upload(HOOK, b"good", by="ann", note=bed.notes)
    broken = (await bed.history.list_of(HOOK))[-1]
    with pytest.raises(ScriptSyntaxError):
        await bed.history.restore(HOOK, broken.id, by="ann", note=bed.notes)
    assert (bed.folder / FILE).read_bytes() == b"good"


async def test_a_version_of_another_script_is_not_found(bed: Bed) -> None:
    await bed.scripts.save(ScriptName("other"), b"x", by="ann", note=bed.notes)
    other = (await bed.history.list_of(ScriptName("other")))[0]
    for work in (
        bed.history.get(HOOK, other.id),
        bed.history.diff(HOOK, other.id, None),
        bed.history.restore(HOOK, other.id, by="ann", note=bed.notes),
    ):
        with pytest.raises(ScriptVersionNotFound):
            await work
    assert bed.names() == ["other.sh"]


async def test_scripts_work_on_while_versions_cannot_be_kept(bed: Bed) -> None:
    bed.versions.failure = Unavailable("no database")
    saved = await bed.scripts.save(HOOK, b"one", by="ann", note=bed.notes)
    assert saved.exists
    with pytest.raises(Unavailable):
        await bed.history.list_of(HOOK)


@pytest.mark.parametrize(
    ("before", "after", "changes"),
    [
        (b"", b"", []),
        (b"a\n", b"a\n", []),
        (b"a\n", b"a", ["-a", "+a", "\\ No newline at end of file"]),
        (b"", b"a\n", ["+a"]),
        (b"a\rb\n", b"a\rc\n", ["-a\rb", "+a\rc"]),
        (b"\xff\n", b"\xfe\xfe\n", ["-\ufffd", "+\ufffd\ufffd"]),
        (b"-- x\n", b"++ x\n", ["--- x", "+++ x"]),
    ],
)
def test_a_diff_is_in_the_unified_form(before: bytes, after: bytes, changes: list[str]) -> None:
    diff = diff_of(before, after, names=NAMES)
    assert diff.text.split("\n")[3:-1] == changes
    assert diff.added == sum(line.startswith("+") for line in changes)
    assert diff.removed == sum(line.startswith("-") for line in changes)


def test_too_many_lines_are_not_compared() -> None:
    diff_of(b"", b"a\n" * MOST_LINES, names=NAMES)
    with pytest.raises(ScriptDiffTooLarge):
        diff_of(b"", b"a\n" * (MOST_LINES + 1), names=NAMES)
