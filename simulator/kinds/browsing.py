"""Browsing turns: search, click, quote, and an answer with citation marks (protocol notes, section 8.3)."""

import json
from collections.abc import Iterator

from simulator.final_answer import final_answer
from simulator.kinds.citations import CITATION_REGEX, INVALID_MARK, Mark, Page, cited_text
from simulator.messages import JsonObject
from simulator.turn import Turn
from simulator.turn_steps import SendRecord, TurnStep, UpdateMessage


def browsing(turn: Turn) -> Iterator[TurnStep]:
    """A search, a click, a quotation, and an answer that cites pages."""
    pages = _pages_about(turn.prompt.topic)
    yield from _search(turn, pages)
    yield from _click(turn, pages[0])
    yield from _quote(turn, pages[1])
    yield from _cited_answer(turn, pages)


def failing_click(turn: Turn) -> Iterator[TurnStep]:
    """A search, a click that fails with system_error, and an answer all the same."""
    pages = _pages_about(turn.prompt.topic)
    yield from _search(turn, pages)
    yield from turn.tool_call(_tool(turn), "click(0)", "unknown")
    failure = {"content_type": "system_error", "name": "tool_error", "text": "Error fetching the page: 403"}
    metadata = {"command": "click", "args": [0], "status": "failed"}
    yield turn.start_tool_message(_tool(turn), failure, metadata=metadata)
    yield from _cited_answer(turn, pages)


def _pages_about(topic: str) -> tuple[Page, ...]:
    """Three pages whose addresses have characters that break Markdown links."""
    return (
        Page(f"{topic} - overview", "https://www.example.com/overview?q=tea&lang=en", f"All about {topic}."),
        Page(f"{topic} (encyclopedia)", "https://example.org/wiki/Tea_(drink)", f"{topic} explained."),
        Page(f"{topic} 新闻", "https://news.example.net/今日/a b", f"{topic}: news of today."),
    )


def _tool(turn: Turn) -> str:
    return "web.run" if turn.version.has_2025_tools else "browser"


def _search(turn: Turn, pages: tuple[Page, ...]) -> Iterator[TurnStep]:
    topic = turn.prompt.topic
    if turn.version.has_2025_tools:
        yield from turn.tool_call(_tool(turn), json.dumps({"search_query": [{"q": topic}]}), "json")
        yield SendRecord({"type": "search_model_queries", "queries": [topic]})
    else:
        yield from turn.tool_call("browser", f"search({json.dumps(topic, ensure_ascii=False)})", "unknown")
    command: JsonObject = {"command": "search", "args": [topic]}
    started = {**command, "status": "running"}
    running = turn.start_tool_message(
        _tool(turn), _display("", ""), running=True, weight=0.0, metadata=started
    )
    yield running
    result = "\n".join(f"# 【{index}†{page.title}】\n{page.text}" for index, page in enumerate(pages))
    cite = {
        "citation_format": {"name": "tether_og", "regex": CITATION_REGEX},
        "metadata_list": [page.as_metadata() for page in pages],
    }
    metadata = {**command, "status": "finished", "_cite_metadata": cite}
    content = _display(result, f"Results for {topic}")
    changes = {"content": content, "status": "finished_successfully", "metadata": metadata}
    yield UpdateMessage(running.message.id, changes)


def _click(turn: Turn, page: Page) -> Iterator[TurnStep]:
    yield from turn.tool_call(_tool(turn), "click(0)", "unknown")
    metadata = {"command": "click", "args": [0], "status": "finished"}
    yield turn.start_tool_message(_tool(turn), _display(page.text, page.title), weight=0.0, metadata=metadata)


def _quote(turn: Turn, page: Page) -> Iterator[TurnStep]:
    yield from turn.tool_call(_tool(turn), 'quote_lines("12", "20")', "unknown")
    content = {
        "content_type": "tether_quote",
        "url": page.url,
        "domain": page.url.split("/")[2],
        "title": page.title,
        "text": f"{page.text} This is page text and never shown.",
        "tether_id": None,
    }
    metadata = {"command": "quote_lines", "args": ["12", "20"], "status": "finished"}
    yield turn.start_tool_message(_tool(turn), content, metadata=metadata)


def _cited_answer(turn: Turn, pages: tuple[Page, ...]) -> Iterator[TurnStep]:
    """An answer with two marks of one number for two pages, other labels, an invalid mark, and a bracket."""
    localized, topic, private = turn.prompt.localized, turn.prompt.topic, turn.version.has_2025_tools
    label = localized("source", "来源")
    parts: list[str | Mark] = [
        localized(f"I searched the (simulated) web for {topic}", f"我在（模拟的）网上搜索了{topic}"),
        Mark(pages[0], 11, 0, label, private),
        localized(". An encyclopedia explains it", "。百科里有解释【注意】"),
        Mark(pages[1], 11, 1, label, private),
        localized(" 🌍, and there is news as well", "🌍，也有一些新闻"),
        Mark(pages[2], 13, 2, "example.net", private),
        localized(". One source was unclear", "。有一个出处不明"),
        localized(".", "。") if private else INVALID_MARK + localized(".", "。"),
    ]
    yield from final_answer(turn, *cited_text(parts, turn.knobs.citations))


def _display(result: str, summary: str) -> JsonObject:
    content: JsonObject = {"content_type": "tether_browsing_display", "result": result, "summary": summary}
    return content | {"assets": [] if result else None, "tether_id": None}
