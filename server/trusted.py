"""The file of the setting `trusted_documents`: the only GraphQL documents that the station runs."""

import hashlib
import json

from dashboard.pages import page_documents
from domain.host_paths import HostPaths, PathRefused
from server.settings import Settings, SettingWrong


def trusted_texts(settings: Settings) -> tuple[str, ...] | None:
    """Returns the documents that may be run, those of the station's own pages among them; None
    where the setting is empty and every document may.

    The file is a JSON object of SHA-256 (64 hex digits, with or without `sha256:`) to text, as
    code generators write it. Raises `SettingWrong`, also where a hash is not that of its text.
    """
    if not settings.trusted_documents:
        return None
    problem = f"{settings.source('trusted_documents')}: trusted_documents: "
    entries = _read(settings, problem)
    for name, text in entries.items():
        _check(name, text, problem)
    return (*(str(text) for text in entries.values()), *page_documents())


def _read(settings: Settings, problem: str) -> dict[str, object]:
    paths, name = HostPaths(settings.root), settings.trusted_documents
    try:
        entries = json.loads(paths.real(name).read_bytes())
    except PathRefused as error:
        raise SettingWrong(f"{problem}{name!r}: {error.message}") from error
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise SettingWrong(f"{problem}{name} cannot be read: {reason}.") from error
    if not isinstance(entries, dict):
        raise SettingWrong(f"{problem}{name} is not a JSON object of hashes and documents.")
    return entries


def _check(name: str, text: object, problem: str) -> None:
    if not isinstance(text, str):
        raise SettingWrong(f"{problem}the entry {name[:80]!r} is not a text.")
    found = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
    if name.removeprefix("sha256:").lower() != found:
        raise SettingWrong(f"{problem}the entry {name[:80]!r} holds a text whose hash is {found}.")
