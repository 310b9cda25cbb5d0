"""Each kind of turn says the same in each wire format, however its stream is cut."""

from urllib.parse import unquote

import pytest

from tests.golden.cuts import at_random, every
from tests.golden.playback import play, whole
from tests.golden.scenes import SCENES, Scene
from tests.matrix.wire_formats import CITATION, WIRE_FORMATS, WireFormat, cannot_say, common_answer, reference

CELLS = [
    pytest.param(scene, wire_format, id=f"{scene.name}, {name}")
    for scene in SCENES.values()
    for name, wire_format in WIRE_FORMATS.items()
    if not cannot_say(scene, wire_format)
]
CUTS = {"byte": every(1), "7": every(7), "1024": every(1024), "whole": whole, "random": at_random(3)}
EVERY_BYTE = 15_000
"""Streams up to this size are also cut at every byte; of kinds with longer ones there are enough others."""


@pytest.mark.parametrize(("scene", "wire_format"), CELLS)
def test_answer_is_the_same_whatever_the_format_and_the_cut(scene: Scene, wire_format: WireFormat) -> None:
    expected = common_answer(reference(scene), wire_format)
    recordings = wire_format.record(scene)
    size = sum(len(each.stream) for each in recordings)
    assert size
    for name, chunks in CUTS.items():
        if name != "byte" or size <= EVERY_BYTE:
            assert common_answer(play(recordings, chunks), wire_format) == expected, name
    assert common_answer(play(recordings, fast=False), wire_format) == expected


@pytest.mark.parametrize("size", [7, 1024])
@pytest.mark.parametrize(
    "wire_format",
    [pytest.param(each, id=name) for name, each in WIRE_FORMATS.items() if each.over_socket],
)
def test_frames_may_be_cut_anywhere(wire_format: WireFormat, size: int) -> None:
    for name in ("text", "rounds", "half_characters"):
        scene = SCENES[name]
        expected = common_answer(reference(scene), wire_format)
        recordings = wire_format.record(scene, f"chunk={size}")
        assert common_answer(play(recordings), wire_format) == expected


@pytest.mark.parametrize("name", ["browse", "late_citations", "chinese_browse"])
def test_citations_of_all_formats_lead_to_the_same_pages(name: str) -> None:
    pages = {
        tuple(unquote(link["old"] or link["new"]) for link in CITATION.finditer(play(recordings).text))
        for recordings in [each.record(SCENES[name]) for each in WIRE_FORMATS.values()]
    }
    assert len(pages) == 1
    assert len(pages.pop()) == 3


@pytest.mark.parametrize("name", WIRE_FORMATS)
def test_link_to_a_page_has_nothing_in_it_that_ends_it_early(name: str) -> None:
    for link in CITATION.finditer(play(WIRE_FORMATS[name].record(SCENES["browse"])).text):
        address = link["old"] or link["new"]
        assert not any(character.isspace() for character in address)
        assert address.count("(") == address.count(")")


@pytest.mark.parametrize(
    ("name", "wire_format", "reason"),
    [("cut_by_length", "snapshots 2024", "stop"), ("variants", "snapshots 2023-05", "stop")],
)
def test_what_a_format_cannot_say_is_still_an_answer(name: str, wire_format: str, reason: str) -> None:
    scene = SCENES[name]
    assert cannot_say(scene, WIRE_FORMATS[wire_format])
    played = play(WIRE_FORMATS[wire_format].record(scene))
    assert played.error is None
    assert played.seen.finish_reason == reason
    assert played.text.startswith(reference(scene).text[:30])
