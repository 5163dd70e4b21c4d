"""The program `xz`, which decompresses on all cores what was packed in several blocks."""

import contextlib
import fcntl
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from typing import IO

from domain.uploads.decompression import BLOCK, Decode
from domain.uploads.intake import Chunk
from domain.uploads.refusals import DecompressionFailed
from domain.uploads.sniffing import Content
from domain.uploads.staging import write_all

MEMORY_LIMIT = "400MiB"
"""`xz -9` needs 65 MiB a thread; more threads than fit are not started (xz(1))."""


def find_programs() -> dict[Content, Decode]:
    """Returns the programs of this machine that satisfy `domain.uploads.decompression.Decode`."""
    program = shutil.which("xz")
    return {Content.XZ: Xz(program)} if program else {}


class Xz:
    """Satisfies `domain.uploads.decompression.Decode`."""

    def __init__(self, program: str) -> None:
        limit = f"--memlimit-decompress={MEMORY_LIMIT}"
        self._command = [program, "-dcq", "-T0", "--no-sparse", limit]

    def __call__(self, source: Iterator[Chunk]) -> Iterator[Chunk]:
        """Yields what the stream holds; raises `DecompressionFailed` and what the source raises.
        The program ends with this iterator, in any case."""
        with tempfile.TemporaryFile() as said, self._start(said) as process:
            feeder = _Feeder(process, source)
            try:
                yield from feeder.output()
                feeder.check()
                if process.wait() != 0:
                    raise DecompressionFailed(_reason(said))
            finally:
                process.kill()
                feeder.join()

    def _start(self, said: IO[bytes]) -> subprocess.Popen[bytes]:
        pipe = subprocess.PIPE
        process = subprocess.Popen(self._command, stdin=pipe, stdout=pipe, stderr=said, bufsize=0)
        for end in (process.stdin, process.stdout):
            # A user may have only so much in pipes; smaller ones do, too.
            with contextlib.suppress(OSError):
                if end is not None:
                    fcntl.fcntl(end.fileno(), fcntl.F_SETPIPE_SZ, BLOCK)
        return process


class _Feeder:
    """Writes the source into the program in a thread of its own, so that both pipes move."""

    def __init__(self, process: subprocess.Popen[bytes], source: Iterator[Chunk]) -> None:
        self._process, self._source = process, source
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._feed, name="upload-xz", daemon=True)
        self._thread.start()

    def output(self) -> Iterator[bytes]:
        """Yields what the program writes."""
        assert self._process.stdout is not None  # noqa: S101 -- it was started with a pipe
        while block := self._process.stdout.read(BLOCK):
            yield block

    def check(self) -> None:
        """Raises what the source raised."""
        self._thread.join()
        if self._failure is not None:
            raise self._failure

    def join(self) -> None:
        """Returns when the thread has ended; the program must have."""
        self._thread.join()

    def _feed(self) -> None:
        assert self._process.stdin is not None  # noqa: S101 -- it was started with a pipe
        try:
            with self._process.stdin as pipe:
                for chunk in self._source:
                    write_all(pipe.fileno(), chunk)
        except BrokenPipeError:
            # The program has ended; its exit status says why.
            return
        except BaseException as error:  # noqa: BLE001 -- raised again in the thread that reads
            self._failure = error


def _reason(said: IO[bytes]) -> str:
    said.seek(0)
    last = said.read(1000).decode("utf-8", "replace").strip().splitlines()[-1:]
    words = last[0].removeprefix("xz: (stdin): ") if last else "the stream is corrupt or cut off"
    return f"Failed to decompress image: {words}."
