"""What must hold of an answer, whatever bytes the backend sent."""

import json
from dataclasses import replace

from tests.fuzz.cases import Case
from tests.fuzz.translation import stream_answer, whole_answer
from tests.translate.reading import Reading, read
from translate.text.fences import BREAK
from translate.values.errors import ApiError

MAX_GROWTH = 40
"""Bytes written at most per byte read, beside `SLACK`: a chunk of one character has about 200 bytes."""
SLACK = 100_000
MAX_FACTS = 2_000_000
"""Characters that a turn remembers besides its text."""


def check(case: Case) -> None:
    """Raises AssertionError, or whatever the translator raises, which is worse."""
    slow, slow_error = _checked_stream(case, fast=False)
    fast, fast_error = _checked_stream(case, fast=True)
    assert fast.text == slow.text, "the fast path and the full path differ"
    assert fast.finish_reason == slow.finish_reason
    assert type(fast_error) is type(slow_error)
    joined, joined_error = _checked_stream(replace(case, chunks=(b"".join(case.chunks),)), fast=True)
    assert joined.text.replace(BREAK, "") == slow.text.replace(BREAK, ""), "the text depends on the cuts"
    assert joined.finish_reason == slow.finish_reason
    assert type(joined_error) is type(slow_error)
    whole = _checked_whole(case)
    if slow_error is None:
        assert whole == slow.text


def _checked_stream(case: Case, *, fast: bool) -> tuple[Reading, ApiError | None]:
    answer = stream_answer(case, fast=fast)
    seen = read(answer.written)
    received = sum(map(len, (*case.chunks, case.next_exchange)))
    assert answer.size <= len(answer.written)
    assert len(answer.written) <= MAX_GROWTH * received + SLACK, "the answer is far longer than its source"
    if not case.stop:
        assert "".join(seen.deltas) == answer.text, "a delta repeats or loses something"
    assert sum(map(len, answer.facts)) < MAX_FACTS
    return seen, answer.error


def _checked_whole(case: Case) -> str | None:
    answer = whole_answer(case)
    if isinstance(answer, ApiError):
        return None
    completion = json.loads(answer)
    json.dumps(completion, ensure_ascii=False).encode()  # raises on lone surrogates
    content = completion["choices"][0]["message"]["content"]
    assert isinstance(content, str)
    return content
