"""The legacy routes of a device's logs (contract devices 6.3)."""

from starlette.responses import Response

from domain.devices.devices import SerialMissing
from domain.devices.log_files import LogKind
from domain.devices.log_pages import MOST_TAIL, LogTail
from domain.devices.logs import LogNotFound
from domain.devices.names import required
from domain.paging import PageInvalid
from resolvers.devices.logs import open_bootstrap_log, open_provisioner_log, open_triage_log
from resolvers.operation import Call, Operation
from rest_compat.devices.devices import SERIAL, TEXT
from rest_compat.devices.log_answers import log_answer
from rest_compat.http_errors import RangeNotSatisfiable
from rest_compat.question import Question
from rest_compat.route import Answer, Fault, Parameter, Route, Served

TAIL = Parameter(
    "tail",
    "query",
    "Only the last lines of the log, so many.",
    schema={"type": "integer", "minimum": 1, "maximum": MOST_TAIL},
)
RANGE = Parameter("Range", "header", "One range of bytes, such as bytes=1000-; not with tail.")
KNOWN = Parameter("If-None-Match", "header", "The ETag of what the client has.")
# The old service answers 400 where there is no such log (contract devices Q8).
FAULTS = (
    Fault(SerialMissing, 400),
    Fault(LogNotFound, 400),
    Fault(PageInvalid, 400),
    Fault(RangeNotSatisfiable),
)


def _served(resolver: Operation[..., LogTail]) -> Served:
    # Not by `served`: the answer depends on the request's conditions and range.
    async def answer(call: Call, question: Question) -> Response:
        identifier = required(question.places["serialno"])
        tail = _number((await question.parameters()).get("tail"))
        return log_answer(await resolver.perform(call, identifier=identifier, tail=tail), question)

    return Served(resolver.name, resolver.policy, answer)


def _number(text: str | None) -> int | None:
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        message = f"`tail` is a whole number from 1 to {MOST_TAIL}."
        raise PageInvalid(message, field="tail", detail=text[:80])
    return int(text)


def _route(kind: LogKind, resolver: Operation[..., LogTail]) -> Route:
    return Route(
        method="GET",
        path=f"/devices/{{serialno}}/log/{kind.value}",
        summary=f"The {kind.value} log of a device, as it is on the disk.",
        contract="devices 6.3",
        serves=_served(resolver),
        parameters=(SERIAL, TAIL, RANGE, KNOWN),
        answers=(
            Answer(200, "The log, or its last lines.", "text/plain", TEXT),
            Answer(206, "The range that was asked for.", "text/plain", TEXT),
            Answer(304, "The client has it already.", media_type=""),
        ),
        faults=FAULTS,
    )


ROUTES: tuple[Route, ...] = (
    _route(LogKind.PROVISIONER, open_provisioner_log),
    _route(LogKind.BOOTSTRAP, open_bootstrap_log),
    _route(LogKind.TRIAGE, open_triage_log),
)
