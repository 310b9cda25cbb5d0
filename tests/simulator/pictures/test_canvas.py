"""Shapes on a canvas."""

from simulator.pictures.canvas import Canvas
from tests.simulator.pictures.png import pixels


def test_shapes_fill_the_pixels_inside_them_only() -> None:
    canvas = Canvas(8, 8)
    canvas.rectangle(2, 2, 6, 6, (1, 2, 3))
    canvas.triangle((-20, 20), (30, 20), (4, 7), (9, 9, 9))
    _, _, rows = pixels(canvas.png())
    row = [rows[y * 9 + 1 : y * 9 + 9] for y in range(8)]
    assert row[2] == bytes((0, 0, 1, 1, 1, 1, 0, 0))
    assert row[1] == bytes(8)
