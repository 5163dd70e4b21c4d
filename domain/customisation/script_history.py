"""The past of scripts: versions listed, compared and restored."""

import asyncio
from collections.abc import Sequence

from domain.customisation.diffs import ScriptDiff, diff_of
from domain.customisation.names import ScriptName
from domain.customisation.script import Script
from domain.customisation.script_folder import ScriptFolder
from domain.customisation.scripts import Scripts
from domain.customisation.versions import History, KeptVersion, ScriptVersion, VersionOrigin
from domain.file_accesses import FileAccess


class ScriptHistory:
    """What scripts held before, also those that were deleted. All methods raise a kind of
    `Unavailable` where nobody can tell."""

    def __init__(self, folder: ScriptFolder, scripts: Scripts, history: History) -> None:
        self._folder = folder
        self._scripts = scripts
        self._history = history

    async def list_of(self, name: ScriptName) -> Sequence[ScriptVersion]:
        """Returns the versions of a script, the newest first; raises `ScriptNameInvalid`."""
        name.require_possible()
        return await self._history.list_of(name.filename)

    async def get(self, name: ScriptName, id: int) -> KeptVersion:
        """Returns one version; raises `ScriptNameInvalid` and `ScriptVersionNotFound`."""
        name.require_possible()
        return await self._history.get(name.filename, id)

    async def diff(self, name: ScriptName, before: int, after: int | None) -> ScriptDiff:
        """Returns what was changed between two versions, without `after` up to what the script
        holds now.

        Raises `ScriptNameInvalid`, `ScriptVersionNotFound`, `ScriptNotFound`, `ScriptUnreadable`
        and `ScriptDiffTooLarge`.
        """
        old = await self.get(name, before)
        if after is None:
            new = (await asyncio.to_thread(self._folder.read, name.filename)).content
        else:
            new = (await self.get(name, after)).content
        labels = (_label(name, before), _label(name, after))
        return await asyncio.to_thread(diff_of, old.content, new, names=labels)

    async def restore(
        self,
        name: ScriptName,
        id: int,
        *,
        by: str,
        expected: str | None = None,
        note: FileAccess,
    ) -> Script:
        """Puts a version back; the script keeps its mode, one that was deleted is disabled. A
        script that is enabled is not replaced by a version that its shell cannot read.

        Raises `ScriptVersionNotFound` and what `Scripts.save` raises.
        """
        kept = await self.get(name, id)
        return await self._scripts.save(
            name,
            kept.content,
            by=by,
            expected=expected,
            origin=VersionOrigin.RESTORED,
            strict=True,
            note=note,
        )


def _label(name: ScriptName, id: int | None) -> str:
    return f"{name.filename} (now)" if id is None else f"{name.filename} (version {id})"
