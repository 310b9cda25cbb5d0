"""`docs/clients-setup.md` claims no more than was run, and what is to be pasted can be read."""

import json
import re

import pytest
import yaml

from settings import Settings
from tests.deploy.compose import load
from tests.frontends.nextchat import NextChat
from tests.frontends.open_webui import OpenWebUI
from tests.source_tree import ROOT
from translate.values import BUILT_IN, Catalogue

DOCUMENT = (ROOT / "docs" / "clients-setup.md").read_text("utf-8")
IN_CHINESE = (ROOT / "docs" / "clients-setup.zh-CN.md").read_text("utf-8")
RUNS = (ROOT / "docs" / "clients.md").read_text("utf-8").partition("\n## What was run\n")[2]
ROWS = re.findall(
    r"^\| \[([^\]]+)\]\(([^)]+)\) \| `([^`]+)` \| ([^|]+) \| ([^|]+) \|$", DOCUMENT, re.MULTILINE
)
PASSED = set(re.findall(r"^\| ([^|]+) \|.*\| (?:yes|passed) \|", RUNS, re.MULTILINE))
FRONT_ENDS = (NextChat.name, OpenWebUI.name)
"""What `tests/frontends` drives in a browser."""
BLOCKS = dict(
    re.findall(r"^## ([^\n]+)\n(?:(?!^## ).)*?^```\w+\n(.*?)^```", DOCUMENT, re.DOTALL | re.MULTILINE)
)


def test_every_client_is_told_one_of_the_two_base_addresses() -> None:
    assert len(ROWS) == DOCUMENT.count("\n| [") > 12
    assert {address for _, _, address, _, _ in ROWS} == {
        "http://127.0.0.1:33333",
        "http://127.0.0.1:33333/v1",
    }


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_what_is_said_to_be_tested_was_tested(row: tuple[str, ...]) -> None:
    name, _, _, _, tested = row
    ran = any(client.startswith(name.removesuffix("s")) for client in PASSED)
    assert tested == ("run" if ran or name in FRONT_ENDS else "not run")


def test_for_each_client_that_was_not_run_it_says_where_its_settings_were_read() -> None:
    chapter = DOCUMENT.partition("\n## What was read and not run\n")[2]
    read = re.findall(r"^\| ([^|]+) \|", chapter, re.MULTILINE)[2:]
    assert read == [name for name, *_, tested in ROWS if tested == "not run"]


@pytest.mark.parametrize("name", FRONT_ENDS)
def test_variables_of_chats_are_those_of_the_compose_files(name: str) -> None:
    service = re.sub(r"\W+", "-", name.lower())
    known = load("compose.yaml")["services"][service]["environment"]
    told = dict(re.findall(r"^([A-Z_]+)='?(.*?)'?$", BLOCKS[name], re.MULTILINE))
    assert len(told) > 4
    assert told.keys() - known.keys() == set()
    own = {"OPENAI_API_KEY", "CODE", "BASE_URL", "OPENAI_API_BASE_URL"}
    assert {key: known[key] for key in told.keys() - own} == {key: told[key] for key in told.keys() - own}


def test_chinese_version_says_the_same_of_what_was_tested() -> None:
    words = {"run": "已运行", "not run": "未运行"}
    assert re.findall(r"\| `http[^|]+\|[^|]+\| (\S+) \|$", IN_CHINESE, re.MULTILINE) == [
        words[row[4]] for row in ROWS
    ]


def test_files_can_be_read() -> None:
    (endpoint,) = yaml.safe_load(BLOCKS["LibreChat"])["endpoints"]["custom"]
    assert endpoint["baseURL"].endswith(":33333/v1")
    assert json.loads(BLOCKS["chatgpt-on-wechat"])["open_ai_api_base"].endswith(":33333/v1")


def test_models_that_are_named_mean_something() -> None:
    settings = Settings.from_env({"MODEL_ALIASES": "gpt-4-s-bot=gpt-4-s:plain,gpt-4o-mini=gpt-3.5-turbo"})
    catalogue = Catalogue(BUILT_IN, settings.model_aliases)
    for name in set(re.findall(r"\bgpt-[\w.-]*\w", DOCUMENT)):
        assert catalogue.resolve(name).name in ("gpt-4-s", "gpt-4-mobile", "gpt-3.5-turbo")
