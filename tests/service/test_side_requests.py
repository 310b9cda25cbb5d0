"""Side requests over the whole service: who answers them, what they cost, and what they leave as it is."""

import json
from pathlib import Path

import pytest
from prometheus_client import generate_latest

from settings import Settings, SettingsError
from simulator import Knobs
from tests.raw_client import Answer
from tests.roster.rig import content, key
from tests.service.deployment import Deployment, deployed
from tests.translate.sides.requests import CHAT, RESPONSES, Json, Recorded, ordinary, recorded
from wiring import build

CHEAP, DEAR = "text-davinci-002-render-sha", "gpt-4"
HEALTHY = Knobs(busy=False, cap=0)
ALL = recorded()
PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg=="


def request_of(client: str, task: str) -> Json:
    """What this client sends for it as a chat request."""
    chats = (asked for asked in ALL if asked.path == CHAT)
    return next(asked.request for asked in chats if (asked.client, asked.task) == (client, task))


TITLE = request_of("open-webui", "title")


def models(service: Deployment) -> list[str]:
    """What each conversation was posted with."""
    return [request.body["model"] for request in service.posted]


def lines(caplog: pytest.LogCaptureFixture) -> list[Json]:
    """What the log says of each request."""
    return [record.__dict__["fields"] for record in caplog.records if "fields" in record.__dict__]


@pytest.mark.parametrize("asked", ALL, ids=lambda asked: asked.name)
async def test_side_request_is_answered_by_the_cheap_model_and_marked(
    asked: Recorded, caplog: pytest.LogCaptureFixture
) -> None:
    async with deployed(knobs=HEALTHY) as service:
        answer = await service.post(asked.request, path=asked.path)
        exposed = generate_latest(service.server.service.metrics.registry).decode()
        assert set(models(service)) == {CHEAP}
    assert answer.headers["x-side-request"] == f"{asked.client}:{asked.task}"
    assert "x-side-request" in answer.headers["access-control-expose-headers"]
    line = lines(caplog)[-1]
    assert (line["side"], line["model"]) == (f"{asked.client}:{asked.task}", "gpt-3.5-turbo")
    series = f'pandora_side_requests_total{{client="{asked.client}",task="{asked.task}"}} 1.0'
    assert series in exposed


async def test_first_message_of_open_webui_costs_one_dear_conversation() -> None:
    async with deployed(knobs=HEALTHY) as service:
        await service.chat("What is tea?")
        for task in ("title", "tags", "follow_ups"):
            assert (await service.post(request_of("open-webui", task))).status == 200
        assert models(service) == [DEAR, CHEAP, CHEAP, CHEAP]


@pytest.mark.parametrize("asked", [each for each in ALL if each.path != CHAT], ids=lambda asked: asked.name)
async def test_side_request_of_another_api_is_told_the_model_that_it_asked_for(asked: Recorded) -> None:
    async with deployed(knobs=HEALTHY) as service:
        answer = await service.post({**asked.request, "stream": False}, path=asked.path)
        assert models(service) == [CHEAP]
    assert answer.json["model"] == "gpt-4-s"
    assert answer.headers["x-conversation"] == "new"


@pytest.mark.parametrize("asked", [each for each in ALL if each.path != CHAT], ids=lambda asked: asked.name)
async def test_switched_off_nothing_is_recognised_on_another_api(asked: Recorded) -> None:
    async with deployed({"SIDE_MODEL": "off"}, HEALTHY) as service:
        answer = await service.post(asked.request, path=asked.path)
        assert models(service) == [DEAR]
    assert "x-side-request" not in answer.headers


async def test_question_that_follows_a_kept_response_is_never_a_side_request() -> None:
    asked = next(each.request for each in ALL if each.name == "codex-0.171-title-responses")
    async with deployed(knobs=HEALTHY) as service:
        first = await service.post({"model": "gpt-4-s", "input": "Hello"}, path=RESPONSES)
        following = {**asked, "previous_response_id": first.json["id"]}
        answer = await service.post(following, path=RESPONSES)
        assert set(models(service)) == {DEAR}
    assert answer.status == 200
    assert "x-side-request" not in answer.headers


async def test_nothing_goes_on_behind_a_side_request_to_responses() -> None:
    asked = next(each.request for each in ALL if each.name == "opencode-1-title-responses")
    async with deployed(knobs=HEALTHY) as service:
        title = await service.post({**asked, "stream": False}, path=RESPONSES)
        again = [*asked["input"], *title.json["output"], {"role": "user", "content": "Another one"}]
        answer = await service.post({**asked, "stream": False, "input": again}, path=RESPONSES)
    assert answer.headers["x-conversation"] == "new"


async def test_client_is_told_the_model_that_it_asked_for() -> None:
    async with deployed(knobs=HEALTHY) as service:
        answer = await service.post(TITLE)
    assert answer.json["model"] == "gpt-4-s"


async def test_message_of_a_person_is_answered_by_the_model_asked_for(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with deployed({"CONTINUITY": "off"}, HEALTHY) as service:
        answers = [await service.post(chat) for chat in ordinary()[:20]]
        assert set(models(service)) == {DEAR}
    assert not [answer for answer in answers if "x-side-request" in answer.headers]
    assert {line["side"] for line in lines(caplog)} == {None}


async def test_switched_off_nothing_is_recognised() -> None:
    async with deployed({"SIDE_MODEL": "off"}, HEALTHY) as service:
        answer = await service.post(TITLE)
        assert models(service) == [DEAR]
    assert "x-side-request" not in answer.headers


async def test_model_of_the_settings_answers() -> None:
    async with deployed({"SIDE_MODEL": "gpt-4-mobile"}, HEALTHY) as service:
        await service.post(TITLE)
        assert models(service) == ["gpt-4-mobile"]


def test_unknown_model_stops_the_start() -> None:
    settings = Settings.from_env({"BASE_URL": "http://127.0.0.1:1", "MODELS": "named", "SIDE_MODEL": "gpt-9"})
    with pytest.raises(SettingsError, match="SIDE_MODEL is not usable: gpt-9 is no model here"):
        build(settings, "1")


async def test_model_that_is_dearer_than_the_one_asked_for_does_not_answer() -> None:
    async with deployed({"MODEL_UNITS": "gpt-3.5-turbo=20"}, HEALTHY) as service:
        answer = await service.post(TITLE)
        assert models(service) == [DEAR]
    assert answer.headers["x-side-request"] == "open-webui:title"


async def test_key_that_is_not_for_the_cheap_model_gets_the_one_it_asks_for(tmp_path: Path) -> None:
    path, tablet = tmp_path / "accounts.json", "sk-pandora-tablet"
    (tmp_path / "token").write_text("fk-of-an-account")
    accounts = [{"alias": "anna", "credential": {"file": "token"}}]
    path.write_bytes(content(accounts=accounts, keys=[key("tablet", tablet, models=["gpt-4-s"])]))
    async with deployed({"ACCOUNTS_FILE": str(path), "MODELS": "named"}, HEALTHY) as service:
        answer = await service.post(TITLE, key=tablet)
        assert answer.status == 200
        assert models(service) == [DEAR]


async def test_unknown_model_is_refused_whatever_is_asked() -> None:
    async with deployed(knobs=HEALTHY) as service:
        answer = await service.post({**TITLE, "model": "no-such-model"})
        assert service.posted == []
    assert (answer.status, answer.error["code"]) == (404, "model_not_found")


async def test_limits_of_the_dear_model_do_not_count() -> None:
    async with deployed({"GPT4_LIMIT": "1"}, HEALTHY) as service:
        assert (await service.chat()).status == 200
        assert (await service.chat()).status == 429
        assert (await service.post(TITLE)).status == 200


async def test_limits_of_the_cheap_model_do_and_nothing_dear_is_spent_instead() -> None:
    async with deployed({"QUOTA_PER_KEY_PER_DAY": "17"}, HEALTHY) as service:
        assert (await service.chat()).status == 200
        refused = await service.post(TITLE)
        assert models(service) == [DEAR]
    assert refused.status == 429
    assert "x-side-request" not in refused.headers


async def test_request_for_a_gpt_is_answered_by_the_cheap_model() -> None:
    async with deployed({"ALLOW_ANY_GPT": "true"}, HEALTHY) as service:
        answer = await service.post({**TITLE, "model": "gpt-4-gizmo-g-SimActor1"})
        assert answer.status == 200
        assert models(service) == [CHEAP]


async def test_request_with_a_picture_is_answered_by_the_model_asked_for() -> None:
    asked = request_of("nextchat", "title")
    picture = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}"}}
    first = {"role": "user", "content": [{"type": "text", "text": "What is this?"}, picture]}
    async with deployed(knobs=HEALTHY) as service:
        answer = await service.post({**asked, "messages": [first, *asked["messages"][1:]]})
        assert models(service) == [DEAR]
    assert answer.headers["x-side-request"] == "nextchat:title"


@pytest.mark.parametrize(
    ("words", "model"), [("rain " * 3_000, CHEAP), ("rain " * 9_000, DEAR), ("雨" * 13_000, DEAR)]
)
async def test_request_that_is_too_long_for_the_cheap_model_is_answered_by_the_one_asked_for(
    words: str, model: str
) -> None:
    asked = request_of("nextchat", "summary")
    said = {"role": "user", "content": words}
    async with deployed({"TEXT_FILE_BYTES": "0"}, HEALTHY) as service:
        await service.post({**asked, "messages": [said, *asked["messages"][1:]]})
        assert models(service) == [model]


@pytest.mark.parametrize(
    ("arguments", "result", "model"), [(1, 1, CHEAP), (9_000, 1, DEAR), (1, 9_000, DEAR)]
)
async def test_calls_and_their_results_count_for_how_long_it_is(
    arguments: int, result: int, model: str
) -> None:
    asked = request_of("nextchat", "summary")
    function = {"name": "look", "arguments": json.dumps({"at": "rain " * arguments})}
    call = {"id": "call_1", "type": "function", "function": function}
    said = [
        {"role": "user", "content": "Look"},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "call_1", "content": "rain " * result},
    ]
    async with deployed({"TEXT_FILE_BYTES": "0"}, HEALTHY) as service:
        await service.post({**asked, "messages": [*said, asked["messages"][-1]]})
        assert models(service) == [model]


async def test_conversation_of_the_person_goes_on_as_if_nobody_had_asked_for_a_title() -> None:
    def said(answer: Answer) -> Json:
        message: Json = answer.json["choices"][0]["message"]
        return {"role": "assistant", "content": message["content"]}

    asks_for_title = request_of("nextchat", "title")["messages"][-1]
    async with deployed(knobs=HEALTHY) as service:
        talk: list[Json] = [{"role": "user", "content": "Tell me about tea"}]
        talk.append(said(await service.post({"model": "gpt-4-s", "messages": talk})))
        title = await service.post({"model": "gpt-4-s", "messages": [*talk, asks_for_title]})
        assert title.headers["x-conversation"] == "new"
        talk.append({"role": "user", "content": "And coffee?"})
        answer = await service.post({"model": "gpt-4-s", "messages": talk})
        assert answer.headers["x-conversation"] == "continued"
        first, aside, second = service.posted
        assert "conversation_id" not in aside.body or not aside.body["conversation_id"]
        assert len(aside.body["messages"]) == 3
        streams = service.upstream.streams
        assert streams[0].conversation_id == streams[2].conversation_id != streams[1].conversation_id
        assert (first.body["model"], aside.body["model"], second.body["model"]) == (DEAR, CHEAP, DEAR)


async def test_nothing_goes_on_behind_a_side_request() -> None:
    asked = request_of("opencode", "title")["messages"]
    async with deployed(knobs=HEALTHY) as service:
        title = await service.post({"model": "gpt-4-s", "messages": asked})
        answer = {"role": "assistant", "content": title.json["choices"][0]["message"]["content"]}
        again = [*asked, answer, {"role": "user", "content": "Another one"}]
        assert (await service.post({"model": "gpt-4-s", "messages": again})).headers[
            "x-conversation"
        ] == "new"
