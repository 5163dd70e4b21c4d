"""The system's journal as a place for heads: its native socket, else our own structured log.

The protocol: https://systemd.io/JOURNAL_NATIVE_PROTOCOL/ (one datagram of KEY=value lines).
"""

import logging
import os
import socket
from collections.abc import Callable
from pathlib import Path

from domain.audit.chain import Head

log = logging.getLogger("provisioner.audit")

IDENTIFIER = "provisioner-audit"
MESSAGE_ID = "6f7d5d0c9b3f4c0fa6a0a3f0a8e1b2c4"


class SystemJournal:
    """Satisfies `domain.audit.heads.HeadJournal`; `path` is where the journal's socket is."""

    def __init__(self, path: Callable[[], Path]) -> None:
        self._path = path

    def tell(self, head: Head) -> None:
        """Writes the head down; where no journal listens, in the service's own log."""
        try:
            _send(self._path(), _message(head))
        except OSError:
            facts = {"audit_head": str(head)}
            log.info("the head of the audit chain is %s", head, extra={"facts": facts})


def _message(head: Head) -> bytes:
    lines = (
        f"MESSAGE={head}",
        f"MESSAGE_ID={MESSAGE_ID}",
        "PRIORITY=6",
        f"SYSLOG_IDENTIFIER={IDENTIFIER}",
        f"AUDIT_ROW={head.id}",
        f"AUDIT_HASH={head.hash.hex()}",
    )
    return "".join(f"{line}\n" for line in lines).encode()


def _send(path: Path, message: bytes) -> None:
    # By the folder's handle, since an address has 107 bytes at most and a root prefix may be long.
    folder = os.open(path.parent, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as sender:
            sender.sendto(message, f"/proc/self/fd/{folder}/{path.name}")
    finally:
        os.close(folder)
