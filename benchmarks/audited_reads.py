"""Small audited REST reads against a loop that opens, inserts, commits and closes a SQLite audit
row.

Run: .venv/bin/python benchmarks/audited_reads.py [SECONDS]. Prints both rates on the same disk
and their ratio.
"""

import contextlib
import http.client
import os
import selectors
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import cast

from server.demo.station import build_station

SECONDS = float(sys.argv[1]) if len(sys.argv) > 1 else 3.0
CLIENTS = 8
PIPELINED = 16
TABLE = """
    create table audit_log(id integer primary key autoincrement, timestamp text not null,
        event_type text not null, client_ip text, user_agent text, handler_path text,
        operation text, target_path text, success integer, username text, additional_info text);
    create index idx_timestamp on audit_log(timestamp)
"""
INSERT = (
    "insert into audit_log(timestamp, event_type, client_ip, user_agent, handler_path) "
    "values (datetime('now', 'localtime'), ?, ?, ?, ?)"
)


def old_way(folder: Path) -> float:
    """The table and the index of the existing service, opened and closed for each row."""
    path = folder / "loop.db"
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.executescript(TABLE)
    row = ("HANDLER_ACCESS", "127.0.0.1", "curl/8.0", "/devices/10000000abcdef01")
    count, end = 0, time.perf_counter() + SECONDS
    while time.perf_counter() < end:
        connection = sqlite3.connect(path, timeout=5)
        connection.execute(INSERT, row)
        connection.commit()
        connection.close()
        count += 1
    return count / SECONDS


def reads(port: int, path: str) -> float:
    """One thread, so that the clients leave the service as much of the machine as they can."""
    request = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n".encode() * PIPELINED
    answered, waiting, selector = 0, dict[socket.socket, int](), selectors.DefaultSelector()
    for _ in range(CLIENTS):
        connection = socket.create_connection(("127.0.0.1", port))
        selector.register(connection, selectors.EVENT_READ)
        waiting[connection] = PIPELINED
        connection.sendall(request)
    end = time.perf_counter() + SECONDS
    while time.perf_counter() < end:
        for key, _ in selector.select(1):
            connection = cast("socket.socket", key.fileobj)
            # An answer leaves in one piece, so no mark of one is ever cut in two here.
            done = connection.recv(1 << 20).count(b"HTTP/1.1 200")
            answered += done
            waiting[connection] -= done
            if not waiting[connection]:
                waiting[connection] = PIPELINED
                connection.sendall(request)
    for connection in waiting:
        connection.close()
    return answered / SECONDS


def main() -> None:
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as name:
        root = Path(name)
        build_station(root, now=datetime.now(UTC))
        serial = newest_serial(root)
        with serving(name) as (_, port, _):
            pass  # compiles what is not compiled yet, and warms the file cache
        with serving(name) as (service, port, started):
            first_graphql = graphql(port)
            idle = memory(service.pid)
            rate = reads(port, f"/devices/{serial}")
            loop = old_way(root)
    print(f"start to first answer      {started:8.2f} s (budget 1.5)")
    print(f"first GraphQL after that   {first_graphql:8.2f} s")
    print(f"idle memory                {idle:8.1f} MiB (budget 120)")
    print(f"audited reads              {rate:8.0f} /s")
    print(f"open-insert-commit-close   {loop:8.0f} /s")
    print(f"ratio                      {rate / loop:8.1f} x (budget 10)")


@contextlib.contextmanager
def serving(root: str) -> Iterator[tuple[subprocess.Popen[bytes], int, float]]:
    """A service over `root`: its process, its port, and the seconds to its first answer."""
    port, began = free_port(), time.perf_counter()
    command = [sys.executable, "-m", "server.main", "serve", "--root", root, "--port", str(port)]
    command += ["--disable-https", "--log-level", "error"]
    # An installed service has compiled files; whoever measures may have switched them off.
    kept = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    service = subprocess.Popen(command, env=kept)
    try:
        yield service, port, wait_for(port, began)
    finally:
        service.terminate()
        service.wait()


def graphql(port: int) -> float:
    """Seconds until a client that comes right after the start has an answer from GraphQL."""
    began = time.perf_counter()
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request("GET", "/graphql?query=%7Bstation%7Bname%7D%7D")
    connection.getresponse().read()
    return time.perf_counter() - began


def newest_serial(root: Path) -> str:
    with sqlite3.connect(root / "srv/rpi-sb-provisioner/state.db") as connection:
        query = "select serial from devices where length(serial) = 16 order by id desc limit 1"
        return str(connection.execute(query).fetchone()[0])


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(port: int, began: float) -> float:
    while time.perf_counter() - began < 30:
        try:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
            connection.request("GET", "/devices")
            connection.getresponse().read()
        except OSError:
            time.sleep(0.01)
        else:
            return time.perf_counter() - began
    raise SystemExit("the service did not answer within 30 s")


def memory(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith("VmRSS"))
    return int(line.split()[1]) / 1024


if __name__ == "__main__":
    main()
