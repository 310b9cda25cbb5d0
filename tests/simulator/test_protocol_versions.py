"""The four versions of the protocol, in both dialects, with every kind of turn."""

import json
import re
from typing import Any
from urllib.parse import unquote

import pytest

from simulator.kind_names import KIND_NAMES
from simulator.protocol_versions import PROTOCOL_VERSIONS
from tests.simulator.client import API, Answer, ask, call, fetch, message, running

PRIVATE_MARK = re.compile("\ue200cite\ue202turn0search\\d\ue201")


def said(answer: Answer) -> list[tuple[Any, ...]]:
    """What each generated message is in the end, without ids and times."""
    found = []
    for shown in answer.shown.values():
        if shown["author"]["role"] not in ("assistant", "tool"):
            continue
        content = json.dumps(shown["content"], ensure_ascii=False)
        content = content.encode("utf-16", "surrogatepass").decode("utf-16")
        content = re.sub(r"(file[-_]|gen_id\": \"|\"source_analysis_msg_id\": \")[\w-]+", "ID", content)
        status = (shown.get("status"), shown["end_turn"], shown.get("channel"))
        author = (shown["author"]["role"], shown["author"]["name"], shown["recipient"])
        found.append((*author, *status, sorted(shown["metadata"]), content))
    return found


@pytest.mark.parametrize("age", PROTOCOL_VERSIONS)
@pytest.mark.parametrize("kind", KIND_NAMES)
async def test_delta_builds_the_same_messages_as_snapshots_show(age: str, kind: str) -> None:
    async with running() as simulator:
        # 🔥 and step=2 make pieces of all sorts; an unfinished last snapshot would differ by design.
        marker = f"[[sim kind={kind} age={age} step=2 finished=1 surrogates]]"
        snapshots = await ask(simulator, f"Tell me about 茶🔥 {marker.replace(']]', ' dialect=snapshot]]')}")
        deltas = await ask(simulator, f"Tell me about 茶🔥 {marker.replace(']]', ' dialect=delta]]')}")
    assert said(deltas) == said(snapshots)
    assert (snapshots.done, deltas.done) == (True, True)
    assert {name for name, _ in snapshots.events} == {"message"}


async def test_may_2023_has_no_status_and_finish_details_before_the_end() -> None:
    async with running() as simulator:
        answer = await ask(simulator, "Tell me about tea [[sim age=2023-05]]")
    assert not any("status" in shown for shown in answer.messages)
    assert answer.messages[0]["weight"] == 1.0
    with_details = [shown for shown in answer.messages if "finish_details" in shown["metadata"]]
    assert 2 < len(with_details) < 30
    assert with_details[0]["content"] != with_details[-1]["content"]
    assert with_details[-1]["metadata"]["finish_details"] == {"type": "stop", "stop": "<|diff_marker|>"}
    assert answer.messages[-1]["end_turn"] is True
    assert not any("parent_id" in shown["metadata"] for shown in answer.messages)


async def test_2024_snapshots_are_padded_and_have_no_finished_one() -> None:
    async with running() as simulator:
        answer = await ask(simulator, "Tell me about tea [[sim age=2024]]")
    assert all(len(data) % 32 == 0 for _, data in answer.events)
    assert answer.messages[-1]["status"] == "in_progress"
    assert answer.messages[-1]["channel"] is None
    (moderation,) = [record for record in answer.records if "moderation_response" in record]
    assert moderation["type"] == "moderation"


async def test_2024_gets_delta_on_request_and_2023_never_by_itself() -> None:
    async with running() as simulator:
        asked = await ask(simulator, "Hello [[sim age=2024]]", supported_encodings=["v1"])
        not_asked = await ask(simulator, "Hello [[sim age=2024]]")
        too_early = await ask(simulator, "Hello", supported_encodings=["v1"])
    assert asked.events[0][0] == "delta_encoding"
    assert (not_asked.events[0][0], too_early.events[0][0]) == ("message", "message")


async def test_2025_thinks_before_it_answers_on_other_channels() -> None:
    async with running() as simulator:
        answer = await ask(simulator, "Tell me about tea [[sim age=2025]]")
    generated = [shown for shown in answer.shown.values() if shown["author"]["role"] == "assistant"]
    assert [shown["content"]["content_type"] for shown in generated] == [
        "model_editable_context",
        "thoughts",
        "reasoning_recap",
        "text",
    ]
    assert generated[1]["channel"] == "analysis"
    assert generated[1]["content"]["thoughts"][0]["content"].startswith("THOUGHT")
    assert (generated[-1]["channel"], generated[-1]["end_turn"]) == ("final", True)


async def test_2025_calls_are_commentary() -> None:
    async with running() as simulator:
        answer = await ask(simulator, "Calculate 6*7 [[sim age=2025]]", model="gpt-5")
    call_ = next(shown for shown in answer.shown.values() if shown["recipient"] == "python")
    assert call_["channel"] == "commentary"


async def test_2025_cites_with_private_use_marks_and_content_references() -> None:
    async with running() as simulator:
        answer = await ask(simulator, "Search the web for tea [[sim age=2025]]", model="gpt-5")
    last = list(answer.shown.values())[-1]
    text = last["content"]["parts"][0]
    references = last["metadata"]["content_references"]
    assert len(references) == len(PRIVATE_MARK.findall(text)) == 3
    for reference in references:
        assert text[reference["start_idx"] : reference["end_idx"]] == reference["matched_text"]
        assert reference["items"][0]["url"] in unquote(reference["alt"])
    assert "【" not in text
    recipients = {shown["recipient"] for shown in answer.shown.values()}
    assert "web.run" in recipients


async def test_2025_draws_with_sediment_pointers_and_no_answer() -> None:
    async with running() as simulator:
        answer = await ask(simulator, "Draw a cat [[sim age=2025]]", model="gpt-5")
        *_, call_, shown = answer.shown.values()
        pointer = shown["content"]["parts"][0]["asset_pointer"]
        file_id = pointer.removeprefix("sediment://")
        found = await call(simulator, "GET", f"{API}/files/download/{file_id}?inline=false")
        png = await fetch(simulator, found.json["download_url"])
    assert call_["content"]["text"] == '{"skipped_mainline":true}'
    assert call_["recipient"] == shown["author"]["name"] == "t2uay3k.sj1i4kz"
    assert re.fullmatch(r"file_[0-9a-f]{32}", file_id)
    assert png.body.startswith(b"\x89PNG")
    assert not any(
        each["end_turn"] for each in answer.shown.values() if each["author"]["role"] == "assistant"
    )


@pytest.mark.parametrize("age", PROTOCOL_VERSIONS)
async def test_variant_action_answers_the_old_message_anew(age: str) -> None:
    question = message("Tell me about tea")
    async with running() as simulator:
        first = await ask(simulator, question)
        conversation_id = first.records[0]["conversation_id"]
        again = message(f"Tell me about tea [[sim age={age} seed=2]]", id=question["id"])
        second = await ask(
            simulator,
            again,
            action="variant",
            conversation_id=conversation_id,
            parent_message_id=first.messages[0]["id"],
        )
        tree = (await call(simulator, "GET", f"{API}/conversation/{conversation_id}")).json
    answer = list(second.shown.values())[-1]
    assert answer["metadata"]["message_type"] == "variant"
    assert answer["content"]["parts"][0] != first.text
    assert len(tree["mapping"][question["id"]]["children"]) == 2
