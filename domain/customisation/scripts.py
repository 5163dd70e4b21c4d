"""Scripts: what a station runs of its own at its hook points, and how that is changed."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Callable

from domain.customisation.changes import (
    UNREADABLE,
    Kept,
    held,
    replaced_remark,
    require_fit,
    require_unchanged,
)
from domain.customisation.hooks import HOOKS
from domain.customisation.names import ScriptName, ScriptNotFound, can_be_named
from domain.customisation.refusals import (
    ScriptFolderUnreadable,
    ScriptTooLargeToRead,
    ScriptUnreadable,
)
from domain.customisation.script import HookState, OpenedScript, Script, ScriptsChanged
from domain.customisation.script_folder import DISABLED, ENABLED, ScriptFolder
from domain.customisation.syntax import Shells, SyntaxCheck, check_syntax, complaint_of
from domain.customisation.templates import template_of
from domain.customisation.versions import History, VersionOrigin
from domain.errors import ProvisionerError
from domain.events import Event, Hub, Update, watch_changes
from domain.file_accesses import FileAccess
from domain.paging import Page, PageRequest, slice_page

ORDER = "scripts:filename"
OPERATIONS = {
    VersionOrigin.SAVED: "SAVE_SCRIPT",
    VersionOrigin.RESTORED: "RESTORE_SCRIPT",
}


class Scripts:
    """Reads, saves, enables, disables and deletes scripts; the folder is the truth.

    Whatever looks at the folder raises `ScriptFolderUnreadable`.
    """

    def __init__(self, hub: Hub, folder: ScriptFolder, shells: Shells, history: History) -> None:
        self._hub = hub
        self._folder = folder
        self._shells = shells
        self._history = history
        self._turn = asyncio.Lock()
        self._known: dict[str, Script] | None = None

    async def list_all(self) -> list[Script]:
        """Returns the files of the folder by name, then a place for each hook point without one
        (contract customisation 4.1)."""
        there = await asyncio.to_thread(self._folder.list_all)
        names = {script.filename for script in there}
        return there + [Script(hook.filename) for hook in HOOKS if hook.filename not in names]

    async def list_page(self, request: PageRequest) -> Page[Script]:
        """Returns a page of the files in the folder, by name."""
        there = await asyncio.to_thread(self._folder.list_all)
        return slice_page(there, request, order=ORDER, key=lambda script: (script.filename,))

    async def list_hooks(self) -> list[HookState]:
        """Returns every hook point with what lies under its name."""
        return await asyncio.to_thread(
            lambda: [HookState(hook, self._folder.find(hook.filename)) for hook in HOOKS]
        )

    async def get(self, name: ScriptName) -> OpenedScript:
        """Returns a script; where none is at a hook point, the template that one begins with.

        Raises `ScriptNameInvalid` for a name that is neither, and `ScriptUnreadable` and
        `ScriptTooLargeToRead` for what cannot be shown.
        """
        script = await asyncio.to_thread(self._folder.find, name.filename)
        if not script.exists:
            return self.template(name)
        return await asyncio.to_thread(self._folder.read, name.filename)

    async def open(self, script: Script) -> OpenedScript:
        """Returns a listed script with its content; raises `ScriptNotFound`, `ScriptUnreadable`
        and `ScriptTooLargeToRead`."""
        hook = script.hook
        if not script.exists and hook is not None:
            return OpenedScript(script, template_of(hook).encode())
        return await asyncio.to_thread(self._folder.read, script.filename)

    def template(self, name: ScriptName) -> OpenedScript:
        """Returns the template of a hook point; raises `ScriptNameInvalid` for another name."""
        hook = name.hook
        return OpenedScript(Script(hook.filename), template_of(hook).encode())

    async def check(self, content: bytes) -> SyntaxCheck:
        """Returns what the shell says of a script; raises `SyntaxUnchecked`."""
        return await check_syntax(self._shells, content)

    async def save(
        self,
        name: ScriptName,
        content: bytes,
        *,
        by: str,
        expected: str | None = None,
        origin: VersionOrigin = VersionOrigin.SAVED,
        strict: bool = False,
        note: FileAccess,
    ) -> Script:
        """Puts the script there; a new one is disabled, another keeps its mode.

        `by` is the name of who does it; `expected` is the sha256 that the caller has read, empty
        where there was no script; None does not matter. With `strict` a script that is enabled is
        not replaced by one that its shell cannot read. Raises `ScriptNameInvalid`,
        `ScriptTooLarge`, `ScriptChanged`, `ScriptFolderNotMade` and `ScriptNotWritten`; with
        `strict` also `ScriptSyntaxError` and `SyntaxUnchecked`.
        """
        require_fit(name, content)
        complaint = await complaint_of(self._shells, name.filename, content)

        def write(present: Script) -> None:
            require_unchanged(present, expected)
            if strict and present.enabled and complaint is not None:
                raise complaint
            self._folder.write(name.filename, content)

        kept = Kept(content, origin, by, complaint)
        return await self._change(OPERATIONS[origin], name.filename, write, kept=kept, note=note)

    async def upload(
        self, name: ScriptName, content: bytes, *, by: str, note: FileAccess
    ) -> Script:
        """Puts the script there and enables it (contract customisation 4.5).

        Raises what `save` raises, `ScriptSyntaxError` and `SyntaxUnchecked`.
        """
        require_fit(name, content)
        complaint = await complaint_of(self._shells, name.filename, content)

        def write(_: Script) -> None:
            if complaint is not None:
                raise complaint
            self._folder.write(name.filename, content, mode=ENABLED)

        kept = Kept(content, VersionOrigin.UPLOADED, by)
        return await self._change("UPLOAD_SCRIPT", name.filename, write, kept=kept, note=note)

    async def enable(self, name: ScriptName, *, note: FileAccess) -> Script:
        """Lets the shell side run the script, if its shell can read it.

        Raises `ScriptNotFound`, `ScriptUnreadable`, `ScriptTooLargeToRead`, `ScriptSyntaxError`,
        `SyntaxUnchecked`, `ScriptChanged` and `ScriptModeNotSet`.
        """
        digest, complaint = await self._examine(name.filename)

        def enable(present: Script) -> None:
            if complaint is not None:
                raise complaint
            require_unchanged(present, digest)
            self._folder.set_mode(name.filename, ENABLED)

        return await self._change("ENABLE_SCRIPT", name.filename, enable, note=note)

    async def disable(self, name: ScriptName, *, note: FileAccess) -> Script:
        """Keeps the shell side from running the script; raises `ScriptNotFound` and
        `ScriptModeNotSet`."""

        def disable(_: Script) -> None:
            self._folder.set_mode(name.filename, DISABLED)

        return await self._change("DISABLE_SCRIPT", name.filename, disable, note=note)

    async def delete(self, name: ScriptName, *, note: FileAccess) -> Script:
        """Removes the script; returns what it was. Raises `ScriptNotFound` and
        `ScriptNotDeleted`."""
        gone = list[Script]()

        def remove(present: Script) -> None:
            self._folder.remove(name.filename)
            gone.append(present)

        await self._change("DELETE_SCRIPT", name.filename, remove, note=note)
        return gone[0]

    async def catch_up(self) -> None:
        """Looks at the folder and publishes what has changed since the last look."""
        async with self._turn:
            if self._known is None:
                await asyncio.to_thread(self._folder.sweep)
            there = await asyncio.to_thread(self._folder.list_all)
            present = {script.filename: script for script in there}
            known = self._known
            news = [script for name, script in present.items() if (known or {}).get(name) != script]
            for script in news:
                await self._keep(script)
            # Last: a round that was broken off is looked at again.
            self._known = present
        if known is None:
            return
        changed = news + [Script(name) for name in known if name not in present]
        if changed:
            self._hub.publish(ScriptsChanged(tuple(changed)))

    def watch(self) -> AsyncGenerator[Update[list[Script]], None]:
        """Yields all files of the folder, then those that change; deleted ones do not exist."""
        return watch_changes(self._hub, ScriptsChanged, snapshot=self._snapshot, change=_changed)

    async def _examine(self, filename: str) -> tuple[str | None, ProvisionerError | None]:
        """Returns the sha256 of what is there, and why it must not be enabled."""
        try:
            opened = await asyncio.to_thread(self._folder.read, filename)
        except ProvisionerError as error:
            return None, error
        return opened.script.sha256, await complaint_of(self._shells, filename, opened.content)

    async def _snapshot(self) -> list[Script]:
        await self.catch_up()
        return await asyncio.to_thread(self._folder.list_all)

    async def _keep(self, script: Script) -> None:
        """Keeps what somebody else put there, of files whose versions can be asked for."""
        digest = script.sha256
        if digest is None or not can_be_named(script.filename):
            return
        if await self._history.knows(script.filename, digest):
            return
        try:
            opened = await asyncio.to_thread(self._folder.read, script.filename)
        except (ScriptNotFound, ScriptUnreadable, ScriptTooLargeToRead):
            return
        await self._history.keep(script.filename, opened.content, origin=VersionOrigin.FOUND)

    async def _change(
        self,
        operation: str,
        filename: str,
        work: Callable[[Script], None],
        *,
        kept: Kept | None = None,
        note: FileAccess,
    ) -> Script:
        path = self._folder.path(filename[:300])
        sha256 = f"sha256 before {UNREADABLE}"
        async with self._turn:
            try:
                before = await asyncio.to_thread(self._folder.find, filename)
                sha256 = f"sha256 before {held(before)}"
                await self._keep(before)
                await asyncio.to_thread(work, before)
            except ProvisionerError as error:
                note(operation, path, success=False, info=f"{sha256}: {error.code}")
                raise
            try:
                after = await asyncio.to_thread(self._folder.find, filename)
            except ScriptFolderUnreadable:
                note(operation, path, info=f"{sha256}, after {UNREADABLE}")
                raise
            remark = replaced_remark(before, after) + (kept.remark(after) if kept else "")
            note(operation, path, info=f"{sha256}, after {held(after)}{remark}")
            if kept is not None:
                await self._history.keep(filename, kept.content, origin=kept.origin, by=kept.by)
        # It is done: whether the other scripts can be looked at is another question.
        with contextlib.suppress(ScriptFolderUnreadable):
            await self.catch_up()
        return after


def _changed(event: Event) -> list[Script] | None:
    return list(event.scripts) if isinstance(event, ScriptsChanged) else None
