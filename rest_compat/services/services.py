"""The legacy routes of the list of services (contract services sections 2 and 3)."""

from starlette.responses import Response

from domain.services.journal import JournalUnavailable
from domain.services.states import Listing, Service
from domain.services.units import BusUnavailable, UnitsUnavailable, UnitsUnintelligible
from resolvers.services import list_services, open_services_page
from rest_compat.encoding import json_answer
from rest_compat.route import Answer, Fault, Json, Link, Route, Schema, Showing, served

GONE = ("inactive", "completed")
"""Active and sub state of a unit that systemd does not list."""
NOBODY_KNOWS = ("unknown", "unknown")
"""While systemd cannot be asked: what may still run is not said to be completed."""

FAULTS = (
    Fault(BusUnavailable, 500, "BUS_CONNECT_ERROR"),
    Fault(UnitsUnintelligible, 500, "PARSE_RESPONSE_ERROR"),
    Fault(UnitsUnavailable, 500, "LIST_UNITS_ERROR"),
)
WARNINGS = (*FAULTS, Fault(JournalUnavailable, 500, "JOURNAL_OPEN_ERROR"))
TEXT: Schema = {"type": "string"}
TEXTS = ("name", "instance", "base_name", "full_name", "active", "status")
SERVICE: Schema = {
    "type": "object",
    "required": [*TEXTS, "timestamp"],
    "properties": {
        **dict.fromkeys(TEXTS, TEXT),
        "timestamp": {"type": "integer", "description": "Microseconds since the epoch."},
    },
}
WARNING: Schema = {
    "type": "object",
    "description": "Who could not be asked; absent when everybody answered.",
    "required": ["error", "error_code"],
    "properties": {"error": TEXT, "error_code": TEXT},
}
SERVICES: Schema = {
    "type": "object",
    "required": ["services"],
    "properties": {"services": {"type": "array", "items": SERVICE}, "warning": WARNING},
}


def _list(listing: Listing) -> Response:
    services = [_service(service) for service in listing.services]
    failure = listing.unasked or listing.unread
    if failure is None:
        return json_answer({"services": services})
    code = next(fault.code for fault in WARNINGS if isinstance(failure, fault.error))
    warning = {"error": failure.message, "error_code": code}
    return json_answer({"services": services, "warning": warning})


def _service(service: Service) -> dict[str, Json]:
    parts, live = service.parts, service.live
    active, status = (live.active_state, live.sub_state) if live else GONE
    if not service.asked:
        active, status = NOBODY_KNOWS
    return {
        "name": parts.template,
        "instance": parts.instance,
        "base_name": parts.base_name,
        "full_name": parts.full,
        "active": active,
        "status": status,
        "timestamp": service.told.own_newest if service.told else 0,
    }


def _page(_: None) -> Response:
    # A browser always gets the page instead (contract services section 3).
    return Response()


ROUTES: tuple[Route, ...] = (
    Route(
        method="GET",
        path="/api/v2/services",
        summary="The units that the journal tells of, the one with the newest line first.",
        contract="services 2",
        serves=served(list_services, _list),
        answers=(
            Answer(
                200,
                "The units.",
                schema=SERVICES,
                links=(Link("/services/0/full_name", "name", ("get_numbered_log_page",)),),
            ),
        ),
        faults=FAULTS,
    ),
    Route(
        method="GET",
        path="/services",
        summary="The page of the services.",
        contract="services 3",
        serves=served(open_services_page, _page),
        answers=(Answer(200, "The page.", "text/html", TEXT),),
        showing=Showing.ALWAYS,
    ),
)
