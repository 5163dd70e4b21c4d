"""The legacy WebSocket of hashes (contract images 9.1)."""

import asyncio
from contextlib import aclosing

from domain.caller import Caller
from domain.errors import ProvisionerError
from domain.images.hash_states import HashState, HashStatus
from domain.images.names import SIDECAR_SUFFIX, ImageNotFound, printable
from domain.station import Station
from resolvers.images.hashing import watch_hash
from rest_compat.images.hashes import COMPLETE, FAILED, PENDING, progress_of
from rest_compat.images.images import ARTEFACT
from rest_compat.images.messages import INVALID, Frame, name_in, object_of, text_of
from rest_compat.sockets import Conversation, SocketRoute, Told
from rest_compat.talk import SocketClosed, Talk

ASK = "get_sha256"
MOST_NAMES = 256
"""So many images one socket may follow."""
REFUSED = "Refused: .sha256 sidecar files are not hashable"
TOO_MANY = f"Refused: one socket follows {MOST_NAMES} images at most"


class _Follower:
    """What one socket follows: a set of names, each told by a task of its own."""

    def __init__(
        self, caller: Caller, station: Station, talk: Talk, tasks: asyncio.TaskGroup
    ) -> None:
        self._caller, self._station, self._talk, self._tasks = caller, station, talk, tasks
        self._last: dict[str, str] = {}
        """The last frame of each name that is followed, empty before the first."""

    async def hear(self, text: str) -> None:
        """Does what one message asks for; what it does not know, it ignores."""
        message = object_of(text)
        if message is None:
            await self._talk.send(text_of(INVALID))
        elif message.get("action") == ASK:
            await self._ask(name_in(message))

    async def _ask(self, name: str) -> None:
        if name.endswith(SIDECAR_SUFFIX):
            await self._talk.send(text_of(_failure(name, REFUSED)))
        elif name in self._last:
            # Every question has its answer, and no frame comes twice for it (contract images 9.1).
            if self._last[name]:
                await self._talk.send(self._last[name])
        elif len(self._last) >= MOST_NAMES:
            await self._talk.send(text_of(_failure(name, TOO_MANY)))
        else:
            self._last[name] = ""
            self._tasks.create_task(self._follow(name))

    async def _follow(self, name: str) -> None:
        try:
            updates = watch_hash(self._caller, self._station, name=name)
            async with aclosing(updates):
                async for update in updates:
                    await self._tell(name, text_of(_frame(name, update.value)))
        except ProvisionerError as error:
            reason = "file-not-found" if isinstance(error, ImageNotFound) else error.message
            await self._talk.send(text_of(_failure(name, reason)))
        finally:
            self._last.pop(name, None)

    async def _tell(self, name: str, text: str) -> None:
        if text != self._last[name]:
            self._last[name] = text
            await self._talk.send(text)


async def _converse(caller: Caller, station: Station, talk: Talk) -> None:
    caller.require(watch_hash.policy.role)
    await talk.accept()
    async with asyncio.TaskGroup() as tasks:
        follower = _Follower(caller, station, talk, tasks)
        async with aclosing(talk.messages()) as messages:
            async for text in messages:
                await follower.hear(text)
        raise SocketClosed


def _frame(name: str, state: HashState) -> Frame:
    told: Frame = {"image_name": name}
    if state.sha256:
        return told | {"status": COMPLETE, "sha256": state.sha256}
    if state.error:
        return _failure(name, state.error)
    if state.status is HashStatus.NONE:
        # An artefact without its archive's hash (contract images 3).
        return told | {"status": COMPLETE, "sha256": ARTEFACT}
    return told | {"status": PENDING, **progress_of(state)}


def _failure(name: str, reason: str) -> Frame:
    return {"image_name": printable(name), "status": FAILED, "error": reason}


SOCKETS: tuple[SocketRoute, ...] = (
    SocketRoute(
        path="/ws/sha256",
        summary="The hashes of images: ask for one, and hear how far it is until it is known.",
        contract="images 9.1",
        serves=Conversation(watch_hash.name, watch_hash.policy, _converse),
        asks=('{"action": "get_sha256", "image_name": "<name>"}',),
        tells=(
            Told(
                "the hash of an image, or how far it is",
                ("image_name", "status", "sha256", "progress", "progress_percent"),
            ),
            Told("why there is none", ("image_name", "status", "error")),
            Told("what the client said is no JSON object", ("error",)),
        ),
    ),
)
