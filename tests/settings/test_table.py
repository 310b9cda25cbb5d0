"""The table of settings: defaults that run, and what they are derived from."""

import pytest

from accounts import KeyKind
from settings import Settings
from settings.spec import specs_of
from tests.settings.secret_values import SECRETS
from translate.values import BUILT_IN, DEFAULT_UNITS, Catalogue

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
