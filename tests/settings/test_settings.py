"""Settings as a whole: read once, masked in the log, listed in the help."""

from dataclasses import FrozenInstanceError

import pytest
from hypothesis import given
from hypothesis import strategies as st

from settings import Settings, SettingsError
from settings.spec import specs_of
from tests.settings.secret_values import SECRETS

SPECS = specs_of(Settings)
NAMES = [spec.name for spec in SPECS.values()]
VARIABLES = [*NAMES, *(spec.old_name for spec in SPECS.values() if spec.old_name)]


def test_settings_cannot_change_once_read() -> None:
    settings = Settings.from_env({})
    with pytest.raises(FrozenInstanceError):
        settings.port = 1  # type: ignore[misc]
    with pytest.raises(TypeError):
        settings.model_units["gpt-4-s"] = 0  # type: ignore[index]


def test_summary_shows_every_setting_and_masks_the_secrets() -> None:
    env = SECRETS | {"PORT": "8080"}
    summary = Settings.from_env(env).summary()
    assert list(summary) == NAMES
    assert {name for name, value in summary.items() if value == "***"} == set(SECRETS)
    assert summary["PORT"] == 8080
    assert summary["KEY_CONCURRENCY"] == "fk=1,pk=4,token=1"
    assert "abcd1234" not in repr(summary)
    assert all(value == "" for name, value in Settings.from_env({}).summary().items() if name in SECRETS)


def test_changed_settings_are_those_that_differ_from_their_defaults() -> None:
    assert Settings.from_env({}).changed() == {}
    as_by_default = {"PORT": "33333", "KEY_CONCURRENCY": "fk=1,pk=4,token=1", "DRAIN_TIMEOUT": "25.0"}
    assert Settings.from_env(as_by_default).changed() == {}
    env = {"PORT": "8080", "PROXY_API_PREFIX": "abcd1234", "MODEL_ALIASES": "small=gpt-3.5-turbo"}
    changed = Settings.from_env(env).changed()
    assert changed == {
        "PROXY_API_PREFIX": "***",
        "MODEL_ALIASES": "small=gpt-3.5-turbo",
        "PORT": 8080,
    }


def test_secrets_are_not_in_what_python_shows_of_settings() -> None:
    assert "abcd1234" not in repr(Settings.from_env(SECRETS))


def test_help_lists_every_setting_with_its_sentence_and_default() -> None:
    text = Settings.help()
    for spec in SPECS.values():
        assert f"  {spec.name}" in text
        assert spec.sentence in text
    assert "Default: 33333." in text
    assert "PROXY_API_PREFIX_FILE" in text
    assert "PORT_FILE" not in text


@given(
    st.dictionaries(
        st.sampled_from(VARIABLES),
        st.text(st.characters(exclude_characters="\x00", codec="utf-8"), max_size=20),
    )
)
def test_any_values_are_read_or_refused_in_one_line(env: dict[str, str]) -> None:
    try:
        Settings.from_env(env).summary()
    except SettingsError as error:
        message = str(error)
    else:
        return
    assert message.splitlines() == [message]
    assert any(name in message for name in env)
