"""The form that uploads a key: its first file, small enough to be kept whole (RFC 7578)."""

import re
from dataclasses import dataclass, field

from python_multipart.exceptions import MultipartParseError
from python_multipart.multipart import MultipartParser, parse_options_header

from domain.errors import Invalid
from rest_compat.question import Question

_FILE_NAME = re.compile(rb';\s*filename="([^"]*)"|;\s*filename=([^;"\s]+)', re.IGNORECASE)
LONGEST_HEADER = 8192


class FormBroken(Invalid):
    """A body that is no form, or one that is cut off."""

    code = "PARSE_ERROR"
    title = "Invalid Request"
    meaning = "The body is not multipart/form-data, is malformed, or its file has no name."
    remedy = "Send the key as a form does: `curl -F keyfile=@key.pem ADDRESS`."


class FormWithoutFile(Invalid):
    """A form in which no part is a file."""

    code = "NO_FILE"
    title = "Invalid Request"
    meaning = "The form holds no file."
    remedy = "Send the key as a form does: `curl -F keyfile=@key.pem ADDRESS`."


@dataclass(slots=True)
class KeyForm:
    """What the parser has found so far: the first part with a file name."""

    name: bytes | None = None
    content: bytes = field(default=b"", repr=False)
    is_whole: bool = False
    _header: bytes = b""
    _value: bytes = b""
    _is_file: bool = False

    def part_begun(self) -> None:
        """Begins a part, which is a file only if its headers say so."""
        self._is_file = False
        self._header = self._value = b""

    def header(self, data: bytes, start: int, end: int) -> None:
        """Takes some of a header's name."""
        self._header += data[start:end]

    def value(self, data: bytes, start: int, end: int) -> None:
        """Takes some of a header's value."""
        self._value += data[start:end]

    def header_ended(self) -> None:
        """Looks for the name of the form's first file."""
        found = _FILE_NAME.search(self._value)
        if self._header.lower() == b"content-disposition" and found and self.name is None:
            self.name = found[1] if found[1] is not None else found[2]
            self._is_file = True
        self._header = self._value = b""

    def data(self, data: bytes, start: int, end: int) -> None:
        """Takes some of a part's content."""
        if self._is_file:
            self.content += data[start:end]

    def ended(self) -> None:
        """Notes that the form is whole."""
        self.is_whole = True


async def read_key_form(question: Question) -> tuple[str, bytes]:
    """Returns name and content of the form's first file; raises `FormBroken`,
    `FormWithoutFile` and `BodyTooLarge`."""
    kind, options = parse_options_header(question.header("content-type"))
    boundary = options.get(b"boundary", b"")
    if kind.lower() != b"multipart/form-data" or not boundary:
        raise FormBroken("A key is uploaded as multipart/form-data.")
    form = KeyForm()
    try:
        parser = MultipartParser(
            boundary,
            {
                "on_part_begin": form.part_begun,
                "on_header_field": form.header,
                "on_header_value": form.value,
                "on_header_end": form.header_ended,
                "on_part_data": form.data,
                "on_end": form.ended,
            },
            max_header_size=LONGEST_HEADER,
        )
        parser.write(await question.body())
    except MultipartParseError as error:
        raise FormBroken("The form is malformed.") from error
    if not form.is_whole or form.name == b"":
        raise FormBroken("The form is cut off, or its file has no name.")
    if form.name is None:
        raise FormWithoutFile("The form holds no file.")
    return form.name.decode("utf-8", "replace"), form.content
