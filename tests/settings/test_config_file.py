"""Settings in a TOML file: what counts, what its values stand for, and what is refused in one line."""

from pathlib import Path

import pytest

from settings import Settings
from settings.spec import specs_of
from tests.docs.pages import SETTINGS as DOCUMENT
from tests.settings.refusal import refusal
from tests.settings.secret_values import SECRETS

SPECS = specs_of(Settings).values()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "settings.toml"
    path.touch()
    return path


def read(file: Path, text: str, **env: str) -> Settings:
    file.write_text(text, encoding="utf-8")
    return Settings.from_env({"CONFIG_FILE": str(file)} | env)


def refused(file: Path, text: str, **env: str) -> str:
    """What is said of the file, without its path."""
    file.write_text(text, encoding="utf-8")
    message = refusal(CONFIG_FILE=str(file), **env)
    start = f"CONFIG_FILE {str(file)!r}: "
    assert message.startswith(start)
    return message.removeprefix(start)


@pytest.mark.parametrize(
    ("line", "variable"),
    [
        ('BASE_URL = "http://127.0.0.1:8181/"', ("BASE_URL", "http://127.0.0.1:8181")),
        ("PORT = 8_080", ("PORT", "8080")),
        ("CONNECT_TIMEOUT = 0.5", ("CONNECT_TIMEOUT", "0.5")),
        ("ERROR_NOTE = false", ("ERROR_NOTE", "false")),
        ("PASSTHROUGH = true", ("PASSTHROUGH", "true")),
        ('SYSTEM_HINTS = ["search", "canvas"]', ("SYSTEM_HINTS", "search,canvas")),
        ("SYSTEM_HINTS = []", ("SYSTEM_HINTS", "")),
        ('TRUSTED_PROXIES = ["127.0.0.1", "::1"]', ("TRUSTED_PROXIES", "127.0.0.1,::1")),
        ('[MODEL_ALIASES]\n"a" = "gpt-4-s"\n"b*" = "gpt-4-s"', ("MODEL_ALIASES", "a=gpt-4-s,b*=gpt-4-s")),
        ('[MODEL_UNITS]\n"gpt-4-s" = 14', ("MODEL_UNITS", "gpt-4-s=14")),
        ("KEY_CONCURRENCY = 3", ("KEY_CONCURRENCY", "3")),
        ("KEY_CONCURRENCY = { fk = 2, pk = 5 }", ("KEY_CONCURRENCY", "fk=2,pk=5")),
        ('[MODEL_SLUGS]\n"gpt-4-s" = ["gpt-6", "auto"]', ("MODEL_SLUGS", "gpt-4-s=gpt-6|auto")),
        ('MODEL_UNITS = "gpt-4-s=14"', ("MODEL_UNITS", "gpt-4-s=14")),
    ],
)  # fmt: skip
def test_value_stands_for_what_the_environment_would_have(
    file: Path, line: str, variable: tuple[str, str]
) -> None:
    name, text = variable
    assert read(file, line) == Settings.from_env({"CONFIG_FILE": str(file), name: text})


def test_environment_wins_and_an_empty_variable_is_none(file: Path) -> None:
    settings = read(file, 'PORT = 1\nHOST = "::1"\nMODEL_UNITS = "gpt-4-s=14"', PORT="2", HOST=" ")
    assert (settings.port, settings.host) == (2, "::1")
    assert settings.model_units == {"gpt-4-s": 14}


def test_what_the_environment_gives_may_be_anything_in_the_file(file: Path) -> None:
    assert read(file, 'PORT = "none"', PORT="2").port == 2


@pytest.mark.parametrize("name", sorted(SECRETS))
def test_secret_can_stand_in_it_or_in_a_file_that_it_names(name: str, file: Path, tmp_path: Path) -> None:
    kept = tmp_path / "secret"
    kept.write_text(SECRETS[name], encoding="utf-8")
    there = Settings.from_env({"CONFIG_FILE": str(file), name: SECRETS[name]})
    assert read(file, f"{name} = '''{SECRETS[name]}'''") == there
    assert read(file, f"{name}_FILE = '''{kept}'''") == there
    assert read(file, f'{name}_FILE = "/nowhere"', **{name: SECRETS[name]}) == there
    assert read(file, f"{name} = 'another'", **{f"{name}_FILE": str(kept)}) == there


@pytest.mark.parametrize(
    ("name", "meant"),
    [("PROT", "PORT"), ("port", "PORT"), ("MODEL_ALIAS", "MODEL_ALIASES"), ("Base_Url", "BASE_URL"),
     ("PROXY_API_PREFIXFILE", "PROXY_API_PREFIX_FILE"), ("UPSTREAM_RETRY", "UPSTREAM_RETRIES")],
)  # fmt: skip
def test_name_that_is_none_is_refused_with_the_one_that_is_most_like_it(
    file: Path, name: str, meant: str
) -> None:
    assert refused(file, f'{name} = "1"') == f"{name!r} is no setting: is {meant} meant?"


@pytest.mark.parametrize("name", ["wholly-other", "CONFIG_FILE", "CONFIG_FILE_FILE"])
def test_name_that_is_like_none_is_refused(file: Path, name: str) -> None:
    assert refused(file, f'{name} = "1"').startswith(f"{name!r} is no setting")


def test_name_is_refused_in_one_short_line_whatever_it_is(file: Path) -> None:
    assert len(refused(file, f'"a\\n{"b" * 10_000}" = 1')) < 200


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("PORT = 99999", "PORT is '99999': it must be a whole number from 0 to 65535."),
        ("PORT = 1.5", "PORT is '1.5': it must be a whole number from 0 to 65535."),
        ("PORT = 2026-11-27", "PORT must be a text, a number, true or false, or a list or table of these."),
        ("SYSTEM_HINTS = [[]]", "SYSTEM_HINTS must be a text, a number, true or false, or a list or table"),
        ('SYSTEM_HINTS = ["search,canvas"]', "SYSTEM_HINTS has an item with a comma: write all of it as one"),
        ('[KEY_ALIASES]\na = "canary,account"', "KEY_ALIASES has an item with a comma: "),
        ('UNITS = "gpt-4-s=14"', "UNITS has a new name: set MODEL_UNITS instead."),
        ('PORT_FILE = "/x"', "PORT_FILE is set, but only secrets are read from files: set PORT instead."),
        ("PROXY_API_PREFIX = 'canary prefix'", "PROXY_API_PREFIX is not valid: it must be a path of letters"),
        ("PORT 1", "it is not TOML: "),
        ("PORT = 1\nPORT = 2", "it is not TOML: "),
        ("PROXY_API_PREFIX = canary", "it is not TOML: "),
    ],
)  # fmt: skip
def test_value_that_cannot_be_used_is_one_line_that_names_file_and_setting(
    file: Path, text: str, told: str
) -> None:
    message = refused(file, text)
    assert message.startswith(told)
    assert "canary" not in message


def test_file_that_cannot_be_read_is_refused(file: Path) -> None:
    start = f"CONFIG_FILE {str(file)!r}: it "
    file.write_bytes(b"PORT = 1 # \xff")
    assert refusal(CONFIG_FILE=str(file)) == start + "is not UTF-8 text."
    file.unlink()
    assert refusal(CONFIG_FILE=str(file)) == start + "cannot be read (No such file or directory)."


def test_settings_of_file_and_environment_are_checked_together(file: Path) -> None:
    file.write_text("FIRST_BYTE_TIMEOUT = 30", encoding="utf-8")
    assert "FIRST_BYTE_TIMEOUT" in refusal(CONFIG_FILE=str(file), STREAM_HEADERS_AFTER="60")


def test_every_setting_can_stand_in_it(file: Path) -> None:
    lines = [f"{spec.name} = '''{spec.default}'''" for spec in SPECS if spec.name != "CONFIG_FILE"]
    assert read(file, "\n".join(lines)) == Settings.from_env({"CONFIG_FILE": str(file)})


def test_example_of_the_document_is_read(file: Path, tmp_path: Path) -> None:
    (example,) = (block.partition("```")[0] for block in DOCUMENT.split("```toml\n")[1:])
    prefix = tmp_path / "prefix"
    prefix.write_text("abcd1234", encoding="utf-8")
    settings = read(file, example, PROXY_API_PREFIX_FILE=str(prefix))
    assert (settings.base_url, settings.port) == ("http://127.0.0.1:8181", 8080)
    assert settings.system_hints == ("search", "canvas")
    assert settings.model_aliases["claude-*"] == "gpt-4-s"
