"""Metrics of models that come and go."""

from metrics import Metrics, Outcome


def exposed(metrics: Metrics) -> str:
    return metrics.expose("")[0].decode()


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
