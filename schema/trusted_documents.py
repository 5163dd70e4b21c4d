"""Trusted documents: a station that was given some executes nothing else.

A request names a document by its text, by `documentId` (GraphQL over HTTP, appendix A) or by
`extensions.persistedQuery.sha256Hash` (Apollo's clients).
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from schema.http_requests import GraphqlRequest
from schema.refusals import DocumentNotTrusted, RequestMalformed

PREFIX = "sha256:"


def digest_of(text: str) -> str:
    """Returns the SHA-256 of a document's UTF-8 text, as 64 lower hex digits."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


@dataclass(frozen=True, slots=True)
class TrustedDocuments:
    """The documents that may be executed, by their SHA-256."""

    texts: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, texts: Iterable[str]) -> "TrustedDocuments":
        """Returns the set of these documents."""
        return cls({digest_of(text): text for text in texts})

    def text_of(self, request: GraphqlRequest) -> str:
        """Returns the one trusted document that the request names.

        Raises `DocumentNotTrusted`, and `RequestMalformed` where it names two different ones.
        """
        digests = set(_digests(request))
        if len(digests) != 1:
            raise RequestMalformed("Name one document: by its text, or by its SHA-256.")
        [digest] = digests
        text = self.texts.get(digest)
        if text is None:
            raise DocumentNotTrusted(
                f"This station runs trusted documents only, and {PREFIX}{digest[:64]} is none.",
                detail=digest[:64],
            )
        return text


def plain_text_of(request: GraphqlRequest) -> str:
    """Returns the document of a request where every document may be executed.

    Raises `RequestMalformed` where only a hash was sent: nothing is remembered by hash then.
    """
    if request.query is None:
        raise RequestMalformed("This station knows no documents by hash; send the text as `query`.")
    return request.query


def _digests(request: GraphqlRequest) -> Iterator[str]:
    if request.query is not None:
        yield digest_of(request.query)
    persisted = (request.extensions or {}).get("persistedQuery")
    named = persisted.get("sha256Hash") if isinstance(persisted, dict) else None
    for name in (request.document_id, named):
        if isinstance(name, str):
            yield name.removeprefix(PREFIX).lower()
