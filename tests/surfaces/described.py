"""Whether an answer is what the served OpenAPI document says of its operation."""

import json
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any
from urllib.parse import urlsplit

import httpx2
from openapi_schema_validator import OAS31Validator, oas31_format_checker

from domain.errors import ProvisionerError
from rest_compat.errors import ErrorForm
from rest_compat.question import decoded_path
from rest_compat.routes import RouteTable
from server.running import openapi_document

CODE = re.compile(r"[A-Z][A-Z_]+")
"""As the description of a failure lists them."""


@dataclass(frozen=True, slots=True)
class Answered:
    """A request and its answer; `body` is the parsed JSON where the media type says JSON, and
    `is_part` whether only some of its members are known."""

    method: str
    target: str
    status: int
    media_type: str
    body: Any = None
    is_part: bool = False

    @property
    def code(self) -> str:
        """The error's code, in whichever form it was told."""
        if not isinstance(self.body, dict):
            return ""
        inner = self.body.get("error")
        nested = inner.get("code") if isinstance(inner, dict) else ""
        return str(self.body.get("error_code") or self.body.get("code") or nested)

    def __str__(self) -> str:
        return f"{self.method} {self.target[:200]} -> {self.status} {self.media_type or 'no body'}"


class Described:
    """The document, ready to be held against answers."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self.document = document
        self._table = RouteTable()
        self._schemas: dict[int, OAS31Validator] = {}

    def operation(self, method: str, target: str) -> Mapping[str, Any] | None:
        """Returns what the document says of this request, None if it is no documented operation."""
        path = decoded_path(urlsplit(target).path.encode("utf-8", "replace"))
        if path not in self.document["paths"]:
            try:
                path = self._table.find(path).place.path
            except ProvisionerError:
                return None
        described: Mapping[str, Any] = self.document["paths"].get(path, {})
        return described.get("get" if method == "HEAD" else method.lower())

    def problems(self, answered: Answered) -> list[str]:
        """Returns what of the answer the document does not say."""
        operation = self.operation(answered.method, answered.target)
        if operation is None:
            return []
        responses = operation["responses"]
        status = str(answered.status)
        if status not in responses and answered.code in CODE.findall(
            responses["default"]["description"]
        ):
            status = "default"
        if status not in responses:
            return [f"{answered}: the status is not documented"]
        content = responses[status].get("content", {})
        may_be_empty = not content or any(
            described["schema"].get("maxLength") == 0 for described in content.values()
        )
        if answered.method == "HEAD" or (not answered.media_type and may_be_empty):
            return []
        if answered.media_type not in content:
            return [f"{answered}: the media type is not documented, only {sorted(content)}"]
        if not is_json(answered.media_type):
            return []
        return [
            f"{answered}: /{'/'.join(map(str, error.absolute_path))}: {error.message[:300]}"
            for error in self._validator(content[answered.media_type]).iter_errors(answered.body)
            if not (answered.is_part and error.validator == "required")
        ]

    def _validator(self, content: Mapping[str, Any]) -> OAS31Validator:
        key = id(content)
        if key not in self._schemas:
            schema = {**content.get("schema", {}), "components": self.document["components"]}
            OAS31Validator.check_schema(schema)
            self._schemas[key] = OAS31Validator(schema, format_checker=oas31_format_checker)
        return self._schemas[key]


def is_json(media_type: str) -> bool:
    return media_type == "application/json" or media_type.endswith("+json")


def answered_by(response: httpx2.Response) -> Answered:
    """Returns what a client was answered; its body must have been read."""
    media_type = response.headers.get("content-type", "").partition(";")[0]
    body = response.json() if is_json(media_type) and response.request.method != "HEAD" else None
    target = response.request.url.raw_path.decode("ascii")
    status = response.status_code
    return Answered(response.request.method, target, status, media_type, body)


@cache
def described(form: str = "flat") -> Described:
    """Returns the document of this version; read once, as clients do."""
    return Described(json.loads(json.dumps(openapi_document(ErrorForm(form)))))


def checking(form: str) -> Callable[[httpx2.Response], Awaitable[None]]:
    """Returns what fails a test whose answer is not as the document says."""

    async def check(response: httpx2.Response) -> None:
        request, known = response.request, described(form)
        if known.operation(request.method, request.url.path) is None:
            return
        if is_json(response.headers.get("content-type", "").partition(";")[0]):
            await response.aread()
        answered = answered_by(response)
        problems = known.problems(answered)
        if answered.status >= 400 and form == "flat" and isinstance(answered.body, dict):
            # Ours say more than the recorded ones, which the document has to hold for as well.
            missing = {"error", "error_code", "status", "title"} - answered.body.keys()
            is_problem = answered.media_type.endswith("problem+json")
            problems += [f"{answered}: no {missing}"] if missing and not is_problem else []
        if problems:
            raise AssertionError("\n".join(problems))

    return check
