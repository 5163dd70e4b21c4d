"""The legacy routes of uploading a script as a form (contract customisation 4.5)."""

from collections.abc import AsyncGenerator

from starlette.datastructures import FormData, Headers, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.responses import Response

from domain.customisation.names import ScriptNameInvalid
from domain.customisation.refusals import (
    MOST_BYTES,
    ScriptFolderNotMade,
    ScriptFolderUnreadable,
    ScriptNotWritten,
    ScriptSyntaxError,
    ScriptTooLarge,
)
from domain.customisation.syntax import SyntaxUnchecked
from domain.errors import Invalid
from resolvers.customisation import open_upload_form, upload_script
from resolvers.operation import Call
from rest_compat.customisation.changes import said
from rest_compat.customisation.scripts import TEXT
from rest_compat.question import Question
from rest_compat.route import Answer, Arguments, Body, Fault, Route, Schema, Served, Showing, served

MULTIPART = "multipart/form-data"
PART = "script"
MOST_BODY = MOST_BYTES + (64 << 10)
MOST_PARTS = 10
ENCODING = "latin-1"
"""Whatever the form says: each byte of a name becomes one of the file's (contract 3)."""
FORM: Schema = {
    "type": "object",
    "required": [PART],
    "properties": {PART: {"type": "string", "format": "binary"}},
}


class FormNeeded(Invalid):
    """The body is no form with files."""

    code = "INVALID_CONTENT_TYPE"
    title = "Invalid Content Type"
    meaning = f"This address takes a form with files only (Content-Type: {MULTIPART})."
    remedy = f"Send the file as the part `{PART}` of a form."


class FormUnreadable(Invalid):
    """The form cannot be read, or does not hold one file."""

    code = "FORM_PARSE_ERROR"
    title = "Upload Error"
    meaning = "The form cannot be read, it is cut off, none of its parts is a file, or several are."
    remedy = f"Send one file as the part `{PART}` of a form, with a file name (RFC 7578)."


class FileMissing(Invalid):
    """The form holds files, but not the one that is wanted."""

    code = "MISSING_SCRIPT_FILE"
    title = "Missing File"
    meaning = f"The form has no file in a part called `{PART}`."
    remedy = f"Call the part `{PART}`."


class WholeForm(MultiPartParser):
    """Knows whether the form came to its end, which the parser itself does not ask."""

    is_over = False

    def on_end(self) -> None:
        """Hears of the closing boundary."""
        self.is_over = True


async def _upload(question: Question) -> Arguments:
    if MULTIPART not in question.header("content-type"):
        raise FormNeeded(f"A form is needed, with Content-Type: {MULTIPART}.")
    form = await _form(question)
    try:
        files = [
            (name, part)
            for name, part in form.multi_items()
            if isinstance(part, UploadFile) and part.filename
        ]
        if not files:
            raise FormUnreadable("None of the form's parts is a file with a name.")
        wanted = next((file for name, file in files if name == PART), None)
        if wanted is None:
            raise FileMissing(f"No file is in a part called `{PART}`.")
        if len(files) > 1:
            raise FormUnreadable(f"The form holds {len(files)} files; one at a time is taken.")
        name = (wanted.filename or "").encode(ENCODING).decode("utf-8", "surrogateescape")
        return {"name": name, "content": await wanted.read()}
    finally:
        await form.close()


async def _form(question: Question) -> FormData:
    body = await question.body()

    async def pieces() -> AsyncGenerator[bytes, None]:
        yield body
        if not parser.is_over:
            # In here, for the parser then closes the files that it has begun.
            raise MultiPartException("The closing boundary is missing.")

    kind = f"{question.header('content-type')}; charset={ENCODING}"
    headers = Headers({"content-type": kind})
    parser = WholeForm(
        headers, pieces(), max_files=MOST_PARTS, max_fields=MOST_PARTS, max_part_size=MOST_BODY
    )
    try:
        return await parser.parse()
    except (MultiPartException, KeyError, ValueError, AssertionError) as error:
        # Without a boundary the parser falls over a missing key.
        raise FormUnreadable("The form cannot be read.", detail=str(error)[:200]) from error


def _uploaded(script: object) -> Response:
    del script
    return said("file uploaded")


async def _page(call: Call, question: Question) -> Response:
    await open_upload_form.perform(call)
    if "text/html" not in question.header("accept"):
        raise FormNeeded(f"Upload by POST, as a form ({MULTIPART}); a browser gets a page here.")
    return Response()


ROUTES: tuple[Route, ...] = (
    Route(
        method="POST",
        path="/customisation/upload-script",
        summary="Saves an uploaded script and enables it.",
        contract="customisation 4.5",
        serves=served(upload_script, _uploaded, _upload),
        body=Body(MULTIPART, FORM, MOST_BODY),
        answers=(Answer(200, "It is there and enabled.", "text/html", TEXT),),
        faults=(
            Fault(FormNeeded),
            Fault(FormUnreadable),
            Fault(FileMissing),
            Fault(ScriptNameInvalid),
            Fault(ScriptTooLarge),
            Fault(ScriptSyntaxError),
            Fault(SyntaxUnchecked),
            Fault(ScriptFolderNotMade, 500),
            Fault(ScriptFolderUnreadable, 500, ScriptFolderNotMade.code),
            Fault(ScriptNotWritten, 500),
        ),
        showing=Showing.ON_HTML,
        checks_csrf=True,
    ),
    Route(
        method="GET",
        path="/customisation/upload-script",
        summary="The page for uploading a script; other clients are told how to upload.",
        contract="customisation 4.5, 11",
        serves=Served(open_upload_form.name, open_upload_form.policy, _page),
        answers=(Answer(200, "The page.", "text/html", TEXT),),
        faults=(Fault(FormNeeded),),
        showing=Showing.ON_HTML,
    ),
)
