"""The legacy routes of a unit's log (contract services sections 4 and 5)."""

import json
from collections.abc import Callable
from datetime import datetime

from starlette.responses import Response

from domain.paging import DEFAULT_SIZE, MOST
from domain.services.journal import JournalLine, JournalUnavailable
from domain.services.unit_logs import NumberedPage
from domain.services.unit_names import ServiceUnauthorized
from resolvers.operation import Call, Operation
from resolvers.services import get_numbered_log_page, open_unit_log_page
from rest_compat.encoding import JSON_TYPE, json_answer
from rest_compat.numbers import stoi
from rest_compat.question import Question
from rest_compat.route import Answer, Fault, Json, Parameter, Route, Schema, Served, Showing

FAULTS = (Fault(ServiceUnauthorized), Fault(JournalUnavailable, 500, "JOURNAL_OPEN_ERROR"))
TEXT: Schema = {"type": "string"}
NUMBER: Schema = {"type": "integer", "minimum": 0}
NUMBERS = ("page", "page_size", "total_entries", "total_pages")
NAME = Parameter("name", "path", "The unit; `.service` may be left out.", required=True)
PARAMETERS = (
    NAME,
    # The numbers are read as `stoi` reads them: no text is refused (contract services 4).
    Parameter("page", "query", "Which page; 1 if it is no number above 0."),
    Parameter("page_size", "query", f"Lines a page, at most {MOST}; {DEFAULT_SIZE} likewise."),
    Parameter("order", "query", "asc, or desc: the newest line first.", schema=TEXT),
)
LOG: Schema = {
    "type": "object",
    "required": ["logs", "service_name", *NUMBERS, "order"],
    "properties": {
        "logs": {"type": "array", "items": TEXT},
        "service_name": TEXT,
        **dict.fromkeys(NUMBERS, NUMBER),
        "order": {"enum": ["asc", "desc"]},
    },
}


def _served(
    read: Operation[..., NumberedPage], encode: Callable[[dict[str, Json]], Response]
) -> Served:
    async def answer(call: Call, question: Question) -> Response:
        return encode(await _log(read, call, question))

    return Served(read.name, read.policy, answer)


def _indented(body: dict[str, Json]) -> Response:
    text = json.dumps(body, indent="\t", ensure_ascii=False)
    return Response(f"{text}\n".encode("utf-8", "replace"), media_type=JSON_TYPE)


async def _log(
    read: Operation[..., NumberedPage], call: Call, question: Question
) -> dict[str, Json]:
    name, given = question.places["name"], await question.parameters()
    number, size = stoi(given.get("page", "")), stoi(given.get("page_size", ""))
    order = "asc" if given.get("order") == "asc" else "desc"
    page = await read.perform(
        call,
        name=name,
        page=number if number and number > 0 else 1,
        size=min(size, MOST) if size and size > 0 else DEFAULT_SIZE,
        newest_first=order == "desc",
    )
    return _body(name, page) | {"order": order}


def _body(name: str, page: NumberedPage) -> dict[str, Json]:
    return {
        "logs": [_line(line) for line in page.lines],
        # As it was asked for, also where `.service` was left out (contract services section 7).
        "service_name": name,
        "page": page.page,
        "page_size": page.size,
        "total_entries": page.total,
        "total_pages": page.pages,
    }


def _line(line: JournalLine) -> str:
    return f"{stamp(line.at)} {line.message or ''}"


def stamp(at: datetime) -> str:
    """Returns the time to the millisecond, the rest cut off."""
    return f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03d}Z"


ROUTES: tuple[Route, ...] = (
    Route(
        method="GET",
        path="/api/v2/service-log/{name}",
        summary="A page of what a unit's own processes wrote to the journal.",
        contract="services 4",
        serves=_served(get_numbered_log_page, json_answer),
        parameters=PARAMETERS,
        answers=(Answer(200, "The page.", schema=LOG),),
        faults=FAULTS,
    ),
    Route(
        method="GET",
        path="/service-log/{name}",
        summary="The page of a unit's log; its data where JSON is accepted.",
        contract="services 5",
        serves=_served(open_unit_log_page, _indented),
        parameters=PARAMETERS,
        answers=(Answer(200, "The page.", schema=LOG),),
        faults=FAULTS,
        showing=Showing.UNLESS_JSON,
    ),
)
