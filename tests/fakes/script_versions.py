"""Versions of scripts in memory."""

from collections.abc import Sequence
from dataclasses import replace

from domain.customisation.versions import KeptVersion, ScriptVersion


class FakeVersions:
    """Satisfies `ScriptVersions`; set `failure` and every method raises it."""

    def __init__(self) -> None:
        self.failure: BaseException | None = None
        self.kept: list[KeptVersion] = []
        self._ids = 0

    async def add(self, version: ScriptVersion, content: bytes, *, most: int) -> None:
        self._check(version.filename)
        self._ids += 1
        self.kept.append(KeptVersion(replace(version, id=self._ids), content))
        old = [v.id for v in await self.list_of(version.filename)][most:]
        self.kept = [kept for kept in self.kept if kept.version.id not in old]

    async def list_of(self, filename: str) -> Sequence[ScriptVersion]:
        self._check(filename)
        return [k.version for k in reversed(self.kept) if k.version.filename == filename]

    async def find(self, filename: str, id: int) -> KeptVersion | None:
        self._check(filename)
        found = [k for k in self.kept if (k.version.filename, k.version.id) == (filename, id)]
        return found[0] if found else None

    def _check(self, filename: str) -> None:
        # As a database does, which takes Unicode only.
        filename.encode()
        if self.failure is not None:
            raise self.failure
