"""The legacy routes of options (contract configuration section 12)."""

from starlette.responses import Response

from resolvers.station import issue_csrf_token
from rest_compat.encoding import json_answer
from rest_compat.route import Answer, Route, served


def _token(token: str) -> Response:
    return json_answer({"token": token})


ROUTES: tuple[Route, ...] = (
    Route(
        method="GET",
        path="/options/csrf-token",
        summary="A token for the header X-CSRF-Token of form posts.",
        contract="configuration 2.1",
        serves=served(issue_csrf_token, _token),
        answers=(
            Answer(
                200,
                "A token of 32 letters and digits, good for an hour after each use.",
                schema={
                    "type": "object",
                    "required": ["token"],
                    "properties": {"token": {"type": "string", "pattern": "^[A-Za-z0-9]{32}$"}},
                },
            ),
        ),
    ),
)
