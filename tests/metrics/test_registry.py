"""What is counted, under which names, and that strangers cannot add to it."""

from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from metrics import Metrics, Outcome

OWN = "pandora_"


def samples(metrics: Metrics) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    """The value of each sample of ours by name and labels, as a scraper reads them."""
    families = text_string_to_metric_families(metrics.expose("")[0].decode())
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in families
        for sample in family.samples
        if sample.name.startswith(OWN) and not sample.name.endswith("_created")
    }


def counted(metrics: Metrics, **labels: str) -> float:
    return samples(metrics)[OWN + "requests_total", tuple(sorted(labels.items()))]


def test_every_known_series_starts_at_zero() -> None:
    metrics = Metrics(["chat", "models"], ["gpt-4-s"])
    for route in ("chat", "models"):
        for model in ("gpt-4-s", "other"):
            for outcome in Outcome:
                assert counted(metrics, route=route, model=model, outcome=outcome.value) == 0
    assert set(samples(metrics).values()) == {0.0}


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


@given(models=st.lists(st.text(), max_size=20))
def test_models_of_strangers_add_no_series(models: list[str]) -> None:
    metrics = Metrics(["chat"], ["gpt-4-s"])
    before = samples(metrics).keys()
    for model in models:
        metrics.request("chat", model, Outcome.INVALID, 0.1, 0.1)
    assert samples(metrics).keys() == before
    strangers = sum(model != "gpt-4-s" for model in models)
    assert counted(metrics, route="chat", model="other", outcome="invalid") == strangers


def test_model_that_is_no_longer_offered_takes_its_series_with_it() -> None:
    metrics = Metrics(["chat"], ["gpt-4-s"])
    before = samples(metrics).keys()
    metrics.know_model("my-gpt")
    metrics.request("chat", "my-gpt", Outcome.OK, 1, 1)
    assert counted(metrics, route="chat", model="my-gpt", outcome="ok") == 1
    metrics.forget_model("my-gpt")
    assert samples(metrics).keys() == before
    metrics.request("chat", "my-gpt", Outcome.OK, 1, 1)
    assert counted(metrics, route="chat", model="other", outcome="ok") == 1
    assert samples(metrics).keys() == before


def test_two_applications_in_one_process_count_for_themselves() -> None:
    first, second = Metrics(["chat"], []), Metrics(["chat"], [])
    first.request("chat", "", Outcome.OK, 1, None)
    assert counted(first, route="chat", model="other", outcome="ok") == 1
    assert counted(second, route="chat", model="other", outcome="ok") == 0


def test_names_follow_the_conventions_and_labels_are_bounded_ones() -> None:
    families = [
        family for family in Metrics(["chat"], ["m"]).registry.collect() if family.name.startswith(OWN)
    ]
    assert len(families) >= 4
    for family in families:
        assert family.documentation.endswith(".")
        assert family.type != "histogram" or family.name.endswith("_seconds")
        for sample in family.samples:
            assert set(sample.labels) <= {"route", "model", "outcome", "le"}


def test_process_and_interpreter_are_measured_too() -> None:
    names = {family.name for family in Metrics([], []).registry.collect()}
    assert {"process_resident_memory_bytes", "process_open_fds", "python_info"} <= names
