"""The real shells, asked to read and run nothing."""

from pathlib import Path

import pytest

from adapters.shells import SystemShells
from domain.customisation.syntax import Shell, SyntaxUnchecked


@pytest.mark.parametrize("shell", list(Shell))
async def test_a_shell_reads_and_runs_nothing(shell: Shell, tmp_path: Path) -> None:
    witness = tmp_path / "ran"
    script = f"#!/bin/sh\ntouch {witness}\nexit 1\n".encode()
    assert await SystemShells().complaint(shell, script) == ""
    assert not witness.exists()


@pytest.mark.parametrize("shell", list(Shell))
async def test_a_shell_says_what_is_wrong(shell: Shell) -> None:
    said = await SystemShells().complaint(shell, b"#!/bin/sh\nif true; then\n")
    assert "yntax error" in said


async def test_what_is_hostile_is_only_a_complaint() -> None:
    said = await SystemShells().complaint(Shell.SH, b"(" * 200_000)
    assert 0 < len(said) <= 2000


async def test_a_machine_without_the_shell_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("adapters.shells.ENVIRONMENT", {"PATH": "/nonexistent"})
    with pytest.raises(SyntaxUnchecked):
        await SystemShells().complaint(Shell.SH, b"")
