"""How a filter becomes SQL: terms that the indexes of `chain_table` serve, and their values."""

from collections.abc import Iterator
from dataclasses import dataclass

from domain.audit.entries import EventType
from domain.audit.filters import AuditFilter, local_text

PATH = "coalesce(handler_path, target_path)"
FAILED = "(success = 0 OR outcome <> 'OK')"
SUCCEEDED = (
    "coalesce(success, 1) <> 0 AND coalesce(outcome, 'OK') = 'OK'"
    " AND (success IS NOT NULL OR outcome IS NOT NULL)"
)
TEXTS = ("handler_path", "target_path", "operation", "additional_info", "caller", "user_agent")
HIGHEST_CHARACTER = "\U0010ffff"

Value = str | int


@dataclass(frozen=True, slots=True)
class Conditions:
    """Terms joined by AND, and their values in the same order."""

    terms: tuple[str, ...]
    values: tuple[Value, ...]

    def __and__(self, other: "Conditions") -> "Conditions":
        return Conditions((*self.terms, *other.terms), (*self.values, *other.values))

    @property
    def where(self) -> str:
        """The terms as SQL, with WHERE; nothing where there are none."""
        return f" WHERE {' AND '.join(self.terms)}" if self.terms else ""


def conditions_of(wanted: AuditFilter) -> Conditions:
    """Returns the terms of all members but `path_prefix`, which needs a plan of its own."""
    found = [*_exact(wanted), *_outcome(wanted), *_time(wanted), *_text(wanted)]
    return Conditions(
        tuple(term for term, _ in found), tuple(value for _, values in found for value in values)
    )


def prefix_of(wanted: AuditFilter, *, by_index: bool) -> Conditions:
    """Returns the term of `path_prefix`, nothing without one.

    Without the index it is judged row by row, on a walk by id.
    """
    prefix = wanted.path_prefix
    if prefix is None:
        return Conditions((), ())
    path = PATH if by_index else f"+{PATH}"
    return Conditions((f"{path} >= ? AND {path} <= ?",), (prefix, prefix + HIGHEST_CHARACTER))


def _exact(wanted: AuditFilter) -> Iterator[tuple[str, tuple[Value, ...]]]:
    kind = wanted.event_type
    if kind is not None:
        # Said twice, so that SQLite sees that the partial index has all of them.
        rare = "" if kind is EventType.HANDLER_ACCESS else " AND event_type <> 'HANDLER_ACCESS'"
        yield f"event_type = ?{rare}", (kind.value,)
    texts = (
        ("operation", wanted.operation),
        (PATH, wanted.path),
        ("client_ip", wanted.address),
        ("caller", wanted.caller),
        ("correlation_id", wanted.correlation_id),
        ("surface", wanted.surface),
    )
    for column, value in texts:
        if value is not None:
            yield f"{column} = ?", (value,)


def _outcome(wanted: AuditFilter) -> Iterator[tuple[str, tuple[Value, ...]]]:
    if wanted.outcome is not None:
        rare = "" if wanted.outcome == "OK" else " AND outcome <> 'OK'"
        yield f"outcome = ?{rare}", (wanted.outcome,)
    if wanted.success is not None:
        yield SUCCEEDED if wanted.success else FAILED, ()


def _time(wanted: AuditFilter) -> Iterator[tuple[str, tuple[Value, ...]]]:
    # What the existing service wrote has local time only.
    if wanted.since is not None:
        term = "(utc >= ? OR (utc IS NULL AND timestamp >= ?))"
        yield term, (wanted.since_text or "", local_text(wanted.since) or "")
    if wanted.until is not None:
        term = "(utc <= ? OR (utc IS NULL AND timestamp <= ?))"
        yield term, (wanted.until_text or "", local_text(wanted.until) or "")


def _text(wanted: AuditFilter) -> Iterator[tuple[str, tuple[Value, ...]]]:
    if wanted.text is None:
        return
    literal = wanted.text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    term = " OR ".join(f"{column} LIKE ? ESCAPE '\\'" for column in TEXTS)
    yield f"({term})", (f"%{literal}%",) * len(TEXTS)
