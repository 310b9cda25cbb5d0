"""What is counted, under which names, and that strangers cannot add to it."""

import math

from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from metrics import Attempt, Metrics, Outcome, ToolCalls, names

OWN = "pandora_"


def samples(metrics: Metrics) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    """The value of each sample of ours by name and labels, as a scraper reads them."""
    families = text_string_to_metric_families(exposed(metrics))
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in families
        for sample in family.samples
        if sample.name.startswith(OWN) and not sample.name.endswith("_created")
    }


def counted(metrics: Metrics, **labels: str) -> float:
    return samples(metrics)[OWN + "requests_total", tuple(sorted(labels.items()))]


def test_every_series_of_requests_is_there_from_the_start_at_zero() -> None:
    metrics = Metrics(["chat", "models"], ["gpt-4-s"])
    metrics.accounts.keep(["an-account"], ["a-key"])
    for outcome in Outcome:
        for model in ("gpt-4-s", "other"):
            assert counted(metrics, route="chat", model=model, outcome=outcome.value) == 0
        assert counted(metrics, route="models", model="other", outcome=outcome.value) == 0
    found = samples(metrics)
    assert {value for (name, _), value in found.items() if name.endswith(("_total", "_count"))} == {0.0}
    labelled = [family for family in metrics.registry.collect() if family.name.startswith(OWN)]
    assert all(family.samples for family in labelled), "a family without a series is not seen at all"


def test_request_is_counted_with_its_time_under_route_model_and_outcome() -> None:
    metrics = Metrics(["chat"], ["gpt-4-s"])
    metrics.request("chat", "gpt-4-s", Outcome.OK, 3.0, 0.7)
    found = samples(metrics)
    labels = (("model", "gpt-4-s"), ("route", "chat"))
    assert counted(metrics, route="chat", model="gpt-4-s", outcome="ok") == 1
    assert found[OWN + "request_duration_seconds_sum", labels] == 3.0
    assert found[OWN + "request_duration_seconds_bucket", (("le", "2.5"), *labels)] == 0
    assert found[OWN + "request_duration_seconds_bucket", (("le", "5.0"), *labels)] == 1
    assert found[OWN + "time_to_first_token_seconds_sum", (("model", "gpt-4-s"),)] == 0.7


def test_answer_without_a_first_token_has_no_time_to_it() -> None:
    metrics = Metrics(["chat"], ["gpt-4-s"])
    metrics.request("chat", "gpt-4-s", Outcome.OK, 3.0, None)
    assert samples(metrics)[OWN + "time_to_first_token_seconds_count", (("model", "gpt-4-s"),)] == 0


def test_answers_in_flight_go_up_and_down() -> None:
    metrics = Metrics(["chat"], [])
    gauge = (OWN + "in_flight", (("route", "chat"),))
    metrics.started("chat")
    metrics.started("chat")
    assert samples(metrics)[gauge] == 2
    metrics.ended("chat")
    assert samples(metrics)[gauge] == 1


@settings(max_examples=40)
@given(strangers=st.lists(st.text(), max_size=10))
def test_names_of_strangers_add_no_series(strangers: list[str]) -> None:
    metrics = Metrics(["chat"], ["gpt-4-s"])
    before = samples(metrics).keys()
    for name in strangers:
        metrics.request("chat", name, Outcome.INVALID, 0.1, 0.1, 5)
        metrics.tokens(name, 1, 1)
        metrics.attempt(name, Attempt.OK, 14)
        metrics.capped([name])
        metrics.retried(name)
        metrics.rejected(name)
        metrics.unknown_events({name: 1})
        metrics.answered(name, name)
        metrics.responded("chat", len(name))
    assert samples(metrics).keys() == before
    unknown = sum(name != "gpt-4-s" for name in strangers)
    assert counted(metrics, route="chat", model="other", outcome="invalid") == unknown


def test_time_per_token_is_that_after_the_first_one() -> None:
    metrics = Metrics(["chat"], ["gpt-4-s"])
    metrics.request("chat", "gpt-4-s", Outcome.OK, 3.0, 1.0, 5)
    metrics.request("chat", "gpt-4-s", Outcome.OK, 3.0, 1.0, 1)
    metrics.request("chat", "gpt-4-s", Outcome.OK, 3.0, None, 5)
    found, labels = samples(metrics), (("model", "gpt-4-s"),)
    assert found[OWN + "time_per_output_token_seconds_sum", labels] == 0.5
    assert found[OWN + "time_per_output_token_seconds_count", labels] == 1


def test_model_that_is_no_longer_offered_takes_its_series_with_it() -> None:
    metrics = Metrics(["chat"], ["gpt-4-s"])
    before = samples(metrics).keys()
    metrics.add_model("my-gpt")
    metrics.request("chat", "my-gpt", Outcome.OK, 1, 1)
    assert counted(metrics, route="chat", model="my-gpt", outcome="ok") == 1
    metrics.remove_model("my-gpt")
    assert samples(metrics).keys() == before
    metrics.request("chat", "my-gpt", Outcome.OK, 1, 1)
    assert counted(metrics, route="chat", model="other", outcome="ok") == 1
    assert samples(metrics).keys() == before


def test_models_that_only_the_backend_lists_have_series_up_to_a_bound() -> None:
    metrics = Metrics(["chat"], ["gpt-4-s"])
    for number in range(names.MAX_LISTED_MODELS + 50):
        metrics.add_listed_model(f"gpt-{number}")
        metrics.request("chat", f"gpt-{number}", Outcome.OK, 1, None)
    labels = {dict(labels)["model"] for name, labels in samples(metrics) if name == OWN + "requests_total"}
    assert len(labels) == names.MAX_LISTED_MODELS + 2  # those, gpt-4-s and other
    assert counted(metrics, route="chat", model="other", outcome="ok") == 50
    metrics.add_listed_model("gpt-4-s")
    metrics.remove_model("gpt-0")
    metrics.add_listed_model("gpt-new")
    metrics.request("chat", "gpt-new", Outcome.OK, 1, None)
    assert counted(metrics, route="chat", model="gpt-new", outcome="ok") == 1


def test_uses_left_of_a_feature_are_infinite_until_they_are_told_and_after_they_are_forgotten() -> None:
    metrics = Metrics(["chat"], [])
    name = OWN + "backend_limit_remaining"

    def left(feature: str) -> float | None:
        return metrics.registry.get_sample_value(name, {"feature": feature})

    assert left("image_gen") == math.inf
    metrics.backend_remaining({"image_gen": 3, "made_up": 1})
    assert (left("image_gen"), left("deep_research"), left("made_up")) == (3, math.inf, None)
    metrics.backend_remaining({})
    assert left("image_gen") == math.inf


def test_calls_of_tools_count_by_model_and_what_became_of_them() -> None:
    metrics = Metrics(["chat"], ["m"])
    metrics.tool_calls("m", ToolCalls.MADE, 2)
    metrics.tool_calls("m", ToolCalls.FAILED, 0)
    metrics.tool_calls("stranger", ToolCalls.ASKED_AGAIN, 1)

    def value(model: str, outcome: str) -> float | None:
        labels = {"model": model, "outcome": outcome}
        return metrics.registry.get_sample_value("pandora_tool_calls_total", labels)

    assert [value("m", outcome) for outcome in ToolCalls] == [2, 0, 0]
    assert value("other", "asked_again") == 1
    assert value("stranger", "asked_again") is None


def test_side_requests_count_by_client_and_task_from_zero() -> None:
    metrics = Metrics([], [])
    metrics.side_request("open-webui", "title")
    metrics.side_request("open-webui", "title")
    counts = {
        (sample.labels["client"], sample.labels["task"]): sample.value
        for family in metrics.registry.collect()
        for sample in family.samples
        if sample.name == "pandora_side_requests_total"
    }
    assert counts[("open-webui", "title")] == 2
    assert sum(counts.values()) == 2
    assert counts.keys() == {(client, task) for client in names.SIDE_CLIENTS for task in names.SIDE_TASKS}


def test_two_applications_in_one_process_count_for_themselves() -> None:
    first, second = Metrics(["chat"], []), Metrics(["chat"], [])
    first.request("chat", "", Outcome.OK, 1, None)
    assert counted(first, route="chat", model="other", outcome="ok") == 1
    assert counted(second, route="chat", model="other", outcome="ok") == 0


LABELS = {
    "route", "model", "outcome", "le", "direction", "reason", "phase", "kind", "version", "feature", "status",
    "client", "task",
}  # fmt: skip


def test_names_follow_the_conventions_and_labels_are_bounded_ones() -> None:
    registry = Metrics(["chat"], ["m"]).registry
    families = [family for family in registry.collect() if family.name.startswith(OWN)]
    assert len(families) >= 4
    for family in families:
        assert family.documentation.endswith("."), family.name
        assert family.type != "histogram" or family.name.endswith(("_seconds", "_tokens"))
        for sample in family.samples:
            assert set(sample.labels) <= LABELS, family.name


def test_process_and_interpreter_are_measured_too() -> None:
    names = {family.name for family in Metrics([], []).registry.collect()}
    assert {"process_resident_memory_bytes", "process_open_fds", "python_info"} <= names


def exposed(metrics: Metrics) -> str:
    return generate_latest(metrics.registry).decode()


def test_new_model_has_its_series_from_zero() -> None:
    metrics = Metrics(("chat",), ())
    metrics.add_model("helper")
    assert 'pandora_requests_total{model="helper",outcome="ok",route="chat"} 0.0' in exposed(metrics)
    assert 'pandora_time_to_first_token_seconds_count{model="helper"} 0.0' in exposed(metrics)


def test_forgotten_model_leaves_no_series_and_late_requests_count_as_other() -> None:
    metrics = Metrics(("chat",), ("helper", "gpt-4-s"))
    before = exposed(Metrics(("chat",), ("gpt-4-s",))).count("\n")
    metrics.request("chat", "helper", Outcome.OK, 1.0, 0.5)
    metrics.remove_model("helper")
    metrics.request("chat", "helper", Outcome.OK, 1.0, 0.5)
    text = exposed(metrics)
    assert 'model="helper"' not in text
    assert 'pandora_requests_total{model="other",outcome="ok",route="chat"} 1.0' in text
    assert text.count("\n") == before


def test_gpt_called_other_does_not_take_the_series_of_the_others_along() -> None:
    metrics = Metrics(("chat",), ())
    metrics.add_model("other")
    metrics.remove_model("other")
    assert 'pandora_requests_total{model="other",outcome="ok",route="chat"} 0.0' in exposed(metrics)


def test_tokens_of_a_turn_are_summed_up_and_each_has_its_place_among_the_lengths() -> None:
    metrics = Metrics(["chat"], ["m"])
    metrics.tokens("m", 5, 300)
    metrics.tokens("m", 20, 1)
    metrics.tokens("stranger", 7, 7)
    found = samples(metrics)

    def shorter(direction: str, than: float, model: str = "m") -> float:
        labels = (("direction", direction), ("le", str(than)), ("model", model))
        return found[OWN + "turn_tokens_bucket", labels]

    assert [shorter("prompt", than) for than in (4.0, 16.0, 64.0)] == [0, 1, 2]
    assert [shorter("completion", than) for than in (1.0, 256.0, 1024.0)] == [1, 1, 2]
    assert shorter("prompt", 16.0, "other") == 1
    sums = [
        found[OWN + "turn_tokens_sum", (("direction", each), ("model", "m"))] for each in names.DIRECTIONS
    ]
    totals = [found[OWN + "tokens_total", (("direction", each), ("model", "m"))] for each in names.DIRECTIONS]
    assert sums == totals == [25, 301]


def test_first_token_that_is_there_at_once_is_told_from_one_that_is_not() -> None:
    metrics = Metrics(["chat"], ["m"])
    for ttft in (0.008, 0.02, 0.09):
        metrics.request("chat", "m", Outcome.OK, 1, ttft)
    counts = [
        samples(metrics)[OWN + "time_to_first_token_seconds_bucket", (("le", le), ("model", "m"))]
        for le in ("0.01", "0.025", "0.05", "0.1")
    ]
    assert counts == [1, 2, 2, 3]


def test_responses_count_by_route_and_status_and_clients_that_left_apart() -> None:
    metrics = Metrics(["chat"], [])
    for status in (200, 429, 429, 418, None):
        metrics.responded("chat", status)
    found = samples(metrics)
    counts = {
        status: found[OWN + "responses_total", (("route", "chat"), ("status", status))]
        for status in names.STATUSES
    }
    assert {status: count for status, count in counts.items() if count} == {
        "200": 1, "429": 2, "other": 1, "gone": 1
    }  # fmt: skip


def test_whole_answers_count_by_why_they_end() -> None:
    metrics = Metrics(["chat"], ["m"])
    for reason in ("stop", "length", "something new"):
        metrics.answered("m", reason)
    found = samples(metrics)
    counts = {
        reason: found[OWN + "answers_total", (("model", "m"), ("reason", reason))]
        for reason in names.FINISH_REASONS
    }
    assert counts == {"stop": 1, "length": 1, "tool_calls": 0, "content_filter": 0, "other": 1}


def test_time_of_ours_and_of_the_backend_are_told_apart() -> None:
    metrics = Metrics(["chat"], [])
    metrics.turn("chat", overhead=0.004, backend=7)
    found, labels = samples(metrics), (("route", "chat"),)
    assert found[OWN + "overhead_seconds_sum", labels] == 0.004
    assert found[OWN + "overhead_seconds_bucket", (("le", "0.005"), *labels)] == 1
    assert found[OWN + "backend_seconds_sum", labels] == 7


def test_ledger_fails_until_it_has_recovered() -> None:
    metrics = Metrics([], [])
    failing = (OWN + "ledger_failing", ())
    assert samples(metrics)[failing] == 0
    metrics.ledger_failed()
    metrics.ledger_failed()
    assert samples(metrics)[failing] == 1
    metrics.ledger_recovered()
    assert samples(metrics)[failing] == 0
    assert samples(metrics)[OWN + "ledger_errors_total", ()] == 2
