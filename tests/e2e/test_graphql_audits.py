"""GraphQL over HTTP, judged by the audits of the npm package graphql-http."""

from collections import Counter

import pytest

from tests.e2e.node import run_client


@pytest.mark.real
def test_all_61_audits_pass(service: str) -> None:
    results = run_client("audit.mjs", service + "/graphql")
    assert [each for each in results if each["status"] != "ok"] == []
    words = Counter(each["name"].split()[0] for each in results)
    assert words == {"MUST": 13, "SHOULD": 23, "MAY": 25}
    assert len({each["id"] for each in results}) == 61
