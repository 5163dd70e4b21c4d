"""The crowd of connections: how many there may be, and who gives way to a newcomer."""

import resource
from typing import Protocol

RESERVE = 256
"""Open files that are left for everything else: databases, images, logs, pipes, children."""
FEWEST = 64
"""Connections that are taken also where the system allows hardly any files."""


class Guest(Protocol):
    """A connection that may be asked to go."""

    def give_way(self) -> None:
        """Ends at once."""


class Crowd:
    """Counts who is there. Belongs to the event loop.

    Who has not finished a request, or waits between two, gives way to a newcomer once all places
    are taken; who is served does not. So sockets that never say anything keep nobody out.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._waiting: dict[Guest, None] = {}

    def admit(self, count: int) -> bool:
        """Returns whether there is room for the newest of `count`; the one who waits longest goes
        where there is none."""
        if count <= self._most:
            return True
        oldest = next(iter(self._waiting), None)
        if oldest is None:
            return False
        self.leave(oldest)
        oldest.give_way()
        return True

    def wait(self, guest: Guest) -> None:
        """Notes that nothing is done for a connection from now on."""
        self.leave(guest)
        self._waiting[guest] = None

    def leave(self, guest: Guest) -> None:
        """Notes that a connection is served, or gone."""
        self._waiting.pop(guest, None)


def most_connections(wanted: int) -> int:
    """Returns how many connections there may be: `wanted`, fewer where the system allows fewer
    open files.

    The soft limit is raised to the hard one first: 1024, the usual one, is meant for programs that
    use select(2) (systemd.exec(5), LimitNOFILE).
    """
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    if hard == resource.RLIM_INFINITY:
        return wanted
    return min(wanted, max(hard - RESERVE, FEWEST))
