"""Turns recorded once, and what a person reads of them; it does not depend on how the bytes came."""

from functools import cache

import pytest

from tests.golden.cuts import at_random, every
from tests.golden.files import HERE, NAMES, finish_reason, recorded, rendered, rendered_otherwise
from tests.golden.playback import play
from tests.golden.recording import Recording
from translate.values.style import CitationForm, Style

EVERY_BYTE = 10_000
"""Streams up to this size are also cut at every byte."""
CITING = (
    "browse",
    "browse_failed",
    "chinese_browse",
    "citations_behind_emoji",
    "citations_out_of_place",
    "citations_that_come_last",
    "late_citations",
    "marks_in_code",
)
"""Turns whose answers cite pages."""
OTHERWISE = {CitationForm.NUMBER: CITING, CitationForm.NONE: (*CITING, "file_search")}
"""Turns whose answers look otherwise in other forms than the usual one."""


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


@pytest.mark.parametrize("form", OTHERWISE)
@pytest.mark.parametrize("name", NAMES)
def test_answer_with_other_citations_is_the_one_that_was_approved(
    name: str, form: CitationForm, update_golden: bool
) -> None:
    played = play(streams(name), citations=form)
    said, usual = played.text.encode() + b"\n", rendered(name, Style.WEB).read_bytes()
    file = rendered_otherwise(name, form)
    if update_golden:
        file.unlink(missing_ok=True)
        if said != usual:
            file.write_bytes(said)
    assert said == (file.read_bytes() if name in OTHERWISE[form] else usual)
    assert played.seen.finish_reason == finish_reason(name)


@pytest.mark.parametrize("form", CitationForm)
@pytest.mark.parametrize("name", CITING)
def test_citations_do_not_depend_on_where_the_bytes_were_cut(name: str, form: CitationForm) -> None:
    recordings = streams(name)
    expected = play(recordings, citations=form).seen
    for chunks in (every(1), every(7), at_random(3)):
        assert play(recordings, chunks, citations=form).seen == expected


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
    known |= {rendered_otherwise(name, form).name for form, names in OTHERWISE.items() for name in names}
    assert {file.name for file in (HERE / "rendered").iterdir()} == known
    upstream = {file.name.split(".")[0] for file in (HERE / "upstream").iterdir()}
    assert upstream == set(NAMES)
