"""Lists of models: both shapes, and those that lie."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from translate.backend import read_model_list
from translate.backend.model_list import MAX_MODELS, MAX_TITLE, MAX_WORDS
from translate.values import ListedModel, ModelList


def entry(slug: object = "gpt-5-6-thinking", **fields: object) -> dict[str, object]:
    return {"slug": slug, **fields}


def read(*entries: object, **fields: object) -> ModelList:
    return read_model_list(json.dumps({"models": entries, **fields}).encode())


def one(**fields: object) -> ListedModel:
    (model,) = read(entry(**fields))
    return model


def efforts(*words: object) -> list[dict[str, object]]:
    return [{"thinking_effort": word, "full_label": "Thinking"} for word in words]


def test_model_of_today_is_read_with_all_that_it_says() -> None:
    model = one(
        title="GPT-5.6 Thinking",
        max_tokens=262144,
        enabled_tools=["tools", "search", "tools"],
        reasoning_type="reasoning",
        configurable_thinking_effort=True,
        thinking_efforts=efforts("standard", "extended"),
        default_thinking_effort="standard",
        is_work_mode_model=False,
    )
    assert model == ListedModel(
        "gpt-5-6-thinking",
        title="GPT-5.6 Thinking",
        context=262144,
        efforts=("standard", "extended"),
        default_effort="standard",
        reasoning_type="reasoning",
        enabled_tools=("tools", "search"),
    )


def test_list_of_2023_is_read() -> None:
    found = read(
        {"slug": "gpt-4", "max_tokens": 32767, "title": "GPT-4", "tags": ["gpt4"], "capabilities": {}},
        {"slug": "text-davinci-002-render-sha", "max_tokens": 8191, "title": "Default (GPT-3.5)"},
        categories=[{"category": "gpt_4", "default_model": "gpt-4"}],
    )
    assert [(model.slug, model.context) for model in found] == [
        ("gpt-4", 32767),
        ("text-davinci-002-render-sha", 8191),
    ]
    assert "gpt-4" in found
    assert (model := found.get("gpt-4")) is not None
    assert model.efforts == ()


def test_efforts_that_a_request_may_not_choose_are_no_efforts() -> None:
    model = one(thinking_efforts=efforts("standard"), default_thinking_effort="standard")
    assert (model.efforts, model.default_effort) == ((), "")


def test_default_effort_must_be_one_of_the_efforts() -> None:
    model = one(
        configurable_thinking_effort=True,
        thinking_efforts=efforts("standard"),
        default_thinking_effort="warp",
    )
    assert (model.efforts, model.default_effort) == (("standard",), "")


def test_models_of_work_mode_are_left_out_wherever_they_are_named() -> None:
    found = read(
        entry("gpt-6"), entry("gpt-6-sol-wm", is_work_mode_model=True), versions=[{"slugs": ["gpt-6-sol-wm"]}]
    )
    assert [model.slug for model in found] == ["gpt-6"]
    twice = read(entry("gpt-6-sol-wm"), entry("gpt-6-sol-wm", is_work_mode_model=True))
    assert not twice


def test_slugs_that_only_the_picker_names_are_listed_too() -> None:
    found = read(
        entry("gpt-5-6"),
        versions=[
            {"enabled": True, "slugs": ["gpt-5-6-instant", 7, "gpt-5-6"]},
            {"enabled": False, "slugs": ["gpt-off"]},
            {
                "slugs": None,
                "intelligence_presets": [
                    {"model_slug": "gpt-5-6-pro", "preset_type": "available"},
                    {"model_slug": "gpt-upsell", "preset_type": "upgrade"},
                ],
            },
        ],
    )
    assert [model.slug for model in found] == ["gpt-5-6", "gpt-5-6-instant", "gpt-5-6-pro"]


@pytest.mark.parametrize("slug", ["", "a b", "../me", "x" * 65, "gpt\n4", None, 4, "模型", "-gpt"])
def test_what_is_no_slug_is_left_out(slug: object) -> None:
    found = read(entry(slug), entry("gpt-4"), "gpt-5", None, versions=[{"slugs": [slug]}])
    assert [model.slug for model in found] == ["gpt-4"]


@pytest.mark.parametrize("tokens", [0, -1, True, 1.5, "8191", None, 10**12])
def test_context_that_is_none_is_not_told(tokens: object) -> None:
    assert one(max_tokens=tokens).context == 0


def test_what_is_kept_of_a_list_is_bounded() -> None:
    many = read(*(entry(f"gpt-{n}") for n in range(5000)), versions=[{"slugs": ["gpt-more"]}])
    assert len(many.models) == MAX_MODELS
    words = [f"word-{n}" for n in range(5000)]
    model = one(
        title="x" * 5000,
        enabled_tools=words,
        configurable_thinking_effort=True,
        thinking_efforts=efforts(*words),
        reasoning_type="x" * 5000,
    )
    assert len(model.title) == MAX_TITLE
    assert len(model.enabled_tools) == len(model.efforts) == MAX_WORDS
    assert model.reasoning_type == ""


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"models": {}}', b"<html>", b'{"models": null}'])
def test_what_is_no_list_is_told(body: bytes) -> None:
    with pytest.raises(ValueError, match="no list of models"):
        read_model_list(body)


NAMES = (
    "slug title max_tokens enabled_tools thinking_efforts configurable_thinking_effort thinking_effort "
    "versions slugs intelligence_presets is_work_mode_model"
)
KEYS = st.sampled_from(NAMES.split())
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(KEYS | st.text(max_size=3), inner, max_size=4)
    ),
    max_leaves=15,
)


@given(st.lists(st.dictionaries(KEYS, JSON, max_size=6), max_size=5), JSON)
def test_no_list_raises_anything_but_a_value_error(models: list[dict[str, Any]], versions: object) -> None:
    try:
        found = read(*models, versions=versions)
    except ValueError:
        return
    assert all(model.slug and model.slug.isascii() for model in found)
