"""The pages in a real browser: they load, they live, and they ask nobody but the station."""

import json
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from playwright.async_api import expect

from server.demo.station import build_station
from tests.e2e.browser import Visit
from tests.e2e.process import Program
from tests.e2e.stand_in import Line, Reason, build_app, serving

LINES = """cell => {
    const range = document.createRange();
    range.selectNodeContents(cell);
    return new Set([...range.getClientRects()].map(one => one.top)).size;
}"""

pytestmark = [pytest.mark.real, pytest.mark.asyncio(loop_scope="session")]


async def test_the_plain_page_loads_clean_and_asks_only_the_station(
    visit: Visit, service: str
) -> None:
    await visit.page.goto(f"{service}/devices")
    await expect(visit.page.locator("#link")).to_have_text("Live")

    await expect(visit.page.locator("#parts li").first).to_be_visible()
    assert visit.complaints == []
    assert visit.asked_elsewhere(service) == []


async def test_graphiql_loads_clean_and_asks_only_the_station(visit: Visit, service: str) -> None:
    await visit.page.goto(f"{service}/graphql")
    await expect(visit.page.get_by_role("button", name="Execute query")).to_be_visible()
    await visit.page.get_by_role("button", name="Show Documentation Explorer").click()

    # The root types come from the introspection of the station's own schema.
    await expect(visit.page.get_by_role("link", name="Subscription")).to_be_visible()
    assert visit.complaints == []
    assert visit.asked_elsewhere(service) == []


async def test_graphiql_answers_a_query(visit: Visit, service: str) -> None:
    await visit.page.goto(f"{service}/graphql")
    await _run(visit, "{ station { name deviceCount } }")

    answer = visit.page.get_by_label("Result Window")
    await expect(answer).to_contain_text('"deviceCount"')


async def test_graphiql_subscribes(visit: Visit, service: str) -> None:
    await visit.page.goto(f"{service}/graphql")
    await _run(visit, "subscription { stationChanges { sequence station { name } } }")

    await expect(visit.page.get_by_label("Result Window")).to_contain_text('"sequence"')
    assert [url for url in visit.asked if url == f"ws{service[4:]}/graphql"]
    assert visit.complaints == []


async def test_the_plain_page_shows_the_station_as_text(visit: Visit, stand_in: str) -> None:
    await visit.page.goto(f"{stand_in}/devices")

    await expect(visit.page.get_by_role("heading", level=1)).to_have_text("Jig 7")
    await expect(visit.page.locator("#station-facts")).to_have_text("Version 1.2.3 · 2 devices")
    await expect(visit.page.get_by_role("rowheader")).to_have_text(
        ["10000000abcdef01", "<b>7a81</b>"]
    )
    await expect(visit.page.locator("#parts li").nth(1)).to_contain_text("Start dbus.")


async def test_a_finished_board_shows_within_a_second(
    visit: Visit, stand_in: str, line: Line
) -> None:
    await visit.page.goto(f"{stand_in}/devices")
    await expect(visit.page.locator("#link")).to_have_text("Live")
    line.devices[0].state, line.devices[0].status = "SB-PROVISIONER-FINISHED", "COMPLETE"
    await line.change()

    state = visit.page.locator("#device-rows .state").first
    await expect(state).to_have_text("✔ COMPLETE", timeout=1000)
    await expect(state).to_have_attribute("data-tone", "good")


async def test_a_board_is_not_shown_as_done_by_its_last_row_alone(
    visit: Visit, stand_in: str, line: Line
) -> None:
    board = line.devices[0]
    board.state, board.status = "SB-PROVISIONER-FINISHED", "FAILED"
    board.reason = Reason(sentence="Its record says that it is not secure.")
    await visit.page.goto(f"{stand_in}/devices")

    cell = visit.page.locator("#device-rows tr").first.locator("[data-label=State]")
    await expect(cell.locator(".state")).to_have_text("✖ FAILED")
    await expect(cell.locator(".state")).to_have_attribute("data-tone", "bad")
    await expect(cell).to_contain_text("SB-PROVISIONER-FINISHED")
    await expect(cell).to_contain_text("Its record says that it is not secure.")


async def test_no_cell_of_the_plain_page_breaks_a_serial_or_a_port(
    visit: Visit, stand_in: str, line: Line
) -> None:
    line.devices[0].port = "1-1.4.4.4"
    line.devices[0].reason = Reason(sentence="It says a lot. " * 20)
    await visit.page.set_viewport_size({"width": 1300, "height": 900})
    await visit.page.goto(f"{stand_in}/devices")
    await expect(visit.page.locator("#link")).to_have_text("Live")
    row = visit.page.locator("#device-rows tr").first
    for cell in (row.locator("th"), row.locator("[data-label=Port]")):
        assert await cell.evaluate(LINES) == 1


async def test_what_may_be_old_does_not_look_like_the_present(visit: Visit, line: Line) -> None:
    async with serving(build_app(line)) as url:
        await visit.page.goto(f"{url}/devices")
        await expect(visit.page.locator("#link")).to_have_text("Live")

    link = visit.page.locator("#link")
    await expect(link).to_have_text(re.compile("The station does not answer. What you see is from"))
    await expect(visit.page.locator("body")).to_have_attribute("data-stale", "")
    await expect(visit.page.get_by_role("rowheader")).to_have_count(2)


async def test_the_plain_page_fits_a_phone(visit: Visit, service: str) -> None:
    await visit.page.set_viewport_size({"width": 360, "height": 740})
    await visit.page.goto(f"{service}/devices")
    await expect(visit.page.locator("#link")).to_have_text("Live")

    widths = await visit.page.evaluate(
        "[document.documentElement.scrollWidth, document.documentElement.clientWidth]"
    )
    assert widths == [360, 360]


async def _run(visit: Visit, operation: str) -> None:
    """Replaces the text in GraphiQL's editor and runs it."""
    execute = visit.page.get_by_role("button", name="Execute query")
    # GraphiQL reads its text a moment later: with two operations in it (the welcome) the button
    # opens a menu, with one it runs.
    await expect(execute).to_have_attribute("aria-haspopup", "menu")
    await visit.page.evaluate(
        "document.querySelector('.graphiql-query-editor .CodeMirror')"
        f".CodeMirror.setValue({json.dumps(operation)})"
    )
    await expect(execute).not_to_have_attribute("aria-haspopup", "menu")
    await execute.click()


async def test_the_plain_page_lives_where_only_trusted_documents_run(
    visit: Visit, tmp_path: Path
) -> None:
    build_station(tmp_path, now=datetime.now(UTC))
    settings = tmp_path / "etc/rpi-sb-provisioner"
    (settings / "service.toml").write_text('trusted_documents = "/etc/none.json"\n')
    (tmp_path / "etc/none.json").write_text("{}")
    with Program(tmp_path) as program:
        await visit.page.goto(f"{program.base}/devices")
        await expect(visit.page.locator("#link")).to_have_text("Live")
        await expect(visit.page.get_by_role("rowheader").first).to_be_visible()
        await expect(visit.page.locator("#parts li").first).to_be_visible()
    assert [text for text in visit.complaints if "403" in text] == []
