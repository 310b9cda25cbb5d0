"""`deploy/.env.example` names all that can be set, and what it names is what there is."""

import re
from pathlib import Path

from settings import Settings
from settings.spec import specs_of
from tests.deploy.compose import variables
from tests.deploy.env_example import OF_THE_CONTAINER, OF_THE_STACK, PATH, text

WRITTEN = PATH.read_text(encoding="utf-8")
ENTRIES = dict(re.findall(r"^#([A-Z0-9_]+)=(.*)$", WRITTEN, re.MULTILINE))
SPECS = specs_of(Settings).values()


def test_file_is_that_of_the_table_of_settings() -> None:
    assert text() == WRITTEN, "run: python -m tests.deploy.env_example"


def test_every_setting_can_be_set_but_those_of_the_container() -> None:
    names = {f"{spec.name}_FILE" if spec.secret else spec.name for spec in SPECS}
    assert names - OF_THE_CONTAINER == ENTRIES.keys() - OF_THE_STACK.keys()


def test_every_variable_of_the_compose_files_is_explained() -> None:
    assert variables() <= ENTRIES.keys()
    of_compose = {"COMPOSE_PROFILES", "PIP_INDEX_URL"}
    assert set(OF_THE_STACK) - variables() == of_compose


def test_nothing_is_set_until_a_comment_is_taken_away() -> None:
    assert all(line.startswith("#") or not line for line in WRITTEN.splitlines())


def test_defaults_are_those_of_the_service(tmp_path: Path) -> None:
    given = {
        spec.name: ENTRIES[spec.name]
        for spec in SPECS
        if spec.name in ENTRIES and not ENTRIES[spec.name].startswith(("/config/", "http://"))
    }
    assert Settings.from_env(given) == Settings.from_env({})


def test_no_value_is_read_otherwise_by_compose() -> None:
    assert not [value for value in ENTRIES.values() if re.search(r"[$'\"#\\\s]", value)]
