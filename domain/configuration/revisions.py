"""Revisions: which values a client saw, and what has changed since."""

import hashlib
import secrets
from collections import OrderedDict
from collections.abc import Mapping

from domain.configuration.masking import is_secret, masked
from domain.errors import Conflict

KEPT = 256
"""Revisions whose values are remembered, so that a difference can be told."""


class ConfigStale(Conflict):
    """An edit was made by somebody who saw other values than the present ones."""

    code = "CONFIG_STALE"
    title = "Configuration Changed Meanwhile"
    meaning = "The edit names a revision that is not the present one; nothing was changed."
    remedy = "Read the configuration again, look at the difference, and decide anew."


class Revisions:
    """Names each set of values and remembers the last ones. Safe to share among threads.

    A name is a keyed hash: whoever sees it learns nothing of a secret, not even by trying. The
    key lives as long as the process; an edit that was begun before a restart is stale.
    """

    def __init__(self) -> None:
        self._key = secrets.token_bytes(32)
        self._seen: OrderedDict[str, Mapping[str, str]] = OrderedDict()

    def of(self, values: Mapping[str, str]) -> str:
        """Returns the revision of these values."""
        hashed = hashlib.blake2b(key=self._key, digest_size=12)
        for name, value in sorted(values.items()):
            for text in (name, value):
                content = text.encode(errors="surrogateescape")
                hashed.update(len(content).to_bytes(8, "big") + content)
        revision = hashed.hexdigest()
        self._seen[revision] = values
        while len(self._seen) > KEPT:
            self._seen.popitem(last=False)
        return revision

    def check(self, seen: str, present: Mapping[str, str]) -> None:
        """Raises `ConfigStale` with the difference unless `seen` is the present revision."""
        if seen == self.of(present):
            return
        known = self._seen.get(seen)
        if known is None:
            message = "This revision is not known here any more; read the configuration again."
        else:
            message = f"Meanwhile the configuration changed: {difference(known, present)}."
        raise ConfigStale(message, detail=seen[:64], field="revision")


def difference(old: Mapping[str, str], new: Mapping[str, str]) -> str:
    """Returns what differs, in words and without secrets."""
    names = sorted({*old, *new})
    told = [
        told_change(name, old.get(name, ""), new.get(name, ""))
        for name in names
        if old.get(name, "") != new.get(name, "")
    ]
    return "; ".join(told) or "a value was written down that was in force before"


def told_change(name: str, old: str, new: str) -> str:
    """Returns one change in words; of a secret only that it changed."""
    if is_secret(name, old) or is_secret(name, new):
        return f"{name} was changed"
    return f"{name} from `{masked(name, old)}` to `{masked(name, new)}`"
