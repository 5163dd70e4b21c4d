from server.metrics import Metrics


def test_answers_are_counted_by_route_method_and_status_and_times_by_bucket() -> None:
    metrics = Metrics()
    for seconds in (0.0005, 0.001, 0.02, 70.0):
        metrics.answered(route="/devices", method="GET", status=200, seconds=seconds)
    metrics.answered(route="/devices", method="GET", status=404, seconds=0.1)
    metrics.watch("waiting", "Audit rows that wait.", lambda: 3)
    lines = metrics.text().decode().splitlines()
    pairs = (line.rpartition(" ") for line in lines if not line.startswith("#"))
    told = {name: float(value) for name, _, value in pairs}
    name = "provisioner_request_seconds"
    assert told['provisioner_requests_total{method="GET",route="/devices",status="200"}'] == 4
    assert told['provisioner_requests_total{method="GET",route="/devices",status="404"}'] == 1
    # A bound belongs to its bucket.
    assert told[f'{name}_bucket{{le="0.001",route="/devices"}}'] == 2
    assert told[f'{name}_bucket{{le="0.1",route="/devices"}}'] == 4
    assert told[f'{name}_bucket{{le="+Inf",route="/devices"}}'] == 5
    assert told[f'{name}_count{{route="/devices"}}'] == 5
    assert round(told[f'{name}_sum{{route="/devices"}}'], 4) == 70.1215
    assert told["provisioner_waiting"] == 3
