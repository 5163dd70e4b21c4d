"""The legacy routes of the manufacturing database (contract manufacturing sections 3, 4)."""

from starlette.responses import Response

from domain.manufacturing.listing import RecordStream, Rows
from domain.manufacturing.record import Cell, Row
from domain.manufacturing.records import (
    RecordsMissing,
    RecordsNotFetched,
    RecordsNotOpen,
    RecordsNotPrepared,
    RecordsPathNotSet,
)
from resolvers.manufacturing import list_legacy_records, open_records_page
from resolvers.operation import Call
from rest_compat.encoding import JSON_TYPE
from rest_compat.errors import json_bytes
from rest_compat.manufacturing.streams import RowsAnswer, opened
from rest_compat.numbers import stoi
from rest_compat.question import Question
from rest_compat.route import (
    Answer,
    Arguments,
    Fault,
    Parameter,
    Route,
    Schema,
    Served,
    Showing,
    served,
)

TEXT: Schema = {"type": "string"}
FAULTS = (
    Fault(RecordsPathNotSet, 500),
    Fault(RecordsMissing, 500),
    Fault(RecordsNotOpen, 500),
    Fault(RecordsNotPrepared, 500),
    Fault(RecordsNotFetched, 500),
)


async def _asked(question: Question) -> Arguments:
    given = await question.parameters()
    limit, offset = stoi(given.get("limit", "")), stoi(given.get("offset", ""))
    return {
        # Below 1 or no number: all rows (contract manufacturing section 3).
        "limit": limit if limit is not None and limit > 0 else None,
        "offset": max(0, offset or 0),
    }


async def _list(stream: RecordStream[Rows]) -> Response:
    first, others = await opened(stream)
    # Sorted once for all rows: keys are in byte order (contract manufacturing section 3).
    texts = _Texts()
    return RowsAnswer(
        first, others, begin=b"[", text=texts.joined, end=b"]\n", media_type=JSON_TYPE
    )


class _Texts:
    """Every value as a text, as the old service writes it: its page compares with '1'."""

    def __init__(self) -> None:
        self._comma = b""

    def joined(self, rows: Rows) -> bytes:
        """Returns the objects of some rows, with a comma before them unless they are the first."""
        text = self._comma + json_bytes([_texts(row) for row in rows])[1:-1]
        self._comma = b","
        return text


def _texts(row: Row) -> dict[str, str]:
    return {name: _text(row[name]) for name in sorted(row)}


def _text(cell: Cell) -> str:
    if cell is None:
        return ""
    return cell.decode("utf-8", "replace") if isinstance(cell, bytes) else str(cell)


async def _shell(call: Call, question: Question) -> Response:
    # Always the page, whatever the database does: it asks for the records itself.
    del question
    await open_records_page.perform(call)
    return Response()


ROUTES: tuple[Route, ...] = (
    Route(
        method="GET",
        path="/api/v2/manufacturing",
        summary="The manufacturing records, the newest time first; every value is a text.",
        contract="manufacturing 3",
        serves=served(list_legacy_records, _list, _asked),
        parameters=(
            Parameter("limit", "query", "How many; all if absent, below 1 or no number."),
            Parameter("offset", "query", "How many to leave out; 0 if absent or no number."),
        ),
        answers=(
            Answer(
                200,
                "The records: one member for each column that the table has.",
                schema={
                    "type": "array",
                    "items": {"type": "object", "additionalProperties": TEXT},
                },
            ),
        ),
        faults=FAULTS,
    ),
    Route(
        method="GET",
        path="/manu-db",
        summary="The page of the manufacturing database.",
        contract="manufacturing 4",
        serves=Served(open_records_page.name, open_records_page.policy, _shell),
        answers=(Answer(200, "The page.", "text/html", TEXT),),
        showing=Showing.ALWAYS,
    ),
)
