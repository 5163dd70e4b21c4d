"""The export of manufacturing records: ours, not the old service's."""

from datetime import UTC, datetime
from urllib.parse import parse_qsl

from starlette.responses import Response

from domain.manufacturing.export import ExportFormat, ExportText
from domain.manufacturing.export_address import (
    FLAGS,
    LISTS,
    PATH,
    Export,
    ExportParameterInvalid,
    export_of,
)
from domain.manufacturing.filters import OrderField, RecordFilterInvalid
from domain.manufacturing.listing import ExportBatch, RecordStream
from domain.manufacturing.record import ConnectStatus
from domain.manufacturing.record_index import RecordIndexUnavailable, RecordsIndexing
from domain.manufacturing.records import RecordsPathNotSet
from resolvers.manufacturing import export_records
from rest_compat.manufacturing.records import FAULTS
from rest_compat.manufacturing.streams import RowsAnswer, opened
from rest_compat.question import Question
from rest_compat.route import Answer, Arguments, Fault, Parameter, Route, Schema, served

ANY = "absent means any."


async def _asked(question: Question) -> Arguments:
    # Read here and not as elsewhere: some parameters count as often as they come.
    query = question.scope["query_string"].decode("latin-1")
    return {"export": export_of(parse_qsl(query, keep_blank_values=True, errors="replace"))}


async def _file(found: tuple[Export, RecordStream[ExportBatch]]) -> Response:
    export, stream = found
    first, others = await opened(stream)
    text = ExportText(export.format, stream.columns)
    name = export.format.file_name(datetime.now(UTC))
    return RowsAnswer(
        first,
        others,
        begin=text.begin(),
        text=text.rows,
        end=text.end(),
        media_type=export.format.media_type,
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


def _words(kind: type[ExportFormat] | type[OrderField] | type[ConnectStatus]) -> Schema:
    return _one_of(*(value.lower() for value in kind))


def _one_of(*words: str) -> Schema:
    return {"type": "string", "enum": [*words, ""]}


def _parameter(name: str, description: str, schema: Schema | None = None) -> Parameter:
    return Parameter(name, "query", description, schema=schema or {"type": "string"})


TEXT: Schema = {"type": "string"}
RECORDS: Schema = {"type": "array", "items": {"type": "object"}}
YES_NO = _one_of("yes", "no", "unknown")
NONE: Schema = {"maxLength": 0}
"""An empty text is as good as absent, here and among words."""
MOMENT: Schema = {"type": "string", "anyOf": [{"format": "date-time"}, NONE]}
SEVERAL: Schema = {"type": "array", "items": {"type": "string"}}
PARAMETERS = (
    _parameter("format", "How it is written; absent: csv.", _words(ExportFormat)),
    _parameter("order", "What it is ordered by; absent: id.", _words(OrderField)),
    _parameter("direction", "Absent: desc.", _one_of("asc", "desc")),
    *(_parameter(name, f"May be given several times; {ANY}", SEVERAL) for name in LISTS),
    *(_parameter(name, f"What the record says; {ANY}", YES_NO) for name in FLAGS),
    _parameter("connect_status", f"What came of Connect; {ANY}", _words(ConnectStatus)),
    _parameter("since", f"At this moment or later; {ANY}", MOMENT),
    _parameter("until", f"Before this moment; {ANY}", MOMENT),
    _parameter("text", f"A part of any text of the record; {ANY}"),
)

ROUTES: tuple[Route, ...] = (
    Route(
        method="GET",
        path=PATH,
        summary="Wanted manufacturing records as a file: CSV, NDJSON or one JSON array.",
        contract="ours",
        serves=served(export_records, _file, _asked),
        parameters=PARAMETERS,
        answers=(
            Answer(200, "The file.", "text/csv", TEXT),
            Answer(200, "In the format `ndjson` a record a line.", "application/x-ndjson", TEXT),
            Answer(200, "In the format `json` a list.", schema=RECORDS),
        ),
        faults=(
            Fault(ExportParameterInvalid),
            Fault(RecordFilterInvalid),
            Fault(RecordsIndexing),
            Fault(RecordIndexUnavailable),
            # The natural status: no old client knows this path.
            *(Fault(known.error) for known in FAULTS if known.error is not RecordsPathNotSet),
        ),
    ),
)
