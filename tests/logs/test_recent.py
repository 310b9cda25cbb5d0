"""The last failures: bounded, newest first, without words of a request."""

from logs.recent import KEPT, RecentFailures
from translate.values import BadRequest, UpstreamFailed


def test_newest_come_first_and_the_oldest_go() -> None:
    failures = RecentFailures()
    for number in range(KEPT + 5):
        failures.add(f"req_{number}", "chat", "gpt-4-s", 502, UpstreamFailed("The connection was lost."))
    latest = failures.latest()
    assert [failure.request_id for failure in latest] == [f"req_{n}" for n in reversed(range(5, KEPT + 5))]
    assert (latest[0].code, latest[0].reason) == ("upstream_error", "The connection was lost.")


def test_mistake_in_a_request_is_told_by_its_code_alone() -> None:
    failures = RecentFailures()
    failures.add("req_1", "chat", "", 400, BadRequest("'my secret' is no number.", code="invalid_value"))
    failures.add("req_2", "chat", "", 400, BadRequest("'my secret' is no number."))
    assert [(failure.code, failure.reason) for failure in failures.latest()] == [
        ("invalid_request_error", ""),
        ("invalid_value", ""),
    ]
