"""Names of models, their aliases and what a conversation costs."""

import pytest

from translate.values.errors import NotFound
from translate.values.models import BUILT_IN, Catalogue


def catalogue(**aliases: str) -> Catalogue:
    return Catalogue(BUILT_IN, {name.replace("_", "-"): target for name, target in aliases.items()})


@pytest.mark.parametrize(
    ("name", "slug", "units"),
    [
        ("gpt-4-s", "gpt-4", 14),
        ("gpt-4-mobile", "gpt-4-mobile", 14),
        ("gpt-3.5-turbo", "text-davinci-002-render-sha", 4),
    ],
)
def test_built_in_models_have_their_slug_and_quota_cost(name: str, slug: str, units: int) -> None:
    model = catalogue().resolve(name)
    assert (model.name, model.slug, model.units) == (name, slug, units)


@pytest.mark.parametrize("name", ["gpt-9", "", "GPT-4-S", "gpt-4-s ", "gpt-4", "模型"])
def test_unknown_name_is_not_found_under_the_field_model(name: str) -> None:
    with pytest.raises(NotFound) as caught:
        catalogue().resolve(name)
    error = caught.value
    assert (error.status, error.param, error.code) == (404, "model", "model_not_found")
    assert f"`{name}`" in error.message


def test_alias_means_its_model() -> None:
    assert catalogue(gpt_4o_mini="gpt-3.5-turbo").resolve("gpt-4o-mini").slug == "text-davinci-002-render-sha"


def test_pattern_matches_any_ending_and_the_first_pattern_wins() -> None:
    aliases = {"gpt-4-*": "gpt-4-s", "gpt-*": "gpt-3.5-turbo"}
    names = Catalogue(BUILT_IN, aliases)
    assert names.resolve("gpt-4-0613").name == "gpt-4-s"
    assert names.resolve("gpt-5").name == "gpt-3.5-turbo"
    assert names.resolve("gpt-4-mobile").name == "gpt-4-mobile"  # a model's own name comes first
    with pytest.raises(NotFound):
        names.resolve("o1")


def test_alias_may_ask_for_a_style() -> None:
    assert catalogue(bot="gpt-4-s:plain").resolve("bot").style == "plain"
    assert catalogue(bot="gpt-4-s:plain").resolve("gpt-4-s").style == ""


@pytest.mark.parametrize("target", ["gpt-9", "", "gpt-4-s:loud", ":plain"])
def test_alias_to_nowhere_is_refused_at_once(target: str) -> None:
    with pytest.raises(ValueError, match="alias bot"):
        catalogue(bot=target)


def test_name_without_end_matches_no_pattern_and_is_not_repeated_whole() -> None:
    name = "gpt-3.5-turbo-" + "x" * 100_000
    with pytest.raises(NotFound) as caught:
        Catalogue(BUILT_IN, {"gpt-3.5-turbo-*": "gpt-3.5-turbo"}).resolve(name)
    assert len(caught.value.message) < 300
