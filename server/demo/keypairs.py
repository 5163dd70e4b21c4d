"""The device key pairs that triage reads from boards, in its doubled folders (contract devices
section 5)."""

import hashlib

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from domain.host_paths import HostPaths
from server.demo.boards import Board
from server.demo.logs import LOGS

KEYPAIRS = f"{LOGS}/{{serial}}/{{serial}}/keypair"
_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
"""The order of the curve P-256 (SEC 2, section 2.4.2): a private key is below it."""


def keep_keypair(paths: HostPaths, board: Board, *, private: bool = False) -> None:
    """Writes the board's public key, and its private one where the slot was not locked.

    Both are PEM text despite the name of the second; the key is the same for the same board.
    """
    number = int.from_bytes(hashlib.sha256(f"device key {board.serial}".encode()).digest())
    key = ec.derive_private_key(number % (_ORDER - 1) + 1, ec.SECP256R1())
    folder = paths.real(KEYPAIRS.format(serial=board.serial))
    folder.mkdir(parents=True, exist_ok=True)
    public = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    (folder / f"{board.serial}.pub").write_bytes(public)
    if private:
        secret = key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.TraditionalOpenSSL,
            serialization.NoEncryption(),
        )
        (folder / f"{board.serial}.der").write_bytes(secret)
