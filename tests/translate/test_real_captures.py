"""Real streams of the backend, where somebody has them: UPSTREAM_CAPTURES names their folder.

They were published by others and are not ours to give away, so without them these tests are not
collected; the fixtures of the same shape are in `test_conversation_fixtures.py`.
"""

import ast
import json
import re
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given, settings

from tests.translate.captures import FOLDER
from tests.translate.deltas import begun, v1
from tests.translate.reading import answer
from tests.translate.stories import SIZES
from tests.translate.streams import assert_always, ways
from tests.translate.wire import DONE, Json, sse
from translate.backend import error_from_response, read_handover


def capture(pattern: str) -> str:
    """The text of the one capture whose name fits; keeps line ends as they are."""
    assert FOLDER is not None
    (path,) = Path(FOLDER).glob(pattern)
    return path.read_bytes().decode()


def test_complete_stream_of_may_2023_says_its_last_snapshot() -> None:
    stream = capture("snapshot-text-2023-05-*.sse").encode()
    records = [json.loads(line) for line in re.findall(rb"^data: (\{.*)$", stream, re.MULTILINE)]
    answers = [r["message"] for r in records if r["message"]["author"]["role"] == "assistant"]
    text = answers[-1]["content"]["parts"][0]
    assert len(text) > 50
    assert_always(stream, text, "stop")
    assert answer(stream).conversation.facts.model_slug == answers[-1]["metadata"]["model_slug"]


@pytest.mark.parametrize("done", [True, False])
def test_last_events_of_december_2023_say_the_finished_text(done: bool) -> None:
    printed = re.findall(r"^\{.*?\n(?=\{|\Z)", capture("snapshot-tail-events-2023-12-*"), re.M | re.S)
    records: list[Json] = [ast.literal_eval(record) for record in printed]
    assert len(records) == 2
    (text,) = records[1]["message"]["content"]["parts"]  # type: ignore[index]
    assert_always(sse(*records, done=done), text, "stop")


def test_stream_that_crashed_others_with_a_null_message_is_an_error() -> None:
    assert "AttributeError: 'NoneType' object has no attribute 'get'" in capture("reference-crash-*")
    assert_always(
        sse({"message": None, "conversation_id": "c1", "error": "Oops"}), "", None, "upstream_error"
    )


STATUSES = {
    "429": 429,
    "bad token": 401,
    "expired token": 401,
    "404": 404,
    "413": 400,
    "unusual activity": 503,
    "Pandora-Next / fakeopen shut-down notice": 429,
    "Pandora-Next wrong path": 502,
}


def test_collected_error_bodies_become_the_right_errors() -> None:
    blocks = re.findall(r"^## (.*)\n(.*)$", capture("errors-collected.txt"), re.M)
    checked = 0
    for title, body in blocks:
        status = next((status for start, status in STATUSES.items() if title.startswith(start)), None)
        if status is None:
            continue
        said = int(found[0]) if (found := re.search(r"\b(?:4\d\d)\b", title)) else status
        if body.startswith("data: "):
            error = answer(body.encode() + b"\n\n" + DONE).failure
        else:
            error = error_from_response(said, body.encode())
        assert error.status == status, title
        checked += 1
    assert checked >= 12


def test_complete_delta_stream_of_october_2024_says_all_that_was_appended() -> None:
    stream = capture("delta-v1-text-2024-10-*.sse").encode()
    records = [json.loads(line) for line in re.findall(rb"^data: (\{.*)$", stream, re.MULTILINE)]
    pieces = [record["v"] for record in records if isinstance(record["v"], str)]
    assert len(pieces) > 100
    seen = answer(stream)
    assert (seen.text, seen.finish_reason, seen.error) == ("".join(pieces), "stop", None)
    assert answer(stream, fast=False).deltas == seen.deltas
    for framed, sizes in ways(stream):
        assert answer(framed, sizes=sizes).deltas == seen.deltas


@settings(max_examples=30)
@given(sizes=SIZES)
def test_complete_delta_stream_says_the_same_at_random_cuts(sizes: list[int]) -> None:
    stream, deltas = delta_stream()
    assert answer(stream, sizes=sizes).deltas == deltas


@cache
def delta_stream() -> tuple[bytes, list[str]]:
    """A whole stream, and what the full parse says that it shows."""
    stream = capture("delta-v1-text-*").encode()
    return stream, answer(stream, fast=False).deltas


def test_fragments_in_deltas_say_what_they_append() -> None:
    fragment = capture("delta-v1-devtools-*")
    records = [json.loads(found) for found in re.findall(r"\{.*\}", fragment)]
    pieces = [record["v"] for record in records if "v" in record]
    assert len(pieces) > 10
    framed = (
        record if "v" in record else b"event: message\n" + sse(record, done=False) for record in records
    )
    assert_always(v1(begun(), *framed), "".join(pieces), "stop")


def test_drawing_of_2026_shows_its_picture_though_no_message_ends_the_turn() -> None:
    fragment = capture("image-gen-delta-*")
    lines = re.findall(r"^(?:data: )?(\{.*\})$", fragment, re.MULTILINE)
    records = [json.loads(line) for line in lines if '"p"' in line or '"v"' in line]
    assert len(records) == 4
    for number, record in enumerate(records):  # ids are blotted out in the capture
        if isinstance(record["v"], dict):
            record["v"]["message"]["id"] = f"m{number}"
    stream = v1(*records).replace(b"file_***", b"file_1").removesuffix(DONE)
    complete = stream + b'data: {"type": "message_stream_complete"}\n\n'
    for ended in (complete, complete + DONE, stream + DONE):
        seen = answer(ended)
        assert seen.error is None
        assert seen.text == "![森林中吃西瓜的戏服人物](https://files.example/file_1.png)"


def test_json_answer_hands_over_to_the_websocket() -> None:
    body = capture("ws-conversation-answer-*.json").encode()
    said, found = json.loads(body), read_handover(body)
    assert found is not None
    ids = (said["conversation_id"], said["websocket_request_id"])
    assert (found.conversation_id, found.request_id) == ids


@pytest.mark.parametrize("name", ["snapshot-dalle-image-*.json", "snapshot-python-image-*.json"])
def test_single_events_with_a_picture_show_it_once(name: str) -> None:
    record = json.loads(capture(name))
    (file_id,) = set(re.findall(r"file-service://([\w-]+)", json.dumps(record)))
    seen = answer(sse(record, record))
    assert seen.text.count(f"https://files.example/{file_id}.png") == 1
    assert "ImageDisplayed" not in seen.text


def test_call_of_the_browser_shows_nothing() -> None:
    record = json.loads(capture("snapshot-browser-code-*.json"))
    assert answer(sse(record)).text == ""
