"""The REST surface: parse, resolver, encode, and every error in the envelope."""

from collections.abc import Callable, Mapping

from starlette.responses import RedirectResponse, Response
from starlette.types import Receive, Scope, Send

from domain.station import Station
from resolvers.operation import Call, recorded
from resolvers.statuses import INTERNAL
from rest_compat.errors import ErrorForm, encode_error, told
from rest_compat.question import Question
from rest_compat.route import Fault, Json, Route, Showing
from rest_compat.routes import Found, RouteTable

Page = Callable[[], Response]
VARY = (b"vary", b"Accept")


class RestEndpoint:
    """The ASGI application of all legacy paths.

    The guard has put the caller into `scope["caller"]` and the HTTP rules the decoded path into
    `scope["path"]`. `page` makes what a browser gets where a path has a page.
    """

    def __init__(
        self, station: Station, *, table: RouteTable, page: Page, form: ErrorForm = ErrorForm.FLAT
    ) -> None:
        self._station = station
        self._table = table
        self._page = page
        self._form = form

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request."""
        question = Question(scope, receive, scope["path"])
        faults: tuple[Fault, ...] = ()
        failure: Mapping[str, Json] = {}
        try:
            found = self._table.find(question.path)
            route = found.place.routes.get(question.method)
            if route is None:
                answer = await self._unserved(found, question)
            else:
                faults, failure = route.faults, route.failure
                scope["route"] = route.path
                answer = await self._run(route, found, question)
        except Exception as error:  # noqa: BLE001 -- the top of a request; it is logged there
            caller = question.caller
            known = told(error, faults, correlation_id=caller.correlation_id)
            # A route with an envelope of its own tells its failures as JSON whatever is accepted.
            is_own = failure and known.status == INTERNAL
            accept = "" if is_own else question.header("accept")
            answer = encode_error(known, accept=accept, form=self._form, members=failure)
        await answer(scope, receive, send)

    async def _run(self, route: Route, found: Found, question: Question) -> Response:
        question.places = found.values
        question.most_bytes = route.body.most_bytes if route.body else question.most_bytes
        if route.serves is None:
            return RedirectResponse(route.redirect, 302)
        caller = question.caller.entering(route.entry_for(found.values), surface="rest")
        async with recorded(route.serves.policy, caller, self._station) as call:
            if route.checks_csrf:
                self._check_csrf(call, question.header("x-csrf-token"))
            answer = await route.serves.answer(call, question)
        # The data is made for a page too: a browser shall see the same errors.
        if route.showing.applies(question.header("accept")):
            answer = self._page()
        if route.showing is not Showing.NEVER and VARY not in answer.raw_headers:
            answer.raw_headers.append(VARY)
        return answer

    def _check_csrf(self, call: Call, token: str) -> None:
        # No header, no check: plain scripts stay as they are (contract configuration 2.1).
        if token:
            caller = call.caller
            self._station.csrf_tokens.check(caller.peer_address, caller.user_agent, token)

    async def _unserved(self, found: Found, question: Question) -> Response:
        later = found.place.pending.get(question.method)
        if later is not None and later.showing.applies(question.header("accept")):
            return self._page()
        refusal = found.refusal(question.method, question.path)
        route = next(iter(found.place.routes.values()), None)
        if route is not None and route.serves is not None:
            # A refused method is written down as the old service did (contract audit section 3).
            entry = route.entry_for(found.values)
            caller = question.caller.entering(entry, surface="rest")
            async with recorded(route.serves.policy, caller, self._station):
                raise refusal
        raise refusal
