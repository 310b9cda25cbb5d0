"""Documents for users and operators say the same in English and in Chinese."""

from pathlib import Path

import pytest

from tests.docs.languages import (
    DOCUMENTS,
    english_comments,
    figures,
    in_chinese,
    links,
    links_to_english,
    marks_of_another_script,
    names,
    structure,
)
from tests.source_tree import ROOT

PAIRS = pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))


def test_only_documents_for_users_and_operators_are_there_in_chinese() -> None:
    chinese = {path for folder in (".", "deploy", "docs") for path in (ROOT / folder).glob("*.zh-CN.md")}
    assert chinese == {in_chinese(path) for path in DOCUMENTS}


@PAIRS
def test_headings_rows_items_and_blocks_are_the_same(path: Path) -> None:
    assert structure(in_chinese(path).read_text("utf-8")) == structure(path.read_text("utf-8"))


@PAIRS
def test_names_are_the_same_row_by_row_and_text_by_text(path: Path) -> None:
    assert names(in_chinese(path).read_text("utf-8")) == names(path.read_text("utf-8"))


@PAIRS
def test_each_figure_is_told_in_the_same_place(path: Path) -> None:
    translated = figures(in_chinese(path).read_text("utf-8"))
    for told, there in zip(figures(path.read_text("utf-8")), translated, strict=True):
        assert told <= there


@PAIRS
def test_links_lead_to_the_same_chapters(path: Path) -> None:
    chinese = in_chinese(path)
    assert links(chinese, chinese.read_text("utf-8")) == links(path, path.read_text("utf-8"))


@PAIRS
def test_links_lead_to_chinese_documents_where_they_exist(path: Path) -> None:
    assert links_to_english(in_chinese(path), in_chinese(path).read_text("utf-8")) == []


@PAIRS
def test_each_version_links_to_the_other_below_its_title(path: Path) -> None:
    chinese = in_chinese(path)
    assert path.read_text("utf-8").splitlines()[2] == f"[中文]({chinese.name})"
    assert chinese.read_text("utf-8").splitlines()[2] == f"[English]({path.name})"


@PAIRS
def test_chinese_text_has_chinese_punctuation(path: Path) -> None:
    assert marks_of_another_script(in_chinese(path).read_text("utf-8")) == []


@PAIRS
def test_comments_of_commands_are_in_chinese(path: Path) -> None:
    assert english_comments(in_chinese(path).read_text("utf-8")) == []
