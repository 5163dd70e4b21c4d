"""Settings that burn something into every board that follows: they are switched on only by
somebody who says so (design 6)."""

from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet

from domain.configuration.variables import burns
from domain.errors import Invalid


class ConfirmationNeeded(Invalid):
    """An irreversible setting would be switched on without a word that this is meant."""

    code = "CONFIRMATION_NEEDED"
    title = "Confirmation Needed"
    meaning = (
        "The change makes every board that follows irreversibly another one: a lock, a write "
        "protection, or the hash of a signing key in its fuses."
    )
    remedy = "Repeat the change and name each such setting in `confirmIrreversible`."


def check_confirmed(
    changes: Mapping[str, str], *, current: Mapping[str, str], confirmed: AbstractSet[str]
) -> None:
    """Raises `ConfirmationNeeded` unless every change that burns is among those `confirmed`."""
    missing = [name for name in burning(changes, current=current) if name not in confirmed]
    if missing:
        message = (
            f"{', '.join(missing)} cannot be undone on boards that are made with it; confirm it by "
            "name."
        )
        raise ConfirmationNeeded(message, detail=", ".join(missing), field=missing[0])


def burning(changes: Mapping[str, str], *, current: Mapping[str, str]) -> Iterable[str]:
    """Yields the names of changes that burn what the present values do not."""
    for name, value in changes.items():
        if value != current.get(name, "") and burns(name, value):
            yield name
