"""WebSockets as this service takes them: uvicorn's protocol that ends well with the service."""

import asyncio

from uvicorn._types import ASGIReceiveCallable, ASGISendCallable, ASGISendEvent, Scope
from uvicorn.protocols.utils import ClientDisconnected
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

GOING_AWAY = 1001
"""RFC 6455 section 7.4.1: the server goes away."""
NO_TEXT = 1007
"""RFC 6455 section 7.4.1: a message is not of its type."""
CLOSING_SECONDS = 0.5
"""For the client to answer the close frame, and then for the handler to end by itself."""


class StationWebSocket(WebSocketsSansIOProtocol):
    """One WebSocket; when the service stops it is closed with 1001 and its handler ended, also one
    that waits for something else for ever."""

    _going_away = False
    _task: asyncio.Task[object] | None = None

    async def run_asgi(self) -> None:
        """Runs the handler; a handshake that it refuses is no failure of the handler."""
        self._task = asyncio.current_task()
        handler = self.app

        async def answered(
            scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable
        ) -> None:
            await handler(scope, receive, send)
            if self.initial_response is not None:
                raise ClientDisconnected

        self.app = answered
        await super().run_asgi()

    async def send(self, message: ASGISendEvent) -> None:
        """Sends what the handler gives; after the close frame it learns that the client is gone."""
        if self._going_away:
            raise ClientDisconnected
        await super().send(message)

    def send_receive_event_to_app(self) -> None:
        """Hands a message on; text that is no UTF-8 is the client's mistake and ends the socket."""
        if self.curr_msg_data_type != "text" or self.close_sent or _is_utf_8(self.frames):
            super().send_receive_event_to_app()
            return
        self.frames = []
        self.conn.send_close(NO_TEXT)
        self.handle_parser_exception()

    def shutdown(self) -> None:
        """Closes with 1001 and waits a moment for the client's close frame: closed at once, the
        kernel would discard ours together with what is unread."""
        if self.transport.is_closing():
            return
        if self.close_sent or not self.handshake_complete:
            super().shutdown()
            return
        self.stop_keepalive()
        self._going_away = self.close_sent = True
        self.queue.put_nowait({"type": "websocket.disconnect", "code": GOING_AWAY, "reason": ""})
        self.conn.send_close(GOING_AWAY)
        self.transport.write(b"".join(self.conn.data_to_send()))
        self.transport.resume_reading()
        self.close_timer = self.loop.call_later(CLOSING_SECONDS, self.transport.close)

    def connection_lost(self, exc: Exception | None) -> None:
        """Ends the handler of a socket that the service closed."""
        super().connection_lost(exc)
        if self._going_away and self._task is not None:
            self.loop.call_later(CLOSING_SECONDS, self._task.cancel)


def _is_utf_8(parts: list[bytes]) -> bool:
    try:
        b"".join(parts).decode()
    except UnicodeDecodeError:
        return False
    return True
