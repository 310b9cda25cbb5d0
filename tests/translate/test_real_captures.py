"""Real streams of the backend, where somebody has them: UPSTREAM_CAPTURES names their folder.

They were published by others and are not ours to give away, so without them these tests are not
collected; the fixtures of the same shape are in `test_conversation_fixtures.py`.
"""

import ast
import json
import re
from pathlib import Path

import pytest

from tests.translate.captures import FOLDER
from tests.translate.reading import answer
from tests.translate.streams import assert_always
from tests.translate.wire import DONE, Json, sse
from translate.backend.errors import error_from_response


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
    for sizes in ([1], [7], [1000]):
        assert answer(stream, sizes=sizes).deltas == seen.deltas
    assert "".join(answer(stream, fast=False).deltas) == seen.text


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
