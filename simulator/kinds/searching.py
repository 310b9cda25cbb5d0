"""Web search of 2026: query, results, thoughts, a cited answer (protocol notes, sections 20.2 and 20.4)."""

import json
from collections.abc import Iterator

from simulator.kinds.marked_text import MarkedText, Source, mark, marked_answer
from simulator.kinds.thinking_2026 import grown_thoughts, recap
from simulator.messages import text_content
from simulator.turn import FINISHED, Turn
from simulator.turn_steps import SendRecord, TurnStep

TOOL = "web.run"


def search(turn: Turn) -> Iterator[TurnStep]:
    """An empty message, the call, results that nobody sees, thoughts, the answer."""
    topic, localized = turn.prompt.topic, turn.prompt.localized
    sources = sources_about(topic)
    yield turn.start_assistant_message(text_content(""), channel=None, **FINISHED)
    query = {"search_query": [{"q": topic}], "response_length": "short"}
    yield from turn.tool_call(TOOL, json.dumps(query, ensure_ascii=False), "unknown")
    yield SendRecord({"type": "search_model_queries", "queries": [topic]})
    found = "\n".join(f"{source.title} - turn0search{n}: ..." for n, source in enumerate(sources))
    groups = [source.as_result_group(index) for index, source in enumerate(sources)]
    yield turn.start_tool_message(TOOL, text_content(found), metadata={"search_result_groups": groups})
    yield from grown_thoughts(turn, [(localized("Reading pages", "阅读网页"), "THOUGHT: three pages agree.")])
    yield recap(turn)
    yield from marked_answer(turn, cited_text(turn), author_metadata={"real_author": "tool:web"})


def cited_text(turn: Turn) -> MarkedText:
    """Sentences with citations: of one page, of two at once, and one that is never explained."""
    text, localized, topic = MarkedText(), turn.prompt.localized, turn.prompt.topic
    first, second, third = sources_about(topic)
    text.say(localized(f"I searched the (simulated) web for {topic}. ", f"我在（模拟的）网上搜索了{topic}。"))
    text.say(localized("An encyclopedia explains it ", "百科里有解释"))
    text.cite(first, 0)
    text.say(localized(", and the news tell more ", "，新闻里还有更多"))
    both = [second, third]
    text.explained(
        mark("cite", "turn0search1", "turn0news2"),
        "grouped_webpages",
        items=[source.as_item(index) for index, source in enumerate(both, start=1)],
        safe_urls=[source.url for source in both],
        fallback_items=None,
    )
    text.say(localized(". One source was unclear", "。有一个出处不明"))
    text.explained(mark("cite", "turn9search9"), "hidden", invalid=True)
    text.say(localized(" 🌍.", "🌍。"))
    return text


def sources_about(topic: str) -> tuple[Source, Source, Source]:
    """Three pages, one of whose addresses has brackets."""
    return (
        Source(f"{topic} (encyclopedia)", "https://example.org/wiki/Tea_(drink)", "Example"),
        Source(f"{topic}: prices", "https://www.example.com/prices?q=tea&lang=en", "Prices"),
        Source(f"{topic} today", "https://news.example.net/today?utm_source=chatgpt.com", "News"),
    )
