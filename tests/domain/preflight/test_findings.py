"""How findings become an answer."""

from domain.preflight.findings import Finding, Outcome, Topic, preflight_of


def _finding(topic: Topic, outcome: Outcome, because: str = "It is so.") -> Finding:
    return Finding(topic, outcome, because, "Do this.")


def test_without_findings_the_station_is_ready_and_every_topic_passed() -> None:
    preflight = preflight_of([])
    assert (preflight.ready, preflight.summary) == (True, "Ready.")
    assert [check.topic for check in preflight.checks] == list(Topic)
    assert {check.outcome for check in preflight.checks} == {Outcome.PASSED}


def test_a_warning_does_not_stop_boards() -> None:
    preflight = preflight_of([_finding(Topic.PORTS, Outcome.WARNING)])
    assert (preflight.ready, preflight.summary) == (True, "Ready.")


def test_what_nobody_knows_is_no_yes() -> None:
    preflight = preflight_of([_finding(Topic.UNITS, Outcome.UNKNOWN)])
    assert (preflight.ready, preflight.summary) == (False, "Not ready: It is so. Do this.")


def test_the_worst_comes_first_and_the_rest_is_counted() -> None:
    preflight = preflight_of(
        [
            _finding(Topic.PORTS, Outcome.WARNING),
            _finding(Topic.UNITS, Outcome.UNKNOWN),
            _finding(Topic.KEY, Outcome.WARNING),
            _finding(Topic.KEY, Outcome.FAILED, "The key is gone."),
        ]
    )
    assert preflight.summary == "Not ready: The key is gone. Do this. (and 1 more)"
    assert [one.outcome for one in preflight.findings] == [
        Outcome.FAILED,
        Outcome.UNKNOWN,
        Outcome.WARNING,
        Outcome.WARNING,
    ]
    key = next(check for check in preflight.checks if check.topic is Topic.KEY)
    assert key.outcome is Outcome.FAILED
