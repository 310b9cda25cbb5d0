"""Drawings and charts: valid, varied and repeatable."""

from hypothesis import given
from hypothesis import strategies as st

from simulator.pictures import chart, draw, read_image_header
from tests.simulator.pictures.png import pixels


@given(st.text(max_size=20), st.integers(1, 60), st.integers(1, 60))
def test_any_prompt_gives_a_valid_png(prompt: str, width: int, height: int) -> None:
    png = draw(prompt, width, height)
    assert pixels(png)[:2] == (width, height)
    assert read_image_header(png) == ("image/png", width, height)


def test_pictures_vary_by_prompt_and_variant_and_are_repeatable() -> None:
    drawn = [draw("a cat", 64, 64), draw("a dog", 64, 64), draw("a cat", 64, 64, variant=1)]
    assert len(set(drawn)) == 3
    assert draw("a cat", 64, 64) == drawn[0]


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=60), st.booleans())
def test_any_numbers_give_a_valid_chart(values: list[float], bars: bool) -> None:
    assert pixels(chart(tuple(values), bars=bars, width=80, height=50))[:2] == (80, 50)
