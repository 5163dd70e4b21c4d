"""The legacy WebSocket of boot packages (contract images 9.2)."""

import asyncio
from contextlib import aclosing

from domain.caller import Caller
from domain.errors import ProvisionerError
from domain.images.boot_package_states import BootPackageState, BootPackageStatus
from domain.images.names import printable
from domain.station import Station
from resolvers.images.boot_packages import watch_boot_package
from rest_compat.images.hash_sockets import MOST_NAMES, TOO_MANY
from rest_compat.images.messages import INVALID, Frame, name_in, object_of, text_of
from rest_compat.sockets import Conversation, SocketRoute, Told
from rest_compat.talk import SocketClosed, Talk

CHECK = "check_boot_package"
_WORDS = {
    BootPackageStatus.UNSUPPORTED: "unsupported",
    BootPackageStatus.NOT_FOUND: "not_found",
    BootPackageStatus.GENERATING: "generating",
    BootPackageStatus.AVAILABLE: "available",
    BootPackageStatus.FAILED: "error",
}


class _Follower:
    """What one socket follows: each image by a task of its own; who asks again is told anew."""

    def __init__(
        self, caller: Caller, station: Station, talk: Talk, tasks: asyncio.TaskGroup
    ) -> None:
        self._caller, self._station, self._talk, self._tasks = caller, station, talk, tasks
        self._following: dict[str, asyncio.Task[None]] = {}

    async def hear(self, text: str) -> None:
        """Does what one message asks for; what it does not know, it ignores."""
        message = object_of(text)
        if message is None:
            await self._talk.send(text_of(INVALID))
        elif message.get("action") == CHECK:
            await self._check(name_in(message))

    async def _check(self, name: str) -> None:
        before = self._following.pop(name, None)
        if before is not None:
            before.cancel()
        elif len(self._following) >= MOST_NAMES:
            await self._talk.send(text_of(_failure(name, TOO_MANY)))
            return
        self._following[name] = self._tasks.create_task(self._follow(name))

    async def _follow(self, name: str) -> None:
        try:
            updates = watch_boot_package(self._caller, self._station, name=name)
            async with aclosing(updates):
                async for update in updates:
                    await self._talk.send(text_of(frame_of(update.value)))
        except ProvisionerError as error:
            self._following.pop(name, None)
            await self._talk.send(text_of(_failure(name, error.message)))


async def _converse(caller: Caller, station: Station, talk: Talk) -> None:
    caller.require(watch_boot_package.policy.role)
    await talk.accept()
    async with asyncio.TaskGroup() as tasks:
        follower = _Follower(caller, station, talk, tasks)
        async with aclosing(talk.messages()) as messages:
            async for text in messages:
                await follower.hear(text)
        raise SocketClosed


def frame_of(state: BootPackageState) -> Frame:
    """Returns the frame of one state; while a package is made the old one does not count."""
    is_there = state.status is BootPackageStatus.AVAILABLE
    told: Frame = {
        "image_name": printable(state.image),
        "exists": is_there,
        "status": _WORDS[state.status],
    }
    if is_there and state.package is not None:
        told["package_name"] = state.package.name
    if state.status is BootPackageStatus.FAILED:
        told["error"] = state.reason
    return told


def _failure(name: str, reason: str) -> Frame:
    return {"image_name": printable(name), "exists": False, "status": "error", "error": reason}


SOCKETS: tuple[SocketRoute, ...] = (
    SocketRoute(
        path="/ws/boot-package",
        summary="Boot packages: ask how it stands with one, and hear when it is made or failed.",
        contract="images 9.2",
        serves=Conversation(watch_boot_package.name, watch_boot_package.policy, _converse),
        asks=('{"action": "check_boot_package", "image_name": "<name>"}',),
        tells=(
            Told(
                "how it stands with the boot package of an image",
                ("image_name", "exists", "status", "package_name", "error"),
            ),
            Told("what the client said is no JSON object", ("error",)),
        ),
    ),
)
