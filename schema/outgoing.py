"""What goes out of one WebSocket: whole text frames in order, never more than the client takes.

Nothing is queued. Who has a frame waits for its turn and then for the transport, so a client that
stops reading holds at most one frame for each of its operations; their sources wait too, and the
hub tells them that they lagged. Other sockets have nothing to do with it.
"""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from typing import Any

import orjson
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState
from starlette.websockets import WebSocketDisconnected as StarletteDisconnected
from strawberry.http.async_base_view import AsyncBaseHTTPView, AsyncWebSocketAdapter
from strawberry.http.exceptions import (
    NonJsonMessageReceived,
    NonTextMessageReceived,
    WebSocketDisconnected,
)

from schema.payloads import encode

View = AsyncBaseHTTPView[Any, Any, Any, Any, Any, Any, Any]

LONGEST_REASON = 123
"""Bytes of a close frame's reason (RFC 6455 section 5.5)."""

CLOSE_SECONDS = 1.0


class ClientStalled(WebSocketDisconnected):
    """The client has not read for too long."""


class TextFrames(AsyncWebSocketAdapter):
    """The adapter that strawberry's handler speaks through. `stall_seconds` is how long the
    transport may refuse a frame."""

    def __init__(
        self, view: View, request: WebSocket, response: WebSocket, *, stall_seconds: float
    ) -> None:
        super().__init__(view)
        del request
        self.stall_seconds = stall_seconds
        self._socket = response
        self._turn = asyncio.Lock()
        self._is_closed = False

    async def iter_json(
        self, *, ignore_parsing_errors: bool = False
    ) -> AsyncGenerator[object, None]:
        """Yields each message, until the socket is closed by either side."""
        while not self._is_closed:
            message = await self._socket.receive()
            if message["type"] == "websocket.disconnect":
                return
            text = message.get("text")
            if text is None:
                raise NonTextMessageReceived
            try:
                value = orjson.loads(text)
            except orjson.JSONDecodeError as error:
                if ignore_parsing_errors:
                    continue
                raise NonJsonMessageReceived from error
            yield value

    async def send_json(self, message: Mapping[str, object]) -> None:
        """Sends one message."""
        await self.send_text(encode(message).decode())

    async def send_text(self, text: str) -> None:
        """Sends one text frame; raises `WebSocketDisconnected`, or `ClientStalled` when the
        transport did not take it in time."""
        async with self._turn:
            if self._is_closed or self._socket.application_state is not WebSocketState.CONNECTED:
                raise WebSocketDisconnected
            try:
                async with asyncio.timeout(self.stall_seconds):
                    await self._socket.send_text(text)
            except (WebSocketDisconnect, StarletteDisconnected) as error:
                raise WebSocketDisconnected from error
            except TimeoutError as error:
                self._is_closed = True
                raise ClientStalled from error

    async def close(self, code: int, reason: str) -> None:
        """Closes the socket, if it is open; does not wait long for a client that does not read."""
        self._is_closed = True
        if self._socket.application_state is not WebSocketState.CONNECTED:
            return
        short = reason.encode()[:LONGEST_REASON].decode(errors="ignore")
        try:
            async with asyncio.timeout(CLOSE_SECONDS):
                await self._socket.close(code=code, reason=short)
        except (WebSocketDisconnect, StarletteDisconnected, OSError):
            # The client was quicker, or will never read it (TimeoutError is an OSError).
            return
