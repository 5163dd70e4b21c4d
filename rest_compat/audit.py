"""The legacy route of the audit log (contract audit section 2)."""

import re
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from datetime import datetime
from decimal import Decimal

from starlette.responses import Response, StreamingResponse

from domain.audit.entries import STAMP, StoredEntry
from domain.audit.trail import (
    MOST_NEWEST,
    AuditDatabaseNotOpen,
    AuditDatabaseNotRead,
    NewestFirst,
)
from resolvers.audit import list_newest_audit_entries
from rest_compat.encoding import JSON_TYPE
from rest_compat.errors import json_bytes
from rest_compat.question import Question
from rest_compat.route import (
    Answer,
    Arguments,
    Fault,
    Json,
    Parameter,
    Route,
    Schema,
    Showing,
    served,
)

DEFAULT_LIMIT = 100
# What SQLite makes a whole number of, exactly (sqlite.org/datatype3.html section 3); its spaces
# are those of C.
NUMBER = re.compile(
    r"[ \t\n\v\f\r]*([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,4})?)[ \t\n\v\f\r]*", re.ASCII
)
LONGEST_NUMBER = 400
MOMENT = re.compile(
    r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d)(?::(\d\d)(?:\.\d+)?)?(Z|[+-]\d\d:\d\d)?", re.ASCII
)


def limit_of(text: str) -> int | None:
    """Returns how many entries are asked for, None for all; 100 where the text is no number that
    SQLite would take (contract audit section 7)."""
    found = NUMBER.fullmatch(text) if len(text) <= LONGEST_NUMBER else None
    if found is None:
        return DEFAULT_LIMIT
    number = Decimal(found[1])
    if number != number.to_integral_value() or not -(2**63) <= number < 2**63:
        return DEFAULT_LIMIT
    return None if number < 0 else int(number)


def moment_of(text: str) -> str | None:
    """Returns a date or time as it is compared with the column, None for none.

    A date alone stays a text: a start has that whole day, an end nothing of it (contract audit
    section 2). Both forms of a time, `T` and blank, mean the same; an offset is turned into the
    station's local time. Any other text is compared as it is.
    """
    found = MOMENT.fullmatch(text)
    if found is None:
        return text or None
    date, minute, second, zone = found.groups()
    local = f"{date} {minute}:{second or '00'}"
    if zone is None:
        return local
    try:
        at = datetime.fromisoformat(f"{local}{'+00:00' if zone == 'Z' else zone}")
        return at.astimezone().strftime(STAMP)
    except (ValueError, OverflowError):
        return text


async def _asked(question: Question) -> Arguments:
    given = await question.parameters()
    asked = NewestFirst(
        event_type=given.get("event_type") or None,
        start=moment_of(given.get("start_date", "")),
        end=moment_of(given.get("end_date", "")),
    )
    return {"asked": asked, "most": limit_of(given.get("limit", ""))}


async def _list(batches: AsyncIterator[Sequence[StoredEntry]]) -> Response:
    """Streams the entries; the first batch is read before the answer begins, so that its errors
    show."""
    first = await _first(batches)

    async def body() -> AsyncGenerator[bytes, None]:
        count = len(first)
        yield b'{"audit_entries":[' + _joined(first)
        async for batch in batches:
            count += len(batch)
            yield b"," + _joined(batch)
        yield b'],"count":%d}' % count

    return StreamingResponse(body(), media_type=JSON_TYPE)


async def _first(batches: AsyncIterator[Sequence[StoredEntry]]) -> Sequence[StoredEntry]:
    async for batch in batches:
        return batch
    return ()


def _joined(entries: Sequence[StoredEntry]) -> bytes:
    return json_bytes([_entry(entry) for entry in entries])[1:-1]


def _entry(entry: StoredEntry) -> dict[str, Json]:
    success = None if entry.success is None else "Yes" if entry.success else "No"
    members = {
        "id": str(entry.id),
        "timestamp": entry.timestamp,
        "event_type": entry.event_type,
        "client_ip": entry.client_ip,
        "user_agent": entry.user_agent,
        "handler_path": entry.handler_path,
        "operation": entry.operation,
        "target_path": entry.target_path,
        "success": success,
        "username": entry.username,
        "additional_info": entry.additional_info,
    }
    # A NULL column is an absent key (contract audit section 2).
    return {name: value for name, value in members.items() if value is not None}


TEXT: Schema = {"type": "string"}
ENTRY: Schema = {
    "type": "object",
    "required": ["id", "timestamp", "event_type"],
    "properties": dict.fromkeys(
        (
            "id",
            "timestamp",
            "event_type",
            "client_ip",
            "user_agent",
            "handler_path",
            "operation",
            "target_path",
            "success",
            "username",
            "additional_info",
        ),
        TEXT,
    ),
}
DATE = "2026-08-01, 2026-08-01 14:30:00 or 2026-08-01T14:30, in the station's local time."

ROUTES: tuple[Route, ...] = (
    Route(
        method="GET",
        path="/auditlog",
        summary="The newest audit entries; this request is the first. A browser gets the page.",
        contract="audit 2",
        serves=served(list_newest_audit_entries, _list, _asked),
        parameters=(
            Parameter(
                "event_type",
                "query",
                "HANDLER_ACCESS, FILE_ACCESS or SYSTEMD_LOG_ACCESS; absent: all.",
            ),
            Parameter("start_date", "query", f"Not before: {DATE}"),
            Parameter("end_date", "query", f"Not after: {DATE}"),
            Parameter(
                "limit",
                "query",
                f"How many; {DEFAULT_LIMIT} if absent or no number, negative for all, in any case "
                f"at most {MOST_NEWEST}.",
            ),
        ),
        answers=(
            Answer(
                200,
                "The entries; `count` is how many are in this answer.",
                schema={
                    "type": "object",
                    "required": ["audit_entries", "count"],
                    "properties": {
                        "audit_entries": {"type": "array", "items": ENTRY},
                        "count": {"type": "integer"},
                    },
                },
            ),
        ),
        faults=(
            Fault(AuditDatabaseNotOpen, 500, "DB_OPEN_ERROR"),
            Fault(AuditDatabaseNotRead, 500, "QUERY_ERROR"),
        ),
        showing=Showing.ON_HTML,
    ),
)
