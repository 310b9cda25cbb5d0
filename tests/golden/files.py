"""Where the transcripts are, and how an exchange is written down.

`upstream/NAME.sse` begins with a comment that says what was sent; a second exchange of the same turn is in
`NAME.then.sse`. `rendered/NAME.STYLE.txt` is what a person reads (markdown, but no tool shall format it), and
`rendered/NAME.web.FORM.txt` the same in another form of citations, where that makes a difference.
"""

import json
from pathlib import Path

from tests.golden.hostile import HOSTILE
from tests.golden.recording import Recording, record
from tests.golden.scenes import SCENES
from translate.values import SentMessage
from translate.values.style import CitationForm, Style

HERE = Path(__file__).parent
NAMES = (*SCENES, *HOSTILE)
SENT = b": sent "


def finish_reason(name: str) -> str:
    """How the answer ends."""
    return SCENES[name].finish if name in SCENES else "stop"


def recorded(name: str) -> list[Recording]:
    """The exchanges of a turn, as they were recorded once."""
    paths = [path for path in _paths(name) if path.exists()]
    assert paths, f"no recording of {name}; run pytest tests/golden --update-golden"
    return [_read(path.read_bytes()) for path in paths]


def rendered(name: str, style: Style) -> Path:
    """The file with the answer."""
    return HERE / "rendered" / f"{name}.{style}.txt"


def rendered_otherwise(name: str, form: CitationForm) -> Path:
    """The file with the answer in the style `web` and this form of citations, if that makes a difference."""
    return HERE / "rendered" / f"{name}.{Style.WEB}.{form}.txt"


def record_missing(name: str) -> None:
    """Record a turn that has no recording yet; those that there are stay."""
    first, second = _paths(name)
    if first.exists():
        return
    recordings = record(SCENES[name]) if name in SCENES else [HOSTILE[name]]
    for path, recording in zip((first, second), recordings, strict=False):
        path.write_bytes(_written(recording))


def _paths(name: str) -> tuple[Path, Path]:
    return HERE / "upstream" / f"{name}.sse", HERE / "upstream" / f"{name}.then.sse"


def _written(recording: Recording) -> bytes:
    sent = [[message.id, message.role, message.text] for message in recording.sent]
    return SENT + json.dumps(sent).encode() + b"\n\n" + recording.stream


def _read(content: bytes) -> Recording:
    head, _, stream = content.partition(b"\n\n")
    assert head.startswith(SENT)
    return Recording(tuple(SentMessage(*said) for said in json.loads(head.removeprefix(SENT))), stream)
