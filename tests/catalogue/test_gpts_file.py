"""The file that lists the GPTs: what is in it."""

from pathlib import Path

import pytest

from catalogue.gpts_file import load_gpts
from translate.values import Gpt, GptsError

HELPER = '{"helper": {"id": "g-Helper"}}'
DEMO = (Gpt("demo", "g-Demo"),)


def test_missing_file_means_no_gpts(tmp_path: Path) -> None:
    assert load_gpts(tmp_path / "gpts.json", ()) == ()


def test_demonstration_has_gpts_of_its_own_only_while_the_list_has_none(tmp_path: Path) -> None:
    path = tmp_path / "gpts.json"
    assert load_gpts(path, (), DEMO) == DEMO
    path.write_text("{}")
    assert load_gpts(path, (), DEMO) == DEMO
    path.write_text(HELPER)
    assert load_gpts(path, (), DEMO) == (Gpt("helper", "g-Helper"),)


def test_directory_in_place_of_the_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(GptsError, match="it cannot be read: Is a directory"):
        load_gpts(tmp_path, ())
