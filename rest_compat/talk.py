"""A talk: one legacy WebSocket from the handshake to its end.

Nothing is queued: who has a frame waits until the transport takes it, so that a client which stops
reading holds one frame and no other client.
"""

import asyncio
from collections.abc import AsyncGenerator

from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from starlette.websockets import (
    WebSocket,
    WebSocketDisconnect,
    WebSocketDisconnected,
    WebSocketState,
)

STALL_SECONDS = 30.0
CLOSE_SECONDS = 1.0
LONGEST_REASON = 123
"""Bytes of a close frame's reason (RFC 6455 section 5.5)."""
LONGEST_MESSAGE = 128 * 1024
"""Bytes of what a client says (contract devices section 7, images section 8)."""
TOO_LONG = 1009


class SocketClosed(Exception):
    """The socket is closed, by either side."""


class ClientStalled(SocketClosed):
    """The client has not read for too long."""


class Talk:
    """Sends and receives on one socket. `stall_seconds` is how long the transport may refuse a
    frame."""

    def __init__(
        self, scope: Scope, receive: Receive, send: Send, *, stall_seconds: float = STALL_SECONDS
    ) -> None:
        self._socket = WebSocket(scope, receive, send)
        self._stall_seconds = stall_seconds
        self._reading = asyncio.timeout(None)
        self._is_reading = self._is_ended = False

    @property
    def is_open(self) -> bool:
        """Whether the socket was accepted, and not closed since."""
        return not self._is_ended and self._socket.application_state is WebSocketState.CONNECTED

    async def accept(self) -> None:
        """Ends the handshake; from here on `drain` or `messages` must run."""
        await self._socket.accept()

    async def refuse(self, answer: Response) -> None:
        """Answers the handshake with an error."""
        await self._socket.send_denial_response(answer)

    async def send(self, text: str) -> None:
        """Sends one text frame; raises `SocketClosed`, also as `ClientStalled`."""
        if not self.is_open:
            raise SocketClosed
        try:
            async with asyncio.timeout(self._stall_seconds):
                await self._socket.send_text(text)
        except (WebSocketDisconnect, WebSocketDisconnected) as error:
            raise SocketClosed from error
        except TimeoutError as error:
            raise ClientStalled from error

    async def messages(self) -> AsyncGenerator[str, None]:
        """Yields each text frame until the socket is closed; binary ones are passed over. A
        message that is too long closes it."""
        try:
            async with self._reading:
                self._is_reading = True
                while (message := await self._socket.receive())["type"] == "websocket.receive":
                    text = message.get("text")
                    if _size(text, message.get("bytes")) > LONGEST_MESSAGE:
                        await self.end(TOO_LONG, f"A message has at most {LONGEST_MESSAGE} bytes.")
                    elif text is not None:
                        yield text
        except TimeoutError:
            if not self._reading.expired():
                raise
        finally:
            self._is_reading = False

    async def drain(self) -> None:
        """Reads and ignores what comes; raises `SocketClosed` at the end.

        Who does not read gets no pongs either, and is taken for dead.
        """
        async for _ in self.messages():
            pass
        raise SocketClosed

    async def end(self, code: int, reason: str) -> None:
        """Closes the socket if it is open; does not wait long for a client that does not read."""
        if self.is_open:
            self._is_ended = True
            short = reason.encode()[:LONGEST_REASON].decode(errors="ignore")
            try:
                async with asyncio.timeout(CLOSE_SECONDS):
                    await self._socket.close(code, short)
            except (WebSocketDisconnect, WebSocketDisconnected, OSError):
                # The client was quicker, or will never read it (TimeoutError is an OSError).
                pass
        if self._is_reading and not self._reading.expired():
            self._reading.reschedule(asyncio.get_running_loop().time())


def _size(text: str | None, raw: bytes | None) -> int:
    return len(raw or b"" if text is None else text.encode("utf-8", "surrogatepass"))
