"""Browsing turns and citations."""

from typing import Any

import pytest

from tests.simulator.client import Answer, ask, running


def cited(shown: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = shown["metadata"].get("citations", [])
    return found


def answer_snapshots(answer: Answer) -> list[dict[str, Any]]:
    last = answer.messages[-1]["id"]
    return [shown for shown in answer.messages if shown["id"] == last]


async def test_calls_go_to_browser_and_their_results_are_marked_by_command() -> None:
    async with running() as simulator:
        answer = await ask(simulator, "Search the web for green tea", model="gpt-4")
    messages = list(answer.final().values())
    calls = [shown for shown in messages if shown["recipient"] == "browser"]
    assert calls[0]["content"] == {
        "content_type": "code",
        "language": "unknown",
        "text": 'search("green tea")',
    }
    tools = [shown for shown in messages if shown["author"]["role"] == "tool"]
    assert [shown["metadata"]["command"] for shown in tools] == ["search", "click", "quote_lines"]
    assert [shown["content"]["content_type"] for shown in tools] == [
        "tether_browsing_display",
        "tether_browsing_display",
        "tether_quote",
    ]
    search = [shown for shown in answer.messages if shown["id"] == tools[0]["id"]]
    assert [shown["metadata"]["status"] for shown in search] == ["running", "finished"]
    assert search[-1]["metadata"]["_cite_metadata"]["citation_format"]["name"] == "tether_og"
    assert len(search[-1]["metadata"]["_cite_metadata"]["metadata_list"]) == 3


async def test_citation_ranges_cover_their_marks_in_code_points() -> None:
    async with running() as simulator:
        answer = await ask(simulator, "Search the web for green tea", model="gpt-4")
    text = answer.text
    *valid, invalid = cited(answer.messages[-1])
    assert [text[each["start_ix"] : each["end_ix"]] for each in valid] == [
        "【11†source】",
        "【11†source】",
        "【13†example.net】",
    ]
    assert {each["metadata"]["extra"]["cited_message_idx"] for each in valid} == {11, 13}
    assert text[invalid["start_ix"] : invalid["end_ix"]] == "【†source】"
    assert "metadata" not in invalid


async def test_marks_with_one_number_can_point_to_different_pages() -> None:
    async with running() as simulator:
        answer = await ask(simulator, "Search the web for green tea", model="gpt-4")
    first, second = (each["metadata"] for each in cited(answer.messages[-1])[:2])
    assert first["extra"]["cited_message_idx"] == second["extra"]["cited_message_idx"]
    assert first["url"] != second["url"]


async def test_chinese_answers_have_chinese_labels_and_ordinary_brackets() -> None:
    async with running() as simulator:
        answer = await ask(simulator, "搜索绿茶", model="gpt-4")
    assert "【11†来源】" in answer.text
    assert "【注意】" in answer.text


async def test_a_mark_is_split_over_snapshots() -> None:
    async with running() as simulator:
        answer = await ask(simulator, "Search the web for green tea", model="gpt-4")
    texts = [shown["content"]["parts"][0] for shown in answer_snapshots(answer)]
    assert any(text.endswith("【") for text in texts)
    assert any(text.endswith("【11†") for text in texts)


@pytest.mark.parametrize("style", ["normal", "late", "missing"])
async def test_metadata_comes_with_the_mark_or_later_or_never(style: str) -> None:
    async with running() as simulator:
        answer = await ask(simulator, f"Search the web for tea [[sim citations={style}]]", model="gpt-4")
    snapshots = answer_snapshots(answer)
    complete = next(shown for shown in snapshots if "【11†source】" in shown["content"]["parts"][0])
    assert (len(cited(complete)) == 1) is (style == "normal")
    assert len(cited(snapshots[-1])) == (0 if style == "missing" else 4)


async def test_failed_click_is_a_system_error_and_the_model_goes_on() -> None:
    async with running() as simulator:
        answer = await ask(simulator, "[[sim kind=browse_failed]] tea")
    failed = next(shown for shown in answer.messages if shown["content"]["content_type"] == "system_error")
    assert failed["content"]["name"] == "tool_error"
    assert failed["metadata"]["status"] == "failed"
    assert answer.messages[-1]["end_turn"] is True
