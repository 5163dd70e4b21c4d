"""A change of a script: what is required of it, and what the audit log is told of it."""

from dataclasses import dataclass

from domain.customisation.names import ScriptName
from domain.customisation.refusals import MOST_BYTES, ScriptChanged, ScriptTooLarge
from domain.customisation.script import Script
from domain.customisation.versions import VersionOrigin
from domain.errors import ProvisionerError

NOTHING = "none"
UNREADABLE = "unreadable"


@dataclass(frozen=True, slots=True)
class Kept:
    """What a script holds from now on, and who says so; `complaint` is what its shell says."""

    content: bytes
    origin: VersionOrigin
    by: str
    complaint: ProvisionerError | None = None

    def remark(self, script: Script) -> str:
        """Returns what an auditor should know of a script that is enabled though broken."""
        if self.complaint is None or not script.enabled:
            return ""
        return (
            f"; enabled, though its shell says: {self.complaint.detail or self.complaint.message}"
        )


def require_fit(name: ScriptName, content: bytes) -> None:
    """Raises `ScriptNameInvalid` and `ScriptTooLarge`."""
    name.require_possible()
    if len(content) > MOST_BYTES:
        raise ScriptTooLarge(
            f"The script has {len(content)} bytes; at most {MOST_BYTES} are taken.", field="content"
        )


def require_unchanged(present: Script, expected: str | None) -> None:
    """Raises `ScriptChanged` unless the script has the `expected` sha256; where that is empty,
    unless nothing is there."""
    if expected is None or (present.sha256 == expected if expected else not present.exists):
        return
    now = held(present)
    raise ScriptChanged(
        f"{present.filename[:100]} is not what it was when it was read; its sha256 is now {now}.",
        detail=now,
        field="expectedSha256",
    )


def held(script: Script) -> str:
    """Returns the sha256 of what is there, or a word for why there is none."""
    if not script.exists:
        return NOTHING
    return script.sha256 or UNREADABLE


def replaced_remark(before: Script, after: Script) -> str:
    """Returns what an auditor should know where a link gave way to a file."""
    is_replaced = before.leads_away and after.exists and not after.leads_away
    return "; a link out of the folder was replaced" if is_replaced else ""
