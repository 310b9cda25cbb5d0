"""What becomes of a conversation: hidden, temporary, continued; Actions; styles; pictures in a chat."""

import re
from typing import Any

import pytest

from simulator import Knobs
from tests.eventually import eventually
from tests.service.deployment import Deployment, deployed

HIDE = {"is_visible": False}


def knobs(**changes: Any) -> Knobs:
    return Knobs(busy=False, cap=0, **changes)


def bodies(service: Deployment) -> list[Any]:
    return [r.body for r in service.upstream.requests if r.path.endswith("/conversation")]


async def test_conversations_are_kept_unless_asked_otherwise() -> None:
    async with deployed() as service:
        await service.chat()
        assert bodies(service)[0]["history_and_training_disabled"] is False
        assert service.upstream.patches == []


async def test_conversation_is_hidden_after_the_answer_and_only_that_one() -> None:
    async with deployed({"HISTORY": "hide", "CONTINUITY": "off"}) as service:
        await service.chat()
        await eventually(lambda: len(service.upstream.patches) == 1)
        assert service.upstream.patches == [(service.last_stream.conversation_id, HIDE)]
        assert service.upstream.hide_all_calls == 0


async def test_conversation_is_deleted_where_the_backend_hides_no_longer() -> None:
    today = Knobs(age="2026", busy=False, cap=0, hides_by="delete")
    async with deployed({"HISTORY": "hide", "CONTINUITY": "off"}, today) as service:
        await service.chat()
        (conversation,) = service.upstream.conversations
        await eventually(lambda: not conversation.visible)


async def test_failed_answer_without_a_conversation_hides_nothing() -> None:
    async with deployed({"HISTORY": "hide", "CONTINUITY": "off"}, knobs(fault="token_expired")) as service:
        assert (await service.chat()).status == 401
        assert service.upstream.patches == []
        assert service.upstream.hide_all_calls == 0


async def test_temporary_chats_are_asked_for_as_such() -> None:
    async with deployed({"HISTORY": "temporary"}) as service:
        await service.chat()
        assert bodies(service)[0]["history_and_training_disabled"] is True
        assert service.upstream.patches == []


async def test_action_is_asked_about_and_not_allowed_by_default() -> None:
    async with deployed(knobs=knobs(kind="action")) as service:
        text = (await service.chat()).json["choices"][0]["message"]["content"]
        assert len(bodies(service)) == 1
    assert "api.example.com" in text


@pytest.mark.parametrize(("policy", "word"), [("allow", "allow"), ("always", "always_allow")])
async def test_action_is_allowed_where_the_operator_says_so(policy: str, word: str) -> None:
    async with deployed({"GPT_ACTIONS": policy}, knobs(kind="action")) as service:
        text = (await service.chat()).json["choices"][0]["message"]["content"]
        reply = bodies(service)[1]
    action = reply["messages"][0]["metadata"]["jit_plugin_data"]["from_client"]["user_action"]
    assert action["data"]["type"] == word
    assert text
    assert "GPT_ACTIONS" not in text


async def test_login_wanted_by_an_action_is_told() -> None:
    async with deployed({"GPT_ACTIONS": "always"}, knobs(kind="oauth")) as service:
        text = (await service.chat()).json["choices"][0]["message"]["content"]
    assert "log in" in text


async def test_drawn_picture_is_one_delta_with_a_link_to_a_kept_copy() -> None:
    async with deployed({"UPLOAD_BASE_URL": "https://chat.example.com"}) as service:
        stream = (await service.chat("draw a cat", stream=True)).stream
        images = [d["content"] for d in stream.deltas if "![" in d.get("content", "")]
        link = re.search(r"\((https://chat\.example\.com)(/images/[^)]+)\)", images[0])
        assert link is not None
        picture = await service.ask("GET", link[2], key="")
    assert len(images) == 1
    assert picture.headers["content-type"] == "image/png"


async def test_pictures_can_link_to_the_backend_instead() -> None:
    async with deployed({"IMAGE_LINKS": "upstream"}) as service:
        text = (await service.chat("draw a cat")).json["choices"][0]["message"]["content"]
        address = service.simulator.url
    assert f"({address}" in text
    assert "/images/" not in text


async def test_picture_that_cannot_be_fetched_is_said_so(loud_log: object) -> None:
    async with deployed(knobs=knobs(other_fault="unauthorized")) as service:
        text = (await service.chat("draw a cat")).json["choices"][0]["message"]["content"]
    assert "could not be fetched" in text


async def test_expired_sandbox_leaves_a_note() -> None:
    async with deployed(knobs=knobs(kind="file", sandbox_ttl=0)) as service:
        text = (await service.chat()).json["choices"][0]["message"]["content"]
    assert "the sandbox has expired" in text


STYLED = [
    ("web", "rounds", ["```python", "```output", "![image]("]),
    ("plain", "rounds", ["http://"]),
    ("text", "rounds", ["Done"]),
]


@pytest.mark.parametrize(("style", "kind", "shown"), STYLED)
async def test_styles_show_what_they_say(style: str, kind: str, shown: list[str]) -> None:
    async with deployed({"STYLE": style}, knobs(kind=kind)) as service:
        text = (await service.chat()).json["choices"][0]["message"]["content"]
    assert all(piece in text for piece in shown)
    assert ("```" in text) == (style == "web")
    assert ("![" in text) == (style == "web")
    assert ("/images/" in text) == (style != "text")


@pytest.mark.parametrize("style", ["plain", "text"])
async def test_without_markdown_no_citation_mark_is_left(style: str) -> None:
    async with deployed({"STYLE": style}, knobs(kind="browse")) as service:
        text = (await service.chat()).json["choices"][0]["message"]["content"]
    assert "†" not in text
    assert "](" not in text


async def test_style_can_be_chosen_by_the_name_of_the_model() -> None:
    async with deployed({"MODEL_ALIASES": "gpt-4-s-bot=gpt-4-s:plain"}, knobs(kind="code")) as service:
        web = (await service.chat()).json["choices"][0]["message"]["content"]
        plain = (await service.chat(model="gpt-4-s-bot")).json
    assert "```" in web
    assert "```" not in plain["choices"][0]["message"]["content"]
    assert plain["model"] == "gpt-4-s-bot"


@pytest.mark.parametrize(("form", "begins"), [("host", "(["), ("number", "[["), ("none", "")])
async def test_citations_are_annotations_of_the_whole_answer(form: str, begins: str) -> None:
    async with deployed({"CITATIONS": form}, knobs(kind="browse")) as service:
        message = (await service.chat()).json["choices"][0]["message"]
    cited = [annotation["url_citation"] for annotation in message["annotations"]]
    assert len(cited) == 3
    for citation in cited:
        shown = message["content"][citation["start_index"] : citation["end_index"]]
        assert shown[:2] == begins
        assert citation["url"].startswith("http")


@pytest.mark.parametrize(
    ("env", "asked", "counts"),
    [
        ({}, {}, [0, 3]),
        ({"CITATIONS": "none"}, {}, [0, 3]),
        ({"STREAM_ANNOTATIONS": "false"}, {"web_search_options": {}}, [0, 3]),
        ({"STREAM_ANNOTATIONS": "false"}, {}, [0, 0]),
    ],
)
async def test_annotations_of_a_stream_stand_on_its_finish_chunk_if_they_are_wanted(
    env: dict[str, str], asked: dict[str, Any], counts: list[int]
) -> None:
    async with deployed(env, knobs(kind="browse")) as service:
        deltas = (await service.chat(stream=True, **asked)).stream.deltas
    assert [len(delta.get("annotations", [])) for delta in deltas[-2:]] == counts


async def test_side_requests_of_chat_front_ends_land_on_the_cheap_model() -> None:
    async with deployed() as service:
        for name in ("gpt-4o-mini", "gpt-3.5-turbo-0125"):
            await service.chat(model=name)
            assert service.last_stream.model == "text-davinci-002-render-sha"
