"""Retrieval of 2026: page pictures, an answer that cites a file (protocol notes, section 20.5)."""

import secrets
from collections.abc import Iterator

from simulator.kinds.marked_text import MarkedText, mark, marked_answer
from simulator.messages import JsonObject
from simulator.turn import Turn
from simulator.turn_steps import TurnStep

TOOL = "file_search"


def file_pages(turn: Turn) -> Iterator[TurnStep]:
    """The call, two pages as pictures, an answer."""
    yield from turn.tool_call("file_search.msearch", '{"queries":["tea"]}', "unknown")
    pages = [
        {
            "content_type": "image_asset_pointer",
            "asset_pointer": f"sediment://{secrets.token_hex(8)}#file_00000000{secrets.token_hex(12)}#p_{n}.png",
            "size_bytes": 1000,
            "width": 800,
            "height": 600,
        }
        for n in range(2)
    ]
    content: JsonObject = {"content_type": "multimodal_text", "parts": ["Make sure to cite", *pages]}
    yield turn.start_tool_message(TOOL, content)
    text = MarkedText()
    text.say(turn.prompt.localized("The page shows a chart ", "页面上有一张图表"))
    text.explained(
        mark("filecite", "turn0file0", "L10-L12"),
        "file",
        name="report.pdf",
        id="file_sim",
        source="my_files",
        snippet="",
        cloud_doc_url=None,
        input_pointer={"start": 10, "end": 12},
    )
    text.say(turn.prompt.localized(".", "。"))
    yield from marked_answer(turn, text)
