"""The npm clients, each a small program in tests/clients, run by node."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

CLIENTS = Path(__file__).parents[1] / "clients"


def run_client(name: str, *arguments: str, seconds: float = 60) -> Any:
    """Returns what the client `name` printed, as JSON; skips where node or its packages lack."""
    done = subprocess.run(
        client_command(name, *arguments),
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout)


def client_command(name: str, *arguments: str) -> list[str]:
    """Returns how the client `name` is run; skips where node or its packages lack."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("needs node: Debian package nodejs")
    if not (CLIENTS / "node_modules/graphql-http").exists():
        pytest.skip("needs the npm packages of tests/clients: make setup")
    return [node, str(CLIENTS / name), *arguments]
