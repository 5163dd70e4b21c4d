"""Uploads by curl into the running service against pipes of the same steps, its memory above idle,
and how long GraphQL queries take meanwhile.

Run: .venv/bin/python -m benchmarks.uploads [MEBIBYTES] [ROUNDS] [DISK FOLDER]. Ways alternate in
each round; of each way the best round counts, the first one only warms up: memory that a virtual
machine has to fetch from its host first costs whoever touches it first. Needs curl, openssl, tee,
dd, zstd, xz.
"""

import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import orjson

from tests.e2e.process import Program

MEBIBYTES = int(sys.argv[1]) if len(sys.argv) > 1 else 1024
ROUNDS = int(sys.argv[2]) if len(sys.argv) > 2 else 10
DISK = sys.argv[3] if len(sys.argv) > 3 else None
TMPFS = "/dev/shm"
STORE = "srv/rpi-sb-provisioner/images"
QUERY = orjson.dumps(
    {"query": "{ images(first: 20) { nodes { name sizeBytes hash { sha256 } } } }"}
)


def main() -> None:
    with (
        tempfile.TemporaryDirectory(dir=TMPFS) as memory,
        tempfile.TemporaryDirectory(dir=DISK) as disk,
    ):
        source = Path(memory) / "source"
        source.mkdir()
        image = source / "plain.img"
        fill(image, MEBIBYTES)
        plain(image, Path(memory), Path(disk))
        packed(image, Path(memory))
        busy(image, Path(disk))


def fill(path: Path, mebibytes: int) -> None:
    """Writes what a system's image holds: the files of this machine's own, from the beginning
    again where they do not suffice."""
    left = (mebibytes - 1) << 20
    with path.open("wb") as image:
        image.write(bytes(1 << 20))
        while left:
            for file in system_files():
                content = file.read_bytes()[:left]
                image.write(content)
                left -= len(content)
    assert path.stat().st_size == mebibytes << 20


def system_files() -> Iterator[Path]:
    """Yields the ordinary files below /usr in the order of their names."""
    for folder, folders, names in os.walk("/usr"):
        folders.sort()
        for path in (Path(folder) / name for name in sorted(names)):
            if path.is_file() and not path.is_symlink():
                yield path


def plain(image: Path, memory: Path, disk: Path) -> None:
    pipe = f"cat {image} | tee {{out}} | openssl dgst -sha256"
    dd = f"dd if={image} of={{out}} bs=1M conv=fsync"
    with Service(memory / "root") as service:
        best = rounds(
            upload=lambda: service.upload(image), pipe=lambda: shell(pipe, memory / "out")
        )
        tell("plain, tmpfs", best, base="pipe", budget=1.0)
        print(f"  memory above idle {service.peak():6.0f} MiB (budget 60)")
    with Service(disk / "root") as service:
        best = rounds(
            upload=lambda: service.upload(image),
            pipe=lambda: shell(pipe, disk / "out"),
            dd=lambda: shell(dd, disk / "out"),
        )
        slower = max("pipe", "dd", key=lambda way: best[way])
        tell("plain, disk", best, base=slower, budget=0.8)
        print(f"  memory above idle {service.peak():6.0f} MiB (budget 60)")


def packed(image: Path, memory: Path) -> None:
    zst, xz = image.with_name("plain.img.zst"), image.with_name("plain.img.xz")
    subprocess.run(["zstd", "-q", "-3", "-T0", str(image), "-o", str(zst)], check=True)
    command = ["xz", "-0", "-k", "-T0", "--block-size=16MiB", str(image)]
    subprocess.run(command, check=True)
    unpack = {zst: f"zstd -dcq {zst}", xz: f"xz -T0 -dc {xz}"}
    for file, command_line in unpack.items():
        pipe = f"{command_line} | tee {{out}} | openssl dgst -sha256"
        with Service(memory / "root") as service:
            best = rounds(
                upload=lambda file=file: service.upload(file),  # type: ignore[misc]
                pipe=lambda pipe=pipe: shell(pipe, memory / "out"),  # type: ignore[misc]
            )
            tell(f"{file.suffix}, tmpfs", best, base="pipe", budget=0.85)
            print(f"  memory above idle {service.peak():6.0f} MiB (budget 60)")


def busy(image: Path, disk: Path) -> None:
    with Service(disk / "root") as service:
        service.upload(image, keep=True)
        stop, times = threading.Event(), list[float]()
        asking = threading.Thread(target=service.ask_until, args=(stop, times))
        asking.start()
        service.program.graphql(
            'mutation { rehashImage(input: {name: "plain.img"}) { __typename } }'
        )
        for _ in range(max(1, 4096 // MEBIBYTES)):
            service.upload(image)
        stop.set()
        asking.join()
    times.sort()
    p99 = times[int(len(times) * 0.99)]
    print(f"GraphQL while uploading 4 GiB and hashing: {len(times)} queries")
    print(
        f"  median {statistics.median(times) * 1000:.1f} ms, p99 {p99 * 1000:.1f} ms (budget 50),"
        f" longest {times[-1] * 1000:.1f} ms"
    )


class Service:
    """The running service over a throw-away root."""

    def __init__(self, root: Path) -> None:
        root.mkdir(exist_ok=True)
        self.store = root / STORE
        self.program = Program(root)

    def __enter__(self) -> "Service":
        self.program.__enter__()
        self.program.graphql("{ images { totalCount } uploads { id } }")
        time.sleep(1.0)
        self.idle = self.program.memory()
        Path(f"/proc/{self.program.process.pid}/clear_refs").write_text("5")
        return self

    def __exit__(self, *error: object) -> None:
        self.program.__exit__(None, None, None)
        for path in self.store.iterdir():
            if path.is_file():
                path.unlink()

    def upload(self, file: Path, *, keep: bool = False) -> float:
        """Returns the seconds until the answer."""
        form, address = f"image=@{file}", self.program.base + "/upload-image"
        began = time.perf_counter()
        done = subprocess.run(
            ["curl", "-sS", "-H", "Expect:", "-F", form, address], capture_output=True, check=True
        )
        seconds = time.perf_counter() - began
        answer = orjson.loads(done.stdout)
        assert answer["success"], answer
        if not keep:
            (self.store / answer["filename"]).unlink()
        return seconds

    def peak(self) -> float:
        """Returns the most memory that it held since it was idle, above that, in MiB."""
        status = Path(f"/proc/{self.program.process.pid}/status").read_text()
        line = next(line for line in status.splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) / 1024 - self.idle

    def ask_until(self, stop: threading.Event, times: list[float]) -> None:
        while not stop.is_set():
            began = time.perf_counter()
            request = urllib.request.Request(
                self.program.base + "/graphql", QUERY, {"Content-Type": "application/json"}
            )
            urllib.request.urlopen(request, timeout=30).read()
            times.append(time.perf_counter() - began)
            time.sleep(0.01)


def rounds(**ways: Callable[[], float]) -> dict[str, float]:
    found: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(ROUNDS + 1):
        for name, way in ways.items():
            found[name].append(way())
    return {name: min(seconds[1:]) for name, seconds in found.items()}


def shell(command: str, out: Path) -> float:
    began = time.perf_counter()
    done = subprocess.run(
        command.format(out=out), shell=True, capture_output=True, check=False, text=True
    )
    seconds = time.perf_counter() - began
    assert done.returncode == 0, done.stderr
    out.unlink()
    return seconds


def tell(name: str, best: dict[str, float], *, base: str, budget: float) -> None:
    speeds = ", ".join(f"{way} {MEBIBYTES / seconds:.0f} MiB/s" for way, seconds in best.items())
    ratio = best[base] / best["upload"]
    print(f"{name}: {speeds}")
    print(f"  upload against {base} {ratio:.2f} x (budget {budget:.2f})")


if __name__ == "__main__":
    main()
