"""An answer on its way out: its head leaves together with the beginning of its body."""

import asyncio
from typing import cast

from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

INTERIM = b"HTTP/1.1 100 "
"""`100 Continue` precedes the answer, and the client waits for it (RFC 9110 section 15.2.1)."""


class Joined:
    """What a running answer sees of its connection.

    uvicorn writes head and body one after the other, and each write is a call of the kernel and a
    packet of its own. The head waits here for what comes next: body, end or closing.
    """

    __slots__ = ("_head", "_told", "_transport")

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._head = b""
        self._told = False

    @classmethod
    def put_before(cls, cycle: RequestResponseCycle) -> "Joined":
        """Lets `cycle` write through such a view from now on, and returns it."""
        joined = cls(cycle.transport)
        cycle.transport = cast("asyncio.Transport", joined)
        return joined

    def write(self, data: bytes) -> None:
        """Writes `data`, together with the head that waits; a head is kept for the next call."""
        if self._told or data.startswith(INTERIM):
            self._transport.write(data)
        elif self._head:
            self._told = True
            self._transport.write(self._head + data)
        else:
            self._head = data

    def flush(self) -> None:
        """Writes a head that has no body."""
        if self._head and not self._told:
            self._told = True
            self._transport.write(self._head)

    def is_closing(self) -> bool:
        """Whether the connection closes."""
        return self._transport.is_closing()

    def close(self) -> None:
        """Closes the connection after everything was written."""
        self.flush()
        self._transport.close()
