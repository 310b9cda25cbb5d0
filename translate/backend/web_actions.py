"""What a call of the backend's browser asks for (protocol notes, sections 8.3 and 20.5).

The browser of 2023 and 2024 is called with a line of code for each step, such as `search("tea")`; that of
today with one JSON object for several, such as `{"search_query": [{"q": "tea"}], "open": [...]}`.
"""

import re
from collections.abc import Iterator
from itertools import islice
from typing import Final

from translate.values import JsonObject, WebAction, json_object, objects_at, parsed_json, text_at, well_formed

WEB_TOOLS: Final = re.compile(r"(?:web|browser|search|genui)(?:\.(?:run|search))?")
MAX_ACTIONS: Final = 32
"""Of one call."""
MAX_QUERIES: Final = 16
MAX_CHARACTERS: Final = 1000
"""Of a query, an address or a pattern."""

_STEP: Final = re.compile(r'^\s*+(search|open_url|find)\(\s*+("(?:[^"\\\n]|\\.){0,2000}+")', re.MULTILINE)
_ADDRESS: Final = re.compile(r"https?://[^\s\"<>]{1,2000}")


def web_actions(text: str) -> list[WebAction]:
    """What a call with this text does, in order, at most `MAX_ACTIONS`; nothing if it cannot be read."""
    call = json_object(text) if text.lstrip().startswith("{") else None
    return list(islice(_of_today(call) if call is not None else _of_code(text), MAX_ACTIONS))


def _of_today(call: JsonObject) -> Iterator[WebAction]:
    asked = [*objects_at(call, "search_query"), *objects_at(call, "image_query")]
    queries = tuple(islice((query for one in asked if (query := _cut(text_at(one, "q")))), MAX_QUERIES))
    if not queries and (query := _cut(text_at(call, "query") or text_at(call, "q"))):
        queries = (query,)
    if queries:
        yield WebAction(queries)
    for page in (*objects_at(call, "open"), *objects_at(call, "click")):
        yield WebAction(url=_page(page))
    for found in objects_at(call, "find"):
        yield WebAction(url=_page(found), pattern=_cut(text_at(found, "pattern")) or "?")


def _of_code(text: str) -> Iterator[WebAction]:
    for step in _STEP.finditer(text):
        try:
            said = parsed_json(step[2])
        except ValueError:
            continue
        argument = _cut(said if isinstance(said, str) else "")
        if not argument:
            continue
        if step[1] == "search":
            yield WebAction((argument,))
        elif step[1] == "find":
            yield WebAction(pattern=argument)
        else:
            yield WebAction(url=_address(argument))


def _page(of: JsonObject) -> str:
    return _address(text_at(of, "ref_id") or text_at(of, "url"))


def _address(text: str) -> str:
    return text if len(text) <= MAX_CHARACTERS and _ADDRESS.fullmatch(text) else ""


def _cut(text: str) -> str:
    return well_formed(text.strip()[:MAX_CHARACTERS])
