"""Models and limits of the simulated backend of 2026, through the whole service."""

import pytest

from simulator import Knobs
from tests.eventually import eventually
from tests.service.deployment import Deployment, deployed

BUILT_IN = ["gpt-4-s", "gpt-4-mobile", "gpt-3.5-turbo"]


def of_2026(**knobs: object) -> Knobs:
    return Knobs(busy=False, cap=0, age="2026", **knobs)  # type: ignore[arg-type]


async def names(service: Deployment) -> list[str]:
    return [model["id"] for model in (await service.ask("GET", "/v1/models")).json["data"]]


async def test_models_of_today_are_listed_and_answer() -> None:
    async with deployed(knobs=of_2026()) as service:
        shown = await names(service)
        answers = [await service.chat(model=model) for model in ("gpt-4-s", "gpt-3.5-turbo", "gpt-6")]
        assert [answer.status for answer in answers] == [200, 200, 200]
        assert [seen.body["model"] for seen in service.posted] == ["gpt-5-6", "gpt-5-6-instant", "gpt-6"]
    assert shown[:3] == BUILT_IN
    assert {"gpt-6", "gpt-5-6-thinking"} <= set(shown)
    assert "gpt-6-sol-wm" not in shown
    assert answers[2].headers["x-model-resolved"] == "gpt-6"


async def test_listing_that_lies_is_survived() -> None:
    async with deployed(knobs=of_2026(listing="wrong")) as service:
        shown = await names(service)
        assert (await service.chat(model="gpt-5-6")).status == 200
    assert len(shown) <= len(BUILT_IN) + 200
    assert all(len(name) <= 64 for name in shown)


@pytest.mark.parametrize("stream", [False, True])
async def test_model_that_is_replaced_is_told_and_then_refused(stream: bool) -> None:
    async with deployed(knobs=of_2026(answers_as="gpt-5-mini")) as service:
        first = await service.chat(model="gpt-5-6", stream=stream)
        charges = service.server.service.charges
        await eventually(lambda: any(told.models for _, told, *_ in charges.backend_limits(None)))
        again = await service.chat(model="gpt-5-6", stream=stream)
        assert len(service.posted) == 1
    assert (first.status, first.headers["x-model-resolved"]) == (200, "gpt-5-mini")
    assert (again.status, again.error["code"]) == (429, "rate_limit_exceeded")
    assert "gpt-5-mini" in again.error["message"]
