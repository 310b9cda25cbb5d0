"""Browsing turns: search, click, quote, and an answer with citation marks."""

import json
from collections.abc import Iterator
from dataclasses import dataclass

from simulator.answering import answer
from simulator.messages import JsonObject
from simulator.steps import Revise, Step
from simulator.turn import Turn

CITATION_REGEX = "【(?P<message_idx>\\d+)†(?P<evidence_text>.+?)】"


@dataclass(frozen=True, slots=True)
class Page:
    """A page that can be cited."""

    title: str
    url: str
    text: str


def pages_about(topic: str) -> tuple[Page, ...]:
    """Three pages; their addresses have what breaks markdown links."""
    return (
        Page(f"{topic} - overview", "https://www.example.com/overview?q=tea&lang=en", f"All about {topic}."),
        Page(f"{topic} (encyclopedia)", "https://example.org/wiki/Tea_(drink)", f"{topic} explained."),
        Page(f"{topic} 新闻", "https://news.example.net/今日/a b", f"{topic}: news of today."),
    )


@dataclass(frozen=True, slots=True)
class Mark:
    """A citation mark in a text: which page, under which number and label."""

    page: int
    number: int
    label: str
    position: int = 0

    @property
    def text(self) -> str:
        """As it stands in the answer."""
        return f"【{self.number}†{self.label}】"


def browsing(turn: Turn) -> Iterator[Step]:
    """A search, a click, a quotation, an answer."""
    topic = turn.prompt.topic
    pages = pages_about(topic)
    yield from _search(turn, topic, pages)
    yield from _click(turn, pages[0])
    yield from _quote(turn, pages[1])
    yield from _cited_answer(turn, pages)


def failing_click(turn: Turn) -> Iterator[Step]:
    """A click that fails with system_error; the model goes on with what it has."""
    topic = turn.prompt.topic
    pages = pages_about(topic)
    yield from _search(turn, topic, pages)
    yield from turn.call("browser", "click(0)", "unknown")
    failure = {"content_type": "system_error", "name": "tool_error", "text": "Error fetching the page: 403"}
    yield turn.begin_tool("browser", failure, metadata={"command": "click", "args": [0], "status": "failed"})
    yield from _cited_answer(turn, pages)


def _search(turn: Turn, topic: str, pages: tuple[Page, ...]) -> Iterator[Step]:
    yield from turn.call("browser", f"search({json.dumps(topic, ensure_ascii=False)})", "unknown")
    command: JsonObject = {"command": "search", "args": [topic]}
    running = turn.begin_tool(
        "browser", _display("", ""), running=True, weight=0.0, metadata={**command, "status": "running"}
    )
    yield running
    result = "\n".join(f"# 【{index}†{page.title}】\n{page.text}" for index, page in enumerate(pages))
    cited = [_page_metadata(page) for page in pages]
    cite = {"citation_format": {"name": "tether_og", "regex": CITATION_REGEX}, "metadata_list": cited}
    metadata = {**command, "status": "finished", "_cite_metadata": cite}
    content = _display(result, f"Results for {topic}")
    yield Revise(
        running.message.id, {"content": content, "status": "finished_successfully", "metadata": metadata}
    )


def _click(turn: Turn, page: Page) -> Iterator[Step]:
    yield from turn.call("browser", "click(0)", "unknown")
    metadata = {"command": "click", "args": [0], "status": "finished"}
    yield turn.begin_tool("browser", _display(page.text, page.title), weight=0.0, metadata=metadata)


def _quote(turn: Turn, page: Page) -> Iterator[Step]:
    yield from turn.call("browser", 'quote_lines("12", "20")', "unknown")
    content = {
        "content_type": "tether_quote",
        "url": page.url,
        "domain": page.url.split("/")[2],
        "title": page.title,
        "text": f"{page.text} This is page text and never shown.",
        "tether_id": None,
    }
    metadata = {"command": "quote_lines", "args": ["12", "20"], "status": "finished"}
    yield turn.begin_tool("browser", content, metadata=metadata)


def _cited_answer(turn: Turn, pages: tuple[Page, ...]) -> Iterator[Step]:
    """Sentences with marks: two that share a number but not a page, other labels, a bracket that is none."""
    label = turn.prompt.either("source", "来源")
    topic = turn.prompt.topic
    marks = (Mark(0, 11, label), Mark(1, 11, label, 1), Mark(2, 13, "example.net", 2))
    english = (
        f"I searched the (simulated) web for {topic}",
        ". An encyclopedia explains it",
        " 🌍, and there is news as well",
    )
    chinese = (f"我在（模拟的）网上搜索了{topic}", "。百科里有解释【注意】", "🌍，也有一些新闻")
    sentences = chinese if turn.prompt.chinese else english
    text = ""
    found: list[tuple[int, Mark]] = []
    for sentence, mark in zip(sentences, marks, strict=True):
        text += sentence
        found.append((len(text), mark))
        text += mark.text
    text += turn.prompt.either(". One source was unclear【†source】.", "。有一个出处不明【†source】。")
    yield from answer(turn, text, citation_metadata(turn.knobs.citations, text, found, pages))


def citation_metadata(
    style: str, text: str, marks: list[tuple[int, Mark]], pages: tuple[Page, ...]
) -> Iterator[tuple[int, JsonObject]]:
    """(offset, metadata) for `answer`: with each mark, some words after it (late), or never (missing)."""
    citations: list[JsonObject] = []
    for start, mark in marks:
        end = start + len(mark.text)
        citations.append(_citation(start, end, mark, pages[mark.page]))
        if style == "late":
            yield min(len(text) - 1, end + 12), {"citations": list(citations)}
        elif style == "normal":
            yield end - 1, {"citations": list(citations)}
    invalid = text.find("【†source】")
    if style != "missing" and invalid >= 0:
        entry = {"start_ix": invalid, "end_ix": invalid + 9, "citation_format_type": "tether_og"}
        citations.append({**entry, "invalid_reason": "Could not match citation"})
        yield invalid + 8, {"citations": citations}


def _citation(start: int, end: int, mark: Mark, page: Page) -> JsonObject:
    extra = {
        "cited_message_idx": mark.number,
        "search_result_idx": mark.position,
        "evidence_text": mark.label,
    }
    return {
        "start_ix": start,
        "end_ix": end,
        "citation_format_type": "tether_og",
        "metadata": {**_page_metadata(page), "extra": extra},
    }


def _page_metadata(page: Page) -> JsonObject:
    return {
        "type": "webpage",
        "title": page.title,
        "url": page.url,
        "text": f"\n{page.text}",
        "pub_date": None,
    }


def _display(result: str, summary: str) -> JsonObject:
    content: JsonObject = {"content_type": "tether_browsing_display", "result": result, "summary": summary}
    return content | {"assets": [] if result else None, "tether_id": None}
