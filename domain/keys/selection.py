"""Which signing key is active: the one that the configuration names. The registry follows it."""

import posixpath
from dataclasses import dataclass

from domain.configuration.configuration import Configuration
from domain.keys.pkcs11_uri import Pkcs11UriInvalid, split_pin
from domain.keys.registry import PEM_VARIABLE, URI_VARIABLE, KeyKind, Registry, SigningKey

VARIABLES = frozenset({PEM_VARIABLE, URI_VARIABLE})


@dataclass(frozen=True, slots=True)
class Selection:
    """What the configuration names: the path of a PEM file, the URI of a token's key, or both,
    with which the scripts refuse to sign (contract configuration 4)."""

    path: str = ""
    uri: str = ""

    @property
    def changes(self) -> dict[str, str]:
        """The variables that select it, both in one write (contract configuration 10)."""
        return {PEM_VARIABLE: self.path, URI_VARIABLE: self.uri}

    def names(self, key: SigningKey) -> bool:
        """Whether this key is named, alone or beside another one."""
        named = self.path if key.kind is KeyKind.PEM else self.uri
        return bool(named) and _normal(key.kind, named) == _normal(key.kind, key.place)

    def active(self, registry: Registry) -> str:
        """Returns the id of the registered key that boards are signed with, empty for none."""
        if self.path and self.uri:
            return ""
        named = [key.id for key in registry.keys if self.names(key)]
        # Of two entries of one file the chosen one stays chosen.
        return registry.active_id if registry.active_id in named else "".join(named[:1])


def selection_of(key: SigningKey) -> Selection:
    """Returns the selection that makes `key` the active one."""
    return Selection(path=key.path, uri=key.uri)


def selected_now(configuration: Configuration) -> Selection:
    """Returns what the configuration names; blocks, and raises `ConfigUnreadable`."""
    values = configuration.values_now()
    path, uri = values.get(PEM_VARIABLE), values.get(URI_VARIABLE)
    return Selection(path.value if path else "", uri.value if uri else "")


def _normal(kind: KeyKind, place: str) -> str:
    if kind is KeyKind.PEM:
        return posixpath.normpath(place)
    try:
        # Two spellings of one URI name one key (contract configuration 12, register [F]).
        return str(split_pin(place)[0])
    except Pkcs11UriInvalid:
        return place
