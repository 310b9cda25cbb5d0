"""Settings: defaults that run, and one line that says what to change for everything malformed."""

import os
from dataclasses import FrozenInstanceError, fields
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from settings import Settings, SettingsError

NAMES = [item.metadata["name"] for item in fields(Settings)]
SECRETS = {
    "PROXY_API_PREFIX": "abcd1234",
    "KEY_FOR_GPTS_INFO": "abcd1234",
    "API_PREFIX": "abcd1234",
    "ADMIN_TOKEN": "abcd1234",
    "REDIS_URL": "redis://:abcd1234@127.0.0.1",
    "KEY_ALIASES": "alice=fk-abcd1234",
    "LICENCE_USAGE_URL": "https://licence.example/abcd1234/usage",
}
"""Each with a good value that holds something to hide."""


def refusal(**env: str) -> str:
    with pytest.raises(SettingsError) as caught:
        Settings.from_env(env)
    message = str(caught.value)
    assert message.splitlines() == [message], "one line"
    return message


def test_without_any_setting_the_defaults_stand() -> None:
    settings = Settings.from_env({})
    assert (settings.host, settings.port) == ("127.0.0.1", 33333)
    assert settings.base_url == settings.proxy_api_prefix == settings.api_prefix == ""
    assert settings.cors_origin == "*"
    assert settings.error_note is True
    assert settings.stream_headers_after == 10.0
    assert settings.max_body_bytes == 32 * 1024 * 1024
    assert dict(settings.model_aliases)["gpt-4o-mini"] == "gpt-3.5-turbo"


def test_every_default_is_itself_a_valid_value() -> None:
    defaults = {item.metadata["name"]: item.metadata["default"] for item in fields(Settings)}
    assert Settings.from_env(defaults) == Settings.from_env({})


def test_foreign_variables_are_left_alone() -> None:
    assert Settings.from_env({"PATH": "/bin", "TZ": "UTC", "PORTS": "x"}) == Settings.from_env({})


def test_settings_cannot_change_once_read() -> None:
    with pytest.raises(FrozenInstanceError):
        Settings.from_env({}).port = 1  # type: ignore[misc]


GOOD: dict[str, dict[str, object]] = {
    "BASE_URL": {
        "http://127.0.0.1:8181": "http://127.0.0.1:8181",
        "https://proxy.example.com/": "https://proxy.example.com",
        "http://[::1]:8181/deep/": "http://[::1]:8181/deep",
    },
    "PROXY_API_PREFIX": {"abcd1234": "abcd1234", "/abcd1234/": "abcd1234", "a/b-c.d_e~f": "a/b-c.d_e~f"},
    "PORT": {"0": 0, "65535": 65535, " 8080 ": 8080},
    "CONNECT_TIMEOUT": {"5": 5.0, "0.5": 0.5},
    "TOTAL_TIMEOUT": {"0": 0.0, "600": 600.0},
    "ERROR_NOTE": {"true": True, "ON": True, "1": True, "Yes": True, "off": False, "0": False, "No": False},
    "LOG_LEVEL": {"DEBUG": "debug", "warning": "warning"},
    "CORS_ORIGIN": {"*": "*", "https://chat.example.com": "https://chat.example.com"},
    "MODEL_ALIASES": {
        "a=gpt-4-s": (("a", "gpt-4-s"),),
        " a = gpt-4-s , b*=gpt-4-s:plain ,": (("a", "gpt-4-s"), ("b*", "gpt-4-s:plain")),
        ",": (),
    },
    "MODEL_UNITS": {"gpt-4-s=14": (("gpt-4-s", 14),), " a = 0 ,a=b=3": (("a", 0), ("a=b", 3))},
    "REDIS_URL": {"redis://redis:6379/0": "redis://redis:6379/0", "rediss://:pw@[::1]": "rediss://:pw@[::1]"},
    "KEY_ALIASES": {"alice=fk-1, bob=x=y": (("alice", "fk-1"), ("bob", "x=y")), "": ()},
    "KEY_CONCURRENCY": {
        "0": (("fk", 0), ("pk", 0), ("token", 0)),
        "pk=8": (("fk", 1), ("pk", 8), ("token", 1)),
        " token=2 , fk = 3 ": (("fk", 3), ("pk", 4), ("token", 2)),
    },
}


@pytest.mark.parametrize(
    ("name", "given", "meant"), [(n, g, m) for n, cases in GOOD.items() for g, m in cases.items()]
)
def test_value_is_read_as_meant(name: str, given: str, meant: object) -> None:
    settings = Settings.from_env({name: given})
    field = next(item.name for item in fields(Settings) if item.metadata["name"] == name)
    assert getattr(settings, field) == meant


def test_empty_value_means_unset() -> None:
    assert Settings.from_env(dict.fromkeys(NAMES, "  ")) == Settings.from_env({})


NUMBER = ["ten", "-1", "1e3", "0x10", "１２", "inf", "nan", "1 2", "99999999999999"]
SWITCH = ["2", "maybe", "tru"]
ADDRESS = ["127.0.0.1:8181", "ftp://x", "http://", "http://x:port", "http://x:99999", "http://[::1", "//x",
           "http://user:pass@x", "http://x?a=b", "http://x/#f", "localhost"]  # fmt: skip
PREFIX = ["a b", "a//b", "ä", "a?b", "<a>"]
BAD: dict[str, list[str]] = {
    "BASE_URL": ADDRESS,
    "UPLOAD_BASE_URL": ADDRESS,
    "PROXY_API_PREFIX": PREFIX,
    "API_PREFIX": PREFIX,
    "KEY_FOR_GPTS_INFO": ["two keys", "schlüssel", "a\nb"],
    "ALLOW_ANY_GPT": SWITCH,
    "PORT": [*NUMBER, "65536", "80.5"],
    "LOG_LEVEL": ["verbose", "debug,info"],
    "LOG_FORMAT": ["xml"],
    "CORS_ORIGIN": ["chat.example.com", "https://a, https://b", "https://a/path", "https://*.a"],
    "MODEL_ALIASES": ["gpt-4", "=gpt-4-s", "a=", "a=b,c"],
    "MODEL_UNITS": ["gpt-4-s", "gpt-4-s=", "=4", "gpt-4-s=-1", "gpt-4-s=1.5", "gpt-4-s=9999999"],
    "QUOTA_PER_DAY": NUMBER,
    "QUOTA_PER_KEY_PER_DAY": NUMBER,
    "QUOTA_RESET_HOUR": [*NUMBER, "24"],
    "GPT4_LIMIT": NUMBER,
    "GPT4_WINDOW": [*NUMBER, "0"],
    "LEDGER_RETENTION_DAYS": [*NUMBER, "7"],
    "REDIS_URL": ["http://redis", "redis://", "redis://x/not-a-number", "redis://x:0", "sqlite:///x"],
    "KEY_ALIASES": ["alice", "alice=", "=fk-1", "a b=fk-1", "k-0123=fk-1", "alice=fk 1"],
    "ADMIN_TOKEN": ["two words", "schlüssel"],
    "LICENCE_USAGE_URL": ADDRESS,
    "STYLE": ["markdown"],
    "IMAGE_LINKS": ["none"],
    "REASONING": SWITCH,
    "STREAM_ANNOTATIONS": SWITCH,
    "HISTORY": ["delete"],
    "CONTINUE_LIMIT": [*NUMBER, "21"],
    "GPT_ACTIONS": ["never"],
    "FETCH_URLS": SWITCH,
    "MAX_IMAGE_PIXELS": [*NUMBER, "0", "50M"],
    "MEDIA_MAX_FILE_BYTES": [*NUMBER, "1023", "50M"],
    "MEDIA_MAX_TOTAL_BYTES": [*NUMBER, "1023", "2G"],
    "MEDIA_MAX_AGE": [*NUMBER, "7d"],
    "CONNECT_TIMEOUT": [*NUMBER, "0", "301"],
    "FIRST_BYTE_TIMEOUT": [*NUMBER, "0"],
    "IDLE_TIMEOUT": [*NUMBER, "0"],
    "TOTAL_TIMEOUT": NUMBER,
    "WRITE_TIMEOUT": [*NUMBER, "0"],
    "STREAM_HEADERS_AFTER": [*NUMBER, "0", "61"],
    "KEEPALIVE_INTERVAL": [*NUMBER, "0", "61"],
    "DRAIN_TIMEOUT": NUMBER,
    "MAX_BODY_BYTES": [*NUMBER, "1023", "32M"],
    "MAX_CONCURRENT": [*NUMBER, "0"],
    "KEY_CONCURRENCY": ["one", "-1", "fk", "fk=", "fk=x", "sk=1", "fk=1;pk=2", "fk=1,,pk=2", "fk=１"],
    "QUEUE_LENGTH": [*NUMBER, "100001"],
    "QUEUE_WAIT": [*NUMBER, "0", "3601"],
    "UPSTREAM_RETRIES": [*NUMBER, "11"],
    "ERROR_NOTE": SWITCH,
}
FREE_TEXT = {"GPTS_FILE", "HOST", "LOG_FILE", "STATE_DIR"}


@pytest.mark.parametrize(
    ("name", "value"), [(name, value) for name, values in BAD.items() for value in values]
)
def test_malformed_value_is_one_line_that_names_the_variable_and_what_to_write(name: str, value: str) -> None:
    message = refusal(**{name: value})
    assert message.startswith(f"{name} ")
    assert "it must be" in message
    assert message.endswith(".")


def test_table_of_malformed_values_knows_every_setting() -> None:
    assert set(BAD) | FREE_TEXT == set(NAMES)


def test_malformed_value_is_shown_unless_it_may_hold_a_secret() -> None:
    assert "'ten'" in refusal(PORT="ten")
    for name in ("PROXY_API_PREFIX", "API_PREFIX", "KEY_FOR_GPTS_INFO"):
        assert "my secret" not in refusal(**{name: "my secret"})
    for name in ("BASE_URL", "UPLOAD_BASE_URL"):
        assert "secret" not in refusal(**{name: "http://user:secret@host"})
        assert "secret" not in refusal(**{name: "http://host/?token=secret"})
    assert len(refusal(LOG_LEVEL="x" * 10_000)) < 300


CONTRADICTIONS: dict[str, dict[str, str]] = {
    "commit after the first byte's limit": {"STREAM_HEADERS_AFTER": "30", "FIRST_BYTE_TIMEOUT": "20"},
    "whole answer shorter than its first byte": {"TOTAL_TIMEOUT": "60", "FIRST_BYTE_TIMEOUT": "90"},
    "less room than one file may take": {"MEDIA_MAX_FILE_BYTES": "2048", "MEDIA_MAX_TOTAL_BYTES": "2047"},
    "address of the API in place of the root": {"BASE_URL": "http://x/backend-api"},
    "address of the v1 in place of the root": {"BASE_URL": "http://x/v1/"},
}


@pytest.mark.parametrize("env", CONTRADICTIONS.values(), ids=CONTRADICTIONS)
def test_contradiction_names_what_to_change(env: dict[str, str]) -> None:
    message = refusal(**env)
    assert all(name in message for name in env)


def test_settings_at_the_edge_of_a_contradiction_are_fine() -> None:
    Settings.from_env({"STREAM_HEADERS_AFTER": "20", "FIRST_BYTE_TIMEOUT": "20", "TOTAL_TIMEOUT": "20"})


@pytest.fixture
def secret_file(tmp_path: Path) -> Path:
    path = tmp_path / "secret"
    path.write_text("abcd1234\n", encoding="utf-8")
    return path


@pytest.mark.parametrize("name", sorted(SECRETS))
def test_secret_can_stand_in_a_file(name: str, secret_file: Path) -> None:
    secret_file.write_text(SECRETS[name] + "\n", encoding="utf-8")
    settings = Settings.from_env({f"{name}_FILE": str(secret_file)})
    assert settings == Settings.from_env({name: SECRETS[name]})


@pytest.mark.parametrize("name", [name for name in NAMES if name not in SECRETS])
def test_what_is_no_secret_cannot_stand_in_a_file(name: str, secret_file: Path) -> None:
    assert f"{name}_FILE" in refusal(**{f"{name}_FILE": str(secret_file)})


def test_secret_in_two_places_is_refused(secret_file: Path) -> None:
    message = refusal(API_PREFIX="x1234567", API_PREFIX_FILE=str(secret_file))
    assert "API_PREFIX and API_PREFIX_FILE" in message
    assert "x1234567" not in message


def test_file_of_a_secret_that_cannot_be_read_is_named_with_the_reason(tmp_path: Path) -> None:
    missing, folder, binary, empty = (tmp_path / name for name in ("missing", "folder", "binary", "empty"))
    folder.mkdir()
    binary.write_bytes(b"\xff\xfe")
    empty.write_text(" \n", encoding="utf-8")
    for path, reason in (
        (missing, os.strerror(2)),
        (folder, "directory"),
        (binary, "no text"),
        (empty, "empty"),
    ):
        message = refusal(API_PREFIX_FILE=str(path))
        assert message.startswith("API_PREFIX_FILE")
        assert str(path) in message
        assert reason in message


def test_malformed_secret_in_a_file_is_not_repeated(tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.write_text("my secret key", encoding="utf-8")
    assert "my secret" not in refusal(KEY_FOR_GPTS_INFO_FILE=str(path))


def test_summary_shows_every_setting_and_masks_the_secrets() -> None:
    env = SECRETS | {"PORT": "8080"}
    summary = Settings.from_env(env).summary()
    assert list(summary) == NAMES
    assert {name for name, value in summary.items() if value == "***"} == set(SECRETS)
    assert summary["PORT"] == 8080
    assert "abcd1234" not in repr(summary)
    assert all(value == "" for name, value in Settings.from_env({}).summary().items() if name in SECRETS)


def test_secrets_are_those_that_open_something() -> None:
    assert {item.metadata["name"] for item in fields(Settings) if item.metadata["secret"]} == set(SECRETS)


def test_help_lists_every_setting_with_its_sentence_and_default() -> None:
    text = Settings.help()
    for item in fields(Settings):
        assert f"  {item.metadata['name']}" in text
        assert item.metadata["sentence"].endswith(".")
        assert item.metadata["sentence"] in text
    assert "Default: 33333." in text
    assert "PROXY_API_PREFIX_FILE" in text
    assert "PORT_FILE" not in text


@given(
    st.dictionaries(
        st.sampled_from(NAMES), st.text(st.characters(exclude_characters="\x00", codec="utf-8"), max_size=20)
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
