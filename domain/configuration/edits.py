"""Edits: what somebody wants to be set, under which conditions."""

from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field

from domain.configuration.confirming import check_confirmed
from domain.configuration.masking import holds_pin, unmasked
from domain.configuration.revisions import Revisions
from domain.configuration.variables import ConfigValueRefused, check_changes, check_choice

Prepare = Callable[[Mapping[str, str], AbstractSet[str]], None]
"""What is done, in a thread, with all values that will be in force and the names of those that are
other ones by then, before they are stored; what it raises keeps the old ones."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """Changes and their conditions.

    `seen` is the revision that the editor saw, None for one who did not look. `confirmed` are the
    irreversible settings that are meant, None for clients that cannot be asked (the old REST
    paths). `undoes` is the number of the change that is taken back.
    """

    changes: Mapping[str, str] = field(repr=False)
    seen: str | None = None
    confirmed: AbstractSet[str] | None = None
    prepare: Prepare | None = None
    undoes: int | None = None

    def settled(self, present: Mapping[str, str], revisions: Revisions) -> dict[str, str]:
        """Returns what is to be written over the present values: without the masks that were sent
        back.

        Raises `ConfigStale`, `ConfigKeyRefused`, `ConfigValueRefused`, `ConfirmationNeeded`, and
        what `prepare` raises.
        """
        if self.seen is not None:
            revisions.check(self.seen, present)
        wanted = self._without_masks(present)
        check_changes(wanted)
        differing = {one for one, value in wanted.items() if value != present.get(one, "")}
        for name in wanted:
            if name in differing:
                _check(name, wanted[name])
        if self.confirmed is not None:
            check_confirmed(wanted, current=present, confirmed=self.confirmed)
        if self.prepare is not None:
            self.prepare({**present, **wanted}, differing)
        return wanted

    def _without_masks(self, present: Mapping[str, str]) -> dict[str, str]:
        meant = {
            name: unmasked(name, value, current=present.get(name, ""))
            for name, value in self.changes.items()
        }
        return {name: value for name, value in meant.items() if value == self.changes[name]}


def _check(name: str, value: str) -> None:
    check_choice(name, value)
    if holds_pin(name, value):
        # The file is read by many, and shown (contract configuration 12, register [F]).
        message = f"{name} holds a PIN in the clear; leave it out and store it as the token's PIN."
        raise ConfigValueRefused(message, field=name)
