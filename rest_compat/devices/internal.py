"""The routes with which the station's own scripts announce their rows (contract devices 6.9)."""

from starlette.responses import Response

from domain.internal_token import InternalCallRefused
from resolvers.devices.topology import announce_rows
from rest_compat.question import Question
from rest_compat.route import Answer, Arguments, Fault, Parameter, Route, served

TOKEN = "X-Internal-Token"  # noqa: S105 -- the header's name


async def _token(question: Question) -> Arguments:
    # The body is not read: curl sends none, and nothing in one would be needed.
    return {"token": question.header(TOKEN.lower())}


def _nothing(told: None) -> Response:
    del told
    return Response(status_code=204)


ROUTES: tuple[Route, ...] = (
    Route(
        method="POST",
        path="/internal/state-changed",
        # Which of the two tells no more: the scripts name no row, so both databases are looked at.
        aliases=("/internal/manufacturing-recorded",),
        summary="The station's scripts wrote a row; for everybody else there is nothing here.",
        contract="devices 6.9",
        serves=served(announce_rows, _nothing, _token),
        parameters=(Parameter(TOKEN, "header", "What internal.token holds.", required=True),),
        answers=(Answer(204, "The row will be looked for.", media_type=""),),
        faults=(Fault(InternalCallRefused, 404),),
    ),
)
