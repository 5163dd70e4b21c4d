"""Scripts in a real folder: saved whole, with the right mode, never outside."""

import asyncio
import os
import resource
import stat
from hashlib import sha256
from pathlib import Path

import pytest

from domain.customisation.names import ScriptName, ScriptNotFound
from domain.customisation.refusals import (
    MOST_BYTES,
    MOST_READ,
    ScriptChanged,
    ScriptFolderNotMade,
    ScriptFolderUnreadable,
    ScriptModeNotSet,
    ScriptNotDeleted,
    ScriptNotWritten,
    ScriptSyntaxError,
    ScriptTooLarge,
    ScriptUnreadable,
)
from domain.customisation.script import Script, ScriptsChanged
from domain.customisation.syntax import Shell, SyntaxUnchecked
from domain.events import Lagged, Published
from tests.domain.customisation.folder import Bed

HOOK = ScriptName("sb-provisioner-post-flash")
FILE = "sb-provisioner-post-flash.sh"
PATH = f"/etc/rpi-sb-provisioner/scripts/{FILE}"


@pytest.fixture
def bed(tmp_path: Path) -> Bed:
    return Bed(tmp_path)


def _only(news: Published | Lagged) -> Script:
    assert isinstance(news, Published)
    assert isinstance(news.event, ScriptsChanged)
    return news.event.scripts[0]


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


async def test_a_new_script_is_disabled_and_noted_with_both_hashes(bed: Bed) -> None:
    saved = await bed.scripts.save(HOOK, b"one", by="ann", note=bed.notes)
    again = await bed.scripts.save(HOOK, b"two", by="ann", note=bed.notes)
    one, two = sha256(b"one").hexdigest(), sha256(b"two").hexdigest()
    assert (saved.sha256, saved.enabled, saved.mode) == (one, False, 0o644)
    assert (again.sha256, (bed.folder / FILE).read_bytes()) == (two, b"two")
    assert bed.notes.rows == [("SAVE_SCRIPT", PATH, True)] * 2
    assert bed.notes.infos == [
        f"sha256 before none, after {one}",
        f"sha256 before {one}, after {two}",
    ]


async def test_a_saved_script_keeps_its_mode_whatever_the_umask(bed: Bed) -> None:
    bed.put(FILE, mode=0o750)
    umask = os.umask(0o077)
    try:
        saved = await bed.scripts.save(HOOK, b"two", by="ann", note=bed.notes)
        fresh = await bed.scripts.upload(ScriptName("a"), b"x", by="ann", note=bed.notes)
    finally:
        os.umask(umask)
    assert (saved.mode, saved.enabled) == (0o750, True)
    assert (fresh.mode, mode_of(bed.folder / "a.sh")) == (0o755, 0o755)


async def test_enable_and_disable_set_the_mode_exactly(bed: Bed) -> None:
    path = bed.put(FILE, mode=0o4640)
    enabled = await bed.scripts.enable(HOOK, note=bed.notes)
    assert (enabled.enabled, mode_of(path)) == (True, 0o755)
    disabled = await bed.scripts.disable(HOOK, note=bed.notes)
    assert (disabled.enabled, mode_of(path)) == (False, 0o644)
    assert [row[0] for row in bed.notes.rows] == ["ENABLE_SCRIPT", "DISABLE_SCRIPT"]
    assert bed.shells.asked == [Shell.SH]


async def test_any_executable_bit_counts(bed: Bed) -> None:
    bed.put(FILE, mode=0o645)
    assert bed.files.find(FILE).enabled


async def test_what_is_no_file_is_never_run(bed: Bed) -> None:
    bed.put("other.sh")
    (bed.folder / FILE).mkdir(mode=0o755)
    os.mkfifo(bed.folder / "fifo.sh", 0o755)
    for name in (FILE, "fifo.sh"):
        found = bed.files.find(name)
        assert (found.exists, found.enabled, found.executable) == (True, False, True)


async def test_what_the_shell_cannot_read_is_not_enabled(bed: Bed) -> None:
    path = bed.put(FILE, b"#!/bin/sh\nif\n")
    with pytest.raises(ScriptSyntaxError) as refused:
        await bed.scripts.enable(HOOK, note=bed.notes)
    assert refused.value.detail == "1: unexpected if"
    with pytest.raises(ScriptSyntaxError):
        await bed.scripts.upload(ScriptName("new"), b"if", by="ann", note=bed.notes)
    with pytest.raises(ScriptSyntaxError):
        await bed.scripts.upload(ScriptName("new"), b"#!/bin/sh\n\0", by="ann", note=bed.notes)
    assert (mode_of(path), bed.names()) == (0o644, [FILE])
    new = PATH.replace(HOOK.text, "new")
    assert bed.notes.rows == [
        ("ENABLE_SCRIPT", PATH, False),
        *[("UPLOAD_SCRIPT", new, False)] * 2,
    ]
    digest = sha256(b"#!/bin/sh\nif\n").hexdigest()
    assert bed.notes.infos[:2] == [
        f"sha256 before {digest}: SCRIPT_SYNTAX_ERROR",
        "sha256 before none: SCRIPT_SYNTAX_ERROR",
    ]


async def test_what_the_shell_cannot_read_does_not_replace_what_is_enabled(bed: Bed) -> None:
    path = bed.put(FILE, b"good", mode=0o755)
    with pytest.raises(ScriptSyntaxError) as refused:
        await bed.scripts.save(HOOK, b"if", by="ann", strict=True, note=bed.notes)
    assert refused.value.detail == "1: unexpected if"
    assert path.read_bytes() == b"good"
    assert bed.notes.rows == [("SAVE_SCRIPT", PATH, False)]
    bed.shells.broken = True
    with pytest.raises(SyntaxUnchecked):
        await bed.scripts.save(HOOK, b"fine", by="ann", strict=True, note=bed.notes)
    path.chmod(0o644)
    saved = await bed.scripts.save(HOOK, b"if", by="ann", strict=True, note=bed.notes)
    assert (saved.enabled, path.read_bytes()) == (False, b"if")


async def test_where_it_must_be_taken_the_audit_log_has_the_complaint(bed: Bed) -> None:
    bed.put(FILE, b"good", mode=0o755)
    saved = await bed.scripts.save(HOOK, b"if", by="ann", note=bed.notes)
    assert saved.enabled
    assert bed.notes.infos[-1].endswith("; enabled, though its shell says: 1: unexpected if")
    await bed.scripts.disable(HOOK, note=bed.notes)
    await bed.scripts.save(HOOK, b"if if", by="ann", note=bed.notes)
    assert bed.notes.infos[-1].endswith(sha256(b"if if").hexdigest())


async def test_without_a_shell_nothing_is_enabled(bed: Bed) -> None:
    path = bed.put(FILE)
    bed.shells.broken = True
    with pytest.raises(SyntaxUnchecked):
        await bed.scripts.enable(HOOK, note=bed.notes)
    assert mode_of(path) == 0o644
    assert bed.notes.rows == [("ENABLE_SCRIPT", PATH, False)]


@pytest.mark.parametrize("first", [b"#!/bin/sh\r\n", b"#!/usr/bin/env python3\r\n", b"#!/bin/sh\r"])
async def test_a_first_line_with_a_carriage_return_names_no_program(bed: Bed, first: bytes) -> None:
    with pytest.raises(ScriptSyntaxError) as refused:
        await bed.scripts.upload(HOOK, first + b"exit 0\r\n", by="ann", note=bed.notes)
    assert "carriage return" in refused.value.detail
    await bed.scripts.upload(HOOK, b"#!/bin/sh\nexit 0\r\n", by="ann", note=bed.notes)
    await bed.scripts.upload(HOOK, b"exit 0\r\n", by="ann", note=bed.notes)


async def test_another_language_is_enabled_unchecked(bed: Bed) -> None:
    bed.put(FILE, b"#!/usr/bin/python3\nif True: pass\n")
    assert (await bed.scripts.enable(HOOK, note=bed.notes)).enabled
    assert bed.shells.asked == []


async def test_a_missing_script_is_not_found(bed: Bed) -> None:
    for change in (bed.scripts.enable, bed.scripts.disable, bed.scripts.delete):
        with pytest.raises(ScriptNotFound) as missing:
            await change(HOOK, note=bed.notes)
        assert missing.value.detail == f"Script path: {PATH}"
        assert bed.notes.rows[-1] == (f"{change.__name__.upper()}_SCRIPT", PATH, False)
    with pytest.raises(ScriptNotFound):
        await bed.scripts.delete(ScriptName("x" * 5000), note=bed.notes)


async def test_who_read_something_else_does_not_save_over_it(bed: Bed) -> None:
    saved = await bed.scripts.save(HOOK, b"one", expected="", by="ann", note=bed.notes)
    with pytest.raises(ScriptChanged):
        await bed.scripts.save(HOOK, b"mine", expected="", by="ann", note=bed.notes)
    bed.put(FILE, b"theirs")
    with pytest.raises(ScriptChanged):
        await bed.scripts.save(HOOK, b"mine", expected=saved.sha256, by="ann", note=bed.notes)
    assert (bed.folder / FILE).read_bytes() == b"theirs"
    assert bed.notes.rows[-1] == ("SAVE_SCRIPT", PATH, False)


async def test_raced_saves_leave_one_of_them_whole(bed: Bed) -> None:
    texts = [bytes([65 + number]) * 100_000 for number in range(12)]
    await asyncio.gather(
        *(bed.scripts.save(HOOK, text, by="ann", note=bed.notes) for text in texts)
    )
    assert (bed.folder / FILE).read_bytes() in texts
    assert bed.names() == [FILE]
    hashes = [info.split() for info in bed.notes.infos]
    # Each saw what the one before it left.
    assert [words[2].rstrip(",") for words in hashes[1:]] == [words[4] for words in hashes[:-1]]


async def test_only_one_of_those_who_read_the_same_wins(bed: Bed) -> None:
    saved = await bed.scripts.save(HOOK, b"one", by="ann", note=bed.notes)
    done = await asyncio.gather(
        *(
            bed.scripts.save(HOOK, bytes([65 + n]), expected=saved.sha256, by="ann", note=bed.notes)
            for n in range(8)
        ),
        return_exceptions=True,
    )
    assert sum(isinstance(each, ScriptChanged) for each in done) == 7


async def test_too_much_is_refused(bed: Bed) -> None:
    with pytest.raises(ScriptTooLarge):
        await bed.scripts.save(HOOK, b"x" * (MOST_BYTES + 1), by="ann", note=bed.notes)
    await bed.scripts.save(HOOK, b"x" * MOST_BYTES, by="ann", note=bed.notes)
    await bed.scripts.save(ScriptName("empty"), b"", by="ann", note=bed.notes)
    assert (bed.folder / "empty.sh").read_bytes() == b""


def link_out(bed: Bed, content: bytes = b"#!/bin/sh\n", mode: int = 0o755) -> Path:
    """Makes the hook a link to a file outside the folder, which it returns."""
    bed.folder.mkdir(parents=True)
    target = bed.root / "opt/hook"
    target.parent.mkdir()
    target.write_bytes(content)
    target.chmod(mode)
    (bed.folder / FILE).symlink_to("/opt/hook")
    return target


async def test_a_link_out_of_the_folder_is_read_like_a_file(bed: Bed) -> None:
    link_out(bed, b"theirs")
    digest = sha256(b"theirs").hexdigest()
    shown = bed.files.find(FILE)
    assert (shown.exists, shown.enabled, shown.sha256) == (True, True, digest)
    assert (await bed.scripts.get(HOOK)).content == b"theirs"
    assert (await bed.scripts.list_all())[0].sha256 == digest


async def test_a_link_out_of_the_folder_is_disabled_by_a_copy_in_its_place(bed: Bed) -> None:
    target = link_out(bed)
    disabled = await bed.scripts.disable(HOOK, note=bed.notes)
    assert (disabled.enabled, mode_of(bed.folder / FILE), mode_of(target)) == (False, 0o644, 0o755)
    assert not (bed.folder / FILE).is_symlink()
    assert (bed.folder / FILE).read_bytes() == target.read_bytes()
    assert bed.notes.rows == [("DISABLE_SCRIPT", PATH, True)]
    assert bed.notes.infos[0].endswith("; a link out of the folder was replaced")


async def test_a_link_out_of_the_folder_is_enabled_by_a_copy_in_its_place(bed: Bed) -> None:
    target = link_out(bed, mode=0o600)
    enabled = await bed.scripts.enable(HOOK, note=bed.notes)
    assert (enabled.enabled, mode_of(bed.folder / FILE), mode_of(target)) == (True, 0o755, 0o600)


async def test_a_link_that_is_as_wanted_stays_a_link(bed: Bed) -> None:
    target = link_out(bed, mode=0o700)
    await bed.scripts.enable(HOOK, note=bed.notes)
    target.chmod(0o600)
    await bed.scripts.disable(HOOK, note=bed.notes)
    assert ((bed.folder / FILE).is_symlink(), mode_of(target)) == (True, 0o600)


async def test_a_linked_program_that_is_too_large_to_copy_can_be_deleted(bed: Bed) -> None:
    target = link_out(bed)
    os.truncate(target, MOST_READ + 1)
    with pytest.raises(ScriptModeNotSet) as refused:
        await bed.scripts.disable(HOOK, note=bed.notes)
    assert "delete" in refused.value.message
    await bed.scripts.delete(HOOK, note=bed.notes)
    assert (bed.names(), mode_of(target)) == ([], 0o755)


async def test_a_link_out_of_the_folder_is_not_saved_over_unseen(bed: Bed) -> None:
    target = link_out(bed, b"theirs")
    with pytest.raises(ScriptChanged):
        await bed.scripts.save(HOOK, b"own", expected="", by="ann", note=bed.notes)
    digest = sha256(b"theirs").hexdigest()
    await bed.scripts.save(HOOK, b"own", expected=digest, by="ann", note=bed.notes)
    assert (target.read_bytes(), (bed.folder / FILE).is_symlink()) == (b"theirs", False)
    assert bed.notes.infos[0] == f"sha256 before {digest}: SCRIPT_CHANGED"


async def test_what_cannot_be_read_is_not_taken_for_nothing(bed: Bed) -> None:
    bed.put("other.sh")
    (bed.folder / FILE).symlink_to("nowhere")
    for expected in ("", "unreadable", "none"):
        with pytest.raises(ScriptChanged):
            await bed.scripts.save(HOOK, b"own", expected=expected, by="ann", note=bed.notes)
    await bed.scripts.save(HOOK, b"own", by="ann", note=bed.notes)
    assert bed.notes.infos[0] == "sha256 before unreadable: SCRIPT_CHANGED"
    assert bed.notes.infos[-1].startswith("sha256 before unreadable, after ")


async def test_deleting_a_link_leaves_what_it_leads_to(bed: Bed) -> None:
    target = bed.put("target.sh")
    (bed.folder / FILE).symlink_to("target.sh")
    assert (await bed.scripts.delete(HOOK, note=bed.notes)).sha256 is not None
    assert (bed.names(), target.exists()) == (["target.sh"], True)


async def test_links_that_lead_nowhere_or_in_a_circle_are_no_scripts(bed: Bed) -> None:
    bed.put("a.sh")
    (bed.folder / FILE).symlink_to("nowhere")
    (bed.folder / "b.sh").symlink_to("b.sh")
    os.mkfifo(bed.folder / "fifo.sh")
    there = await bed.scripts.list_all()
    assert [script.filename for script in there if script.exists] == ["a.sh"]
    states = {state.hook.filename: state.script for state in await bed.scripts.list_hooks()}
    assert (states[FILE].exists, states[FILE].enabled) == (True, False)
    for name in (HOOK, ScriptName("b"), ScriptName("fifo")):
        with pytest.raises(ScriptUnreadable):
            await bed.scripts.get(name)
        with pytest.raises(ScriptModeNotSet):
            await bed.scripts.disable(name, note=bed.notes)


async def test_what_the_disk_refuses_changes_nothing(bed: Bed) -> None:
    (bed.root / "etc").mkdir()
    (bed.root / "etc/rpi-sb-provisioner").write_bytes(b"")
    with pytest.raises(ScriptFolderNotMade):
        await bed.scripts.save(HOOK, b"x", by="ann", note=bed.notes)
    assert await bed.scripts.list_hooks()
    (bed.root / "etc/rpi-sb-provisioner").unlink()
    (bed.folder / FILE).mkdir(parents=True)
    (bed.folder / FILE / "x").touch()
    with pytest.raises(ScriptNotWritten):
        await bed.scripts.save(HOOK, b"x", by="ann", note=bed.notes)
    with pytest.raises(ScriptNotDeleted):
        await bed.scripts.delete(HOOK, note=bed.notes)
    with pytest.raises(ScriptModeNotSet):
        await bed.scripts.enable(HOOK, note=bed.notes)
    assert bed.names() == [FILE]


@pytest.mark.parametrize("loop", [False, True])
async def test_a_folder_that_cannot_be_read_is_not_taken_for_an_empty_one(
    bed: Bed, *, loop: bool
) -> None:
    bed.folder.parent.mkdir(parents=True)
    if loop:
        bed.folder.symlink_to(bed.folder.name)
    else:
        bed.folder.touch()
    asked = (
        bed.scripts.list_all(),
        bed.scripts.list_hooks(),
        bed.scripts.get(HOOK),
        bed.scripts.enable(HOOK, note=bed.notes),
        bed.scripts.delete(HOOK, note=bed.notes),
    )
    for question in asked:
        with pytest.raises(ScriptFolderUnreadable):
            await question


def test_without_a_free_descriptor_nobody_says_what_is_there(bed: Bed) -> None:
    bed.put(FILE, mode=0o755)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (3, hard))
    try:
        with pytest.raises(ScriptFolderUnreadable):
            bed.files.list_all()
        with pytest.raises(ScriptFolderUnreadable):
            bed.files.find(FILE)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


async def test_a_folder_that_cannot_be_read_for_a_while_lost_nothing(bed: Bed) -> None:
    bed.put(FILE)
    away = bed.folder.with_name("away")
    with bed.hub.subscribe(ScriptsChanged) as told:
        await bed.scripts.catch_up()
        bed.folder.rename(away)
        bed.folder.touch()
        with pytest.raises(ScriptFolderUnreadable):
            await bed.scripts.catch_up()
        bed.folder.unlink()
        away.rename(bed.folder)
        await bed.scripts.catch_up()
        bed.put("new.sh")
        await bed.scripts.catch_up()
        assert _only(await told.next()).filename == "new.sh"


async def test_a_change_that_cannot_begin_is_noted(bed: Bed) -> None:
    bed.folder.parent.mkdir(parents=True)
    bed.folder.touch()
    with pytest.raises(ScriptFolderUnreadable):
        await bed.scripts.save(HOOK, b"x", by="ann", note=bed.notes)
    assert bed.notes.rows == [("SAVE_SCRIPT", PATH, False)]
    assert bed.notes.infos == ["sha256 before unreadable: SCRIPTS_UNREADABLE"]


async def test_a_hook_point_without_a_script_shows_its_template(bed: Bed) -> None:
    opened = await bed.scripts.get(HOOK)
    assert (opened.script.exists, opened.text[:10]) == (False, "#!/bin/sh\n")
    assert not bed.folder.exists()


async def test_the_list_has_every_file_then_the_empty_places(bed: Bed) -> None:
    for name in (FILE, "notes.txt", "sb-provisioner", f".{FILE}.0123456789abcdef.tmp"):
        bed.put(name)
    there = await bed.scripts.list_all()
    assert [script.filename for script in there if script.exists] == [
        "notes.txt",
        "sb-provisioner",
        FILE,
    ]
    assert len(there) == 3 + 20
    assert [script.hook is None for script in there[:3]] == [True, True, False]


async def test_changes_of_others_are_published(bed: Bed) -> None:
    path = bed.put(FILE)
    with bed.hub.subscribe(ScriptsChanged) as told:
        await bed.scripts.catch_up()
        path.chmod(0o755)
        await bed.scripts.catch_up()
        path.write_bytes(b"changed")
        await bed.scripts.catch_up()
        path.unlink()
        await bed.scripts.catch_up()
        await bed.scripts.catch_up()
        scripts = [_only(await told.next()) for _ in range(3)]
    assert [(script.enabled, script.exists) for script in scripts] == [
        (True, True),
        (True, True),
        (False, False),
    ]
    assert scripts[1].sha256 == sha256(b"changed").hexdigest()
