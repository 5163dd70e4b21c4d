"""Port names: what people call the sockets of the station, such as the heads of a jig."""

from collections.abc import Mapping
from typing import Protocol

from domain.errors import Conflict, Invalid, NotFound

LONGEST_NAME = 40


class PortNameInvalid(Invalid):
    """A name that no screen could show."""

    code = "PORT_NAME_INVALID"
    title = "Invalid Port Name"
    meaning = f"A port's name has at most {LONGEST_NAME} printable characters."
    remedy = "Choose a short name without line breaks; an empty one takes the name away."


class PortNameTaken(Conflict):
    """Another port has this name."""

    code = "PORT_NAME_TAKEN"
    title = "Port Name Taken"
    meaning = "Another port of this station has the name."
    remedy = "Choose another name, or take it away from the port that the message names."


class PortNotFound(NotFound):
    """The station has no such port."""

    code = "PORT_NOT_FOUND"
    title = "Port Not Found"
    meaning = "The station has no USB port with this path, or its hub is not plugged in."
    remedy = "Take the `id` of a port from the query `topology { ports { id } }`."


class PortNames(Protocol):
    """Where the names of ports are kept. Both raise a kind of `Unavailable`."""

    async def all(self) -> Mapping[str, str]:
        """Returns every name, by the port's id."""

    async def set(self, port: str, name: str) -> None:
        """Keeps the port's name, the empty one by forgetting it; durable when this returns."""


def checked_name(name: str, *, port: str, names: Mapping[str, str]) -> str:
    """Returns the name as it is kept for `port` beside the others.

    Raises `PortNameInvalid`, and `PortNameTaken` when another port has it, capitals or not.
    """
    kept = " ".join(name.split())
    if len(kept) > LONGEST_NAME or not kept.isprintable():
        raise PortNameInvalid(
            f"A port's name has at most {LONGEST_NAME} printable characters.", field="name"
        )
    holder = next(
        (id for id, other in names.items() if other.casefold() == kept.casefold() and id != port),
        None,
    )
    if holder is not None:
        raise PortNameTaken(f"The port {holder} is called {kept} already.", field="name")
    return kept
