"""The logs of the boards, with the links and moves that the scripts make (contract devices 5)."""

import json
import os
import shutil
from datetime import datetime
from pathlib import Path

from domain.host_paths import HostPaths
from server.demo.boards import Board

LOGS = "/var/log/rpi-sb-provisioner"


class DeviceLogs:
    """Writes below the log folder what bootstrap, triage and provisioner write there."""

    def __init__(self, paths: HostPaths) -> None:
        self._paths = paths

    def begin_bootstrap(self, port: str, board: Board, *, node: str, at: datetime) -> None:
        """Opens the early log and leads to it from the port's and the board's folder."""
        early = f"{LOGS}/early{node}"
        self._append(f"{early}/bootstrap.log", [f"Bootstrap log of {node}"], at=at)
        for folder in (port, board.rom_serial):
            self._link(f"{LOGS}/{folder}/bootstrap.log", f"{early}/bootstrap.log")

    def read_metadata(self, port: str, board: Board) -> None:
        """Leaves what rpiboot read from the board beside the early log."""
        revision = f"0x{int(board.model.board_type, 16) << 4:08x}"
        metadata = {"USER_BOARDREV": revision, "MAC_ADDR": board.eth_mac, "CUSTOMER_KEY_HASH": ""}
        folder = self._early(port) / "metadata"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{board.rom_serial}.json").write_text(json.dumps(metadata, indent=4) + "\n")

    def end_bootstrap(self, port: str, board: Board) -> None:
        """Moves the early log to the board's folder, and leads to it from the port's."""
        early, folder = self._early(port), self._folder(board.rom_serial)
        (folder / "bootstrap.log").unlink(missing_ok=True)
        for name in ("bootstrap.log", "metadata"):
            shutil.move(early / name, folder / name)
        kept = f"{LOGS}/{board.rom_serial}/bootstrap.log"
        self._link(f"{LOGS}/{port}/bootstrap.log", kept)

    def begin_triage(self, board: Board) -> None:
        """Moves the board's folder from its short to its long serial.

        The port's link dangles from now on, as it does on a real station.
        """
        short, long = self._folder(board.rom_serial), self._folder(board.serial)
        shutil.copytree(short, long, symlinks=True, dirs_exist_ok=True)
        shutil.rmtree(short)

    def bootstrap(self, port: str, text: str, *, at: datetime) -> None:
        """Appends to the bootstrap log of the board on `port`, wherever it is by now."""
        self._append(f"{LOGS}/{port}/bootstrap.log", [text], at=at)

    def excluded(self, node: str, text: str, *, at: datetime) -> None:
        """Appends to the early log; an excluded port gets no links."""
        self._append(f"{LOGS}/early{node}/bootstrap.log", [text], at=at)

    def device(self, board: Board, name: str, text: str, *, at: datetime) -> None:
        """Appends to the board's log `name`."""
        self._append(f"{LOGS}/{board.serial}/{name}.log", [text], at=at)

    def mark(self, board: Board, word: str) -> None:
        """Appends a bare line to the triage log, without a time."""
        self._append(f"{LOGS}/{board.serial}/triage.log", [word], at=None)

    def _early(self, port: str) -> Path:
        return self._paths.real(f"{LOGS}/{port}/bootstrap.log").parent

    def _folder(self, name: str) -> Path:
        real = self._paths.real(f"{LOGS}/{name}")
        real.mkdir(parents=True, exist_ok=True)
        return real

    def _link(self, logical: str, target: str) -> None:
        entry = self._paths.entry(logical)
        entry.parent.mkdir(parents=True, exist_ok=True)
        entry.unlink(missing_ok=True)
        # Absolute and logical, as the scripts make it; only HostPaths follows it below the root.
        entry.symlink_to(target)

    def _append(self, logical: str, texts: list[str], *, at: datetime | None) -> None:
        real = self._paths.real(logical)
        real.parent.mkdir(parents=True, exist_ok=True)
        with real.open("a", encoding="utf-8") as log:
            log.writelines(f"{stamped(text, at)}\n" for text in texts)
        real.chmod(0o644)
        if at is not None:
            os.utime(real, (at.timestamp(), at.timestamp()))


def stamped(text: str, at: datetime | None) -> str:
    """Returns the line as the scripts write it: local time to the millisecond."""
    if at is None:
        return text
    local = at.astimezone()
    return f"[{local:%Y-%m-%d %H:%M:%S}.{local.microsecond // 1000:03d}] {text}"
