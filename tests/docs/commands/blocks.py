"""The blocks of code in the documents that people read."""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.source_tree import ROOT

LANGUAGES = frozenset({"sh", "bash", "console", "python", "js", "json", "toml", "yaml"})
"""What is run or read. A fence without a language has no commands: drawings, questions to the simulator."""
_SKIPPED = frozenset({"node_modules", "__pycache__"})
_BLOCK = re.compile(
    r"^(?P<indent> *)```(?P<language>\S*)\n(?P<text>.*?)^(?P=indent)```$", re.MULTILINE | re.DOTALL
)
_INLINE = re.compile(
    r"(?<!`)`((?:\.ci/\w+|(?:\S+/)?(?:apt-get|curl|docker|git|kubectl|make|mkdir|npm|pandora-to-v1|pip|pipx|python3?"
    r"|redis-cli|sudo|sysctl|systemctl|systemd-analyze|ulimit) [^`\n]+))`(?!`)"
)
"""A command in a sentence: a script of .ci, or one of these programs with arguments."""
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block, or a command in a sentence: where it stands, the heading above it, what is in it."""

    document: str
    line: int
    heading: str
    language: str
    text: str

    def __str__(self) -> str:
        return f"{self.document}:{self.line}"


def documents() -> Iterator[Path]:
    """All documents in English. The Chinese ones have the same blocks, which `tests/docs` holds them to."""
    for folder, folders, names in os.walk(ROOT):
        folders[:] = [name for name in folders if name not in _SKIPPED and not name.startswith(".")]
        for name in names:
            if name.endswith(".md") and not name.endswith(".zh-CN.md"):
                yield Path(folder, name)


def blocks_of(document: Path) -> Iterator[Block]:
    """The blocks of a document, in their order."""
    text = document.read_text("utf-8")
    for found in _BLOCK.finditer(text):
        above = _BLOCK.sub("", text[: found.start()])
        yield Block(
            str(document.relative_to(ROOT)),
            text.count("\n", 0, found.start()) + 1,
            (_HEADING.findall(above) or [""])[-1],
            found["language"],
            re.sub(rf"^{found['indent']}", "", found["text"], flags=re.MULTILINE),
        )


BLOCKS = [block for document in sorted(documents()) for block in blocks_of(document) if block.language]
"""All blocks that name a language."""


def _commands_of(document: Path) -> Iterator[Block]:
    """The commands in the sentences of a document, each once."""
    text = _BLOCK.sub(lambda block: "\n" * block[0].count("\n"), document.read_text("utf-8"))
    for command in dict.fromkeys(_INLINE.findall(text)):
        line = text.count("\n", 0, text.index(f"`{command}`")) + 1
        yield Block(str(document.relative_to(ROOT)), line, "", "sh", command)


_IN_BLOCKS = "\n".join(block.text for block in BLOCKS)
SENTENCES = list(
    {
        command.text: command
        for document in sorted(documents())
        if document.name != "CHANGELOG.md"
        for command in _commands_of(document)
        if command.text not in _IN_BLOCKS
    }.values()
)
"""All commands in sentences that are in no block, each once. What the changelog tells of may be gone."""
