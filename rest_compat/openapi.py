"""The OpenAPI 3.1 document, made from the routes."""

import re
from collections.abc import Iterable, Iterator, Sequence

from domain.audit.log import AuditUnavailable
from domain.caller import Role, RoleTooLow, Unauthenticated
from domain.csrf_tokens import CsrfTokenRefused
from domain.errors import ProvisionerError
from resolvers.operation import Effect
from rest_compat.documents import Document
from rest_compat.errors import ErrorForm, status_of
from rest_compat.http_errors import BodyTooLarge, JsonInvalid
from rest_compat.route import Answer, Fault, Json, Parameter, Route, Schema

ERROR: Schema = {
    "type": "object",
    "description": "The service this one replaces sent no `status` and `title`.",
    "required": ["error"],
    "properties": {
        "error": {"type": "string", "description": "A sentence for an operator."},
        "error_code": {"type": "string"},
        "details": {"type": "string", "description": "What was asked for; absent if empty."},
        "status": {"type": "integer", "minimum": 400, "maximum": 599},
        "title": {"type": "string"},
    },
}
DOCUMENTED_ERROR: Schema = {
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["status", "title", "code", "detail", "additional"],
            "properties": {
                "status": {"type": "integer", "minimum": 400, "maximum": 599},
                "title": {"type": "string"},
                "code": {"type": "string"},
                "detail": {"type": "string", "description": "A sentence for an operator."},
                "additional": {"type": "string", "description": "What was asked for."},
            },
        }
    },
}
PROBLEM: Schema = {
    "type": "object",
    "required": ["type", "title", "status", "detail", "code"],
    "properties": {
        "type": {"type": "string", "format": "uri-reference"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "code": {"type": "string"},
        "details": {"type": "string"},
    },
}
ERROR_CONTENT: Schema = {
    "application/json": {"schema": {"$ref": "#/components/schemas/Error"}},
    "application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}},
    "text/html": {"schema": {"type": "string"}},
}


def document(
    routes: Iterable[Route],
    documents: Iterable[Document],
    *,
    version: str,
    form: ErrorForm = ErrorForm.FLAT,
    anywhere: Iterable[type[ProvisionerError]] = (),
) -> dict[str, Json]:
    """Returns the whole document; aliases are paths of their own.

    `form` is that of errors, and `anywhere` holds those that any request may be answered, before a
    route is looked for.
    """
    error = DOCUMENTED_ERROR if form is ErrorForm.DOCUMENTED else ERROR
    unrouted = ["INTERNAL", *(refusal.code for refusal in anywhere)]
    paths = _paths(routes, unrouted)
    paths |= {described.path: {"get": _described(described)} for described in documents}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Provisioner service, REST compatibility layer",
            "version": version,
            "description": "The legacy paths. New programs use GraphQL at /graphql.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "security": [{}, {"token": []}],
        "paths": paths,
        "components": {
            "schemas": {"Error": error, "Problem": PROBLEM},
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


def _paths(routes: Iterable[Route], unrouted: Sequence[str]) -> dict[str, dict[str, Json]]:
    paths: dict[str, dict[str, Json]] = {}
    named: list[Json] = []
    for route in routes:
        for number, path in enumerate(route.paths):
            operation = _operation(route, number, unrouted)
            if operation["operationId"] in named:
                # The same resolver by both methods: an id names one operation only.
                operation["operationId"] = f"{operation['operationId']}_by_{route.method.lower()}"
            named.append(operation["operationId"])
            paths.setdefault(path, {})[route.method.lower()] = operation
    return paths


def every_fault(route: Route) -> list[Fault]:
    """Returns the route's own faults and those that its mechanism can answer, without repeats."""
    common: list[type[ProvisionerError]] = []
    if route.serves is not None and route.serves.policy.role > Role.NOBODY:
        common += [Unauthenticated, RoleTooLow]
    if route.serves is not None and route.serves.policy.effect is Effect.CHANGE:
        common += [AuditUnavailable]
    if route.body is not None:
        common += [BodyTooLarge]
    if route.body is not None and route.body.media_type == "application/json":
        common += [JsonInvalid]
    if route.checks_csrf:
        common += [CsrfTokenRefused]
    own = {fault.error for fault in route.faults}
    return [*route.faults, *(Fault(error) for error in common if error not in own)]


def _operation(route: Route, number: int, unrouted: Sequence[str]) -> dict[str, Json]:
    name = route.serves.name if route.serves else "start_page"
    described: dict[str, Json] = {
        "operationId": f"{name}_{number}" if number else name,
        "summary": route.summary,
        "x-contract": route.contract,
        "parameters": [_parameter(parameter) for parameter in route.parameters],
        "responses": _responses(route, unrouted),
    }
    if route.serves is not None:
        described["x-role"] = route.serves.policy.role.words
        described["x-graphql"] = route.serves.policy.graphql
    if route.body is not None:
        described["requestBody"] = {
            "required": route.body.required,
            "content": {route.body.media_type: {"schema": route.body.schema}},
        }
    return described


def _described(described: Document) -> Json:
    media_type = described.media_type.partition(";")[0]
    schema: Schema = {"type": "object"} if media_type.endswith("json") else {"type": "string"}
    return {
        "operationId": re.sub(r"\W", "_", described.path.strip("/")),
        "summary": described.summary,
        "responses": {
            "200": {"description": "The document.", "content": {media_type: {"schema": schema}}}
        },
    }


def _parameter(parameter: Parameter) -> Schema:
    return {
        "name": parameter.name,
        "in": parameter.place,
        "description": parameter.description,
        "required": parameter.required,
        "schema": parameter.schema,
    }


def _responses(route: Route, unrouted: Sequence[str]) -> dict[str, Json]:
    statuses = dict.fromkeys(answer.status for answer in route.answers)
    answers = {str(status): _answers(route, status) for status in statuses}
    by_status: dict[str, list[str]] = {}
    for fault in every_fault(route):
        status = str(fault.status or status_of(fault.error))
        by_status.setdefault(status, []).append(fault.code or fault.error.code)
    for status, codes in by_status.items():
        answers.setdefault(status, _failure(codes))
    answers["default"] = _failure(unrouted)
    return dict(sorted(answers.items()))


def _answers(route: Route, status: int) -> Json:
    answers = [answer for answer in route.answers if answer.status == status]
    description = " ".join(answer.description for answer in answers)
    content: dict[str, Json] = {
        answer.media_type: {"schema": answer.schema} for answer in answers if answer.media_type
    }
    if not content:
        return {"description": description}
    if route.showing.applies("text/html"):
        content["text/html"] = {"schema": {"type": "string"}}
    links: dict[str, Json] = {name: told for answer in answers for name, told in _links(answer)}
    described: dict[str, Json] = {"description": description, "content": content}
    return {**described, "links": links} if links else described


def _links(answer: Answer) -> Iterator[tuple[str, Json]]:
    for link in answer.links:
        parameters = {link.parameter: f"$response.body#{link.pointer}"}
        for name in link.operations:
            yield name, {"operationId": name, "parameters": parameters}


def _failure(codes: Sequence[str]) -> Json:
    return {"description": " or ".join(sorted(set(codes))), "content": ERROR_CONTENT}
