"""How a log leaves the station: whole, a range of it or its last lines, in flat memory."""

from starlette.responses import Response

from domain.devices.log_pages import LogTail
from rest_compat.file_answers import file_answer
from rest_compat.question import Question

TEXT_TYPE = "text/plain; charset=utf-8"


def log_answer(found: LogTail, question: Question) -> Response:
    """Returns what the request's conditions and range ask for (RFC 9110 sections 13 and 14)."""
    return file_answer(
        found.log,
        question,
        media_type=TEXT_TYPE,
        start=found.start,
        is_zipped="gzip" in question.header("accept-encoding"),
    )
