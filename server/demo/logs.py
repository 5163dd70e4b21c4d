"""The logs of the boards, with the links and moves that the scripts make (contract devices 5)."""

import contextlib
import json
import os
import shutil
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from domain.host_paths import HostPaths
from server.demo.boards import Board

LOGS = "/var/log/rpi-sb-provisioner"


class DeviceLogs:
    """Writes below the log folder what bootstrap, triage and provisioner write there."""

    def __init__(self, paths: HostPaths) -> None:
        self._paths = paths

    def open_early(self, node: str, port: str, *, serial: str) -> None:
        """Makes the early log's folder, and leads to the log from the port's and the board's.

        An empty `serial` is that of a board that tells none.
        """
        self._folder(f"{early(node)}/metadata")
        for name in filter(None, (port, serial)):
            self._link(f"{LOGS}/{name}/bootstrap.log", f"{early(node)}/bootstrap.log")

    def read_metadata(self, node: str, board: Board) -> None:
        """Leaves what rpiboot read from the board beside the early log."""
        metadata = {
            "USER_SERIAL_NUM": board.rom_serial,
            "MAC_ADDR": board.eth_mac,
            "CUSTOMER_KEY_HASH": "0" * 64,
            "USER_BOARDREV": board.model.revision_code,
            "JTAG_LOCKED": "0",
        }
        file = self._folder(f"{early(node)}/metadata") / f"{board.rom_serial}.json"
        file.write_text(json.dumps(metadata, indent="\t") + "\n")

    def end_bootstrap(self, node: str, port: str, *, serial: str) -> None:
        """Moves the early log to the board's folder, and leads to it from the port's; the port's
        folder itself takes the log of a board without a serial."""
        place, folder = self._paths.real(early(node)), self._folder(f"{LOGS}/{serial or port}")
        # The script goes on when there is nothing to move, or something in the way.
        with contextlib.suppress(OSError):
            shutil.move(place / "metadata", folder / "metadata")
        with contextlib.suppress(OSError):
            (place / "bootstrap.log").replace(folder / "bootstrap.log")
        if serial:
            self._link(f"{LOGS}/{port}/bootstrap.log", f"{LOGS}/{serial}/bootstrap.log")

    def begin_triage(self, board: Board) -> None:
        """Moves the board's folder from its short to its long serial.

        The port's link dangles from now on, as it does on a real station.
        """
        short = self._paths.real(f"{LOGS}/{board.rom_serial}")
        if short.is_dir():
            long = self._folder(f"{LOGS}/{board.serial}")
            shutil.copytree(short, long, symlinks=True, dirs_exist_ok=True)
            shutil.rmtree(short)

    def bootstrap(self, node: str, texts: Sequence[str], *, at: datetime) -> tuple[str, ...]:
        """Appends to the early log, a new one once it was moved; returns the lines."""
        return self._append(f"{early(node)}/bootstrap.log", texts, at=at)

    def device(
        self, board: Board, name: str, texts: Sequence[str], *, at: datetime
    ) -> tuple[str, ...]:
        """Appends to the board's log `name`; returns the lines."""
        return self._append(f"{LOGS}/{board.serial}/{name}.log", texts, at=at)

    def stray(self, name: str, texts: Sequence[str], *, at: datetime) -> tuple[str, ...]:
        """Appends to where a script logs that does not know its board yet (contract devices Q28);
        returns the lines."""
        folder = "" if name == "bootstrap" else LOGS
        return self._append(f"{folder}/{name}.log", texts, at=at)

    def mark(self, board: Board, word: str) -> None:
        """Appends a bare line to the triage log, without a time."""
        with self._paths.real(f"{LOGS}/{board.serial}/triage.log").open("a") as log:
            log.write(f"{word}\n")

    def _folder(self, logical: str) -> Path:
        real = self._paths.real(logical)
        real.mkdir(parents=True, exist_ok=True)
        return real

    def _link(self, logical: str, target: str) -> None:
        entry = self._paths.entry(logical)
        entry.parent.mkdir(parents=True, exist_ok=True)
        entry.unlink(missing_ok=True)
        # Absolute and logical, as the scripts make it; only HostPaths follows it below the root.
        entry.symlink_to(target)

    def _append(self, logical: str, texts: Sequence[str], *, at: datetime) -> tuple[str, ...]:
        real, lines = self._paths.real(logical), tuple(stamped(text, at) for text in texts)
        real.parent.mkdir(parents=True, exist_ok=True)
        with real.open("a", encoding="utf-8") as log:
            log.writelines(f"{line}\n" for line in lines)
        real.chmod(0o644)
        os.utime(real, (at.timestamp(), at.timestamp()))
        return lines


def early(node: str) -> str:
    """Returns the folder of a bootstrap's early log. The script puts a slash before the node,
    which has one already: its links hold both."""
    return f"{LOGS}/early/{node}"


def stamped(text: str, at: datetime) -> str:
    """Returns the line as the scripts write it: local time to the millisecond."""
    local = at.astimezone()
    return f"[{local:%Y-%m-%d %H:%M:%S}.{local.microsecond // 1000:03d}] {text}"
