"""Both surfaces under schemathesis, a stranger's fuzzer, over the served demo station.

Every check it has is on. Where the contract wants another answer than the check expects, that is
said below with the reason, for that operation alone; nothing is excluded.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from resolvers.statuses import natural_status
from rest_compat.route import Route
from rest_compat.routes import ROUTES
from tests.e2e.demo import Demo
from tests.surfaces.repository import ROOT

ACCEPTED = ["2xx", "3xx", "401", "403", "404", "409", "429", "5xx"]
"""What the check of valid data takes for no refusal, if nothing else is said."""
MEANING = {
    "/api/v2/manufacturing/export": "`until` lies after `since`",
    "/api/v2/verify-qrcode": "a label holds more than blanks",
    "/options/firmware/set": "the path is one of the listed releases",
    "/options/set": "each setting has its own rule (contract configuration 3)",
    "/options/validate": "the setting is one that exists",
}
"""Inputs of the right form that are refused with 400 for what they mean, which no schema says."""
CONFIGURATION = """
hooks = "tests.e2e.fuzzing_parts"
[checks.positive_data_acceptance]
expected-statuses = {accepted}
{operations}
"""
OPERATION = """
[[operations]]
include-path = {path}
include-method = "{method}"
checks.positive_data_acceptance.expected-statuses = {accepted}
"""
# A wrong token is 404 as nothing at all, so that nobody learns of the path (contract common 6).
INTERNAL = """
[[operations]]
include-path-regex = "^/internal/"
checks.missing_required_header.expected-statuses = ["404"]
"""
# What is no JSON counts as no body there (contract configuration 12).
LENIENT = """
[[operations]]
include-path = "/options/pkcs11-discover"
checks.negative_data_rejection.expected-statuses = ["2xx", "4xx"]
"""
# Another version of the protocol is 412, a length that is none 400 (tus 1.0).
RESUMABLE = """
[[operations]]
include-path-regex = "^/uploads"
checks.missing_required_header.expected-statuses = ["400", "412"]
checks.negative_data_rejection.expected-statuses = ["400", "404", "405", "412", "415"]
checks.positive_data_acceptance.expected-statuses = ["2xx", "400", "404", "409", "410", "423"]
"""
GRAPHQL = 'hooks = "tests.e2e.fuzzing_checks"\n'
INSTEAD = ("--exclude-checks", "not_a_server_error")
"""Its place takes tests/e2e/fuzzing_checks.py, which asks for more."""


def refuses_by_legacy(route: Route) -> bool:
    """Whether 400 says here what another status says everywhere else, as the contract wants it:
    an unknown name, say, and not a wrong form."""
    return any(fault.status == 400 and natural_status(fault.error) != 400 for fault in route.faults)


def operations() -> Iterator[str]:
    for route in ROUTES:
        if refuses_by_legacy(route) or route.path in MEANING:
            accepted = json.dumps([*ACCEPTED, "400"])
            paths = json.dumps(list(route.paths))
            yield OPERATION.format(path=paths, method=route.method, accepted=accepted)
    yield INTERNAL
    yield LENIENT
    yield RESUMABLE


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    with Demo(tmp_path_factory.mktemp("fuzzed"), ("--speed", "1")) as started:
        yield started
        assert started.read("/healthz") == b"ok\n"
        assert started.stop() == 0


def fuzz(folder: Path, url: str, configuration: str, *options: str) -> None:
    """Runs schemathesis with every check; fails with what it says."""
    file = folder / "schemathesis.toml"
    file.write_text(configuration)
    command = [str(Path(sys.executable).with_name("st")), "--config-file", str(file), "--no-color"]
    done = subprocess.run(
        [*command, "run", url, "--checks", "all", "--warnings", "off", *options],
        capture_output=True,
        text=True,
        cwd=folder,  # it keeps what it found in its working folder
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=False,
    )
    assert done.returncode == 0, done.stdout[-20_000:] + done.stderr[-2_000:]
    assert "No issues found" in done.stdout, done.stdout[-2_000:]


def rest(folder: Path, demo: Demo, *options: str) -> None:
    said = CONFIGURATION.format(accepted=json.dumps(ACCEPTED), operations="".join(operations()))
    fuzz(folder, demo.base + "/openapi.json", said, *options)


def graphql(folder: Path, demo: Demo, *options: str) -> None:
    fuzz(folder, demo.base + "/graphql", GRAPHQL, *INSTEAD, *options)


def test_the_rest_surface(demo: Demo, tmp_path: Path) -> None:
    rest(tmp_path, demo, "--max-examples", "3", "--seed", "7")


def test_the_graphql_surface(demo: Demo, tmp_path: Path) -> None:
    graphql(tmp_path, demo, "--max-examples", "3", "--seed", "7")


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_the_rest_surface_at_length(demo: Demo, tmp_path: Path) -> None:
    rest(tmp_path, demo, "--max-examples", "300")


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_the_graphql_surface_at_length(demo: Demo, tmp_path: Path) -> None:
    graphql(tmp_path, demo, "--max-examples", "500")
