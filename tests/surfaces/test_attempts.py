"""Attempts and statistics of the simulated station, through the whole service."""

from typing import Any

import pytest

from tests.surfaces.conftest import Service

ATTEMPT = """id serial port image style stage outcome cause reason startedAt endedAt seconds
 stages { stage outcome seconds startedAt endedAt }"""


async def attempts(service: Service, filter: str = "{}") -> Any:
    query = f"{{ attempts(first: 100, filter: {filter}) {{ totalCount nodes {{ {ATTEMPT} }} }} }}"
    return (await service.graphql(query))["data"]["attempts"]


async def test_every_attempt_of_the_past_is_there_newest_first(service: Service) -> None:
    page = await attempts(service)
    starts = [node["startedAt"] for node in page["nodes"]]
    assert starts == sorted(starts, reverse=True)
    assert page["totalCount"] == len(starts)
    assert {"FINISHED", "FAILED", "SKIPPED"} <= {node["outcome"] for node in page["nodes"]}


async def test_a_finished_attempt_has_its_stages_and_times(service: Service) -> None:
    node = (await attempts(service, "{outcome: [FINISHED]}"))["nodes"][0]
    assert [stage["stage"] for stage in node["stages"]] == ["BOOTSTRAP", "TRIAGE", "PROVISIONING"]
    assert {stage["outcome"] for stage in node["stages"]} == {"FINISHED"}
    assert node["seconds"] >= sum(stage["seconds"] for stage in node["stages"]) > 0
    assert (node["stage"], node["cause"]) == ("COMPLETE", None)


@pytest.mark.parametrize(
    ("filter", "key", "values"),
    [
        ("{outcome: [FAILED]}", "outcome", {"FAILED"}),
        ("{style: [NAKED, FDE]}", "style", {"NAKED", "FDE"}),
        ('{port: "1-1.2"}', "port", {"1-1.2"}),
    ],
)
async def test_attempts_are_filtered(
    service: Service, filter: str, key: str, values: set[str]
) -> None:
    nodes = (await attempts(service, filter))["nodes"]
    assert {node[key] for node in nodes} == values


async def test_an_image_and_a_text_find_the_same_attempts(service: Service) -> None:
    image = (await attempts(service, "{outcome: [FINISHED]}"))["nodes"][0]["image"]
    exact = await attempts(service, f'{{image: "{image}"}}')
    loose = await attempts(service, f'{{text: "{image.upper()}"}}')
    assert len(exact["nodes"]) == len(loose["nodes"]) > 0


async def test_a_board_that_came_twice_has_two_attempts(service: Service) -> None:
    query = "{ devices(first: 100) { nodes { serial attempts { totalCount nodes { outcome } } } } }"
    nodes = (await service.graphql(query))["data"]["devices"]["nodes"]
    twice = [node for node in nodes if node["attempts"]["totalCount"] == 2]
    assert ["FINISHED", "FAILED"] in [
        [one["outcome"] for one in node["attempts"]["nodes"]] for node in twice
    ]
    serial = twice[0]["serial"]
    assert len((await attempts(service, f'{{serial: "{serial[-8:]}"}}'))["nodes"]) == 2


async def test_a_finished_attempt_names_the_key_of_its_record(service: Service) -> None:
    query = """{ attempts(first: 100, filter: {outcome: [FINISHED, FAILED], style: [SB]}) { nodes {
        outcome key { fingerprint label } } } }"""
    nodes = (await service.graphql(query))["data"]["attempts"]["nodes"]
    keys = {node["outcome"]: node["key"] for node in nodes}
    assert keys["FAILED"] is None
    assert len(bytes.fromhex(keys["FINISHED"]["fingerprint"])) == 32
    assert keys["FINISHED"]["label"]


COUNTS = "{ total finished failed stalled unknown skipped running yield secondsP50 secondsP95 }"


async def test_the_statistics_are_those_of_the_attempts(service: Service) -> None:
    listed = [node["outcome"] for node in (await attempts(service))["nodes"]]
    query = f"""{{ lineStatistics {{ counts {COUNTS} boards firstPassYield untimed
        byPort {{ port counts {COUNTS} }} byStage {{ stage counts {COUNTS} }}
        byImage {{ image counts {COUNTS} }} byHour {{ start counts {COUNTS} }}
        byDay {{ start counts {COUNTS} }} }} }}"""
    line = (await service.graphql(query))["data"]["lineStatistics"]
    counts = line["counts"]
    for outcome in ("FINISHED", "FAILED", "SKIPPED", "STALLED", "RUNNING"):
        assert counts[outcome.lower()] == listed.count(outcome)
    for group in ("byPort", "byImage", "byHour", "byDay"):
        assert sum(one["counts"]["finished"] for one in line[group]) == counts["finished"]
    assert 0 < counts["yield"] < 1
    assert 0 < counts["secondsP50"] <= counts["secondsP95"]
    assert [one["stage"] for one in line["byStage"]] == ["BOOTSTRAP", "TRIAGE", "PROVISIONING"]


async def test_statistics_of_a_time_are_fewer(service: Service) -> None:
    query = """query($from: DateTime, $to: DateTime) {
        lineStatistics(from: $from, to: $to, utcOffsetMinutes: 120) {
        counts { total } byDay { start } } }"""
    whole = (await service.graphql(query))["data"]["lineStatistics"]
    end = "2026-07-20T00:00:00+02:00"
    early = (await service.graphql(query, to=end))["data"]["lineStatistics"]
    late = (await service.graphql(query, **{"from": end}))["data"]["lineStatistics"]
    assert early["counts"]["total"] + late["counts"]["total"] == whole["counts"]["total"]
    assert all(day["start"].endswith("T22:00:00+00:00") for day in whole["byDay"])
