"""A chain of text filters is one filter."""

from hypothesis import given
from hypothesis import strategies as st

from translate.text import FilterChain, StopFilter
from translate.text.fences import FenceGuard
from translate.text.program_output import OutputLimit


class Upper:
    """Writes capitals and holds nothing."""

    passes_through = True

    def __init__(self) -> None:
        self.fed: list[str] = []

    def feed(self, text: str) -> str:
        self.fed.append(text)
        return text.upper()

    def release(self) -> str:
        return ""


class Hold:
    """Holds everything until the end."""

    def __init__(self) -> None:
        self._held = ""

    @property
    def passes_through(self) -> bool:
        return not self._held

    def feed(self, text: str) -> str:
        self._held += text
        return ""

    def release(self) -> str:
        held, self._held = self._held, ""
        return f"<{held}>"


def test_text_passes_through_all_filters_in_order() -> None:
    assert FilterChain([Upper(), StopFilter(["B"])]).feed("abc") == "A"
    assert FilterChain([StopFilter(["B"]), Upper()]).feed("abc") == "ABC"


def test_filter_is_not_fed_with_nothing() -> None:
    behind = Upper()
    chain = FilterChain([Hold(), behind])
    assert chain.feed("abc") == chain.feed("") == ""
    assert behind.fed == []


def test_what_one_filter_releases_passes_through_those_behind_it() -> None:
    chain = FilterChain([Hold(), Upper(), Hold()])
    assert chain.feed("abc") == ""
    assert chain.release() == "<<ABC>>"


def test_plain_pieces_go_by_only_if_all_filters_let_them() -> None:
    hold = Hold()
    chain = FilterChain([Upper(), hold])
    assert chain.passes_through
    chain.feed("x")
    assert not chain.passes_through
    assert FilterChain([]).passes_through
    assert not FilterChain([StopFilter(["x"]), Upper()]).passes_through


def test_empty_chain_changes_nothing() -> None:
    chain = FilterChain([])
    assert (chain.feed("abc"), chain.release()) == ("abc", "")


@given(st.lists(st.sampled_from(["a", "```", "x\n", "END", "\n\n", "EN"]), max_size=8))
def test_chain_says_the_same_however_the_text_comes(pieces: list[str]) -> None:
    def shown(*fed: str) -> str:
        chain = FilterChain([OutputLimit(), FenceGuard("````"), StopFilter(["END"])])
        return "".join(map(chain.feed, fed)) + chain.release()

    assert shown(*pieces) == shown("".join(pieces)) or "```" in pieces
    assert shown(*pieces).replace("\u200b", "") == shown("".join(pieces)).replace("\u200b", "")
