"""The legacy surface: envelope, methods, negotiation, paths (common sections 1 to 4)."""

import re
import sqlite3
from pathlib import Path

import pytest

from tests.surfaces.conftest import Service, running
from tests.surfaces.repository import ROOT


async def test_the_root_leads_to_the_devices(service: Service) -> None:
    answer = await service.client.get("/")
    assert (answer.status_code, answer.headers["location"]) == (302, "/devices")


async def test_an_unknown_path_is_the_flat_envelope(service: Service) -> None:
    answer = await service.client.get("/no/such/path")
    body = answer.json()
    assert answer.status_code == 404
    assert (body["error_code"], body["status"], body["title"]) == ("NOT_FOUND", 404, "Not Found")
    assert body["details"] == "/no/such/path"


async def test_a_wrong_method_names_the_allowed_ones(service: Service) -> None:
    answer = await service.client.post("/devices")
    assert answer.status_code == 405
    assert answer.json()["error_code"] == "METHOD_NOT_ALLOWED"
    assert answer.headers["allow"] == "GET, HEAD, OPTIONS"


async def test_problem_json_is_given_on_request(service: Service) -> None:
    answer = await service.client.get(
        "/devices/deadbeef", headers={"Accept": "application/problem+json"}
    )
    assert answer.headers["content-type"] == "application/problem+json"
    assert (answer.json()["status"], answer.json()["code"]) == (400, "DEVICE_NOT_FOUND")


async def test_the_documented_form_is_one_setting_away(station_root: Path) -> None:
    async with running(station_root, rest_errors="documented") as service:
        body = (await service.client.get("/devices/deadbeef")).json()
    assert body["error"]["code"] == "DEVICE_NOT_FOUND"
    assert "deadbeef" in body["error"]["additional"]


async def test_an_error_page_escapes_what_was_asked(service: Service) -> None:
    answer = await service.client.get("/devices/<script>", headers={"Accept": "text/html"})
    assert answer.status_code == 400
    assert "&lt;script&gt;" in answer.text
    assert "<script>" not in answer.text
    assert "DEVICE_NOT_FOUND" in answer.text


async def test_paths_ignore_case_and_plus_is_a_space(service: Service) -> None:
    assert (await service.client.get("/DEVICES")).status_code == 200
    details = (await service.client.get("/devices/a+b")).json()["details"]
    assert details.endswith("a b")


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/devices/", 400, "MISSING_SERIAL"),
        ("/devices/%2Fetc", 404, "NOT_FOUND"),
        ("/devices/..", 404, "NOT_FOUND"),
        ("/devices/%00", 400, "DEVICE_NOT_FOUND"),
        ("/devices/" + "x" * 10_000, 400, "DEVICE_NOT_FOUND"),
        ("/devices/%FF%FE", 400, "DEVICE_NOT_FOUND"),
        ("/static/..%2f..%2fpyproject.toml", 404, "NOT_FOUND"),
        ("/static/%00", 404, "NOT_FOUND"),
        ("/defaults/config", 404, "NOT_FOUND"),
        ("/options/set", 405, "METHOD_NOT_ALLOWED"),
    ],
)
async def test_a_strange_path_gets_a_clear_answer(
    service: Service, path: str, status: int, code: str
) -> None:
    if path == "/devices/..":
        path = "/devices/%2E%2E/x"
    answer = await service.client.get(path)
    assert (answer.status_code, answer.json()["error_code"]) == (status, code)


async def test_head_has_the_headers_of_get_and_no_body(service: Service) -> None:
    head = await service.client.head("/devices/deadbeef")
    got = await service.client.get("/devices/deadbeef")
    assert (head.status_code, head.content) == (400, b"")
    assert head.headers["content-length"] == got.headers["content-length"]


async def test_options_is_answered_anywhere_without_cors(service: Service) -> None:
    answer = await service.client.options("/no/such", headers={"Origin": "http://evil.example"})
    assert (answer.status_code, answer.content) == (200, b"")
    assert "access-control-allow-origin" not in answer.headers


async def test_cors_is_for_listed_sites_only(station_root: Path) -> None:
    async with running(station_root, allowed_origins=("http://mes.example",)) as service:
        answer = await service.client.get("/devices", headers={"Origin": "http://mes.example"})
        other = await service.client.get("/devices", headers={"Origin": "http://evil.example"})
    assert answer.headers["access-control-allow-origin"] == "http://mes.example"
    assert "access-control-allow-origin" not in other.headers


async def test_a_large_answer_is_gzipped_on_offer(service: Service) -> None:
    plain = await service.client.get("/devices", headers={"Accept-Encoding": "identity"})
    packed = await service.client.get("/devices", headers={"Accept-Encoding": "gzip"})
    assert "content-encoding" not in plain.headers
    assert packed.headers["content-encoding"] == "gzip"
    assert "Accept-Encoding" in packed.headers["vary"]
    assert packed.json() == plain.json()


async def test_a_browser_gets_the_page_and_the_answer_varies(service: Service) -> None:
    answer = await service.client.get("/devices", headers={"Accept": "text/html,*/*;q=0.8"})
    assert answer.headers["content-type"].startswith("text/html")
    assert "<html" in answer.text
    assert "Accept" in answer.headers["vary"]


@pytest.mark.parametrize("path", ["/services", "/manu-db", "/scantool", "/service-log/rpi-sb-x"])
async def test_pages_that_always_were_pages_are_pages(service: Service, path: str) -> None:
    answer = await service.client.get(path)
    assert answer.status_code == 200
    assert "<html" in answer.text


async def test_devices_lists_every_row_newest_first(service: Service) -> None:
    rows = (await service.client.get("/devices")).json()["devices"]
    with sqlite3.connect(service.root / "srv/rpi-sb-provisioner/state.db") as connection:
        columns = "serial, endpoint, ip_address, state, image"
        query = f"select {columns} from devices order by ts desc, id desc"
        wanted = connection.execute(query).fetchall()
    names = ("serial", "port", "ip_address", "state", "image")
    assert [tuple(row[name] for name in names) for row in rows] == wanted
    assert len(rows) > 10


async def test_nothing_there_is_an_empty_list_and_makes_no_database(empty_service: Service) -> None:
    answer = await empty_service.client.get("/devices")
    assert (answer.status_code, answer.json()) == (200, {"devices": []})
    assert not (empty_service.root / "srv/rpi-sb-provisioner/state.db").exists()


async def test_a_broken_database_is_500_with_the_legacy_code(tmp_path: Path) -> None:
    file = tmp_path / "srv/rpi-sb-provisioner/state.db"
    file.parent.mkdir(parents=True)
    file.write_bytes(b"this is no database" * 1000)
    async with running(tmp_path) as service:
        answer = await service.client.get("/devices")
        health = await service.client.get("/healthz")
    assert answer.status_code == 500
    assert answer.json()["error_code"] in ("DB_OPEN_ERROR", "SQL_PREPARE_ERROR")
    assert str(tmp_path) not in answer.text
    assert health.text == "ok\n"


async def test_readyz_lists_every_part_with_its_reason(service: Service) -> None:
    answer = await service.client.get("/readyz")
    parts = {part["name"]: part for part in answer.json()["parts"]}
    assert answer.status_code == 200
    assert parts["systemd"]["state"] == "UNAVAILABLE"
    assert parts["systemd"]["reason"]
    assert parts["audit log"]["state"] == parts["state database"]["state"] == "READY"


async def test_metrics_count_requests_by_route(service: Service) -> None:
    await service.client.get("/devices/deadbeef")
    text = (await service.client.get("/metrics")).text
    assert (
        'provisioner_requests_total{method="GET",route="/devices/{serialno}",status="400"}' in text
    )
    assert "provisioner_audit_waiting" in text


async def test_the_csrf_token_has_the_contracts_form(service: Service) -> None:
    token = (await service.client.get("/options/csrf-token")).json()["token"]
    assert len(token) == 32
    assert token.isalnum()


async def test_the_type_of_a_problem_leads_to_its_place_in_the_catalogue(
    service: Service,
) -> None:
    for path in ("/devices/deadbeef", "/nowhere"):
        accept = {"Accept": "application/problem+json"}
        problem = (await service.client.get(path, headers=accept)).json()
        page, _, place = problem["type"].partition("#")
        catalogue = await service.client.get(page)
        assert (catalogue.status_code, place) == (200, problem["code"].lower())
        assert catalogue.headers["content-type"] == "text/html; charset=utf-8"
        assert f'<tr id="{place}">' in catalogue.text


async def test_the_catalogue_has_every_code_of_the_docs(service: Service) -> None:
    text = (await service.client.get("/docs/errors")).text
    documented = re.findall(r"^\| `(\w+)` \|", (ROOT / "docs/errors.md").read_text(), re.MULTILINE)
    served = re.findall(r'<tr id="(\w+)">', text)
    assert {*documented, "INTERNAL"} <= {code.upper() for code in served}
    assert len(served) == len(set(served))
