"""A question to the journal on its way over the pipe to the process that reads it."""

from datetime import datetime

from adapters.journal_lines import Line, Plain, microseconds_of, moment
from domain.services.journal import JournalQuestion
from domain.services.line_filters import LineFilter, Origin, Priority


def request_of(question: JournalQuestion) -> dict[str, Plain]:
    """Returns the question as members of a request."""
    wanted = question.wanted
    return {
        "unit": question.unit,
        "count": question.count,
        "cursor": question.cursor,
        "inclusive": question.inclusive,
        "backwards": question.backwards,
        "origin": wanted.origin.value,
        "priority": None if wanted.priority is None else wanted.priority.value,
        "text": wanted.text,
        "since": None if wanted.since is None else microseconds_of(wanted.since),
        "until": None if wanted.until is None else microseconds_of(wanted.until),
        "boot": wanted.boot,
        "invocation": wanted.invocation,
    }


def question_of(request: Line) -> JournalQuestion:
    """Returns the question of a request that `request_of` made."""
    priority = _text(request, "priority")
    return JournalQuestion(
        unit=str(request["unit"]),
        count=int(str(request["count"])),
        cursor=_text(request, "cursor"),
        inclusive=bool(request["inclusive"]),
        backwards=bool(request["backwards"]),
        wanted=LineFilter(
            origin=Origin(str(request["origin"])),
            priority=None if priority is None else Priority(priority),
            text=_text(request, "text"),
            since=_time(request, "since"),
            until=_time(request, "until"),
            boot=_text(request, "boot"),
            invocation=_text(request, "invocation"),
        ),
    )


def _text(request: Line, name: str) -> str | None:
    value = request[name]
    return value if isinstance(value, str) else None


def _time(request: Line, name: str) -> datetime | None:
    value = request[name]
    return moment(value) if isinstance(value, int) else None
