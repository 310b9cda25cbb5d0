"""Answers with marks of every kind (protocol notes, section 20.4)."""

import json
from collections.abc import Iterator

from simulator.final_answer import Insertion, final_answer
from simulator.kinds.marked_text import OPEN, SEPARATOR, MarkedText, Source, mark, marked_answer
from simulator.messages import Edit, JsonObject
from simulator.turn import Turn
from simulator.turn_steps import EditMessage, TurnStep

SITE = "https://example.org/"


def entity(turn: Turn) -> Iterator[TurnStep]:
    """Two entities, one with a reference and one without."""
    text, localized = MarkedText(), turn.prompt.localized
    text.say(localized("It grows in ", "它生长在"))
    place = mark("entity", _json(["country", "Japan", "an island country"]))
    text.explained(place, "entity", alt="Japan", name="Japan", category="country")
    text.say(localized(" and is served in ", "，在"))
    text.say(mark("entity", _json(["city", "Kyoto", "a city in Japan"])))
    text.say(localized(" with sweets.", "配点心饮用。"))
    yield from marked_answer(turn, text)


def url(turn: Turn) -> Iterator[TurnStep]:
    """A link by its address, one by a reference, one by its title."""
    text, localized = MarkedText(), turn.prompt.localized
    text.say(localized("See ", "参见"))
    text.say(mark("url", "Tea guide", SITE + "guide"))
    text.say(localized(", ", "、"))
    shop = SITE + "shop"
    text.explained(
        mark("url", "Tea shop", "turn0search0"), "webpage", url=shop, title="Shop", safe_urls=[shop]
    )
    text.say(localized(" and ", "和"))
    news = SITE + "news"
    text.explained(mark("link_title", "Tea news", "turn0news0"), "link_title", url=news, title="Tea news")
    text.say(localized(".", "。"))
    yield from marked_answer(turn, text)


def products(turn: Turn) -> Iterator[TurnStep]:
    """One product in a sentence, and a list of products."""
    text = MarkedText()
    text.say(turn.prompt.localized("My choice is ", "我推荐"))
    kettle = mark("product_entity", _json(["turn0product0", "Kettle A"]))
    text.explained(kettle, "product_entity", alt="[Kettle A]()", name="Kettle A")
    text.say(turn.prompt.localized(". Others:\n\n", "。其他：\n\n"))
    listed = {"selections": [["turn0product1", "Kettle B"], ["turn0product2", "Kettle C"]]}
    text.say(mark("products", _json({**listed, "tags": ["light", "cheap"]})))
    yield from marked_answer(turn, text)


def image_group(turn: Turn) -> Iterator[TurnStep]:
    """A group of pictures of the web, then words."""
    text, topic = MarkedText(), turn.prompt.topic
    asked = {"layout": "carousel", "aspect_ratio": "1:1", "query": [topic], "num_per_query": 2}
    images = [
        {"title": f"{topic} {number}", "content_url": f"{SITE}{number}.jpg", "url": f"{SITE}{number}"}
        for number in (1, 2)
    ]
    text.explained(mark("image_group", _json(asked)), "image_group", images=images)
    text.say("\n\n" + turn.prompt.localized(f"That is {topic}.", f"这就是{topic}。"))
    yield from marked_answer(turn, text)


def math(turn: Turn) -> Iterator[TurnStep]:
    """A formula as a widget, whose JSON has line breaks, and the placeholder of another widget."""
    text = MarkedText()
    text.say(turn.prompt.localized("The formula is\n\n", "公式是\n\n"))
    widget = {"math_block_widget_always_prefetch_v2": {"content": "a^2 + b^2 = c^2"}}
    text.say(mark("genui", json.dumps(widget, indent=1)))
    text.say("\n\n" + mark("genui", "N0Ws"))
    text.say(turn.prompt.localized("It holds for right triangles.", "它适用于直角三角形。"))
    yield from marked_answer(turn, text)


def widgets(turn: Turn) -> Iterator[TurnStep]:
    """Marks that only a page can show: some have an `alt`, some nothing."""
    text = MarkedText()
    text.say("Stock: ")
    text.explained(mark("finance", "turn0finance0"), "finance", alt="ACME 12.50 USD")
    text.say(". Weather: ")
    text.explained(mark("forecast", "turn0forecast0"), "forecast", alt="Sunny, 21 °C")
    text.say(". ")
    text.explained(mark("businesses_map", "{}"), "businesses_map", alt="Tea House, Main Street 1")
    text.say(mark("memcite", "a1b2") + "\n\n")
    clip = f"{SITE}clip"
    text.explained(mark("video", "How to brew", "turn0video0"), "video", url=clip, title="How to brew")
    text.say("\n\n")
    items = [{"title": "Harvest", "url": f"{SITE}harvest"}, {"title": "Prices", "url": f"{SITE}prices"}]
    news = mark("navlist", "Tea news", "turn0news0,turn0news1")
    text.explained(news, "nav_list", title="Tea news", items=items)
    text.say("\n\n" + mark("hologram", "turn0hologram0") + "Bye.")
    footnote = {"title": "Atlas", "url": f"{SITE}atlas", "attribution": "Atlas"}
    text.references.append(
        {
            "matched_text": " ",
            "start_idx": len(text.text),
            "end_idx": len(text.text),
            "type": "sources_footnote",
            "alt": None,
            "sources": [footnote],
            "has_images": False,
        }
    )
    yield from marked_answer(turn, text)


def loose(turn: Turn) -> Iterator[TurnStep]:
    """Marks without separators, not closed, stripped of their characters, and spans."""
    yield from final_answer(
        turn,
        f'In {OPEN}entity["city","Oslo","a city"]\ue201 '
        f"it rains {SEPARATOR}turn0search1\ue201 often. "
        "\ue203This was measured\ue204\ue206 "
        "and printed citeturn0search0turn0news2. "
        f"See {OPEN}url{SEPARATOR}the table{SEPARATOR}",
    )


def rewritten(turn: Turn) -> Iterator[TurnStep]:
    """A mark that is cut off again and written with another number, and places that come and go."""
    lead = turn.prompt.localized("Water boils at 100 °C ", "水在 100 °C 沸腾")
    first, second = mark("cite", "turn0search1"), mark("cite", "turn0search2")
    groups = [Source("Water", f"{SITE}water", "Example").as_result_group(2)]

    def insertions(message_id: str) -> Iterator[Insertion]:
        cut = Edit(("content", "parts", 0), "truncate", len(lead))
        found = Edit(("metadata", "search_result_groups"), "append", groups)
        loaded = Edit(("metadata", "loading"), "remove")
        steps = [EditMessage(message_id, (edit,)) for edit in (cut, loaded, found)]
        yield len(lead + first), [*steps, turn.append_text(message_id, second)]

    start: JsonObject = {"metadata": {"loading": True}}
    yield from final_answer(turn, lead + first, insertions=insertions, start=start)


def writing(turn: Turn) -> Iterator[TurnStep]:
    """An e-mail in a writing block, with words before and after it."""
    topic, localized = turn.prompt.topic, turn.prompt.localized
    lead = localized("Here is a draft:", "草稿如下：")
    body = localized(
        f"Dear team,\n\nlet us talk about {topic} on Friday.\n\nKind regards",
        f"各位好：\n\n周五我们讨论{topic}。\n\n谢谢",
    )
    block = f':::writing{{variant="email" id="48291" subject="Friday"}}\n{body}\n:::'
    close = localized("Shall I change anything?", "需要修改吗？")

    metadata: JsonObject = {"writing_blocks": {"48291": {"content": body}}}
    text = f"{lead}\n\n{block}\n\n{close}"
    yield from final_answer(turn, text, [(len(text) - 1, metadata)])


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)
