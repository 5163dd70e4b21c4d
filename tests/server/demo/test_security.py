"""The simulated station's token can be used at once, and only while the demo runs."""

import os
from pathlib import Path

import pytest

from domain.host_paths import HostPaths
from server.demo.security import TOKEN, build_token, secured
from tests.adapters.soft_hsm import missing
from tests.surfaces.conftest import running

DISCOVER = (
    "mutation { discoverTokenKeys(input: {}) { ... on TokenKeys { keys "
    "{ label token isFitForPurpose } } ... on Problem { detail } } }"
)


@pytest.mark.real
@pytest.mark.skipif(missing() is not None, reason=missing() or "")
async def test_the_demo_has_a_token_with_keys_and_its_pin(tmp_path: Path) -> None:
    before = [os.environ.get(name) for name in ("PATH", "SOFTHSM2_CONF")]
    with secured(HostPaths(tmp_path)):
        await build_token(HostPaths(tmp_path))
        async with running(tmp_path) as service:
            found = (await service.graphql(DISCOVER))["data"]["discoverTokenKeys"]
    assert [os.environ.get(name) for name in ("PATH", "SOFTHSM2_CONF")] == before
    facts = {(key["label"], key["token"], key["isFitForPurpose"]) for key in found["keys"]}
    assert facts == {("production", TOKEN, True), ("too-big", TOKEN, False)}
