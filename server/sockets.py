"""The open WebSockets, so that every one is closed with 1001 before the service stops."""

import asyncio
import logging
from typing import cast

from starlette.types import ASGIApp, Message, Receive, Scope, Send

log = logging.getLogger("provisioner.sockets")

GOING_AWAY = 1001
"""RFC 6455 section 7.4.1: the server goes away."""


class OpenSockets:
    """Passes everything on, and knows which WebSockets are open."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._open: dict[asyncio.Task[object], Send] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request or WebSocket."""
        if scope["type"] != "websocket":
            await self._app(scope, receive, send)
            return
        task = cast("asyncio.Task[object]", asyncio.current_task())

        async def sending(message: Message) -> None:
            if message["type"] == "websocket.accept":
                self._open[task] = send
            elif message["type"] == "websocket.close":
                self._open.pop(task, None)
            await send(message)

        try:
            await self._app(scope, receive, sending)
        finally:
            self._open.pop(task, None)

    async def close_all(self) -> None:
        """Closes every open WebSocket with 1001 and ends what served it."""
        waiting = dict(self._open)
        for send in waiting.values():
            try:
                await send({"type": "websocket.close", "code": GOING_AWAY, "reason": "stopping"})
            except Exception:
                log.debug("a socket was gone before it was closed", exc_info=True)
        for task in waiting:
            task.cancel()
        if waiting:
            await asyncio.wait(waiting, timeout=1)
