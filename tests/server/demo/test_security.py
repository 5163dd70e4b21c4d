"""The simulated station's token can be used at once, and only while the demo runs."""

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from domain.host_paths import HostPaths
from server.demo.security import TOKEN, build_token, secured, wrap_key
from server.demo.station import build_station
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


TRIAL = (
    "mutation($id: ID!) { testSigningKey(input: {id: $id}) { ... on SigningKeyTested { id } "
    "... on Problem { code } } }"
)


async def test_the_demo_signs_with_a_wrapped_key_while_its_board_is_there(tmp_path: Path) -> None:
    station = build_station(tmp_path, now=datetime(2026, 8, 1, tzinfo=UTC))
    query = "{ signingKeys { activeKey { id isWrapped } } }"
    async with running(tmp_path) as service:
        with secured(station.paths):
            wrap_key(station.paths, station.key.path)
            active = (await service.graphql(query))["data"]["signingKeys"]["activeKey"]
            good = await service.graphql(TRIAL, id=active["id"])
        away = await service.graphql(TRIAL, id=active["id"])
    assert active["isWrapped"] is True
    assert good["data"]["testSigningKey"] == {"id": active["id"]}
    assert away["data"]["testSigningKey"] == {"code": "FIRMWARE_CRYPTO_UNAVAILABLE"}
