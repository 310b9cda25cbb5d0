"""What must be shown nowhere, in a text that comes in pieces."""

from hypothesis import given
from hypothesis import strategies as st

from translate.text.hidden import HiddenFilter

HIDDEN = "-7f3a9c12"


def shown(text: str, *cuts: int) -> str:
    hiding, result, at = HiddenFilter(HIDDEN), "", 0
    for cut in (*sorted(cuts), len(text)):
        result += hiding.feed(text[at:cut])
        at = cut
    return result + hiding.release()


@given(
    st.lists(st.sampled_from([HIDDEN, "-", "7f3", "-7f3a9c1", "<call", " word", "-7"])).map("".join),
    st.lists(st.integers(0, 60)),
)
def test_what_is_hidden_is_replaced_wherever_the_text_is_cut(text: str, cuts: list[int]) -> None:
    assert shown(text, *cuts) == text.replace(HIDDEN, "-...")


def test_only_what_may_be_its_beginning_waits() -> None:
    hiding = HiddenFilter(HIDDEN)
    assert hiding.passes_through
    assert hiding.feed("a-b - c-7f3") == "a-b - c"
    assert not hiding.passes_through
    assert hiding.feed("x") == "-7f3x"
    assert hiding.passes_through
