"""The OpenAPI document: valid, and true of every answer, the recorded ones and our own.

Every answer of the other tests here is held against it too: see `described.checking`.
"""

import json

import pytest
from openapi_spec_validator import validate
from openapi_spec_validator.validation.validators import OpenAPIV31SpecValidator

from rest_compat.errors import ErrorForm
from server.running import openapi_document
from tests.surfaces.conftest import Service
from tests.surfaces.described import Answered, described
from tests.surfaces.recorded import CASES, recorded_answers


@pytest.mark.parametrize("form", ErrorForm)
def test_the_document_is_valid_openapi_3_1(form: ErrorForm) -> None:
    document = json.loads(json.dumps(openapi_document(form)))
    assert document["openapi"].startswith("3.1.")
    validate(document, cls=OpenAPIV31SpecValidator)


async def test_the_served_document_is_the_printed_one(service: Service) -> None:
    served = (await service.client.get("/openapi.json")).json()
    assert served == json.loads(json.dumps(openapi_document()))


def test_every_recorded_answer_is_as_the_document_says() -> None:
    if not CASES.is_dir():
        pytest.skip("the recorded answers (../shared/parity beside the checkout) are absent")
    recorded = dict(recorded_answers())
    operations = [id for id, accepted in recorded.items() if any(map(is_operation, accepted))]
    # Where several answers are right, ours is one of them.
    wrong = {
        id: [described().problems(one) for one in accepted] for id, accepted in recorded.items()
    }
    assert len(recorded) > 400
    assert len(operations) > 120
    assert {id: problems for id, problems in wrong.items() if problems and all(problems)} == {}


def is_operation(answered: Answered) -> bool:
    return described().operation(answered.method, answered.target) is not None


@pytest.mark.parametrize(
    ("answered", "told"),
    [
        (Answered("GET", "/devices", 207, "application/json", {}), "status is not documented"),
        (Answered("GET", "/DEVICES", 200, "text/plain"), "media type is not documented"),
        (Answered("GET", "/devices", 200, "application/json", {"devices": 5}), "/devices: 5 is"),
        (Answered("GET", "/devices", 200, "application/json", {}), "required"),
    ],
)
def test_an_answer_that_is_not_as_described_is_found(answered: Answered, told: str) -> None:
    [problem, *_] = described().problems(answered)
    assert told in problem
