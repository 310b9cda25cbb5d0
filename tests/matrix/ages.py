"""The ways in which the backend has told one turn, and what some of them cannot say."""

import re
from dataclasses import dataclass, replace

from tests.fuzz.check import bodies
from tests.golden.playback import Played
from tests.golden.recording import Recording, record
from tests.golden.scenes import Scene

STANDARD = "age=2023-12"
"""Knobs of the way that all others are compared with: snapshots of December 2023."""


@dataclass(frozen=True, slots=True)
class Way:
    """An age, a dialect and a transport. ``age`` says what it can tell."""

    age: str
    knobs: str

    @property
    def over_socket(self) -> bool:
        return "transport=ws" in self.knobs

    def record(self, scene: Scene, knobs: str = "") -> list[Recording]:
        """The exchanges of ``scene`` as this way tells them; of frames, what is in them."""
        return [
            replace(each, stream=b"".join(bodies(each.frames))) if each.frames else each
            for each in record(scene, f"{self.knobs} {knobs}")
        ]


WAYS = {
    "snapshots 2023-05": Way("2023-05", "age=2023-05"),
    "snapshots 2023-12, padded, CRLF": Way("2023-12", "age=2023-12 padding=32 newline=crlf"),
    "snapshots 2024": Way("2024 unfinished", "age=2024 padding=age"),
    "snapshots 2025": Way("2025", "age=2025 dialect=snapshot"),
    "delta v1 2024": Way("2024", "age=2024 dialect=delta padding=age"),
    "delta v1 2024, halves": Way("2024", "age=2024 dialect=delta surrogates=1"),
    "delta v1 2025": Way("2025", "age=2025"),
    "WebSocket 2023-12": Way("2023-12", "age=2023-12 transport=ws"),
    "WebSocket 2025": Way("2025", "age=2025 transport=ws"),
}

CITATION = re.compile(r"\[\[\d+\]\((?P<old>[^()]*)\)\]|\(\[[^\]]*\]\((?P<new>(?:[^()]|\([^()]*\))*)\)\)")
ALT = re.compile(r"!\[[^\]]*\]")
PICTURES = re.compile(r"(?:!\[image\]\([^)]*\)\n*)+")


def cannot_tell(scene: Scene, way: Way) -> str:
    """Why a turn is not in the table for this way of telling it, or ""."""
    if scene.name == "variants" and way.age == "2023-05":
        return "there were no parent ids, by which two answers to one message are told apart"
    if "max_tokens" in scene.knobs and way.age == "2024 unfinished":
        return "the finished snapshot is missing, and with it the reason"
    return ""


def as_told_in(age: str, text: str) -> str:
    """What of an answer is the same in all ages.

    In 2025 citations look different, pictures have no alternative text, and nothing is said about them.
    """
    text = ALT.sub("![image]", CITATION.sub("[cited]", text))
    if age == "2025" and (pictures := PICTURES.match(text)):
        text = pictures.group().rstrip("\n")
    return text


def compared(played: Played, age: str) -> tuple[str, str, str | None, bool]:
    """Answer, its deltas joined, how it ends, whether it failed."""
    return (
        as_told_in(age, played.text),
        as_told_in(age, "".join(played.seen.deltas)),
        played.seen.finish_reason,
        played.error is not None,
    )
