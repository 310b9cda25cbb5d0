"""The table of settings: defaults that run, and what they are derived from."""

import pytest

from accounts import KeyKind
from settings import Settings
from settings.spec import specs_of
from settings.table import ALIASES
from tests.settings.secret_values import SECRETS
from translate.values import BUILT_IN, DEFAULT_UNITS, Catalogue, NotFound

SPECS = specs_of(Settings)


def test_without_any_setting_the_defaults_stand() -> None:
    settings = Settings.from_env({})
    assert (settings.host, settings.port) == ("127.0.0.1", 33333)
    assert settings.base_url == settings.proxy_api_prefix == settings.api_prefix == ""
    assert settings.cors_origin == "*"
    assert settings.error_note is True
    assert settings.stream_headers_after == 10.0
    assert settings.max_body_bytes == 32 * 1024 * 1024
    assert settings.model_aliases["gpt-4o-mini"] == "gpt-3.5-turbo"


def test_every_default_is_itself_a_valid_value() -> None:
    defaults = {spec.name: spec.default for spec in SPECS.values()}
    assert Settings.from_env(defaults) == Settings.from_env({})


def test_units_are_those_of_the_models() -> None:
    assert Settings.from_env({}).model_units == DEFAULT_UNITS


def test_aliases_lead_to_models_that_every_service_has() -> None:
    Catalogue(BUILT_IN, Settings.from_env({}).model_aliases)


def test_aliases_are_the_operators_own_once_they_are_set() -> None:
    assert Settings.from_env({}).own_aliases == {}
    assert Settings.from_env({"MODEL_ALIASES": "mini=gpt-4-s"}).own_aliases == {"mini": "gpt-4-s"}


@pytest.mark.parametrize(
    ("name", "model"),
    [
        ("gpt-4", "gpt-4-s"),
        ("gpt-4-0613", "gpt-4-s"),
        ("gpt-4-turbo", "gpt-4-s"),
        ("gpt-4-turbo-preview", "gpt-4-s"),
        ("gpt-4-turbo-2024-04-09", "gpt-4-s"),
        ("gpt-4-1106-preview", "gpt-4-s"),
        ("gpt-4-1106-vision-preview", "gpt-4-s"),
        ("gpt-4-0125-preview", "gpt-4-s"),
        ("gpt-4-vision-preview", "gpt-4-s"),
        ("gpt-4o", "gpt-4-s"),
        ("gpt-4o-2024-11-20", "gpt-4-s"),
        ("chatgpt-4o-latest", "gpt-4-s"),
        ("gpt-4o-mini-2024-07-18", "gpt-3.5-turbo"),
        ("gpt-3.5-turbo-0125", "gpt-3.5-turbo"),
        ("gpt-3.5-turbo-instruct", "gpt-3.5-turbo"),
    ],
)
def test_names_that_people_type_mean_a_model(name: str, model: str) -> None:
    assert Catalogue(BUILT_IN, {}, default_aliases=ALIASES).resolve(name).name == model


@pytest.mark.parametrize(
    "name", ["gpt-4-gizmo-g-AbC123xyZ", "gpt-4-gizmo", "gpt-4o-audio-preview", "gpt-4-32k"]
)
def test_names_of_what_is_not_here_mean_no_model(name: str) -> None:
    with pytest.raises(NotFound):
        Catalogue(BUILT_IN, {}, default_aliases=ALIASES).resolve(name)


def test_every_kind_of_key_has_a_default_concurrency() -> None:
    assert Settings.from_env({}).key_concurrency.keys() == set(KeyKind)


def test_secrets_are_those_that_open_something() -> None:
    assert {spec.name for spec in SPECS.values() if spec.secret} == set(SECRETS)


def test_names_of_settings_are_those_of_their_attributes_and_no_old_name_is_in_use() -> None:
    assert [spec.name for spec in SPECS.values()] == [attribute.upper() for attribute in SPECS]
    assert not {spec.name for spec in SPECS.values()} & {spec.old_name for spec in SPECS.values()}


@pytest.mark.parametrize("attribute", SPECS)
def test_sentence_is_a_sentence_of_one_line(attribute: str) -> None:
    sentence = SPECS[attribute].sentence
    assert sentence[0].isupper() or sentence[0] == "`"
    assert sentence.endswith(".")
    assert "\n" not in sentence
    assert "  " not in sentence
