"""The chain of hashes over the audit log's rows: what a link is made of, and where it stands.

A row's link is the SHA-256 of the link before it (32 bytes), followed by the row as a JSON array
(RFC 8259) in ASCII without blanks: its id, then the columns in the table's order. So whoever
changes, takes out or slips in a row must make every later link anew, and the head with them.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import TypeAlias

from domain.errors import Invalid

Cell: TypeAlias = str | int | float | bytes | None
HASH_BYTES = 32
_HEAD = re.compile(r"(?:(\d{1,18}):)?([0-9a-fA-F]{64})", re.ASCII)


class HeadInvalid(Invalid):
    """A text that is no head of a chain."""

    code = "AUDIT_HEAD_INVALID"
    title = "Invalid Head"
    meaning = "A head is a row's id, a colon and 64 hex digits, or the digits alone."
    remedy = "Copy it as the journal has it: journalctl -t provisioner-audit -o cat."


@dataclass(frozen=True, slots=True)
class Head:
    """The newest link: the row's id and its hash. `id` is None where somebody wrote down the hash
    alone."""

    id: int | None
    hash: bytes

    def __str__(self) -> str:
        return self.hash.hex() if self.id is None else f"{self.id}:{self.hash.hex()}"


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """Where a chain starts that no longer, or never, reached back to the first row.

    `pruned` is the last id that retention took out (0: none). Rows above it up to `up_to` were
    there before the chain began and are not covered. The first link follows `hash`.
    """

    up_to: int
    hash: bytes
    pruned: int = 0


def link(previous: bytes, row: Sequence[Cell]) -> bytes:
    """Returns the hash of `row` (its id, then the columns) after the link `previous`."""
    return sha256(previous + _encoded(row).encode("ascii")).digest()


def head_of(text: str) -> Head:
    """Returns the head written as `text`; raises `HeadInvalid`."""
    found = _HEAD.fullmatch(text.strip())
    if found is None:
        raise HeadInvalid(
            "A head is written as ID:HASH, with 64 hex digits, as the journal has it.",
            detail=text[:100],
        )
    return Head(int(found[1]) if found[1] else None, bytes.fromhex(found[2]))


def _blob(value: object) -> dict[str, str]:
    if not isinstance(value, bytes):
        raise TypeError(type(value).__name__)
    # Our rows hold no such value; whoever puts one in is found out like any other change.
    return {"blob": value.hex()}


_encoded = json.JSONEncoder(separators=(",", ":"), ensure_ascii=True, default=_blob).encode
