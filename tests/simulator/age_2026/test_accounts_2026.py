"""Models, efforts, limits, workspaces, stored conversations, uploads and audio of 2026."""

import json
from uuid import uuid4

import pytest

from simulator import Knobs
from tests.simulator.client import API, IN_2026, ask_2026, call, running

MODEL_KEYS = {
    *("slug", "title", "description", "max_tokens", "tags", "capabilities", "product_features"),
    *("enabled_tools", "reasoning_type", "configurable_thinking_effort", "thinking_efforts"),
    *("default_thinking_effort", "is_work_mode_model"),
}


async def test_the_listing_has_efforts_and_contexts() -> None:
    async with running(IN_2026) as simulator:
        listed = (await call(simulator, "GET", f"{API}/models?iim=false&is_gizmo=false")).json
    assert set(listed) == {"models", "categories", "default_model_slug", "versions"}
    by_slug = {model["slug"]: model for model in listed["models"]}
    assert all(set(model) == MODEL_KEYS for model in listed["models"])
    thinking = by_slug["gpt-5-6-thinking"]
    assert (thinking["max_tokens"], thinking["reasoning_type"]) == (262144, "reasoning")
    efforts = {each["thinking_effort"] for each in thinking["thinking_efforts"]}
    assert efforts == {"min", "standard", "extended", "max"}
    assert thinking["default_thinking_effort"] in efforts
    assert by_slug["gpt-5-6"]["configurable_thinking_effort"] is False
    for preset in listed["versions"][0]["intelligence_presets"]:
        assert preset["model_slug"] in by_slug


@pytest.mark.parametrize("form", ["empty", "wrong"])
async def test_the_listing_may_lie(form: str) -> None:
    async with running(IN_2026.set({"listing": form})) as simulator:
        listed = (await call(simulator, "GET", f"{API}/models")).json["models"]
    if form == "empty":
        assert listed == []
    else:
        assert None in listed
        assert len(listed) > 5000


async def test_there_may_be_no_listing_and_conversations_all_the_same() -> None:
    async with running(IN_2026.set({"listing": "none"})) as simulator:
        models = await call(simulator, "GET", f"{API}/models")
        conversation = await call(simulator, "GET", f"{API}/conversation/{uuid4()}")
    assert (models.status, models.json) == (404, {"detail": "Not Found"})
    assert conversation.json["detail"]["code"] == "conversation_not_found"


async def test_older_ages_list_as_before() -> None:
    async with running(Knobs(age="2025")) as simulator:
        listed = (await call(simulator, "GET", f"{API}/models")).json
    assert "gpt-4" in {model["slug"] for model in listed["models"]}
    assert "default_model_slug" not in listed


@pytest.mark.parametrize(
    ("model", "effort", "status"),
    [
        ("gpt-5-6-thinking", "extended", 200),
        ("gpt-5-6-thinking", "high", 422),
        ("gpt-5-4-thinking", "max", 422),
        ("gpt-5-6", "standard", 422),
        ("gpt-5-6", None, 200),
    ],
)
async def test_only_listed_efforts_are_accepted(model: str, effort: str | None, status: int) -> None:
    async with running(IN_2026) as simulator:
        answer = await ask_2026(simulator, "Hello", model=model, thinking_effort=effort)
    assert answer.status == status
    if status == 422:
        assert answer.json["detail"][0]["msg"] == "Invalid conversation body"


async def test_another_model_may_answer() -> None:
    async with running(IN_2026.set({"answers_as": "gpt-5-mini"})) as simulator:
        answer = await ask_2026(simulator, "Hello")
        init = await call(simulator, "POST", f"{API}/conversation/init", {})
    said = list(answer.shown.values())[-1]["metadata"]
    ste = next(record for record in answer.records if record["type"] == "server_ste_metadata")["metadata"]
    assert said["resolved_model_slug"] == ste["resolved_model_slug"] == "gpt-5-mini"
    assert ste["model_slug"] == "gpt-5-6"
    (limit,) = init.json["model_limits"]
    assert (limit["model_slug"], limit["using_default_model_slug"]) == ("gpt-5-6", "gpt-5-mini")


async def test_a_slug_that_is_not_listed_is_replaced_or_refused() -> None:
    async with running(IN_2026) as simulator:
        replaced = await ask_2026(simulator, "Hello", model="gpt-4")
        refused = await ask_2026(simulator, "Hello [[sim unlisted=refuse]]", model="gpt-4")
    assert list(replaced.shown.values())[-1]["metadata"]["resolved_model_slug"] == "gpt-5-6"
    assert (refused.status, refused.json["detail"]["code"]) == (404, "model_not_found")


async def test_limits_are_told_without_a_message() -> None:
    async with running(IN_2026) as simulator:
        init = (await call(simulator, "POST", f"{API}/conversation/init", {"gizmo_id": None})).json
        assert (simulator.state.attempts, simulator.state.quota_units) == (0, 0)
    assert set(init) == {
        *("type", "banner_info", "default_model_slug", "blocked_features", "model_limits"),
        "limits_progress",
    }
    assert {each["feature_name"] for each in init["limits_progress"]} == {
        *("deep_research", "image_gen", "file_upload", "paste_text_to_file", "odyssey")
    }


async def test_workspaces_have_conversations_of_their_own() -> None:
    async with running(IN_2026) as simulator:
        checked = (await call(simulator, "GET", f"{API}/accounts/check/v4-2023-04-27")).json
        team = next(name for name in checked["account_ordering"] if name.endswith("team"))
        answer = await ask_2026(simulator, "Hello")
        path = f"{API}/conversation/{answer.records[0]['conversation_id']}"
        personal = await call(simulator, "GET", path)
        elsewhere = await call(simulator, "GET", path, ChatGPT_Account_Id=team)
        named = await call(simulator, "GET", path, ChatGPT_Account_Id=checked["account_ordering"][0])
    assert (personal.status, elsewhere.status, named.status) == (200, 404, 200)
    account = checked["accounts"][team]["account"]
    assert (account["account_id"], account["plan_type"], account["structure"]) == (team, "team", "workspace")
    assert checked["accounts"]["default"] == checked["accounts"][checked["account_ordering"][0]]


@pytest.mark.parametrize("path", ["me", "settings/user", "system_hints?mode=basic", "accounts/check/v4"])
async def test_checks_exist_since_2026_only(path: str) -> None:
    async with running(IN_2026) as now, running() as before:
        assert (await call(now, "GET", f"{API}/{path}")).status == 200
        assert (await call(before, "GET", f"{API}/{path}")).status == 404
        assert (await call(now, "GET", f"{API}/{path}", key="fk-dead")).status == 401


@pytest.mark.parametrize(
    ("hides_by", "patched", "deleted"), [("both", 200, 404), ("patch", 200, 404), ("delete", 405, 200)]
)
async def test_hiding(hides_by: str, patched: int, deleted: int) -> None:
    async with running(IN_2026.set({"hides_by": hides_by})) as simulator:
        conversation_id = (await ask_2026(simulator, "Hello")).records[0]["conversation_id"]
        first = await call(simulator, "PATCH", f"{API}/conversation/{conversation_id}", {"is_visible": False})
        second = await call(simulator, "DELETE", f"{API}/conversation/id/{conversation_id}")
        left = await call(simulator, "GET", f"{API}/conversation/{conversation_id}")
    assert (first.status, second.status, left.status) == (patched, deleted, 404)


async def test_renaming() -> None:
    async with running(IN_2026) as simulator:
        conversation_id = (await ask_2026(simulator, "Hello")).records[0]["conversation_id"]
        path = f"{API}/conversation/id/{conversation_id}/rename"
        assert (await call(simulator, "POST", path, {"title": "Tea"})).json == {"success": True}
        assert (await call(simulator, "GET", f"{API}/conversation/{conversation_id}")).json["title"] == "Tea"


async def test_an_upload_is_processed_in_lines() -> None:
    async with running(IN_2026) as simulator:
        about = {"file_name": "a.txt", "file_size": 3, "use_case": "my_files"}
        created = (await call(simulator, "POST", f"{API}/files", about)).json
        target = created["upload_url"].partition(str(simulator.port))[2]
        await call(simulator, "PUT", target, b"tea", key=None, x_ms_blob_type="BlockBlob")
        body = {"file_id": created["file_id"], "use_case": "my_files", "index_for_retrieval": True}
        processed = await call(simulator, "POST", f"{API}/files/process_upload_stream", body)
        found = (await call(simulator, "GET", f"{API}/files/{created['file_id']}")).json
    events = [json.loads(line)["event"] for line in processed.body.decode().splitlines()]
    assert events[0] == "file.processing.started"
    assert events[-1] == "file.processing.completed"
    assert found["state"] == "ready"


async def test_audio() -> None:
    boundary = (
        b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.mp3"\r\n\r\nmp3!\r\n--x--\r\n'
    )
    async with running(IN_2026) as simulator:
        answer = await ask_2026(simulator, "say exactly: good tea")
        said = list(answer.shown.values())[-1]["id"]
        query = f"message_id={said}&conversation_id={answer.records[0]['conversation_id']}&voice=vale"
        spoken = await call(simulator, "GET", f"{API}/synthesize?{query}&format=mp3")
        no_voice = await call(simulator, "GET", f"{API}/synthesize?{query}x")
        heard = await call(
            simulator,
            "POST",
            f"{API}/transcribe",
            boundary,
            Content_Type="multipart/form-data; boundary=x",
        )
        simulator.knobs = simulator.knobs.set({"audio": False})
        gone = await call(simulator, "GET", f"{API}/synthesize?{query}")
    assert (spoken.headers["content-type"], spoken.body) == ("audio/mpeg", b"mp3 vale\ngood tea")
    assert heard.json == {"text": "These are 4 bytes of simulated speech."}
    assert (no_voice.status, gone.status) == (422, 404)
