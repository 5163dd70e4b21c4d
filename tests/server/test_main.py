"""The command line, with the flags of the existing service (contract common section 5)."""

import subprocess
import sys
from pathlib import Path

import pytest

from server.main import _parser, main, settings_of


def test_flags_override_and_name_themselves_as_the_source(tmp_path: Path) -> None:
    given = ["serve", "-a", "::1", "-p", "80x", "-s", " 81", "-d", "-l", "ERROR"]
    settings = settings_of(_parser().parse_args([*given, "--root", str(tmp_path)]), {})
    assert (settings.address, settings.port, settings.https_port) == ("::1", 80, 81)
    assert (settings.https, settings.log_level, settings.root) == (False, "error", tmp_path)
    assert {settings.source(name) for name in ("address", "port", "https", "root")} == {"flag"}


def test_without_flags_it_is_where_the_existing_service_was() -> None:
    settings = settings_of(_parser().parse_args(["serve"]), {})
    assert (settings.address, settings.port, settings.https_port) == ("127.0.0.1", 3142, 3143)
    assert (settings.https, settings.source("root")) == (True, "default")


def test_a_level_that_is_none_is_told_and_everything_is_logged(
    capsys: pytest.CaptureFixture[str],
) -> None:
    asked = _parser().parse_args(["serve", "-l", "chatty"])
    assert settings_of(asked, {}).log_level == "trace"
    assert "'chatty' is no log level" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments",
    [[], ["serve", "--none"], ["serve", "-p", "http"], ["serve", "-p"], ["none"]],
)
def test_what_makes_no_sense_ends_with_status_1(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    told = capsys.readouterr().err
    assert (ended.value.code, told.startswith("usage: provisioner-service")) == (1, True)


@pytest.mark.parametrize("port", ["65536", "-1"])
def test_a_port_that_cannot_be_ends_with_status_1(
    port: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["serve", f"-p{port}", "--root", "/nonexistent"]) == 1
    assert "a port is a number" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [["-v"], ["--version"], ["serve", "-v"], ["version"]])
def test_the_version_is_told(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    try:
        status: object = main(arguments)
    except SystemExit as ended:
        status = ended.code or 0
    assert (status, capsys.readouterr().out.split()[0]) == (0, "provisioner-service")


def test_a_reader_that_has_seen_enough_is_no_failure_with_a_traceback() -> None:
    command = f"{sys.executable} -m server.main openapi | head -c 10"
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=True)
    assert (len(done.stdout), done.stderr) == (10, "")
