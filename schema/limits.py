"""The limits that every operation keeps."""

from dataclasses import dataclass

from domain.paging import MOST


@dataclass(frozen=True, slots=True)
class Limits:
    """What a client may ask at once; told to it in `station { limits }` (design 2.2).

    `depth` counts levels of fields, the innermost included. `aliases` and `root_fields` are of
    one operation with its fragments spread. Page size and body size are kept elsewhere.
    """

    depth: int = 15
    tokens: int = 2000
    aliases: int = 30
    root_fields: int = 30
    page_size: int = MOST
    body_bytes: int = 1 << 20
    operations_per_socket: int = 100
    execution_seconds: float = 30.0
