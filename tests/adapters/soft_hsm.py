"""SoftHSM tokens in a folder, behind p11-kit as on a station."""

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path


def missing() -> str | None:
    """Returns why there can be no SoftHSM here, None when there can."""
    if shutil.which("softhsm2-util") is None:
        return "softhsm2-util is missing: install the Debian package softhsm2"
    if not any(Path("/usr/lib").glob("*/p11-kit-proxy.so")):
        return "p11-kit-proxy.so is missing: install the Debian package p11-kit-modules"
    return None


@dataclass(frozen=True, slots=True)
class SoftHsm:
    """A folder of tokens; `configuration` is its SOFTHSM2_CONF."""

    configuration: Path

    @classmethod
    def make(cls, folder: Path) -> "SoftHsm":
        """Makes an empty folder of tokens."""
        tokens = folder / "tokens"
        tokens.mkdir(parents=True)
        lines = (f"directories.tokendir = {tokens}", "objectstore.backend = file", "")
        configuration = folder / "softhsm2.conf"
        configuration.write_text("\n".join(lines))
        return cls(configuration)

    @property
    def environment(self) -> dict[str, str]:
        """What a process needs in its environment to see the tokens."""
        return {**os.environ, "SOFTHSM2_CONF": str(self.configuration)}

    def add_token(self, label: str, pin: str) -> str:
        """Makes a token and returns its serial."""
        self._run("--init-token", "--free", "--label", label, "--pin", pin, "--so-pin", "5678")
        slots = self._run("--show-slots").split("\nSlot ")
        named = re.compile(rf"Label: +{re.escape(label)} *$", re.MULTILINE)
        own = next(slot for slot in slots if named.search(slot))
        found = re.search(r"Serial number: +(\S+)", own)
        assert found is not None
        return found[1]

    def import_key(self, token: str, label: str, key_id: bytes, pem: bytes, *, pin: str) -> None:
        """Puts a private key (PKCS#8 in PEM) on a token, with its public half."""
        file = self.configuration.with_name("import.pem")
        file.write_bytes(pem)
        named = ("--token", token, "--label", label, "--id", key_id.hex(), "--pin", pin)
        # --force: two keys of one id are what one of the tests needs.
        self._run("--import", str(file), "--force", *named)
        file.unlink()

    def _run(self, *arguments: str) -> str:
        done = subprocess.run(
            ["softhsm2-util", *arguments],
            env=self.environment,
            capture_output=True,
            check=True,
            text=True,
        )
        return done.stdout
