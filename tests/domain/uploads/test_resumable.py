"""Resumable uploads across a service that is killed."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from domain.file_accesses import unnoted
from domain.uploads.limits import UploadLimits
from domain.uploads.progress import Upload, UploadBoard, UploadPhase
from domain.uploads.refusals import UploadCancelled
from domain.uploads.resumable import Part, ResumableUploads
from domain.uploads.sessions import Checksum, UploadLocked, UploadSession
from domain.uploads.settling import Settling
from domain.uploads.uploads import Uploads
from domain.uploads.waiting import WaitingUploads
from tests.domain.images.store import Store, make_store
from tests.domain.uploads.packing import noise

IMAGE = noise(300_000)
BOOT = "one boot of the machine"


class FakeSessions:
    """Sessions in memory, as `UploadSessions` keeps them."""

    def __init__(self) -> None:
        self.kept: dict[str, UploadSession] = {}

    async def list_all(self) -> list[UploadSession]:
        return list(self.kept.values())

    async def keep(self, session: UploadSession) -> None:
        self.kept[session.id] = session

    async def drop(self, id: str) -> None:
        self.kept.pop(id, None)


class Bench:
    """A store, and one run of the service after the other upon it."""

    def __init__(self, root: Path) -> None:
        self.store: Store = make_store(root)
        self.sessions = FakeSessions()

    def run(self, boot: str = BOOT, silent_seconds: float = 60) -> ResumableUploads:
        """Returns a new run's uploads; the one before may be in the middle of anything."""
        store = self.store
        settling = Settling(store.images, store.hashes, store.hub)
        board = UploadBoard(store.hub)
        limits = UploadLimits(silent_seconds=silent_seconds)
        uploads = Uploads(store.folder, settling, board, limits=limits, programs={})
        waiting = WaitingUploads(store.folder, board, self.sessions, boot=boot)
        return ResumableUploads(store.folder, uploads, waiting, note=unnoted)

    def written(self) -> int:
        """Returns how many bytes lie in the only part."""
        return next(self.store.real.glob(".*.part")).stat().st_size


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


async def whole(content: bytes) -> AsyncIterator[bytes]:
    yield content


def checked(content: bytes) -> Checksum:
    return Checksum("sha256", hashlib.sha256(content).digest())


async def sent_and_killed(
    bench: Bench, uploads: ResumableUploads, id: str, part: Callable[[AsyncIterator[bytes]], Part]
) -> None:
    """Sends 100,000 bytes of a part that has more, and leaves it there as `kill -9` does."""

    async def hanging() -> AsyncIterator[bytes]:
        yield IMAGE[200_000:]
        await asyncio.Event().wait()

    before = bench.written()
    sending = asyncio.create_task(uploads.append(id, part(hanging()), note=unnoted))
    while bench.written() < before + 100_000:
        await asyncio.sleep(0.001)
    kept, content = dict(bench.sessions.kept), next(bench.store.real.glob(".*.part")).read_bytes()
    sending.cancel()
    await asyncio.wait([sending])
    # What the end of the task tidied up, a killed process leaves as it is.
    bench.sessions.kept = kept
    next(bench.store.real.glob(".*.part")).write_bytes(content)


async def begun(bench: Bench, uploads: ResumableUploads, size: int = 400_000) -> str:
    """Returns an upload of which 200,000 bytes are there."""
    upload = await uploads.begin("up.img", size, by="ann", note=unnoted)
    part = Part(0, whole(IMAGE[:200_000]))
    await uploads.append(upload.id, part, note=unnoted)
    return upload.id


async def test_what_a_killed_service_never_checked_does_not_count(bench: Bench) -> None:
    first = bench.run()
    id = await begun(bench, first)
    await sent_and_killed(
        bench, first, id, lambda chunks: Part(200_000, chunks, checksum=checked(b"another content"))
    )
    assert (await bench.run().get(id)).received_bytes == 200_000
    assert bench.written() == 200_000


async def test_a_last_part_that_was_never_checked_makes_no_image(bench: Bench) -> None:
    first = bench.run()
    id = await begun(bench, first, size=300_000)
    await sent_and_killed(
        bench, first, id, lambda chunks: Part(200_000, chunks, checksum=checked(b"another content"))
    )
    second = bench.run()
    await second.look()
    assert (await second.get(id)).received_bytes == 200_000
    assert "up.img" not in bench.store.names


async def test_what_came_without_a_checksum_counts_after_a_kill(bench: Bench) -> None:
    first = bench.run()
    id = await begun(bench, first)
    part = Part(200_000, whole(IMAGE[200_000:200_500]), checksum=checked(IMAGE[200_000:200_500]))
    await first.append(id, part, note=unnoted)
    await sent_and_killed(bench, first, id, lambda chunks: Part(200_500, chunks))
    assert (await bench.run().get(id)).received_bytes == 300_500


async def test_after_a_new_start_of_the_machine_only_what_was_synced_counts(bench: Bench) -> None:
    first = bench.run()
    id = await begun(bench, first)
    await sent_and_killed(bench, first, id, lambda chunks: Part(200_000, chunks))
    assert (await bench.run(boot="the next one").get(id)).received_bytes == 200_000


async def test_nobody_hears_of_bytes_before_they_are_checked(bench: Bench) -> None:
    uploads = bench.run()
    id = await begun(bench, uploads)
    heard = []

    async def asked_meanwhile() -> AsyncIterator[bytes]:
        yield IMAGE[200_000:]
        while bench.written() < 300_000:
            await asyncio.sleep(0.001)
        heard.append((await uploads.get(id)).received_bytes)

    part = Part(200_000, asked_meanwhile(), checksum=checked(IMAGE[200_000:]))
    after = await uploads.append(id, part, note=unnoted)
    assert (heard, after.received_bytes) == ([200_000], 300_000)


async def silent_part(bench: Bench, uploads: ResumableUploads, id: str) -> asyncio.Task[Upload]:
    """Returns a request that has sent 100,000 bytes and then lost its client."""

    async def silent() -> AsyncIterator[bytes]:
        yield IMAGE[200_000:]
        await asyncio.Event().wait()

    sending = asyncio.create_task(uploads.append(id, Part(200_000, silent()), note=unnoted))
    while bench.written() < 300_000:
        await asyncio.sleep(0.001)
    return sending


async def test_a_client_that_comes_back_does_not_wait_for_its_dead_connection(bench: Bench) -> None:
    uploads = bench.run(silent_seconds=0)
    id = await begun(bench, uploads)
    dead = await silent_part(bench, uploads, id)
    after = await uploads.append(id, Part(300_000, whole(bytes(1000))), note=unnoted)
    with pytest.raises(UploadCancelled):
        await dead
    assert after.received_bytes == 301_000


async def test_a_client_that_sends_is_not_disturbed(bench: Bench) -> None:
    uploads = bench.run()
    id = await begun(bench, uploads)
    sending = await silent_part(bench, uploads, id)
    with pytest.raises(UploadLocked):
        await uploads.append(id, Part(300_000, whole(bytes(1000))), note=unnoted)
    assert not sending.done()
    await uploads.cancel(id, note=unnoted)
    await asyncio.wait([sending])


async def test_a_part_whose_client_is_silent_can_be_cancelled(bench: Bench) -> None:
    uploads = bench.run()
    id = await begun(bench, uploads)
    sending = await silent_part(bench, uploads, id)
    cancelled = await uploads.cancel(id, note=unnoted)
    with pytest.raises(UploadCancelled):
        await sending
    assert (cancelled.phase, bench.store.names) == (UploadPhase.CANCELLED, [])
    assert bench.sessions.kept == {}
