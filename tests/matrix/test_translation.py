"""Each kind of turn, told in each way and cut in each way, says the same."""

from urllib.parse import unquote

import pytest

from tests.golden.cuts import at_random, every
from tests.golden.playback import Played, play, whole
from tests.golden.recording import record
from tests.golden.scenes import SCENES, Scene
from tests.matrix.ages import CITATION, STANDARD, WAYS, Way, cannot_tell, compared

CELLS = [
    pytest.param(scene, way, id=f"{scene.name}, {name}")
    for scene in SCENES.values()
    for name, way in WAYS.items()
    if not cannot_tell(scene, way)
]
CUTS = {"byte": every(1), "7": every(7), "1024": every(1024), "whole": whole, "random": at_random(3)}
EVERY_BYTE = 15_000
"""Streams up to this size are also cut at every byte; of kinds with longer ones there are enough others."""


def standard(scene: Scene) -> Played:
    played = play(record(scene, STANDARD))
    assert played.error is None
    assert played.text or scene.name in ("action", "oauth")
    return played


@pytest.mark.parametrize(("scene", "way"), CELLS)
def test_answer_is_the_same_whatever_the_age_the_dialect_and_the_cut(scene: Scene, way: Way) -> None:
    expected = compared(standard(scene), way.age)
    recordings = way.record(scene)
    size = sum(len(each.stream) for each in recordings)
    assert size
    for name, chunks in CUTS.items():
        if name != "byte" or size <= EVERY_BYTE:
            assert compared(play(recordings, chunks), way.age) == expected, name
    assert compared(play(recordings, fast=False), way.age) == expected


@pytest.mark.parametrize("size", [7, 1024])
@pytest.mark.parametrize("way", [pytest.param(way, id=name) for name, way in WAYS.items() if way.over_socket])
def test_frames_may_be_cut_anywhere(way: Way, size: int) -> None:
    for name in ("text", "rounds", "half_characters"):
        scene = SCENES[name]
        expected = compared(standard(scene), way.age)
        assert compared(play(way.record(scene, f"chunk={size}")), way.age) == expected


@pytest.mark.parametrize("name", ["browse", "late_citations", "chinese_browse"])
def test_citations_of_all_ages_lead_to_the_same_pages(name: str) -> None:
    pages = {
        tuple(unquote(link["old"] or link["new"]) for link in CITATION.finditer(play(recordings).text))
        for recordings in [way.record(SCENES[name]) for way in WAYS.values()]
    }
    assert len(pages) == 1
    assert len(pages.pop()) == 3


@pytest.mark.parametrize("way", WAYS)
def test_link_to_a_page_has_nothing_in_it_that_ends_it_early(way: str) -> None:
    for link in CITATION.finditer(play(WAYS[way].record(SCENES["browse"])).text):
        address = link["old"] or link["new"]
        assert not any(character.isspace() for character in address)
        assert address.count("(") == address.count(")")


@pytest.mark.parametrize(
    ("name", "way", "reason"),
    [("cut_by_length", "snapshots 2024", "stop"), ("variants", "snapshots 2023-05", "stop")],
)
def test_what_an_age_cannot_tell_is_still_an_answer(name: str, way: str, reason: str) -> None:
    scene = SCENES[name]
    assert cannot_tell(scene, WAYS[way])
    played = play(WAYS[way].record(scene))
    assert played.error is None
    assert played.seen.finish_reason == reason
    assert played.text.startswith(standard(scene).text[:30])
