"""The legacy routes that change scripts (contract customisation 4.4, 4.6, 4.7)."""

from starlette.responses import Response

from domain.customisation.names import ScriptNameInvalid, ScriptNameMissing, ScriptNotFound
from domain.customisation.refusals import (
    MOST_BYTES,
    ScriptChanged,
    ScriptFolderNotMade,
    ScriptFolderUnreadable,
    ScriptModeNotSet,
    ScriptNotDeleted,
    ScriptNotWritten,
    ScriptSyntaxError,
    ScriptTooLarge,
    ScriptTooLargeToRead,
    ScriptUnreadable,
)
from domain.customisation.script import Script
from domain.customisation.syntax import SyntaxUnchecked
from domain.errors import Invalid
from resolvers.customisation import delete_script, disable_script, enable_script, save_script
from resolvers.operation import Operation
from rest_compat.customisation.scripts import SAVED, TEXT, metadata, script_of
from rest_compat.encoding import json_answer
from rest_compat.json_texts import AS_TEXT, as_text
from rest_compat.question import Question
from rest_compat.route import Answer, Arguments, Body, Fault, Parameter, Route, Schema, served

# Characters may be written as escapes of six bytes.
MOST_BODY = 6 * MOST_BYTES + 4096
SAVING: Schema = {
    "type": "object",
    "required": ["filename", "content"],
    "properties": {
        # As a text it is then checked as a file's name; the content may be anything (contract 4.4).
        "filename": {"type": ["string", "number", "boolean"], "minLength": 1},
        "content": AS_TEXT,
    },
}
MEMBERS = {"name": "filename", "content": "content"}
NAMED: Schema = {"type": "string", "minLength": 1}
FORM: Schema = {"type": "object", "properties": {"script": NAMED}}
NAME = Parameter("script", "query", "The script, unless the form has it.", schema=NAMED)


class FieldsMissing(Invalid):
    """A member that is needed is not there."""

    code = "MISSING_REQUIRED_FIELDS"
    title = "Missing Fields"
    meaning = "The JSON object has not all of the members that this address needs."
    remedy = "Send every member that the message names."


async def _saving(question: Question) -> Arguments:
    is_null = (await question.body()).strip() == b"null"
    # Nothing at all counts as an object without members (contract customisation 4.4).
    body = {} if is_null and _is_json(question) else await question.json_object()
    if "filename" not in body or "content" not in body:
        raise FieldsMissing("The members `filename` and `content` are needed.")
    return {name: as_text(body[member], name=member) for name, member in MEMBERS.items()}


def _is_json(question: Question) -> bool:
    return "application/json" in question.header("content-type")


def _saved(script: Script) -> Response:
    return json_answer(metadata(script))


def said(word: str) -> Response:
    """Returns the sentence that clients of old look for (contract customisation 4.5 to 4.7)."""
    return Response(f"Script {word} successfully", media_type="text/html; charset=utf-8")


def _by_either_method(
    resolver: Operation[..., Script], *, word: str, summary: str, faults: tuple[Fault, ...]
) -> tuple[Route, Route]:
    path = f"/customisation/{resolver.name.replace('_', '-')}"
    serves = served(resolver, lambda script: _sentence(script, word), script_of)
    answers = (Answer(200, "Done.", "text/html", TEXT),)
    get, post = (
        Route(
            # The old pages change things by GET; a page of another site is refused (contract 11).
            method=method,
            path=path,
            summary=summary,
            contract="customisation 4.6, 4.7",
            serves=serves,
            parameters=(NAME,),
            body=Body("application/x-www-form-urlencoded", FORM) if method == "POST" else None,
            answers=answers,
            faults=faults,
            checks_csrf=True,
        )
        for method in ("GET", "POST")
    )
    return get, post


def _sentence(script: Script, word: str) -> Response:
    del script
    return said(word)


FAULTS = (
    Fault(ScriptNameMissing),
    Fault(ScriptNotFound, 400),
    Fault(ScriptFolderUnreadable),
    Fault(ScriptUnreadable, 500, ScriptModeNotSet.code),
    Fault(ScriptModeNotSet, 500),
)
ROUTES: tuple[Route, ...] = (
    Route(
        method="POST",
        path="/customisation/save-script",
        summary="Saves a script; a new one is disabled, another keeps its mode.",
        contract="customisation 4.4",
        serves=served(save_script, _saved, _saving),
        body=Body("application/json", SAVING, MOST_BODY),
        answers=(Answer(200, "The saved file.", schema=SAVED),),
        faults=(
            Fault(FieldsMissing),
            Fault(ScriptNameMissing),
            Fault(ScriptNameInvalid),
            Fault(ScriptTooLarge),
            Fault(ScriptChanged),
            Fault(ScriptFolderNotMade, 500),
            Fault(ScriptFolderUnreadable, 500, ScriptFolderNotMade.code),
            Fault(ScriptNotWritten, 500),
        ),
        checks_csrf=True,
    ),
    *_by_either_method(
        enable_script,
        word="enabled",
        summary="Lets the shell side run a script whose shell can read it.",
        faults=(
            *FAULTS,
            Fault(ScriptTooLargeToRead),
            Fault(ScriptSyntaxError),
            Fault(SyntaxUnchecked),
            Fault(ScriptChanged),
        ),
    ),
    *_by_either_method(
        disable_script,
        word="disabled",
        summary="Keeps the shell side from running a script.",
        faults=FAULTS,
    ),
    *_by_either_method(
        delete_script,
        word="deleted",
        summary="Deletes a script.",
        faults=(
            Fault(ScriptNameMissing),
            # The old service answers 500 with `Success` (contract customisation 11).
            Fault(ScriptNotFound, 404, ScriptNotDeleted.code),
            Fault(ScriptFolderUnreadable, 500, ScriptNotDeleted.code),
            Fault(ScriptNotDeleted, 500),
        ),
    ),
)
