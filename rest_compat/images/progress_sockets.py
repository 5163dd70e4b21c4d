"""The legacy WebSocket of uploads' progress (contract images 9.3)."""

import asyncio
from contextlib import aclosing

import orjson

from domain.caller import Caller
from domain.station import Station
from domain.uploads.kinds import UploadKind
from domain.uploads.progress import Upload, UploadPhase
from resolvers.images.uploads import watch_uploads
from rest_compat.errors import json_bytes
from rest_compat.route import Json
from rest_compat.sockets import Conversation, SocketRoute, Told
from rest_compat.talk import SocketClosed, Talk

TOPIC = "upload:"
MOST_TOPICS = 256
"""So many uploads one socket may follow."""


class _Follower:
    """What one socket follows: a set of topics, each told by a task of its own."""

    def __init__(
        self, caller: Caller, station: Station, talk: Talk, tasks: asyncio.TaskGroup
    ) -> None:
        self._caller, self._station, self._talk, self._tasks = caller, station, talk, tasks
        self._following: dict[str, asyncio.Task[None]] = {}

    def hear(self, text: str) -> None:
        """Does what one message asks for; what it does not know, it ignores."""
        message = _object(text)
        wanted, unwanted = message.get("subscribe"), message.get("unsubscribe")
        # If both are there, subscribing wins.
        if isinstance(wanted, str):
            self._subscribe(wanted)
        elif isinstance(unwanted, str) and unwanted in self._following:
            self._following.pop(unwanted).cancel()

    def _subscribe(self, topic: str) -> None:
        is_new = topic not in self._following and len(self._following) < MOST_TOPICS
        if topic.startswith(TOPIC) and is_new:
            self._following[topic] = self._tasks.create_task(self._follow(topic))

    async def _follow(self, topic: str) -> None:
        updates = watch_uploads(self._caller, self._station, id=topic.removeprefix(TOPIC))
        async with aclosing(updates):
            async for update in updates:
                for upload in update.value:
                    if update.snapshot and upload.phase.is_over:
                        # It ended before anybody asked: its topic is gone.
                        continue
                    await self._tell(upload)
                    if upload.phase.is_over:
                        self._following.pop(topic, None)
                        return

    async def _tell(self, upload: Upload) -> None:
        told = frame(upload)
        if told is not None:
            await self._talk.send(json_bytes(told).decode())


def frame(upload: Upload) -> dict[str, Json] | None:
    """Returns what this socket is told of an upload, None for nothing: a plain image is told of
    only when it fails."""
    if upload.phase in (UploadPhase.FAILED, UploadPhase.CANCELLED):
        return {"phase": "error", "message": upload.error or ""}
    if upload.kind is UploadKind.PLAIN:
        return None
    if upload.phase is UploadPhase.DECOMPRESSING:
        return {"phase": "decompressing", "bytes_written": upload.written_bytes}
    if upload.phase is UploadPhase.EXTRACTING:
        entry = upload.entry or ""
        told: dict[str, Json] = {"phase": "extracting", "bytes_written": upload.written_bytes}
        return told | {"current_entry": entry}
    return {"phase": "complete"} if upload.phase is UploadPhase.COMPLETE else None


async def _converse(caller: Caller, station: Station, talk: Talk) -> None:
    caller.require(watch_uploads.policy.role)
    await talk.accept()
    async with asyncio.TaskGroup() as tasks:
        follower = _Follower(caller, station, talk, tasks)
        async with aclosing(talk.messages()) as messages:
            async for text in messages:
                follower.hear(text)
        raise SocketClosed


def _object(text: str) -> dict[str, object]:
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError:
        return {}
    return value if isinstance(value, dict) else {}


SOCKETS: tuple[SocketRoute, ...] = (
    SocketRoute(
        path="/ws/progress",
        summary='The progress of uploads: `{"subscribe":"upload:ID"}`, ID as in X-Upload-Id.',
        contract="images 9.3",
        serves=Conversation(watch_uploads.name, watch_uploads.policy, _converse),
        asks=('{"subscribe": "upload:<id>"}', '{"unsubscribe": "upload:<id>"}'),
        tells=(
            Told("how far a compressed image is", ("phase", "bytes_written")),
            Told("how far an archive is", ("phase", "bytes_written", "current_entry")),
            Told("it is done", ("phase",)),
            Told("it failed or was cancelled", ("phase", "message")),
        ),
    ),
)
