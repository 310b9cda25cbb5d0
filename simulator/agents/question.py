"""What a question says in so many words: texts in quotes, places, numbers, paths, a command to run."""

import re
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TypeVar

from simulator.answers import Prompt

T = TypeVar("T")

_QUOTED = re.compile(
    r"`([^`\n]{1,2000})`|\"([^\"\n]{1,2000})\"|“([^”\n]{1,2000})”|(?<!\w)'([^'\n]{1,2000})'(?!\w)"
)
_NAME = r"[A-Z][\w'’.-]*\w(?:\s+[A-Z][\w'’.-]*\w){0,3}(?:,\s*[A-Z]{2}\b)?"
_PLACES = re.compile(
    rf"\b(?i:in|at|for|from|to|near)\s+({_NAME}(?:,\s*{_NAME}){{0,8}}(?:,?\s+(?:and|or)\s+{_NAME})?)"
)
_BETWEEN_PLACES = re.compile(r"\s*,?\s+(?:and|or)\s+|,(?!\s*[A-Z]{2}\b)\s*")
_SMALL_PLACE = re.compile(r"\b(?:in|at|for)\s+([a-z][\w'-]{2,30})")
_PLACE_ZH = re.compile(r"([\u4e00-\u9fff]{2,3}?)(?:今天|明天|现在)?的?(?:天气|气温)")
_NUMBER = re.compile(r"(?<![\w.])-?\d+(?:\.\d+)?(?!\w)")
_PATH = re.compile(r"(?<![\w/.])(?:~?/)?(?:[\w.-]+/)*[\w-]+\.[A-Za-z]\w{0,7}\b|(?<![\w/])~?/[\w./-]+")
_COMMAND = re.compile(
    r"\b(?:run|execute|exec)\b[^`\n]{0,60}`([^`]+)`|(?:运行|执行)[^`\n]{0,20}`([^`]+)`", re.IGNORECASE
)
_CALLS = re.compile(
    r"\b(two|three|four|2|3|4)\s+(?:\w+\s+){0,2}(?:calls?|times)\b|\b(twice|both)\b", re.IGNORECASE
)
_COUNTS = {"two": 2, "2": 2, "three": 3, "3": 3, "four": 4, "4": 4}
_NO_TOOLS = re.compile(
    r"\b(?:without (?:using |calling )?|(?:do not|don't) (?:use |call ))(?:any |a |the )?"
    r"(?:tool|function)s?\b",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Question:
    """The user's words, as far as a model that understands nothing can use them.

    `results` are texts that tools have given. `first` is the number of the quoted text, place, number and
    path that come first; the ones before it are last then.
    """

    text: str
    results: tuple[str, ...] = ()
    first: int = 0

    def beginning_at(self, first: int) -> "Question":
        """The same words with another `first`."""
        return replace(self, first=first)

    @cached_property
    def quoted(self) -> tuple[str, ...]:
        """What tools have given, and texts between quotation marks or backticks."""
        return self._turned(
            [*self.results, *(next(filter(None, found)) for found in _QUOTED.findall(self.text))]
        )

    @cached_property
    def places(self) -> tuple[str, ...]:
        """What looks like the name of a place."""
        lists = _PLACES.findall(self.text)
        found = [place for listed in lists for place in _BETWEEN_PLACES.split(listed)]
        return self._turned(found or _SMALL_PLACE.findall(self.text) or _PLACE_ZH.findall(self.text))

    @cached_property
    def numbers(self) -> tuple[float, ...]:
        """Its numbers."""
        return self._turned([float(each) for each in _NUMBER.findall(self.text)])

    @cached_property
    def paths(self) -> tuple[str, ...]:
        """What looks like the name of a file or a directory."""
        return self._turned(_PATH.findall(self.text))

    @cached_property
    def command(self) -> str:
        """The command that is to be run, as in: run `echo hi`. "" if there is none."""
        found = _COMMAND.search(self.text)
        return found.group(1) or found.group(2) if found else ""

    @cached_property
    def calls(self) -> int:
        """How many calls it asks for; 0 if it says nothing of it."""
        found = _CALLS.search(self.text)
        if not found:
            return 0
        return 2 if found.group(2) else _COUNTS[found.group(1).lower()]

    @property
    def wants_no_tools(self) -> bool:
        """Whether it says that no tool is to be used."""
        return bool(_NO_TOOLS.search(self.text))

    @cached_property
    def topic(self) -> str:
        """Its topic in a few words."""
        return Prompt(self.text, "").topic

    def names(self, word: str) -> bool:
        """Whether it has this word, in any case."""
        return bool(re.search(rf"(?<![\w]){re.escape(word)}(?!\w)", self.text, re.IGNORECASE))

    def _turned(self, found: list[T]) -> tuple[T, ...]:
        distinct = list(dict.fromkeys(found))
        at = self.first % len(distinct) if distinct else 0
        return (*distinct[at:], *distinct[:at])
