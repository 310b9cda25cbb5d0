"""Names of models, their aliases and what a conversation costs."""

import pytest

from translate.values.errors import NotFound
from translate.values.gpts import Gpt
from translate.values.models import ANY_GPT, BUILT_IN, DEFAULT_UNITS, Catalogue


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


def test_prices_name_every_model_and_any_gpt() -> None:
    assert {
        "gpt-4-s": 14,
        "gpt-4-mobile": 14,
        "gpt-3.5-turbo": 4,
        ANY_GPT.name: 14,
    } == DEFAULT_UNITS


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


HELPER = Gpt("helper", "g-AbC123xyZ-my-helper")


def test_gpts_follow_the_built_in_models_in_the_order_of_the_list() -> None:
    catalogue = Catalogue(BUILT_IN, {}, [Gpt("z", "g-1"), Gpt("a", "g-2")])
    assert [*catalogue.models][-2:] == ["z", "a"]
    assert len(catalogue.models) == len(BUILT_IN) + 2


def test_gpt_costs_14_units_and_is_a_gizmo_upstream() -> None:
    model = Catalogue(BUILT_IN, {}, [HELPER]).resolve("helper")
    assert (model.name, model.slug, model.units) == ("helper", "gpt-4-gizmo", 14)
    assert model.gizmo_id == "g-AbC123xyZ-my-helper"
    assert model.gizmo is None


def test_style_of_an_entry_holds_unless_an_alias_asks_for_another() -> None:
    aliases = {"as-is": "bot", "web-bot": "bot:web"}
    catalogue = Catalogue(BUILT_IN, aliases, [Gpt("bot", "g-1", "plain")])
    assert [catalogue.resolve(name).style for name in ("bot", "as-is", "web-bot")] == [
        "plain",
        "plain",
        "web",
    ]


def test_name_in_the_list_beats_a_pattern_of_an_alias() -> None:
    catalogue = Catalogue(BUILT_IN, {"*": "gpt-4-s"}, [HELPER])
    assert catalogue.resolve("helper").gizmo_id == HELPER.id
    assert catalogue.resolve("help").name == "gpt-4-s"


def test_replaced_gpts_are_gone_and_new_ones_there() -> None:
    catalogue = Catalogue(BUILT_IN, {}, [HELPER])
    catalogue.replace_gpts([Gpt("new", "g-2")])
    assert catalogue.resolve("new").gizmo_id == "g-2"
    with pytest.raises(NotFound):
        catalogue.resolve("helper")


def test_alias_to_a_gpt_keeps_the_gpt_from_being_taken_away() -> None:
    catalogue = Catalogue(BUILT_IN, {"short": "helper"}, [HELPER])
    with pytest.raises(ValueError, match="the alias short points to helper, which is no model here"):
        catalogue.replace_gpts([])
    assert catalogue.resolve("short").gizmo_id == HELPER.id


def test_any_gpt_can_be_named_by_id_where_that_is_allowed() -> None:
    catalogue = Catalogue(BUILT_IN, {"gpt-4*": "gpt-4-s"}, any_gpt=True)
    model = catalogue.resolve("gpt-4-gizmo-g-AbC123xyZ-my-helper")
    assert (model.name, model.slug, model.units) == ("gpt-4-gizmo", "gpt-4-gizmo", 14)
    assert model.gizmo_id == "g-AbC123xyZ-my-helper"
    assert "gpt-4-gizmo" not in catalogue.models


@pytest.mark.parametrize(
    "name", ["gpt-4-gizmo", "gpt-4-gizmo-", "gpt-4-gizmo-x", "gpt-4-gizmo-g-", "gpt-4-gizmo-g-1/../x", "g-1"]
)
def test_names_without_a_well_formed_id_mean_no_gpt(name: str) -> None:
    with pytest.raises(NotFound):
        Catalogue(BUILT_IN, {}, any_gpt=True).resolve(name)


def test_no_gpt_can_be_named_by_id_by_default() -> None:
    with pytest.raises(NotFound):
        Catalogue(BUILT_IN, {}).resolve("gpt-4-gizmo-g-AbC123xyZ")


def test_entry_of_that_name_beats_the_id_in_it() -> None:
    catalogue = Catalogue(BUILT_IN, {}, [Gpt("gpt-4-gizmo-g-1", "g-2")], any_gpt=True)
    assert catalogue.resolve("gpt-4-gizmo-g-1").gizmo_id == "g-2"
