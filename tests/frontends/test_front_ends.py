"""Chat front ends show what the service answers, and cost what a person has asked. See README.md."""

import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from tests.eventually import eventually
from tests.frontends.front_end import SECONDS, FrontEnd
from tests.frontends.nextchat import NextChat
from tests.frontends.open_webui import OpenWebUI
from tests.frontends.setting_up import settings
from tests.media.pictures import png
from tests.processes import Pair, new_key, service_over_simulator
from tests.service.console.browser import CHROMIUM, Page, chromium, tab

DEAR, CHEAP = "gpt-5-6", "gpt-5-6-instant"
"""What the backend calls `gpt-4-s` and the model that answers side requests."""


@dataclass(frozen=True)
class Place:
    """A front end before the service, with a browser."""

    front_end: FrontEnd
    address: str
    pair: Pair
    devtools: int

    @asynccontextmanager
    async def chat(self) -> AsyncIterator[Page]:
        """A new chat in a tab of its own."""
        async with tab(self.devtools) as page:
            await self.front_end.open(page, self.address)
            yield page

    @property
    def posts(self) -> list[Any]:
        """What was posted to the backend so far, in order."""
        requests = self.pair.upstream["requests"]
        return [each["body"] for each in requests if each["path"].endswith("/f/conversation")]

    @property
    def lines(self) -> list[Any]:
        """What the service's log says of answers so far."""
        said = (json.loads(line) for line in self.pair.service.output.splitlines())
        return [each for each in said if each.get("route") == "chat"]


@pytest.fixture(scope="module")
def devtools() -> Iterator[int]:
    """The port of a running browser's DevTools."""
    if not CHROMIUM:
        pytest.skip("chromium is not installed")
    with chromium() as port:
        yield port


@pytest.fixture(scope="module", params=(NextChat(), OpenWebUI()), ids=lambda front_end: front_end.name)
def place(
    request: pytest.FixtureRequest, devtools: int, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Place]:
    """Each front end in turn."""
    front_end: FrontEnd = request.param
    if front_end.missing:
        pytest.skip(f"{front_end.name} is not installed: see tests/frontends/README.md")
    with service_over_simulator({"LOG_FORMAT": "json"}, ["--age", "2026"]) as pair:
        told = settings(front_end.name, pair.url.removesuffix("/v1"), new_key())
        with front_end.running(told, tmp_path_factory.mktemp("front_end")) as address:
            yield Place(front_end, address, pair, devtools)


async def test_text_is_shown(place: Place) -> None:
    async with place.chat() as page:
        await place.front_end.say(page, "Give me tips about green tea in a table")
        assert await place.front_end.shown(page, "td strong") == ["fast"]
        assert "green tea" in await page.eval(f"{place.front_end.newest}.innerText")


async def test_code_is_shown_as_code(place: Place) -> None:
    async with place.chat() as page:
        await place.front_end.say(page, "Write code that adds numbers")
        shown = "".join(await place.front_end.shown(page, "pre code, .cm-content"))
        assert "def solve(items: list[int])" in shown


async def test_drawn_picture_is_loaded(place: Place) -> None:
    async with place.chat() as page:
        await place.front_end.say(page, "Draw a cat")
        picture = f"{place.front_end.newest}.querySelector('img[src*=\"/images/\"]')"
        await page.until(f"{picture}.naturalWidth > 100", SECONDS)


async def test_citations_are_links_to_their_pages(place: Place) -> None:
    async with place.chat() as page:
        await place.front_end.say(page, "Search the web for green tea")
        links = await place.front_end.shown(page, "a[href^=http]", "href")
        texts = await place.front_end.shown(page, "a[href^=http]")
        shown = await page.eval(f"{place.front_end.newest}.innerText")
    assert "https://www.example.com/prices?q=tea&lang=en" in links
    assert texts[links.index("https://www.example.com/prices?q=tea&lang=en")] == "www.example.com"
    assert "](" not in shown


async def test_formula_is_set(place: Place) -> None:
    async with place.chat() as page:
        await place.front_end.say(page, "What is the formula of the circle?")
        assert await place.front_end.shown(page, ".katex annotation") == ["a^2 + b^2 = c^2"]


async def test_picture_of_the_person_reaches_the_backend(place: Place) -> None:
    async with place.chat() as page:
        await place.front_end.say(page, "What is in this picture?", png(40, 30))
        assert "40 x 30" in await page.eval(f"{place.front_end.newest}.innerText")


async def test_second_question_goes_on_in_the_conversation_of_the_first(place: Place) -> None:
    async with place.chat() as page:
        await place.front_end.say(page, "Tell me about tea")
        await place.front_end.say(page, "And about coffee?")
    first, second = [body for body in place.posts if body["model"] == DEAR][-2:]
    assert not first.get("conversation_id")
    assert second["conversation_id"]
    assert len(second["messages"]) == 1


async def test_first_message_is_charged_once_to_the_dear_model_and_the_rest_to_the_cheap_one(
    place: Place,
) -> None:
    posts, lines = len(place.posts), len(place.lines)
    async with place.chat() as page:
        await place.front_end.say(page, "Tell me about green tea")
        await eventually(lambda: len(place.lines) > lines + len(place.front_end.tasks), SECONDS)
        await page.until(f"{place.front_end.title} === 'Green Tea'", SECONDS)
    models = [body["model"] for body in place.posts[posts:]]
    assert sorted(models) == [DEAR] + [CHEAP] * len(place.front_end.tasks)
    told = {line["side"]: line["model"] for line in place.lines[lines:]}
    client = place.front_end.name.lower().replace(" ", "-")
    asides: dict[str | None, str] = {f"{client}:{task}": "gpt-3.5-turbo" for task in place.front_end.tasks}
    assert told == {None: "gpt-4-s"} | asides
