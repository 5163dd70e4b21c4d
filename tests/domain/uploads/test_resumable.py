"""Resumable uploads across a service that is killed."""

import asyncio
import errno
import hashlib
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

from domain.events import Subscription
from domain.file_accesses import FileAccess, unnoted
from domain.images.hash_refusals import ImageBusy
from domain.uploads.decompression import Programs, decode
from domain.uploads.image_staging import Staged
from domain.uploads.intake import Chunk
from domain.uploads.kinds import UploadPlan
from domain.uploads.limits import UploadLimits
from domain.uploads.progress import Upload, UploadBoard, UploadChanged, UploadPhase
from domain.uploads.refusals import DecompressionFailed, SpaceShort, UploadCancelled
from domain.uploads.resumable import Part, ResumableUploads
from domain.uploads.sessions import Checksum, UploadLocked, UploadSession
from domain.uploads.settling import Settling, Uploaded
from domain.uploads.sniffing import Content
from domain.uploads.uploads import Uploads
from domain.uploads.waiting import WaitingUploads
from tests.domain.images.store import Store, make_store, next_event
from tests.domain.uploads.packing import PACKERS, noise

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

    def run(
        self,
        boot: str = BOOT,
        silent_seconds: float = 60,
        programs: Programs | None = None,
        settles: type[Settling] = Settling,
    ) -> ResumableUploads:
        """Returns a new run's uploads; the one before may be in the middle of anything."""
        store = self.store
        settling = settles(store.images, store.hashes, store.hub)
        board = UploadBoard(store.hub)
        limits = UploadLimits(silent_seconds=silent_seconds)
        uploads = Uploads(store.folder, settling, board, limits=limits, programs=programs or {})
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


PACKED = PACKERS[Content.GZIP][1](IMAGE)


class ShortDisk:
    """A disk that has no room for what an upload unpacks to until somebody makes some."""

    def __init__(self) -> None:
        self.is_full = True

    @property
    def programs(self) -> Programs:
        return {Content.GZIP: self._unpack}

    def _unpack(self, source: Iterator[Chunk]) -> Iterator[Chunk]:
        for chunk in decode(Content.GZIP, source):
            if self.is_full:
                raise OSError(errno.ENOSPC, "No space left on device")
            yield chunk


class BusySettling(Settling):
    """What settles nothing, because the image is being read."""

    async def settle(self, plan: UploadPlan, staged: Staged, *, note: FileAccess) -> Uploaded:
        raise ImageBusy(plan.filename)


async def next_upload(changes: Subscription) -> Upload:
    event = await next_event(changes)
    assert isinstance(event, UploadChanged)
    return event.upload


async def refused_at_its_end(uploads: ResumableUploads) -> str:
    """Returns an upload all of which came when the disk had no room for the image."""
    upload = await uploads.begin("up.img.gz", len(PACKED), by="ann", note=unnoted)
    with pytest.raises(SpaceShort):
        await uploads.append(upload.id, Part(0, whole(PACKED)), note=unnoted)
    return upload.id


async def test_a_whole_upload_survives_a_disk_that_is_full_at_its_end(bench: Bench) -> None:
    disk = ShortDisk()
    uploads = bench.run(programs=disk.programs)
    id = await refused_at_its_end(uploads)
    # A client that hears of the full length takes it for done.
    last = (await uploads.get(id)).received_bytes
    with pytest.raises(SpaceShort):
        await uploads.append(id, Part(last, whole(PACKED[last:])), note=unnoted)
    await uploads.look()
    again = (await uploads.get(id)).received_bytes
    disk.is_full = False
    done = await uploads.append(id, Part(last, whole(PACKED[last:])), note=unnoted)
    assert (last, again) == (len(PACKED) - 1, len(PACKED) - 1)
    assert (done.phase, done.received_bytes) == (UploadPhase.COMPLETE, len(PACKED))
    assert (bench.store.real / "up.img").read_bytes() == IMAGE


async def test_a_kept_upload_waits_and_says_why_it_is_no_image_yet(bench: Bench) -> None:
    uploads = bench.run(programs=ShortDisk().programs)
    with bench.store.hub.subscribe(UploadChanged) as changes:
        await refused_at_its_end(uploads)
        told = await next_upload(changes)
        while not told.error:
            told = await next_upload(changes)
    assert (told.phase, told.received_bytes) == (UploadPhase.WAITING, len(PACKED) - 1)
    assert "no room left" in (told.error or "")


@pytest.mark.parametrize("boot", [BOOT, "the next one"])
async def test_a_kept_upload_survives_a_restart(bench: Bench, boot: str) -> None:
    disk = ShortDisk()
    id = await refused_at_its_end(bench.run(programs=disk.programs))
    second = bench.run(boot=boot, programs=disk.programs)
    await second.look()
    last = (await second.get(id)).received_bytes
    disk.is_full = False
    await second.append(id, Part(last, whole(PACKED[last:])), note=unnoted)
    assert last == len(PACKED) - 1
    assert (bench.store.real / "up.img").read_bytes() == IMAGE


async def test_a_plain_image_survives_a_store_that_is_busy(bench: Bench) -> None:
    busy = bench.run(settles=BusySettling)
    id = await begun(bench, busy, size=len(IMAGE))
    with pytest.raises(ImageBusy):
        await busy.append(id, Part(200_000, whole(IMAGE[200_000:])), note=unnoted)
    await bench.run().look()
    assert (bench.store.real / "up.img").read_bytes() == IMAGE


async def test_what_is_no_image_is_not_kept(bench: Bench) -> None:
    uploads = bench.run()
    upload = await uploads.begin("up.img.gz", len(PACKED) - 9, by="ann", note=unnoted)
    with pytest.raises(DecompressionFailed):
        await uploads.append(upload.id, Part(0, whole(PACKED[:-9])), note=unnoted)
    assert (bench.store.names, bench.sessions.kept) == ([], {})
