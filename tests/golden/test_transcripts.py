"""Turns recorded once, and what a person reads of them; it does not depend on how the bytes came."""

from functools import cache

import pytest

from tests.golden.cuts import at_random, every
from tests.golden.files import HERE, NAMES, finish_reason, recorded, rendered
from tests.golden.playback import play
from tests.golden.recording import Recording
from translate.values.style import Style

EVERY_BYTE = 10_000
"""Streams up to this size are also cut at every byte."""


@cache
def streams(name: str) -> list[Recording]:
    return recorded(name)


def with_line_ends(recordings: list[Recording], end: bytes) -> list[Recording]:
    return [Recording(each.sent, each.stream.replace(b"\n", end)) for each in recordings]


@pytest.mark.parametrize("style", Style)
@pytest.mark.parametrize("name", NAMES)
def test_answer_is_the_one_that_was_approved(name: str, style: Style, update_golden: bool) -> None:
    played = play(streams(name), style=style)
    assert played.error is None
    assert played.seen.finish_reason == finish_reason(name)
    file = rendered(name, style)
    if update_golden:
        file.write_bytes(played.text.encode() + b"\n")
    assert played.text.encode() + b"\n" == file.read_bytes()


@pytest.mark.parametrize("name", NAMES)
def test_answer_does_not_depend_on_how_the_bytes_were_cut_or_framed(name: str) -> None:
    recordings = streams(name)
    expected = play(recordings).seen
    cuts = [every(7), every(1024), *map(at_random, range(4))]
    if sum(len(each.stream) for each in recordings) <= EVERY_BYTE:
        cuts.append(every(1))
    for chunks in cuts:
        assert play(recordings, chunks).seen == expected
    for end in (b"\r\n", b"\r"):
        for chunks in (every(100_000), every(7), at_random(9)):
            assert play(with_line_ends(recordings, end), chunks).seen == expected


@pytest.mark.parametrize("style", Style)
@pytest.mark.parametrize("name", NAMES)
def test_fast_path_says_what_the_full_parse_says(name: str, style: Style) -> None:
    fast, slow = (play(streams(name), style=style, fast=fast) for fast in (True, False))
    assert fast.seen == slow.seen
    assert fast.facts == slow.facts


def test_each_transcript_belongs_to_a_turn() -> None:
    known = {rendered(name, style).name for name in NAMES for style in Style}
    assert {file.name for file in (HERE / "rendered").iterdir()} == known
    upstream = {file.name.split(".")[0] for file in (HERE / "upstream").iterdir()}
    assert upstream == set(NAMES)
