"""Marks that lost their private-use characters: pasted text, histories, and models that imitate them.

`citeturn0search0` is a mark of kind `cite`, `entity["city","Oslo",""]` one of kind `entity`; remains of 2023
to 2025 such as `:contentReference[oaicite:0]{index=0}` are of no kind and show nothing (protocol notes,
section 20.4). Each is bounded in length, and those that begin with a letter begin a word.
"""

import re
from typing import Final

from translate.text.marks import Mark, json_prefix

MAX_LOOSE: Final = 1000
"""Characters that the longest form takes, at most."""

_RESULT = r"turn\d{1,4}[a-z]{1,12}\d{1,4}"
_STRING = r'"(?:[^"\\\n]|\\.){0,200}"'
LOOSE: Final = (
    rf"(?<![A-Za-z0-9_])(?:(?:file)?cite|i)(?:{_RESULT}){{1,40}}"
    rf"|(?<![A-Za-z0-9_])entity\[{_STRING}(?:, ?{_STRING}){{0,3}}\]"
    r"|:contentReference\[oaicite:\d{1,4}\](?:\{index=\d{1,4}\})?"
    r"|\[oaicite:\d{1,4}\]"
    r"|\[oai_citation:\d{1,4}‡"
    r'|\(\{"attribution":\{"attributableIndex":"[\d-]{1,20}"\}\}\)'
    rf"|(?:\\ue200(?:file)?cite)?(?:\\ue202{_RESULT}){{1,6}}(?:\\ue201)?"
)
"""All forms, for a pattern that looks for other things too."""
_ATTRIBUTION = '"attribution":{'
HINT: Final = re.compile("(?:cite|entity)(?!\ue202)|:content|\\[oai|\\(\\{|\\\\u|iturn\\d")
"""What each form has at its beginning; most texts hold none of it, nor do marks with their characters."""


def _begun(word: str) -> str:
    """A pattern of all beginnings of `word`, and of none."""
    pattern = ""
    for letter in reversed(word):
        pattern = f"(?:{re.escape(letter)}{pattern})?"
    return pattern


OPEN_LOOSE: Final = re.compile(
    r"(?:(?<![A-Za-z0-9_])"
    rf"(?:(?:file)?cite{_begun('turn')}|(?:(?:file)?cite|i)turn\d[a-z0-9]{{0,800}}"
    r'|entity(?:\[(?:"[^\n\]]{0,900})?)?)'
    rf"|:content{_begun('Reference[oaicite:')}|:contentReference\[oaicite:[\d\]{{}}index=]{{0,20}}"
    rf"|\[oai{_begun('cite:')}|\[oai{_begun('_citation:')}|\[oai(?:cite|_citation):\d{{1,4}}"
    rf"|\(\{{{_begun(_ATTRIBUTION)}|\(\{{{re.escape(_ATTRIBUTION)}[\"\w:-]{{1,50}}\}}{{0,2}}"
    rf"|\\u{_begun('e20')}|\\ue20[0-9a-z\\]{{1,150}}"
    r")\Z"
)
"""An end of a text that may be the beginning of such a form.

So that plain words need not wait, the first letters of a form are not taken for one; if the rest comes with
another delta, it is shown.
"""

LOOSE_HINT: Final = re.compile(rb"cite|entity|iturn|:[:c]|n:|\[oai|\(\{|\\\\u")
"""What a plain piece of text holds, as the inside of a JSON string, in which a loose mark or the fence of a
writing block may stand or begin, unless it begins with `COLON`. It may be found where there is none. All
branches begin with bytes of their own, since such a search is a quick one.
"""
COLON: Final = ord(":")


def open_loose_mark(text: str, at: int, before: str) -> int:
    """Where in `text`, from `at` on, a loose mark may begin that is not whole; -1 if none does.

    `before` is what stands before the text.
    """
    at = max(at, len(text) - MAX_LOOSE)
    found = OPEN_LOOSE.search(text, at)
    if found is not None and goes_on_a_word(text, found.start(), before):
        found = OPEN_LOOSE.search(text, found.start() + 1)
    return -1 if found is None else found.start()


def goes_on_a_word(text: str, at: int, before: str) -> bool:
    """Whether a form that begins at `at` with a letter goes on with a word that stands `before` the text."""
    return at == 0 and before.isascii() and (before.isalnum() or before == "_") and text[at].isalpha()


def read_loose(text: str) -> Mark | str:
    """The mark that a loose form stands for, or what is left of it: nothing, or the beginning of a link."""
    if text.startswith("entity"):
        found = json_prefix(text[len("entity") :])
        return Mark("entity", (), found[0]) if found is not None else ""
    results = tuple(re.findall(_RESULT, text))
    if results:
        return Mark("i" if text[0] == "i" else "filecite" if "filecite" in text else "cite", results)
    return "[" if text.startswith("[oai_citation") else ""
