"""The legacy routes of the code scanner (contract manufacturing sections 5, 6)."""

from starlette.responses import Response

from domain.manufacturing.records import (
    RecordsMissing,
    RecordsNotFetched,
    RecordsNotOpen,
    RecordsNotPrepared,
    RecordsPathNotSet,
)
from domain.verification.verification import QrCodeInvalid
from resolvers.operation import Call
from resolvers.verification import open_scanner, verify_label
from rest_compat.encoding import json_answer
from rest_compat.http_errors import JsonInvalid
from rest_compat.question import Question
from rest_compat.route import Answer, Body, Fault, Route, Schema, Served, Showing

TEXT: Schema = {"type": "string"}
DATABASE = (
    RecordsPathNotSet,
    RecordsMissing,
    RecordsNotOpen,
    RecordsNotPrepared,
    RecordsNotFetched,
)


async def _verify(call: Call, question: Question) -> Response:
    code = (await question.json_object()).get("qrcode")
    if not isinstance(code, str):
        raise QrCodeInvalid("The member `qrcode` is missing or no text.", field="qrcode")
    verdict = await verify_label.perform(call, code=code)
    # Exactly these three, the code as it was sent (contract manufacturing section 5).
    return json_answer({"exists": verdict.record is not None, "qrcode": code, "success": True})


async def _shell(call: Call, question: Question) -> Response:
    del question
    await open_scanner.perform(call)
    return Response()


ROUTES: tuple[Route, ...] = (
    Route(
        method="POST",
        path="/api/v2/verify-qrcode",
        summary="Whether a board with this code was made here; the scan is kept.",
        contract="manufacturing 5",
        serves=Served(verify_label.name, verify_label.policy, _verify),
        body=Body(
            "application/json",
            {
                "type": "object",
                "required": ["qrcode"],
                "properties": {"qrcode": {"type": "string", "minLength": 1}},
            },
        ),
        answers=(
            Answer(
                200,
                "Whether a record has exactly this code.",
                schema={
                    "type": "object",
                    "required": ["exists", "qrcode", "success"],
                    "properties": {
                        "exists": {"type": "boolean"},
                        "qrcode": TEXT,
                        "success": {"const": True},
                    },
                },
            ),
        ),
        faults=(
            Fault(QrCodeInvalid, 400),
            Fault(JsonInvalid, 400, QrCodeInvalid.code),
            *(Fault(error, 500, "DB_ERROR") for error in DATABASE),
        ),
    ),
    Route(
        method="GET",
        path="/scantool",
        summary="The page of the code scanner.",
        contract="manufacturing 6",
        serves=Served(open_scanner.name, open_scanner.policy, _shell),
        answers=(Answer(200, "The page.", "text/html", TEXT),),
        showing=Showing.ALWAYS,
    ),
)
