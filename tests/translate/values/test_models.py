"""Names of models, their aliases and what a conversation costs."""

from typing import Any

import pytest

from translate.values.errors import NotFound
from translate.values.gpts import Gpt
from translate.values.listed import ListedModel, ModelList, is_slug, is_substitute
from translate.values.models import (
    ANY_GPT,
    BUILT_IN,
    DEFAULT_SLUGS,
    DEFAULT_UNITS,
    LISTED_UNITS,
    Catalogue,
    names_taken,
)


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


def test_alias_may_ask_for_an_effort_and_hints_too() -> None:
    model = catalogue(bot="gpt-4-s:search:plain:high:canvas").resolve("bot")
    assert (model.style, model.effort, model.hints) == ("plain", "high", ("search", "canvas"))
    assert catalogue(bot="gpt-4-s:search").resolve("gpt-4-s").hints == ()


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


def listing(*slugs: str) -> ModelList:
    return ModelList({slug: ListedModel(slug, title=slug.upper()) for slug in slugs})


def listed_catalogue(**options: Any) -> Catalogue:
    given: dict[str, Any] = {
        "slugs": DEFAULT_SLUGS,
        "pass_through": True,
        "default_aliases": {"gpt-4o-mini": "gpt-3.5-turbo"},
    }
    return Catalogue(BUILT_IN, options.pop("aliases", {}), [HELPER], **(given | options))


def test_named_model_keeps_its_slug_where_the_backend_lists_it_or_lists_nothing() -> None:
    catalogue = listed_catalogue()
    assert catalogue.resolve("gpt-4-s").slug == "gpt-4"
    assert catalogue.resolve("gpt-4-s", listing("gpt-5-6", "gpt-4")).slug == "gpt-4"


def test_named_model_has_a_slug_of_today_where_the_backend_lists_its_own_no_more() -> None:
    catalogue = listed_catalogue()
    today = listing("gpt-5", "gpt-5-6", "gpt-5-6-instant")
    found = [catalogue.resolve(model.name, today) for model in BUILT_IN]
    assert [model.slug for model in found] == ["gpt-5-6", "gpt-5-6", "gpt-5-6-instant"]
    assert [model.name for model in found] == [model.name for model in BUILT_IN]
    assert [model.units for model in found] == [14, 14, 4]
    assert found[0].listed == today.get("gpt-5-6")


def test_named_model_has_its_last_slug_where_the_backend_lists_none_of_them() -> None:
    assert listed_catalogue().resolve("gpt-4-s", listing("gpt-9")).slug == "auto"
    settled = listed_catalogue(slugs={"gpt-4-s": ("gpt-6-pro",)})
    assert settled.resolve("gpt-4-s", listing("gpt-9")).slug == "gpt-6-pro"
    assert settled.resolve("gpt-4-s").slug == "gpt-6-pro"


def test_listed_slug_is_a_model_that_costs_14_units_and_counts_in_the_window() -> None:
    catalogue = listed_catalogue()
    model = catalogue.resolve("gpt-6", listing("gpt-6"))
    assert (model.name, model.slug, model.units, model.windowed) == ("gpt-6", "gpt-6", LISTED_UNITS, True)
    assert LISTED_UNITS == 14
    assert model.listed == ListedModel("gpt-6", title="GPT-6")


def test_listed_slug_of_a_named_model_costs_what_that_costs() -> None:
    slug = "text-davinci-002-render-sha"
    model = listed_catalogue().resolve(slug, listing(slug))
    assert (model.name, model.units, model.windowed) == (slug, 4, False)


def test_slug_that_is_not_listed_is_not_found() -> None:
    with pytest.raises(NotFound):
        listed_catalogue().resolve("gpt-6-pro", listing("gpt-6"))
    with pytest.raises(NotFound):
        listed_catalogue(pass_through=False).resolve("gpt-6", listing("gpt-6"))


def test_slug_of_gpts_is_no_model_without_a_gpt() -> None:
    with pytest.raises(NotFound):
        listed_catalogue().resolve("gpt-4-gizmo", listing("gpt-4-gizmo"))


@pytest.mark.parametrize(
    ("name", "slug"),
    [
        ("gpt-5.2", "gpt-5-2"),
        ("gpt-4o-2024-08-06", "gpt-4o"),
        ("gpt-4-0613", "gpt-4"),
        ("gpt-5.2-2025-12-11", "gpt-5-2"),
        ("gpt-4o-latest", "gpt-4o"),
    ],
)
def test_other_spellings_of_a_listed_slug_mean_it(name: str, slug: str) -> None:
    assert listed_catalogue().resolve(name, listing("gpt-5-2", "gpt-4o", "gpt-4")).slug == slug


@pytest.mark.parametrize("name", ["gpt-4o-20240806", "gpt-5.2-pro", "4o", "gpt-4o-2024-08-06-x", "-2024"])
def test_no_other_name_means_a_listed_slug(name: str) -> None:
    with pytest.raises(NotFound):
        listed_catalogue().resolve(name, listing("gpt-5-2", "gpt-4o"))


def test_operators_alias_comes_first_then_the_name_then_the_list_then_the_default_alias() -> None:
    today = listing("helper", "gpt-4o-mini", "gpt-4o-mini-high", "gpt-6")
    catalogue = listed_catalogue()
    assert catalogue.resolve("gpt-4o-mini", today).slug == "gpt-4o-mini"
    assert catalogue.resolve("gpt-4o-mini", listing("gpt-6")).name == "gpt-3.5-turbo"
    assert catalogue.resolve("helper", today).gizmo_id == HELPER.id
    theirs = listed_catalogue(aliases={"gpt-4o-mini*": "gpt-4-mobile", "gpt-4-s": "helper"})
    assert theirs.resolve("gpt-4o-mini", today).name == "gpt-4-mobile"
    assert theirs.resolve("gpt-4o-mini-high", today).name == "gpt-4-mobile"
    assert theirs.resolve("gpt-4-s", today).name == "helper"
    assert theirs.resolve("gpt-6", today).name == "gpt-6"


def test_date_behind_a_name_makes_no_difference_to_a_default_alias_but_a_listed_model_comes_first() -> None:
    catalogue = listed_catalogue()
    assert catalogue.resolve("gpt-4o-mini-2024-07-18").name == "gpt-3.5-turbo"
    assert catalogue.resolve("gpt-4o-mini-2024-07-18", listing("gpt-4o-mini")).name == "gpt-4o-mini"
    for name in ("gpt-4o-mini-pro", "gpt-4o-mini-2024-07-18-x"):
        with pytest.raises(NotFound):
            catalogue.resolve(name)
    settled = listed_catalogue(pass_through=False, slugs={})
    assert settled.resolve("gpt-4o-mini-2024-07-18").slug == "text-davinci-002-render-sha"
    assert not settled.needs_list("gpt-4o-mini-2024-07-18")
    assert listed_catalogue(pass_through=False).needs_list("gpt-4o-mini-2024-07-18")


def test_only_names_that_depend_on_the_list_need_it() -> None:
    catalogue = listed_catalogue()
    assert [catalogue.needs_list(name) for name in ("gpt-4-s", "gpt-9", "gpt-4o-mini")] == [True] * 3
    assert not catalogue.needs_list("helper")
    for name in ("x" * 1000, "没有", " gpt-4-s", ""):
        assert not catalogue.needs_list(name), "nothing of that name can be listed"
    named = listed_catalogue(pass_through=False)
    assert [named.needs_list(name) for name in ("gpt-4-s", "gpt-9", "gpt-4o-mini")] == [True, False, True]
    settled = listed_catalogue(pass_through=False, slugs={})
    assert not any(settled.needs_list(name) for name in ("gpt-4-s", "gpt-9", "gpt-4o-mini", "helper"))


def test_listed_models_are_offered_beside_the_named_ones_and_never_twice() -> None:
    catalogue = listed_catalogue()
    today = listing("gpt-6", "gpt-4-mobile", "gpt-4-gizmo", "helper", "gpt-4")
    assert [model.name for model in catalogue.passed_through(today)] == ["gpt-6", "gpt-4"]
    assert listed_catalogue(pass_through=False).passed_through(today) == []


def test_slugs_are_told_for_every_model() -> None:
    slugs = listed_catalogue().slugs()
    assert slugs["gpt-4-s"][0] == "gpt-4"
    assert slugs["helper"] == ("gpt-4-gizmo",)


@pytest.mark.parametrize("text", ["", "a b", "a\r\nSet-Cookie: x", "é", "-a", "x" * 65])
def test_what_could_not_stand_in_a_header_is_no_slug(text: str) -> None:
    assert not is_slug(text)
    assert is_slug("gpt-5.6_mini-2")


@pytest.mark.parametrize(
    ("answered", "asked", "stands_in"),
    [
        ("gpt-5-6-mini", "gpt-5-6", True),
        ("gpt-4o-mini", "gpt-4", True),
        ("gpt-5-6", "gpt-5-6", False),
        ("gpt-5-6-thinking", "gpt-5-6", False),
        ("gpt-5-6-instant", "gpt-5-6", False),
        ("gpt-5-6-instant", "gpt-5-6-thinking", True),
        ("gpt-5-6-mini", "auto", False),
        ("i-mini-m", "gpt-5-6", False),
        ("research", "gpt-5-6", False),
        ("", "gpt-4", False),
    ],
)
def test_substitute_is_another_model_than_the_one_asked(answered: str, asked: str, stands_in: bool) -> None:
    assert is_substitute(answered, asked) is stands_in


def test_names_that_mean_a_model_or_an_alias_are_taken() -> None:
    taken = names_taken({"gpt-4o": "gpt-4-s"})
    assert {"gpt-4o", *(model.name for model in BUILT_IN), ANY_GPT.name} == taken
