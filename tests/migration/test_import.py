"""A configuration of PandoraToV1Api becomes settings that this service accepts."""

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from migration import Imported, NotAConfig, environment_text, import_config
from settings import ALIASES, Settings

WHOLE: dict[str, object] = {
    "log_level": "DEBUG",
    "need_log_to_file": "true",
    "process_workers": 2,
    "process_threads": 2,
    "proxy": "socks5://someone:canary-word@proxy:1080",
    "upstream_base_url": "http://pandora-next:8181/",
    "upstream_api_prefix": "canary-prefix",
    "backend_container_url": "https://files.example.org",
    "backend_container_api_prefix": "canary-own-prefix",
    "key_for_gpts_info": "fk-canary-key",
    "gpt_4_s_new_name": "gpt-4-s, gpt-4-drawing",
    "gpt_4_mobile_new_name": "gpt-4-mobile,gpt-4-phone",
    "gpt_3_5_new_name": "gpt-3.5-turbo",
    "need_delete_conversation_after_response": "true",
    "use_oaiusercontent_url": "false",
    "use_pandora_file_server": "false",
    "custom_arkose_url": "false",
    "arkose_urls": "",
    "dalle_prompt_prefix": "请严格根据我的以下要求完成绘图任务",
    "bot_mode": {
        "enabled": "true",
        "enabled_markdown_image_output": "false",
        "enabled_plain_image_url_output": "true",
        "enabled_bing_reference_output": "false",
        "enabled_plugin_output": "false",
    },
    "redis": {"host": "redis", "port": 6379, "password": "canary-of-redis", "db": 0, "pool_size": 10},
}
"""All keys that its files had, with other values."""


def imported(config: Mapping[str, object], gpts: bytes | None = None) -> Imported:
    return import_config(json.dumps(config).encode(), gpts)


def settings_of(config: Mapping[str, object]) -> dict[str, str]:
    return imported(config).settings


def test_whole_configuration_becomes_settings_and_reasons() -> None:
    found = imported(WHOLE)
    assert found.problems == []
    names = "".join(f",{name}" for name in ("gpt-4-drawing=gpt-4-s", "gpt-4-phone=gpt-4-mobile"))
    aliases = found.settings.pop("MODEL_ALIASES")
    assert aliases.endswith(names)
    assert found.settings == {
        "BASE_URL": "http://pandora-next:8181/",
        "PROXY_API_PREFIX": "canary-prefix",
        "UPSTREAM_PROXY": "socks5://someone:canary-word@proxy:1080",
        "UPLOAD_BASE_URL": "https://files.example.org",
        "API_PREFIX": "canary-own-prefix",
        "KEY_FOR_GPTS_INFO": "fk-canary-key",
        "LOG_LEVEL": "debug",
        "HISTORY": "hide",
        "STYLE": "plain",
    }
    assert set(found.left_out) == {
        "need_log_to_file", "process_workers", "process_threads", "dalle_prompt_prefix",
        "bot_mode.enabled_plain_image_url_output", "redis.host", "redis.port", "redis.password", "redis.db",
        "redis.pool_size",
    }  # fmt: skip


def test_default_aliases_stay_beside_further_names() -> None:
    settings = Settings.from_env(settings_of({"gpt_3_5_new_name": "cheap"}))
    assert settings.model_aliases == {**ALIASES, "cheap": "gpt-3.5-turbo"}


def test_what_is_the_default_here_is_not_written() -> None:
    config = {
        "gpt_4_s_new_name": "gpt-4-s",
        "need_delete_conversation_after_response": "false",
        "use_oaiusercontent_url": "false",
        "bot_mode": {"enabled": "false"},
        "proxy": "",
        "key_for_gpts_info": None,
    }
    found = imported(config)
    assert (found.settings, found.left_out, found.problems) == ({}, {}, [])


@pytest.mark.parametrize("true", [True, "true", "True", " true "])
def test_true_is_a_text_or_not(true: object) -> None:
    assert settings_of({"use_oaiusercontent_url": true}) == {"IMAGE_LINKS": "upstream"}


def test_older_names_of_the_backend_are_understood_and_newer_ones_come_first() -> None:
    older: dict[str, object] = {"pandora_base_url": "http://old:1", "pandora_api_prefix": "old"}
    assert settings_of(older) == {"BASE_URL": "http://old:1", "PROXY_API_PREFIX": "old"}
    both = imported(older | {"upstream_base_url": "http://new:1"})
    assert both.settings["BASE_URL"] == "http://new:1"
    assert "upstream_base_url" in both.left_out["pandora_base_url"]


@pytest.mark.parametrize(
    ("config", "named"),
    [
        ({"upstream_base_url": "pandora-next:8181"}, "BASE_URL"),
        ({"upstream_base_url": "http://pandora-next:8181/backend-api"}, "/backend-api"),
        ({"upstream_api_prefix": "canary prefix"}, "PROXY_API_PREFIX"),
        ({"key_for_gpts_info": "Bearer canary"}, "KEY_FOR_GPTS_INFO"),
        ({"key_for_gpts_info": "canary'"}, "KEY_FOR_GPTS_INFO by hand"),
        ({"proxy": "ftp://canary@proxy"}, "UPSTREAM_PROXY"),
        ({"log_level": "CRITICAL"}, "LOG_LEVEL"),
        ({"need_delete_conversation_after_response": "perhaps"}, "true or false"),
        ({"gpt_4_s_new_name": "a=b"}, "a=b"),
        ({"gpt_4_s_new_name": "a\nHOST"}, "MODEL_ALIASES by hand"),
    ],
)
def test_value_that_the_service_would_refuse_is_left_out_and_named(
    config: Mapping[str, object], named: str
) -> None:
    found = imported(config)
    assert found.settings == {}
    (problem,) = found.problems
    assert problem.startswith(next(iter(config)))
    assert named in problem
    assert "canary" not in problem


def test_key_that_is_not_known_is_told_in_one_line_without_its_value() -> None:
    found = imported({"api_key\nHOST=0.0.0.0": "canary", "redis": "canary", "bot_mode": {"colour": "canary"}})
    assert len(found.left_out) == 3
    text = environment_text(found)
    assert "canary" not in text
    assert [line for line in text.splitlines() if line and not line.startswith("#")] == [
        "PROXY_API_PREFIX_FILE="
    ]


def test_old_port_is_offered_in_a_comment() -> None:
    assert "#PORT=50011" in environment_text(imported({})).splitlines()


def test_objects_inside_objects_are_no_settings_however_deep_they_are() -> None:
    found = import_config(b'{"a": ' * 500 + b"1" + b"}" * 500)
    assert (found.settings, list(found.left_out), found.problems) == ({}, ['"a.a"'], [])
    assert imported({"bot_mode": {"enabled": {"a": 1}}}).problems != []


@pytest.mark.parametrize("content", [b"", b"[]", b'"text"', b"{", b"\xff", b"{" + b" " * (1 << 20) + b"}"])
def test_what_is_no_configuration_is_refused(content: bytes) -> None:
    with pytest.raises(NotAConfig):
        import_config(content)


def test_list_of_gpts_is_looked_at_with_the_new_names() -> None:
    gpts = b'{"helper": {"id": "g-AbC123xyZ"}, "drawer": {"id": "g-AbC123xyW"}}'
    assert imported({}, gpts).gpts == 2
    assert "GPTs (2 of them)" in environment_text(imported({}, gpts))
    taken = imported({"gpt_4_s_new_name": "helper"}, gpts)
    assert taken.gpts is None
    assert '"helper" already means a model or an alias; give the GPT another' in taken.problems[0]
    assert imported({}, b"[]").problems != []


def test_address_of_pictures_is_taken_over_and_to_be_looked_at() -> None:
    found = imported({"backend_container_url": "http://192.0.2.7:50012", "log_level": "INFO"})
    assert list(found.remarks) == ["UPLOAD_BASE_URL"]
    about, _, address = environment_text(found).partition("UPLOAD_BASE_URL=")
    assert address.startswith("http://192.0.2.7:50012\n")
    assert about.endswith(f"# backend_container_url\n# Please look: {found.remarks['UPLOAD_BASE_URL']}.\n")


def read_by_a_shell(text: str, folder: Path) -> dict[str, str]:
    path = folder / "settings.env"
    path.write_text(text)
    done = subprocess.run(
        ["/bin/sh", "-c", f"set -a; . {path}; exec env -0"],
        env={},
        capture_output=True,
        text=True,
        check=True,
    )
    pairs = (item.partition("=") for item in done.stdout.split("\0") if item)
    return {name: value for name, _, value in pairs if name not in ("PWD", "SHLVL", "_", "OLDPWD")}


def test_text_means_the_same_to_a_shell(tmp_path: Path) -> None:
    config = WHOLE | {"key_for_gpts_info": 'fk-$HOME`id`"#\\&;|<>()*', "gpt_4_s_new_name": "绘图 模型,b"}
    found = imported(config)
    assert found.problems == []
    expected = found.settings | {"PROXY_API_PREFIX_FILE": ""}
    assert read_by_a_shell(environment_text(found), tmp_path) == expected
    assert Settings.from_env(expected).key_for_gpts_info == config["key_for_gpts_info"]


KEYS = [*WHOLE, "pandora_base_url", "pandora_api_prefix", "something_else"]
VALUES = st.none() | st.booleans() | st.integers() | st.text(max_size=20)
VALUES |= st.sampled_from(["true", "http://a", "a,b", "a'b", "$x", "info"])


@given(
    st.dictionaries(
        st.sampled_from(KEYS),
        VALUES | st.lists(VALUES, max_size=3) | st.dictionaries(st.text(max_size=5), VALUES, max_size=3),
    )
)
def test_whatever_is_written_there_the_service_accepts_what_comes_of_it(config: dict[str, object]) -> None:
    found = imported(config)
    Settings.from_env(found.settings)
    lines = [line for line in environment_text(found).split("\n") if line and not line.startswith("#")]
    assert {line.partition("=")[0] for line in lines} - {"PROXY_API_PREFIX_FILE"} == set(found.settings)
    assert len(lines) == len(found.settings) + 1
