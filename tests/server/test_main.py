"""The command line, with the flags of the existing service (contract common section 5)."""

import subprocess
import sys
from pathlib import Path

import pytest

from server.main import USAGE, _parser, main, settings_of


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


@pytest.mark.parametrize("flag", ["--root=/tmp", "--disable-https", "-d", "-s1", "--https-port=1"])
def test_the_demo_refuses_what_it_would_not_heed(
    flag: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        # A demo that took the flag would end at once there, too.
        main(["demo", flag, "--keep", "/dev/null/none"])
    assert ended.value.code == USAGE
    assert f"unrecognized arguments: {flag}" in capsys.readouterr().err


def test_a_demo_takes_the_other_flags_of_the_service() -> None:
    given = ["demo", "-a", "::1", "-p", "80", "-l", "error", "--trust-network"]
    settings = settings_of(_parser().parse_args(given), {})
    assert (settings.address, settings.port, settings.log_level) == ("::1", 80, "error")
    assert settings.trust_network


@pytest.mark.parametrize("folder", ["file", "file/folder"])
def test_a_demo_in_a_folder_that_cannot_be_ends_with_status_1(
    folder: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    assert main(["demo", "--port", "0", "--keep", str(tmp_path / folder)]) == 1
    told = capsys.readouterr().err
    assert told == f"No station can be simulated in {tmp_path / folder}: Not a directory.\n"


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
