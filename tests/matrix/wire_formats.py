"""The wire formats in which the backend may send one and the same turn, and what some of them cannot say."""

import re
from dataclasses import dataclass, replace
from functools import cache

from tests.golden.frames import bodies
from tests.golden.playback import Played, play
from tests.golden.recording import Recording, record
from tests.golden.scenes import Scene

REFERENCE = "age=2023-12"
"""Knobs of the format that all others are compared with: snapshots of December 2023."""


@dataclass(frozen=True, slots=True)
class WireFormat:
    """An age of the protocol with a dialect, a transport and details of the bytes.

    `knobs` are those of the simulator. `says` names what the format can express: an age, or
    "2024 unfinished" where the finished snapshot is missing.
    """

    says: str
    knobs: str

    @property
    def over_socket(self) -> bool:
        """Whether the stream comes in WebSocket frames."""
        return "transport=ws" in self.knobs

    def record(self, scene: Scene, knobs: str = "") -> list[Recording]:
        """The exchanges of `scene` in this format, each as an event stream even if it came in frames."""
        return [
            replace(each, stream=b"".join(bodies(each.frames))) if each.frames else each
            for each in record(scene, f"{self.knobs} {knobs}")
        ]


WIRE_FORMATS = {
    "snapshots 2023-05": WireFormat("2023-05", "age=2023-05"),
    "snapshots 2023-12, padded, CRLF": WireFormat("2023-12", "age=2023-12 padding=32 newline=crlf"),
    "snapshots 2024": WireFormat("2024 unfinished", "age=2024 padding=age"),
    "snapshots 2025": WireFormat("2025", "age=2025 dialect=snapshot"),
    "delta v1 2024": WireFormat("2024", "age=2024 dialect=delta padding=age"),
    "delta v1 2024, halves": WireFormat("2024", "age=2024 dialect=delta surrogates=1"),
    "delta v1 2025": WireFormat("2025", "age=2025"),
    "delta v1 2026": WireFormat("2026", "age=2026 pictures=sync task_time=0"),
    "snapshots 2026": WireFormat("2026", "age=2026 pictures=sync task_time=0 dialect=snapshot"),
    "WebSocket 2023-12": WireFormat("2023-12", "age=2023-12 transport=ws"),
    "WebSocket 2025": WireFormat("2025", "age=2025 transport=ws"),
}

CITATION = re.compile(r"\[\[\d+\]\((?P<old>[^()]*)\)\]|\(\[[^\]]*\]\((?P<new>(?:[^()]|\([^()]*\))*)\)\)")
ALTERNATIVE_TEXT = re.compile(r"!\[[^\]]*\]")
PICTURES = re.compile(r"(?:!\[image\]\([^)]*\)\n*)+")


@cache
def reference(scene: Scene) -> Played:
    """The answer that those in all other formats are compared with."""
    played = play(record(scene, REFERENCE))
    assert played.error is None
    assert played.text or scene.name in ("action", "oauth")
    return played


def cannot_say(scene: Scene, wire_format: WireFormat) -> str:
    """Why the format cannot express the turn, or ""."""
    if scene.name == "variants" and wire_format.says == "2023-05":
        return "there were no parent ids, by which two answers to one message are told apart"
    if "max_tokens" in scene.knobs and wire_format.says == "2024 unfinished":
        return "the finished snapshot is missing, and with it the reason"
    return ""


def common_text(text: str, wire_format: WireFormat) -> str:
    """What of an answer is the same in all formats.

    Since 2025 citations look different, pictures have no alternative text, and nothing is said about them.
    """
    text = ALTERNATIVE_TEXT.sub("![image]", CITATION.sub("[cited]", text))
    if wire_format.says in ("2025", "2026") and (pictures := PICTURES.match(text)):
        text = pictures.group().rstrip("\n")
    return text


def common_answer(played: Played, wire_format: WireFormat) -> tuple[str, str, str | None, bool]:
    """What must be equal: answer, its deltas joined, how it ends, whether it failed."""
    return (
        common_text(played.text, wire_format),
        common_text("".join(played.seen.deltas), wire_format),
        played.seen.finish_reason,
        played.error is not None,
    )
