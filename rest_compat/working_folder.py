"""The legacy route of the working folder (contract configuration 6, 12)."""

from starlette.responses import Response

from domain.configuration.file import ConfigUnreadable
from domain.configuration.workdir import Cleared, WorkdirNotCleared
from domain.configuration.workdir_guard import WorkdirRefused
from resolvers.working_folder import clear_working_folder
from rest_compat.route import Answer, Fault, Route, served


def _nothing(cleared: Cleared) -> Response:
    del cleared
    return Response()


ROUTES: tuple[Route, ...] = (
    Route(
        method="POST",
        path="/options/clear-workdir",
        summary="Empties the working folder; without one nothing happens.",
        contract="configuration 12",
        serves=served(clear_working_folder, _nothing),
        answers=(Answer(200, "It is empty, or there is none; nothing is said.", media_type=""),),
        faults=(
            Fault(WorkdirRefused),
            Fault(WorkdirNotCleared, 500),
            Fault(ConfigUnreadable, 500),
        ),
        checks_csrf=True,
    ),
)
