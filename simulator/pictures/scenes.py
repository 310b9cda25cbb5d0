"""Pictures for prompts (a cat, a house, a mountain, a flower, something abstract) and charts of numbers."""

import colorsys
import hashlib
import random
import re
from collections.abc import Callable
from functools import lru_cache
from itertools import pairwise

from simulator.pictures.canvas import Canvas, Colour

CACHED_PICTURES = 64
"""Drawings and charts that are kept, since to make one takes tens of milliseconds."""


@lru_cache(maxsize=CACHED_PICTURES)
def draw(prompt: str, width: int = 1024, height: int = 1024, variant: int = 0) -> bytes:
    """A PNG for `prompt`, of a size in pixels; it depends on nothing but the arguments."""
    rng = random.Random(hashlib.sha256(f"{variant}\0{prompt}".encode(errors="replace")).digest())
    canvas = Canvas(width, height)
    canvas.gradient(_colour(rng, 0.35, 0.95), _colour(rng, 0.15, 1.0))
    _motif(prompt)(canvas, rng)
    return canvas.png()


@lru_cache(maxsize=CACHED_PICTURES)
def chart(values: tuple[float, ...], *, bars: bool, width: int = 640, height: int = 400) -> bytes:
    """A PNG with a bar or line chart of `values`, of a size in pixels."""
    canvas = Canvas(width, height)
    left, bottom, top = width * 0.08, height * 0.9, height * 0.08
    canvas.line((left, top), (left, bottom), 2, (40, 40, 40))
    canvas.line((left, bottom), (width * 0.96, bottom), 2, (40, 40, 40))
    highest = max(values) or 1.0
    step = width * 0.86 / max(1, len(values))
    points = [
        (left + step * (index + 0.5), bottom - (bottom - top) * 0.95 * value / highest)
        for index, value in enumerate(values)
    ]
    for x, y in points:
        if bars:
            canvas.rectangle(x - step * 0.35, y, x + step * 0.35, bottom, (31, 119, 180))
        else:
            canvas.circle(x, y, 5, (214, 39, 40))
    if not bars:
        for start, end in pairwise(points):
            canvas.line(start, end, 3, (31, 119, 180))
    return canvas.png()


Motif = Callable[[Canvas, random.Random], None]
"""Draws what a picture shows."""


def _motif(prompt: str) -> Motif:
    for pattern, motif in _MOTIFS:
        if re.search(pattern, prompt, re.IGNORECASE):
            return motif
    return _abstract


def _cat(canvas: Canvas, rng: random.Random) -> None:
    x, y, size = canvas.width / 2, canvas.height * 0.55, min(canvas.width, canvas.height) * 0.3
    fur, eyes = _colour(rng, 0.5, 0.7), _colour(rng, 0.9, 0.9)
    for side in (-1, 1):
        ear = x + side * size * 0.65
        base = y - size * 0.6
        tip = ear + side * size * 0.2, y - size * 1.4
        canvas.triangle((ear - size * 0.3, base), (ear + size * 0.3, base), tip, fur)
    canvas.circle(x, y, size, fur)
    for side in (-1, 1):
        canvas.circle(x + side * size * 0.38, y - size * 0.2, size * 0.17, eyes)
        canvas.circle(x + side * size * 0.38, y - size * 0.2, size * 0.07, (20, 20, 20))
        for slope in (-0.15, 0.0, 0.15):
            start = (x + side * size * 0.25, y + size * 0.25)
            canvas.line(start, (x + side * size * 1.2, y + size * (0.25 + slope)), size * 0.015, (60, 60, 60))
    nose = y + size * 0.1
    canvas.triangle((x - size * 0.1, nose), (x + size * 0.1, nose), (x, y + size * 0.22), (230, 120, 140))


def _house(canvas: Canvas, rng: random.Random) -> None:
    w, h = canvas.width, canvas.height
    canvas.rectangle(0, h * 0.75, w, h, _colour(rng, 0.5, 0.6))
    canvas.rectangle(w * 0.3, h * 0.45, w * 0.7, h * 0.8, _colour(rng, 0.3, 0.9))
    canvas.triangle((w * 0.25, h * 0.45), (w * 0.75, h * 0.45), (w * 0.5, h * 0.2), _colour(rng, 0.7, 0.6))
    canvas.rectangle(w * 0.46, h * 0.6, w * 0.56, h * 0.8, _colour(rng, 0.6, 0.4))
    canvas.rectangle(w * 0.35, h * 0.52, w * 0.43, h * 0.6, (250, 250, 210))


def _mountain(canvas: Canvas, rng: random.Random) -> None:
    w, h = canvas.width, canvas.height
    canvas.circle(w * rng.uniform(0.2, 0.8), h * 0.22, min(w, h) * 0.09, (255, 240, 170))
    for _ in range(5):
        peak = w * rng.uniform(0.1, 0.9), h * rng.uniform(0.3, 0.6)
        canvas.triangle((peak[0] - w * 0.4, h), (peak[0] + w * 0.4, h), peak, _colour(rng, 0.3, 0.6))
    canvas.rectangle(0, h * 0.88, w, h, _colour(rng, 0.5, 0.5))


def _flower(canvas: Canvas, rng: random.Random) -> None:
    x, y, size = canvas.width / 2, canvas.height * 0.42, min(canvas.width, canvas.height) * 0.13
    canvas.line((x, y), (x, canvas.height), size * 0.25, (60, 140, 60))
    petals = _colour(rng, 0.7, 0.95)
    for dx, dy in ((0, -1.4), (1.3, -0.4), (0.8, 1.1), (-0.8, 1.1), (-1.3, -0.4)):
        canvas.circle(x + dx * size, y + dy * size, size, petals)
    canvas.circle(x, y, size * 0.8, (250, 210, 60))


def _abstract(canvas: Canvas, rng: random.Random) -> None:
    w, h = canvas.width, canvas.height
    for _ in range(14):
        colour = _colour(rng, rng.uniform(0.3, 0.9), 0.9)
        x, y, size = w * rng.random(), h * rng.random(), min(w, h) * rng.uniform(0.04, 0.2)
        if rng.random() < 0.6:
            canvas.circle(x, y, size, colour)
        else:
            canvas.triangle((x - size, y + size), (x + size, y + size), (x, y - size), colour)


_MOTIFS: tuple[tuple[str, Motif], ...] = (
    (r"\bcats?\b|kitten|猫", _cat),
    (r"\bhouse|\bhome\b|cottage|房|屋", _house),
    (r"mountain|landscape|sunset|sunrise|山|风景|日落", _mountain),
    ("flower|rose|tree|garden|花|树", _flower),
)


def _colour(rng: random.Random, saturation: float, value: float) -> Colour:
    red, green, blue = colorsys.hsv_to_rgb(rng.random(), saturation, value)
    return round(red * 255), round(green * 255), round(blue * 255)
