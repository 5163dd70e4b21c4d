"""Documents that were parsed and found valid, remembered so that a repeated text costs nothing."""

from collections import OrderedDict
from dataclasses import dataclass
from typing import TypeAlias

from graphql import ASTValidationRule, DocumentNode, GraphQLSchema

MOST_TOKENS = 50_000
"""About 25 MiB of syntax trees; a dashboard's documents have some hundred tokens each."""

CHARACTERS_PER_TOKEN = 8
"""Long texts of few tokens (comments, strings) weigh too."""

Rules: TypeAlias = tuple[type[ASTValidationRule], ...]


@dataclass(frozen=True, slots=True)
class Asked:
    """A text as asked of one schema under one set of rules."""

    schema: GraphQLSchema
    rules: Rules
    text: str


class Documents:
    """Keeps the documents used last, up to `most_tokens` in all; only valid ones are worth it."""

    def __init__(self, most_tokens: int = MOST_TOKENS) -> None:
        self._most_tokens = most_tokens
        self._kept: OrderedDict[Asked, DocumentNode] = OrderedDict()
        self._weight = 0
        self.hits = 0
        self.misses = 0

    def __len__(self) -> int:
        return len(self._kept)

    def find(self, asked: Asked) -> DocumentNode | None:
        """Returns the document, the same object each time, if it is remembered as valid."""
        document = self._kept.get(asked)
        if document is None:
            self.misses += 1
            return None
        self.hits += 1
        self._kept.move_to_end(asked)
        return document

    def keep(self, asked: Asked, document: DocumentNode) -> None:
        """Remembers a valid document, and forgets what was not used for the longest time."""
        weight = _weight(asked, document)
        if asked in self._kept or weight > self._most_tokens // 4:
            return
        self._kept[asked] = document
        self._weight += weight
        while self._weight > self._most_tokens:
            self._weight -= _weight(*self._kept.popitem(last=False))


def _weight(asked: Asked, document: DocumentNode) -> int:
    return (document.token_count or 0) + len(asked.text) // CHARACTERS_PER_TOKEN
