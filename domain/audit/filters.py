"""Which audit entries somebody wants to see."""

from dataclasses import dataclass, fields
from datetime import UTC, datetime

from domain.audit.entries import OK, STAMP, EventType, StoredEntry
from domain.errors import Invalid

LONGEST = 1000
"""The longest text of a filter, in characters."""


class AuditFilterInvalid(Invalid):
    """A filter that cannot be meant."""

    code = "AUDIT_FILTER_INVALID"
    title = "Invalid Filter"
    meaning = f"A text of the filter is empty or longer than {LONGEST}, or two members contradict."
    remedy = "Leave out what is not to be filtered by; correct the member that the message names."


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditFilter:
    """Every member narrows; None does not. Texts are exact, but for `text`.

    `path` and `path_prefix` are about the request's path, the file or the unit. `success` is what
    a file access says of itself, and whether a request's outcome is OK. `text` occurs anywhere in
    paths, operation, information, caller or user agent, ASCII case ignored. `since` and `until`
    are both included.
    """

    event_type: EventType | None = None
    operation: str | None = None
    path: str | None = None
    path_prefix: str | None = None
    address: str | None = None
    caller: str | None = None
    success: bool | None = None
    outcome: str | None = None
    correlation_id: str | None = None
    surface: str | None = None
    text: str | None = None
    since: datetime | None = None
    until: datetime | None = None

    def __post_init__(self) -> None:
        for member in fields(self):
            value = getattr(self, member.name)
            if isinstance(value, str) and not 1 <= len(value) <= LONGEST:
                name = _spoken(member.name)
                raise AuditFilterInvalid(
                    f"`{name}` has {len(value)} characters; it must have 1 to {LONGEST}.",
                    field=name,
                )
        if "\0" in (self.text or ""):
            # SQLite's LIKE ends at a NUL.
            raise AuditFilterInvalid("`text` holds a NUL; no entry does.", field="text")
        if self.path is not None and self.path_prefix is not None:
            raise AuditFilterInvalid("Give `path` or `pathPrefix`, not both.", field="pathPrefix")
        if self.since and self.until and self.since > self.until:
            raise AuditFilterInvalid("`since` is after `until`.", field="since")

    @property
    def since_text(self) -> str | None:
        """`since` as the column `utc` is written."""
        return None if self.since is None else utc_text(self.since)

    @property
    def until_text(self) -> str | None:
        """`until` as the column `utc` is written."""
        return None if self.until is None else utc_text(self.until)

    @property
    def is_empty(self) -> bool:
        """Whether every entry is wanted."""
        return all(getattr(self, member.name) is None for member in fields(self))

    def matches(self, entry: StoredEntry) -> bool:
        """Whether `entry` is wanted."""
        exact = (
            (self.event_type, entry.event_type),
            (self.operation, entry.operation),
            (self.path, entry.path),
            (self.address, entry.client_ip),
            (self.caller, entry.caller),
            (self.outcome, entry.outcome),
            (self.correlation_id, entry.correlation_id),
            (self.surface, entry.surface),
        )
        return (
            all(wanted is None or wanted == found for wanted, found in exact)
            and (self.path_prefix is None or (entry.path or "").startswith(self.path_prefix))
            and (self.success is None or _succeeded(entry) is self.success)
            and (self.text is None or _says(entry, self.text))
            and self._is_in_time(entry)
        )

    def _is_in_time(self, entry: StoredEntry) -> bool:
        if self.since is None and self.until is None:
            return True
        if entry.utc is None:
            lowest, highest = local_text(self.since), local_text(self.until)
            found = entry.timestamp
        else:
            lowest, highest, found = self.since_text, self.until_text, entry.utc
        return (lowest is None or found >= lowest) and (highest is None or found <= highest)


def utc_text(at: datetime) -> str:
    """Returns the moment as the column `utc` has it: texts in the order of time."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds")


def local_text(at: datetime | None) -> str | None:
    """Returns the moment as the column `timestamp` has it, None for None."""
    return None if at is None else at.astimezone().strftime(STAMP)


def _spoken(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(other.title() for other in others)


def _succeeded(entry: StoredEntry) -> bool | None:
    if entry.success is False or entry.outcome not in (None, OK):
        return False
    return True if entry.success or entry.outcome == OK else None


def _says(entry: StoredEntry, text: str) -> bool:
    places = (
        entry.handler_path,
        entry.target_path,
        entry.operation,
        entry.additional_info,
        entry.caller,
        entry.user_agent,
    )
    wanted = _folded(text)
    return any(place is not None and wanted in _folded(place) for place in places)


def _folded(text: str) -> bytes:
    # As SQLite's LIKE folds: the letters of ASCII only.
    return text.encode("utf-8", "surrogatepass").lower()
