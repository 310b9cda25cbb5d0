"""The lines to paste in docs/clients.md, done as a reader does them, and with other questions in them."""

import base64
import os
import re
import shlex
import signal
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.clients.parts import AGENTS, Part
from tests.clients.python.pictures import PICTURE, PICTURE_SEEN
from tests.clients.service import Driven
from tests.processes import ROOT, new_key

GUIDE = ROOT / "docs" / "clients.md"
FOLLOWED = "the lines above"
"""The feature that is: what the guide says works."""
SECONDS = 120.0
ADDRESS, KEY, MODEL, COMMAND = "http://127.0.0.1:33333", "fk-your-key", "gpt-4-s", "Run `ls`"
"""What stands in the guide: for the reader's own, and what an agent is asked for."""
SEEN = "the names of the files that are there"
"""What `COMMAND` shows."""
NOWHERE = "http://127.0.0.1:9"
"""A proxy that does not answer: nothing but the service can be reached."""
_BLOCK = re.compile(
    r"(?:`(?P<file>[^`\n]+)`:\n\n)?```(?P<language>\w+)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL
)


SAY = {COMMAND: "Say exactly: fine"}
STRANGER = {KEY: "fk-dead-key"}
NO_MODEL = {MODEL: "no-such-model"}
CAPPED = "Hello [[sim fault=model_cap_exceeded]]"
"""What to write in place of that: for an answer that is known, and for what is refused."""


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block: the content of a file, or commands if there is no `file`."""

    file: str
    text: str


@dataclass(frozen=True, slots=True)
class Try:
    """The lines as they are, or with other texts in them: `instead` has new ones by old ones.

    The last commands print `said`, a pattern, or `SEEN`. The backend is posted `posts` messages by them: none
    twice.
    With `fails` the request is refused, and `said` may be among the errors. What is `slow` is left to
    `make clients`.
    """

    feature: str
    posts: int
    said: str
    instead: Mapping[str, str] = field(default_factory=dict)
    fails: bool = False
    slow: bool = False


def one_shot(posts: int = 2, *, showing: Mapping[str, str] | None = None) -> tuple[Try, ...]:
    """What an agent is asked that has its question in the command line.

    `posts` messages are needed for a command and its result. `showing` is what to write to show it a picture.
    """
    picture = [Try("picture in", 1, PICTURE_SEEN, showing)] if showing else []
    return (
        Try("chat", 1, "fine", SAY),
        Try("tools", posts, SEEN),
        *picture,
        Try("401", 0, "401", STRANGER, fails=True),
        Try("404", 0, "no-such-model", NO_MODEL, fails=True),
        Try("429", 1, "429", {COMMAND: CAPPED}, fails=True),
    )


def blocks_of(heading: str) -> Iterator[Block]:
    """The blocks in a section of the guide, in their order."""
    section = GUIDE.read_text(encoding="utf-8").partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    for found in _BLOCK.finditer(section):
        if found["file"] or found["language"] == "sh":
            yield Block(found["file"] or "", found["text"])


def follow(heading: str, part: Part, service: Driven, folder: Path, how: Try) -> str:
    """Do what a section says, with `folder` as the home and the place of work. What went wrong, or ""."""
    key = new_key()
    seen = f"seen-by-{key}.txt"
    programs = _furnish(folder, part, seen)
    texts = [*how.instead.items(), (ADDRESS, service.url), (KEY, key)]
    output = errors = ""
    for block in blocks_of(heading):
        text = block.text
        for old, new in texts:
            text = text.replace(old, new)
        if block.file:
            file = folder / block.file.removeprefix("~/")
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
            continue
        status, output, errors = _run(text, folder, _environment(folder, [part.programs, programs]))
        if status and not how.fails:
            return f"{output}\n{errors}"
    expected, told = seen if how.said == SEEN else how.said, output + errors if how.fails else output
    if not re.search(expected, told):
        return f"{expected!r} is not in {told!r}"
    posts = service.posted(key)
    return "" if posts == how.posts else f"{posts} messages were posted, not {how.posts}"


def _run(commands: str, folder: Path, environment: Mapping[str, str]) -> tuple[int, str, str]:
    """The exit status, and what was printed and told as errors; all that was started is ended in time."""
    process = subprocess.Popen(
        ["bash", "-euc", commands],
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        output, errors = process.communicate(timeout=SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        output, errors = process.communicate()
    return process.returncode, output, errors


def _furnish(folder: Path, part: Part, seen: str) -> Path:
    """Put in place what is there before the lines are followed; where the agents' programs are."""
    programs = folder / ".programs"
    programs.mkdir(parents=True)
    for name, program in AGENTS.items():
        (programs / name).write_text(f'#!/bin/sh\nexec {shlex.quote(str(program))} "$@"\n', encoding="utf-8")
        (programs / name).chmod(0o755)
    if part is Part.NODE:
        (folder / "node_modules").symlink_to(part.folder / "node_modules")
    (folder / seen).touch()
    (folder / "picture.png").write_bytes(base64.b64decode(PICTURE))
    return programs


def _environment(folder: Path, programs: list[Path]) -> dict[str, str]:
    return {
        "PATH": ":".join([*map(str, programs), os.environ["PATH"]]),
        "HOME": str(folder),
        "HTTP_PROXY": NOWHERE,
        "HTTPS_PROXY": NOWHERE,
        "NO_PROXY": "127.0.0.1",
        "PYTHONDONTWRITEBYTECODE": "1",
    }
