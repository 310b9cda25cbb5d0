"""Calls of the backend's browser, of all ages, and whatever else comes in their place."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from translate.backend.web_actions import MAX_ACTIONS, MAX_CHARACTERS, MAX_QUERIES, WEB_TOOLS, web_actions
from translate.values import WebAction


@pytest.mark.parametrize(
    ("text", "actions"),
    [
        ('search("weather Oslo")', [WebAction(("weather Oslo",))]),
        ('# I look it up.\nsearch("a \\"b\\" 天")', [WebAction(('a "b" 天',))]),
        ('open_url("https://a.example/x")', [WebAction(url="https://a.example/x")]),
        ('open_url("turn0search1")', [WebAction()]),
        ('find("ferry")', [WebAction(pattern="ferry")]),
        ("mclick([1, 2])", []),
        ('search("', []),
        ('search("")', []),
        ('search("\\x41")', []),
        (
            '{"search_query":[{"q":"ferry times"},{"q":"tides"}],"response_length":"short"}',
            [WebAction(("ferry times", "tides"))],
        ),
        (
            '{"open":[{"ref_id":"https://a.example/"},{"ref_id":"turn0search1"}]}',
            [WebAction(url="https://a.example/"), WebAction()],
        ),
        ('{"find":[{"ref_id":"turn0view0","pattern":"tea"}]}', [WebAction(pattern="tea")]),
        ('{"query":"tea"}', [WebAction(("tea",))]),
        ('{"search_query":"tea"}', []),
        ('{"search_query":[{"q":7}]}', []),
        ("{not json", []),
        ("", []),
    ],
)
def test_call_of_any_age_says_what_is_done(text: str, actions: list[WebAction]) -> None:
    assert web_actions(text) == actions


def test_long_calls_are_cut() -> None:
    many = json.dumps(
        {"search_query": [{"q": "x" * 5000}] * 100, "open": [{"ref_id": "https://a.example"}] * 100}
    )
    searched, *opened = web_actions(many)
    assert len(searched.queries) == MAX_QUERIES
    assert {len(query) for query in searched.queries} == {MAX_CHARACTERS}
    assert len(opened) == MAX_ACTIONS - 1
    assert web_actions("\n".join(['search("x")'] * 100)) == [WebAction(("x",))] * MAX_ACTIONS


@given(st.text(st.characters(codec="utf-8")) | st.from_regex(r'(search|find|open_url)\(".*"\)'))
def test_any_text_can_be_asked(text: str) -> None:
    for action in web_actions(text):
        assert all(action.queries)


@pytest.mark.parametrize(
    ("tool", "is_web"),
    [
        ("web", True), ("web.run", True), ("web.search", True), ("browser", True), ("search", True),
        ("genui.search", True), ("genui.run", True), ("file_search", False), ("python", False),
    ],
)  # fmt: skip
def test_browser_has_many_names(tool: str, is_web: bool) -> None:
    assert bool(WEB_TOOLS.fullmatch(tool)) is is_web
