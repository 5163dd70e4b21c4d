"""Versions: what each script held before, kept in the service's own database."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from hashlib import sha256
from typing import Protocol

from domain.customisation.refusals import MOST_BYTES
from domain.errors import NotFound, Unavailable

MOST_KEPT = 20
"""Versions of each script."""
log = logging.getLogger("provisioner.customisation")


class ScriptVersionNotFound(NotFound):
    """There is no such version of this script."""

    code = "SCRIPT_VERSION_NOT_FOUND"
    title = "Version Not Found"
    meaning = f"The script has no such version; the last {MOST_KEPT} of each script are kept."
    remedy = "List the versions of the script; an older one may have given way to a newer."


class VersionOrigin(StrEnum):
    """How a version came about."""

    SAVED = "SAVED"
    UPLOADED = "UPLOADED"
    RESTORED = "RESTORED"
    FOUND = "FOUND"


@dataclass(frozen=True, slots=True)
class ScriptVersion:
    """One version. `id` grows with each that is kept; `kept_by` is a caller's name, None for what
    was found on the disk."""

    id: int
    filename: str
    sha256: str
    size_bytes: int
    kept_at: datetime
    kept_by: str | None
    origin: VersionOrigin


@dataclass(frozen=True, slots=True)
class KeptVersion:
    """A version with its content."""

    version: ScriptVersion
    content: bytes


class ScriptVersions(Protocol):
    """Where versions are kept. All raise a kind of `Unavailable`."""

    async def add(self, version: ScriptVersion, content: bytes, *, most: int) -> None:
        """Keeps a version, whatever its `id`; of its script only the newest `most` stay."""

    async def list_of(self, filename: str) -> Sequence[ScriptVersion]:
        """Returns the versions of a script, the newest first."""

    async def find(self, filename: str, id: int) -> KeptVersion | None:
        """Returns one version of a script."""


class History:
    """Keeps versions as far as they can be kept: a script counts whether or not its past is
    known."""

    def __init__(self, versions: ScriptVersions) -> None:
        self._versions = versions
        self._newest: dict[str, str] = {}

    async def keep(
        self, filename: str, content: bytes, *, origin: VersionOrigin, by: str | None = None
    ) -> None:
        """Keeps what the script holds now, unless that is its newest version already."""
        digest = sha256(content).hexdigest()
        if len(content) > MOST_BYTES or await self.knows(filename, digest):
            return
        version = ScriptVersion(0, filename, digest, len(content), datetime.now(UTC), by, origin)
        try:
            await self._versions.add(version, content, most=MOST_KEPT)
            self._newest[filename] = digest
        except Unavailable as error:
            log.warning("a version of %s is not kept: %s", filename, error.message)

    async def knows(self, filename: str, digest: str) -> bool:
        """Whether the newest version has this sha256; True also where nobody can tell."""
        if self._newest.get(filename) == digest:
            return True
        try:
            kept = await self._versions.list_of(filename)
        except Unavailable as error:
            log.warning("the versions of %s are unknown: %s", filename, error.message)
            return True
        if kept:
            self._newest[filename] = kept[0].sha256
        return bool(kept) and kept[0].sha256 == digest

    async def list_of(self, filename: str) -> Sequence[ScriptVersion]:
        """Returns the versions of a script, the newest first; raises a kind of `Unavailable`."""
        return await self._versions.list_of(filename)

    async def get(self, filename: str, id: int) -> KeptVersion:
        """Returns one version; raises `ScriptVersionNotFound` and a kind of `Unavailable`."""
        found = await self._versions.find(filename, id)
        if found is None:
            raise ScriptVersionNotFound(
                f"The script {filename[:100]} has no version {id}.", detail=str(id), field="id"
            )
        return found
