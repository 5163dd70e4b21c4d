"""The names under which uploaded keys are stored: letters that no shell can misread."""

import re
from dataclasses import dataclass
from pathlib import PurePosixPath

from domain.errors import Invalid

UNNAMED = "customer-key.pem"
LONGEST = 100
"""Characters; a number is added to a name that is taken."""
ENDINGS = ("", ".pem", ".key")
_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]*")


class KeyNameInvalid(Invalid):
    """A file name under which no key is stored."""

    code = "KEY_NAME_INVALID"
    title = "Invalid Key Name"
    meaning = (
        f"A key's file name has 1 to {LONGEST} letters, digits, `.`, `_` or `-`, and no dot first: "
        "the station's scripts use it without quotes."
    )
    remedy = "Rename the file and upload it again."


class KeyTypeInvalid(Invalid):
    """A file name that ends like no key's."""

    code = "INVALID_FILE_TYPE"
    title = "Invalid File Type"
    meaning = "A key's file name ends in .pem or .key, or has no ending."
    remedy = "Rename the file, if it is a key in PEM."


@dataclass(frozen=True, slots=True)
class KeyName:
    """A checked name with an ending."""

    text: str

    @classmethod
    def uploaded(cls, given: str) -> "KeyName":
        """Takes the last part of what a client calls the file (contract configuration 12).

        Raises `KeyNameInvalid` and `KeyTypeInvalid`.
        """
        # A browser on Windows may send the whole path.
        name = re.split(r"[/\\:]", given)[-1] or UNNAMED
        ending = PurePosixPath(name).suffix
        if ending.lower() not in ENDINGS:
            raise KeyTypeInvalid("A key's file name ends in .pem or .key.", field="file")
        if not _NAME.fullmatch(name) or len(name) > LONGEST or name.endswith("."):
            raise KeyNameInvalid(
                f"A key's file name has 1 to {LONGEST} letters, digits, `.`, `_` or `-`, and no "
                "dot first; rename the file.",
                field="file",
            )
        return cls(name if ending else f"{name}.pem")

    def numbered(self, number: int) -> str:
        """Returns the name for the try of this number, the name itself for 1."""
        if number == 1:
            return self.text
        path = PurePosixPath(self.text)
        return f"{path.stem}-{number}{path.suffix}"
