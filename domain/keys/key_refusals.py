"""Why a signing key is not taken, made active or removed."""

from domain.errors import Conflict, Invalid
from domain.keys.pem import LARGEST_KEY

LONGEST_LABEL = 128


class KeyFileTooLarge(Invalid):
    """More bytes than any key has."""

    code = "FILE_TOO_LARGE"
    title = "File Too Large"
    meaning = f"An uploaded key has at most {LARGEST_KEY} bytes."
    remedy = "Upload the key alone, without what else the file holds."


class KeyUnfit(Conflict):
    """A key that boards cannot be signed with."""

    code = "KEY_UNFIT"
    title = "Key Not Fit"
    meaning = "Boards check RSA-2048 signatures only, so no other key is ever made active."
    remedy = "Upload a plain RSA key of 2048 bits and activate that."


class KeyActive(Conflict):
    """The key that boards are signed with."""

    code = "KEY_ACTIVE"
    title = "Key Active"
    meaning = "The active key, or one that the configuration names, is not removed."
    remedy = "Activate another key, or deactivate this one first."


class KeyLabelInvalid(Invalid):
    """A label that no screen could show."""

    code = "KEY_LABEL_INVALID"
    title = "Invalid Key Label"
    meaning = f"A key's label has 1 to {LONGEST_LABEL} printable characters."
    remedy = "Choose a short label without line breaks or control characters."


def checked_label(label: str) -> str:
    """Returns a label without spaces around it; raises `KeyLabelInvalid`."""
    kept = label.strip()
    if not 1 <= len(kept) <= LONGEST_LABEL or not kept.isprintable():
        text = f"A key's label has 1 to {LONGEST_LABEL} printable characters."
        raise KeyLabelInvalid(text, field="label")
    return kept
