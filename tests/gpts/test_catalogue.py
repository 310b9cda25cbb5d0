"""GPTs among the models: by name, by alias, by id."""

import pytest

from translate.values.errors import NotFound
from translate.values.gpts import Gpt
from translate.values.models import BUILT_IN, Catalogue

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
