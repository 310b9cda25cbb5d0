"""The rules of `test_architecture.py` would notice what breaks them."""

import ast
import subprocess

import pytest

from tests.source_tree import ROOT, Import, Module, circles, foreign_private_names, patched_names


def module(source: str) -> Module:
    return Module("room.module", ROOT / "room" / "module.py", ast.parse(source))


def test_imports_are_found_wherever_they_stand() -> None:
    source = """
import one.part
from two import a, b as c
if TYPE_CHECKING:
    from three import d
def function():
    from four import e
"""
    assert set(module(source).imports) == {
        Import(2, "one.part"),
        Import(3, "two", "a"),
        Import(3, "two", "b"),
        Import(5, "three", "d"),
        Import(7, "four", "e"),
    }


def test_relative_imports_are_refused() -> None:
    with pytest.raises(AssertionError, match=r"room/module\.py:1"):
        _ = module("from . import a").imports


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ('__all__ = ["a", "b"]', {"a", "b"}),
        ('a = 1\n__all__ = []\n__author__ = "x"', set()),
        ("a = 1", None),
    ],
)
def test_face_is_what_all_lists(source: str, names: set[str] | None) -> None:
    assert module(source).public_names() == names


@pytest.mark.parametrize(
    ("graph", "found"),
    [
        ({"a": ["b"], "b": ["c"], "c": []}, []),
        ({"a": ["b"], "b": ["c"], "c": ["b"]}, [["b", "c"]]),
        (
            {"a": ["b"], "b": ["c"], "c": ["a"], "d": ["a"], "e": ["f"], "f": ["e"]},
            [["a", "b", "c"], ["e", "f"]],
        ),
        ({"a": ["b", "c"], "b": ["d"], "c": ["d"], "d": []}, []),
    ],
)
def test_circles_are_found(graph: dict[str, list[str]], found: list[list[str]]) -> None:
    assert sorted(circles(graph)) == found


CLASSES = """
class Queue:
    _limit: int
    def __init__(self, other):
        self._length = 0
        other._length += 1      # of the same class
        other._limit = 1
        other._clear()
        other.part._length = 2
    def _clear(self):
        self._length = other._secret
class Slot:
    def free(self, queue):
        queue._clear()
"""


def test_private_names_of_other_objects_are_found() -> None:
    assert [use.text for use in foreign_private_names(module(CLASSES))] == ["other._secret", "queue._clear"]


def test_private_names_of_modules_are_found() -> None:
    source = "from other import _hidden, seen\nimport json\njson._default_decoder\nnumber.__class__\n"
    assert [use.name for use in foreign_private_names(module(source))] == ["_hidden", "_default_decoder"]


PATCHES = """
import os
import ledger.journal
from ledger import Journal as Book, sqlite_store
from turns import runner
def test(monkeypatch):
    monkeypatch.setattr(os, "write", full)
    monkeypatch.setattr(local, "x", 1)
    monkeypatch.setattr("os.read", empty)
    monkeypatch.setattr("ledger.journal.PAUSE", 0)
    monkeypatch.setattr(Book, "write", broken)
    monkeypatch.setattr(sqlite_store, "PAUSE", 0)
    monkeypatch.setattr(runner.TurnRunner, "run", broken)
    with patch("turns.runner.SHORT", 1), mock.patch.object(ledger.journal, "PAUSE", 0):
        pass
"""


def test_patches_of_the_service_are_found() -> None:
    found = [name for _, name in patched_names(module(PATCHES), {"ledger", "turns"})]
    assert sorted(found) == [
        "Book", "ledger.journal", "ledger.journal.PAUSE",
        "runner.TurnRunner", "sqlite_store", "turns.runner.SHORT",
    ]  # fmt: skip


def test_nothing_that_is_made_here_is_kept_in_the_repository() -> None:
    command = ["git", "ls-files", "--cached", "--ignored", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert listed.stdout == ""
