"""Browsers of other sites are refused, scripts are not; tokens and proxies when they are set."""

import asyncio
import hashlib
from pathlib import Path

import pytest

from domain.caller import Role
from server.access import ListeningRefused, check_listening
from server.settings import Settings, Token
from tests.surfaces.conftest import Service, running
from tests.surfaces.test_story import Socket

RENAME = 'mutation { renameStation(input: {name: "Jig"}) { __typename } }'
TOKENS = (
    Token("mes", Role.VIEWER, hashlib.sha256(b"look").hexdigest()),
    Token("ann", Role.ENGINEER, hashlib.sha256(b"change").hexdigest()),
)


async def test_a_foreign_host_is_refused(service: Service) -> None:
    answer = await service.client.get("/devices", headers={"Host": "evil.example"})
    assert (answer.status_code, answer.json()["error_code"]) == (403, "HOST_REFUSED")


@pytest.mark.parametrize("host", ["localhost:3142", "127.0.0.1", "[::1]:3142", "192.168.1.5:3142"])
async def test_own_names_and_addresses_are_welcome(service: Service, host: str) -> None:
    assert (await service.client.get("/healthz", headers={"Host": host})).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "http://127.0.0.1:9999"},
    ],
)
async def test_a_change_for_another_site_is_refused(
    service: Service, headers: dict[str, str]
) -> None:
    answer = await service.client.post("/graphql", json={"query": RENAME}, headers=headers)
    assert (answer.status_code, answer.json()["error_code"]) == (403, "ORIGIN_REFUSED")


async def test_our_own_page_may_change_things(tmp_path: Path) -> None:
    headers = {"Origin": "http://127.0.0.1:3142", "Sec-Fetch-Site": "same-origin"}
    async with running(tmp_path) as service:
        answer = await service.client.post("/graphql", json={"query": RENAME}, headers=headers)
    assert answer.json()["data"]["renameStation"]["__typename"] == "StationRenamed"


async def test_pages_are_under_a_strict_policy(service: Service) -> None:
    answer = await service.client.get("/devices", headers={"Accept": "text/html"})
    policy = answer.headers["content-security-policy"]
    assert "script-src 'self'" in policy
    assert "unsafe" not in policy


async def test_with_tokens_nobody_gets_in_without_one(tmp_path: Path) -> None:
    async with running(tmp_path, tokens=TOKENS) as service:
        bare = await service.client.get("/devices")
        looked = await service.client.get("/devices", headers={"Authorization": "Bearer look"})
        wrong = await service.client.get("/devices", headers={"Authorization": "Bearer other"})
    assert (bare.status_code, bare.json()["error_code"]) == (401, "UNAUTHENTICATED")
    assert bare.headers["www-authenticate"].startswith("Bearer")
    assert (looked.status_code, wrong.status_code) == (200, 401)


async def test_a_viewer_may_not_rename(tmp_path: Path) -> None:
    query = 'mutation { renameStation(input: {name: "x"}) { ... on Problem { code status } } }'
    async with running(tmp_path, tokens=TOKENS) as service:
        answer = await service.client.post(
            "/graphql", json={"query": query}, headers={"Authorization": "Bearer look"}
        )
        rows = await service.audit_rows()
    assert answer.json()["data"]["renameStation"] == {"code": "ROLE_TOO_LOW", "status": 403}
    assert (rows[-1]["caller"], rows[-1]["outcome"]) == ("mes", "ROLE_TOO_LOW")


async def test_a_proxy_is_believed_only_when_configured(tmp_path: Path) -> None:
    headers = {"X-Forwarded-For": "10.1.2.3, 10.0.0.1", "X-Forwarded-User": "bea"}
    async with running(tmp_path) as service:
        await service.client.get("/devices", headers=headers)
        plain = (await service.audit_rows())[-1]
    async with running(tmp_path, trusted_proxies=("127.0.0.1",)) as service:
        await service.client.get("/devices", headers=headers)
        trusted = (await service.audit_rows())[-1]
    assert (plain["client_ip"], plain["caller"]) == ("127.0.0.1", "local")
    assert (trusted["client_ip"], trusted["caller"]) == ("10.1.2.3", "bea")
    assert trusted["peer_ip"] == "127.0.0.1"


@pytest.mark.parametrize("address", ["0.0.0.0", "::", "192.168.1.5"])
def test_listening_on_the_network_needs_tokens_or_trust(address: str) -> None:
    with pytest.raises(ListeningRefused, match="token"):
        check_listening(Settings(address=address))
    check_listening(Settings(address=address, trust_network=True))
    check_listening(Settings(address=address, tokens=TOKENS))


async def test_who_is_refused_at_the_door_is_written_down(tmp_path: Path) -> None:
    async with running(tmp_path) as service:
        await service.client.get("/devices", headers={"Host": "evil.example"})
        foreign = {"Origin": "http://evil.example"}
        await service.client.post("/graphql", json={"query": RENAME}, headers=foreign)
        rows = await service.audit_rows()
    assert [(row["handler_path"], row["surface"], row["outcome"]) for row in rows] == [
        ("/devices", "rest", "HOST_REFUSED"),
        ("/graphql", "graphql", "ORIGIN_REFUSED"),
    ]


async def test_a_login_that_fails_on_a_socket_is_written_down(tmp_path: Path) -> None:
    async with running(tmp_path, tokens=TOKENS) as service, asyncio.TaskGroup() as tasks:
        socket = Socket(service)
        serving = tasks.create_task(socket.run([]))
        await socket.send({"type": "connection_init", "payload": {"authorization": "Bearer no"}})
        while (await socket.next())["type"] != "websocket.close":
            pass
        rows = await service.audit_rows()
        serving.cancel()
    assert [(row["caller"], row["outcome"]) for row in rows] == [("nobody", "UNAUTHENTICATED")]
