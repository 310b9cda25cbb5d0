"""Models as Anthropic lists them."""

from translate.anthropic import model_list, model_object
from translate.values import ListedModel

TIME = "2024-01-01T00:00:00Z"


def test_model_has_what_the_backend_lists_of_it() -> None:
    assert model_object("gpt-4-s", TIME, ListedModel("gpt-5", "GPT-5", 128000)) == {
        "type": "model",
        "id": "gpt-4-s",
        "display_name": "GPT-5",
        "created_at": TIME,
        "lifecycle": "active",
        "max_input_tokens": 128000,
    }


def test_model_of_which_nothing_is_listed_is_shown_by_its_name() -> None:
    for listed in (None, ListedModel("gpt-5")):
        model = model_object("gpt-4-s", TIME, listed)
        assert (model["display_name"], model["max_input_tokens"]) == ("gpt-4-s", None)


def test_list_is_one_page() -> None:
    models = [model_object(name, TIME, None) for name in ("a", "b", "c")]
    assert model_list(models) == {"data": models, "has_more": False, "first_id": "a", "last_id": "c"}
    assert model_list([]) == {"data": [], "has_more": False, "first_id": None, "last_id": None}
