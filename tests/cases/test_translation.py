"""Each case through the translator, cut in many ways; what goes on elsewhere is followed by each way."""

import pytest

from tests.cases.case import Case, names, plain
from tests.cases.elsewhere import following
from tests.golden.cuts import at_random, every
from tests.golden.playback import whole
from tests.translate.reading import answer
from tests.translate.test_conversation_reasoning import thought_in
from translate.values import Asset, CitationForm

CUTS = {"whole": whole, "bytes": every(1), "three": every(3), "odd": every(61), "random": at_random(7)}
PRIVATE_USE = {chr(code) for code in range(0xE200, 0xE207)}


def pointer(asset: Asset) -> str:
    """A picture's address is its pointer, which the cases name."""
    return asset.pointer


def alone() -> list[Case]:
    return [case for case in map(Case.read, names()) if not case.needs]


def followed() -> list[tuple[Case, str]]:
    return [(case, way) for case in map(Case.read, names()) for way in case.needs]


@pytest.mark.parametrize("cut", CUTS)
@pytest.mark.parametrize("case", alone(), ids=lambda case: case.name)
def test_case_shows_what_a_person_should_see(case: Case, cut: str) -> None:
    chunks = [len(chunk) for chunk in CUTS[cut](case.stream)]
    seen = answer(case.stream, sizes=chunks, reasoning=True, fetch=pointer)
    assert case.accepts(seen.text), seen.text
    assert seen.finish_reason == case.finish_reason
    assert not PRIVATE_USE & set(seen.text)
    assert not [word for word in case.never if word in seen.text]
    assert seen.conversation.facts.unknown == {}
    if case.reasoning:
        assert plain(thought_in(seen)) == plain(case.reasoning)
    error = seen.player.error
    assert (error and {"status": error.status, "code": error.code}) == case.error


@pytest.mark.parametrize("form", [CitationForm.NUMBER, CitationForm.NONE])
@pytest.mark.parametrize("case", alone(), ids=lambda case: case.name)
def test_case_is_right_with_other_forms_of_citations(case: Case, form: CitationForm) -> None:
    for cut in ("whole", "bytes"):
        chunks = [len(chunk) for chunk in CUTS[cut](case.stream)]
        seen = answer(case.stream, sizes=chunks, fetch=pointer, citations=form)
        assert case.accepts(seen.text, form), seen.text
        assert seen.finish_reason == case.finish_reason


@pytest.mark.parametrize("cut", CUTS)
@pytest.mark.parametrize(("case", "way"), followed(), ids=lambda value: getattr(value, "name", value))
def test_case_that_goes_on_elsewhere_shows_the_same_by_each_way(case: Case, way: str, cut: str) -> None:
    chunks = [len(chunk) for chunk in CUTS[cut](case.stream)]
    follow = following(case, way, CUTS[cut])
    seen = answer(case.stream, sizes=chunks, reasoning=True, fetch=pointer, follow=follow)
    assert case.accepts(seen.text), seen.text
    assert seen.finish_reason == case.finish_reason
    assert not [word for word in case.never if word in seen.text]
