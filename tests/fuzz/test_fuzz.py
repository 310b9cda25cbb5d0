"""A short look for bytes that break a parser; `make fuzz` looks longer. And what it found before."""

import importlib.util
import json
import random
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fuzz.shrink import shrunk
from tests.fuzz.targets import TARGETS
from tests.translate.deltas import ENCODING, TEXT, delta
from tests.translate.reading import answer, content_of, whole_answer
from tests.translate.tool_turns import citation
from tests.translate.wire import finished, growing, message, sse
from translate.values.errors import NotFound

ROUNDS = {
    "stream": range(6),
    "recording": range(1),
    "answer": range(2),
    "response": range(2),
    "websocket": range(2),
    "request": range(1),
    "message": range(1),
    "calls": range(2),
    "asked_response": range(2),
}
INPUTS_PER_ROUND = 250


@pytest.mark.parametrize(("target", "round"), [(name, round) for name in ROUNDS for round in ROUNDS[name]])
def test_any_damage_leaves_a_valid_result_or_a_typed_error(target: str, round: int) -> None:
    for number in range(INPUTS_PER_ROUND):
        TARGETS[target].check(TARGETS[target].random_input(random.Random(f"{round}-{number}")))


@pytest.mark.parametrize("target", TARGETS)
def test_branches_that_nothing_took_before_lead_to_no_failure(target: str, tmp_path: Path) -> None:
    if importlib.util.find_spec("atheris") is None:
        pytest.skip("atheris has no wheel for this machine")
    command = [sys.executable, "-m", "tests.fuzz", "2.5", target, "--folder", str(tmp_path)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "stat::number_of_executed_units" in ended.stderr


def test_input_that_fails_is_made_small_and_told_as_a_test(tmp_path: Path) -> None:
    assert shrunk(b"data: 1\n\ndata: ab\n\n", lambda data: b"b" in data) == b"b"
    (tmp_path / "input").write_bytes(b"{}")
    command = [sys.executable, "-m", "tests.fuzz", "0", "request", "--input", str(tmp_path / "input")]
    ended = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    assert "does not fail" in ended.stdout


def test_error_that_quotes_half_a_character_can_be_read_by_every_client() -> None:
    stream = sse({"message": None, "error": "Half \ud83d a character"})
    failure = answer(stream).error
    assert failure is not None
    str(failure["message"]).encode()
    assert NotFound("No model \udd25").message == "No model \ufffd"


def test_deltas_that_begin_behind_snapshots_repeat_nothing() -> None:
    stream = sse(*growing("", "One", "One two"), done=False) + ENCODING + sse(*growing("One two three"))
    assert answer(stream).text == answer(stream, fast=False).text == "One two three"


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
def test_line_that_ends_in_mid_string_is_no_growth(end: bytes) -> None:
    begin = ENCODING + delta({"p": "", "o": "add", "v": message(""), "c": 0})
    grows = delta({"p": TEXT, "o": "append", "v": "One"})
    broken = delta({"v": " tw@o"}).replace(b"@", end)
    stream = begin + grows + broken + delta({"v": " three"}) + b"data: [DONE]\n\n"
    fast, slow = answer(stream), answer(stream, fast=False)
    assert fast.text == slow.text == "One"
    assert fast.failure.status == slow.failure.status == 502


def test_message_that_grows_behind_its_end_says_the_same_on_both_paths() -> None:
    begin = ENCODING + delta({"p": "", "o": "add", "v": finished("One"), "c": 0})
    grows = delta({"p": TEXT, "o": "append", "v": " two \ud83d"}) + delta({"v": "\udd25 three"})
    stream = begin + grows + b"data: [DONE]\n\n"
    assert answer(stream).text == answer(stream, fast=False).text


def test_channel_that_is_no_string_is_none() -> None:
    (record,) = growing("One")
    record["message"]["channel"] = []  # type: ignore[index]
    assert answer(sse(record)).text == "One"


HALVES = [("\ud83d x", "https://a.example/"), ("A", "https://a.example/\udd25")]


@pytest.mark.parametrize(("title", "url"), HALVES)
def test_citation_with_half_a_character_has_a_place_and_can_be_read(title: str, url: str) -> None:
    record = message("One【3†source】.", metadata={"citations": [citation(3, 13, 3, url, title)]})
    completion = whole_answer(sse(record))
    json.dumps(completion, ensure_ascii=False).encode()
    note = completion["choices"][0]["message"]["annotations"][0]["url_citation"]  # type: ignore[index]
    assert note["start_index"] == 3
    assert note["end_index"] == len(content_of(completion)) - 1
