"""The stand-in for the program `rpi-fw-crypto`: a simulated board's key, in software.

The service only ever runs what it finds on PATH: nothing but who starts it can put this there.
"""

import sys
from collections.abc import Mapping
from pathlib import Path

PROGRAM = "rpi-fw-crypto"
_SCRIPT = """#!{python} -IS
# A software stand-in for the Raspberry Pi's firmware crypto: it protects nothing.
import hashlib, hmac, sys

KEYS = {keys}


def option(name, default=None):
    return sys.argv[sys.argv.index(name) + 1] if name in sys.argv else default


command = sys.argv[1] if len(sys.argv) > 1 else ""
key = KEYS.get(int(option("--key-id", "0")))
if key is None or command not in ("pubkey", "hmac"):
    sys.stderr.write("key not available\\n")
    sys.exit(251)
if command == "pubkey":
    sys.stdout.write("-----BEGIN PUBLIC KEY-----\\nc3RhbmQtaW4=\\n-----END PUBLIC KEY-----\\n")
    sys.exit(0)
with open(option("--in"), "rb") as file:
    digest = hmac.new(bytes.fromhex(key), file.read(), hashlib.sha256)
if option("--outform") == "hex":
    sys.stdout.write(digest.hexdigest() + "\\n")
else:
    sys.stdout.buffer.write(digest.digest())
"""


def write_stand_in(folder: Path, keys: Mapping[int, bytes]) -> Path:
    """Writes the program into `folder`, with a key of 32 bytes in each slot that is named; put the
    folder first on PATH to have it found."""
    folder.mkdir(parents=True, exist_ok=True)
    program = folder / PROGRAM
    slots = {slot: key.hex() for slot, key in keys.items()}
    program.write_text(_SCRIPT.format(python=sys.executable, keys=slots))
    program.chmod(0o755)
    return program
