"""The streams of `tests/fixtures/cases`, each with its right text; its README says how they are compared."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from translate.values import CitationForm

FOLDER = Path(__file__).resolve().parent.parent / "fixtures" / "cases"
NUMBERED = re.compile(r"\[\[\d+\]\(([^()]*)\)\]")
READY = re.compile(r"\(\[[^\]]*\]\([^()]*\)\)")
"""A citation as the backend writes it itself."""


@dataclass(frozen=True, slots=True)
class Case:
    """One stream: what a person should see of it, and what comes beside it."""

    name: str
    stream: bytes
    visible: tuple[str, ...]
    """All texts that are right."""
    finish_reason: str | None
    """None where the turn fails."""
    error: dict[str, Any] | None
    pictures: tuple[str, ...]
    """Pointers, in order."""
    never: tuple[str, ...]
    reasoning: str
    needs: tuple[str, ...]
    """Side files that bring the rest, each of them all of it: `ws`, `poll`, `resume`."""
    resume: dict[str, Any] | None
    """The request that gets the rest from the resume endpoint."""

    @classmethod
    def read(cls, name: str) -> "Case":
        """The case of this name."""
        facts = json.loads((FOLDER / f"{name}.json").read_text())
        also = facts.get("also", [])
        return cls(
            name=name,
            stream=(FOLDER / f"{name}.sse").read_bytes(),
            visible=(facts["visible"], *([also] if isinstance(also, str) else also)),
            finish_reason=facts["finish_reason"],
            error=facts.get("error"),
            pictures=tuple(facts["pictures"]),
            never=tuple(facts.get("never", ())),
            reasoning=facts.get("reasoning", ""),
            needs=tuple(facts.get("needs", ())),
            resume=facts.get("resume"),
        )

    def lines(self, kind: str) -> list[dict[str, Any]]:
        """The steps of the side file `ws` or `poll`."""
        return [json.loads(line) for line in self._beside(f"{kind}.jsonl").splitlines()]

    @property
    def resumed(self) -> bytes:
        """The answer of the resume endpoint."""
        return self._beside("resume.sse")

    def accepts(self, text: str, form: CitationForm = CitationForm.HOST) -> bool:
        """Whether `text` is right, with citations of this form; the files have `NUMBER`."""
        return any(plain(text) == plain(_with_citations(right, form)) for right in self.visible)

    def _beside(self, end: str) -> bytes:
        return (FOLDER / f"{self.name}.{end}").read_bytes()


def names() -> Iterator[str]:
    """Those of all cases."""
    return (path.stem for path in sorted(FOLDER.glob("*.json")))


def _with_citations(text: str, form: CitationForm) -> str:
    if form is CitationForm.HOST:
        return NUMBERED.sub(lambda link: f"([{urlsplit(link[1]).hostname}]({link[1]}))", text)
    return text if form is CitationForm.NUMBER else READY.sub("", NUMBERED.sub("", text))


def plain(text: str) -> str:
    """`text` as it is compared: white space beside something that was removed does not count."""
    text = re.sub(r"!\[[^\]]*\]", "![image]", text)
    text = re.sub(r" +", " ", text)
    text = re.sub(r"\n{3,}", "\n\n", text)
    return re.sub(r" ([.,;:!?])", r"\1", text).strip()
