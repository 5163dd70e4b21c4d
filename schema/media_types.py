"""Which media type a GraphQL answer has (GraphQL over HTTP, section 5; RFC 9110 section 12.5.1)."""

from dataclasses import dataclass

GRAPHQL = "application/graphql-response+json"
JSON = "application/json"
HTML = "text/html"


@dataclass(frozen=True, slots=True)
class Range:
    """One entry of the header `Accept`."""

    media_type: str
    quality: float

    def covers(self, media_type: str) -> int:
        """Returns how exactly the range names `media_type`: 3 to 1, 0 if it does not."""
        if self.media_type == media_type:
            return 3
        if self.media_type == f"{media_type.split('/', maxsplit=1)[0]}/*":
            return 2
        return int(self.media_type == "*/*")


def chosen(accept: str | None) -> str | None:
    """Returns the media type to answer in, None if the client accepts neither.

    Without the header, and where wildcards leave it open, that is application/json: clients that
    know the newer type name it.
    """
    if accept is None or not accept.strip():
        return JSON
    ranges = _ranges(accept)
    candidates = [(_quality(ranges, JSON), JSON), (_quality(ranges, GRAPHQL), GRAPHQL)]
    # On a tie JSON comes first, unless the newer type was named.
    if any(entry.media_type == GRAPHQL for entry in ranges):
        candidates.reverse()
    quality, media_type = max(candidates, key=lambda candidate: candidate[0])
    return media_type if quality > 0 else None


def names_html(accept: str | None) -> bool:
    """Whether the client names text/html, as browsers do that show a page."""
    return any(entry.media_type == HTML and entry.quality > 0 for entry in _ranges(accept or ""))


def is_json_in_utf_8(content_type: str) -> bool:
    """Whether a body is application/json in UTF-8, which is what JSON is in if nothing is said."""
    media_type, *parameters = (part.strip().lower() for part in content_type.split(";"))
    charsets = [p.partition("=")[2].strip('"') for p in parameters if p.startswith("charset=")]
    return media_type == JSON and all(charset in ("utf-8", "utf8") for charset in charsets)


def _ranges(accept: str) -> list[Range]:
    return [_range(entry) for entry in accept.split(",") if entry.strip()]


def _range(entry: str) -> Range:
    media_type, *parameters = (part.strip().lower() for part in entry.split(";"))
    given = next((p[2:] for p in parameters if p.startswith("q=")), "1")
    try:
        quality = min(max(float(given), 0.0), 1.0)
    except ValueError:
        quality = 0.0
    return Range(media_type, quality)


def _quality(ranges: list[Range], media_type: str) -> float:
    matching = [(entry.covers(media_type), entry.quality) for entry in ranges]
    exactness, quality = max(matching, default=(0, 0.0))
    return quality if exactness else 0.0
