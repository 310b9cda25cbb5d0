"""What a prompt asks of a model beside the question: tools to call, and JSON to answer with.

It is read as a model reads it: by an example of a call, a list of tools, and what is said to be a must.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from simulator.knobs import remove_marker
from simulator.messages import JsonObject

Said = tuple[str, str]
"""The role and the text of a message."""

_OPENER = re.compile(r"^<(call-[0-9a-f]{8}) name=\"[^\"\n]*\"", re.MULTILINE)
_LISTED = re.compile(
    r"^- (?P<name>[\w.-]{1,128})(?:: (?P<description>.*))?\n"
    r"  (?:parameters: (?P<schema>\{.*)|takes a text.*)$",
    re.MULTILINE,
)
_CALLED = re.compile(r"<call-[0-9a-f]{8} name=\"([^\"\n]+)\"")
_RESULT = re.compile(r"<(result-[0-9a-f]{8}) name=\"([^\"\n]*)\" id=\"([^\"\n]*)\"( failed)?>\n")
_OWN_TOO = re.compile(r"\bmay use your own\b")
_ONLY_JSON = re.compile(r"\bonly the json\b", re.IGNORECASE)
_ONLY_JSON_NOW = re.compile(r"\bthe json alone\b", re.IGNORECASE)
_SCHEMA = re.compile(r"\bjson[ _]schema:\s*(?=\{)", re.IGNORECASE)
_AGAIN = re.compile(
    r"\b(?:write|send)\b[^.\n]{0,200}\bagain\b|\bwhich you must do now\b|\bno tool can be called now\.",
    re.IGNORECASE,
)
_NAMES = re.compile(r"[\w-]+(?:\.[\w-]+)*")
_ONE_NAME = re.compile(r"\bthe tool ([\w.-]+)")
_REMINDER = re.compile(r"^\(Calls of tools look like [^\n]*\)$", re.MULTILINE)
_NOTE, _NOTE_END = "<system-reminder>", "</system-reminder>"
"""What programs put beside the user's words."""


@dataclass(frozen=True, slots=True)
class OfferedTool:
    """A tool in the prompt's list; `schema` is that of its arguments, with `raw` it takes one text."""

    name: str
    description: str = ""
    schema: JsonObject = field(default_factory=dict)
    raw: bool = False


@dataclass(frozen=True, slots=True)
class Result:
    """What a tool has given."""

    name: str
    call_id: str
    text: str
    failed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Instructions:
    """What the prompt asks for.

    `tag` is that of the example of a call, such as `call-7f3a9c12`; `must` says whether a tool has to be
    called, one of `allowed` if there are any; none may be if `forbidden`, and no more than one if `single`.
    `own_too` if it may use the backend's own tools besides. With `wants_json` the answer is to be JSON, of
    that `schema` if there is one. `question` is the user's newest text, `results` what the newest message
    brings, `called` the names in earlier calls.
    """

    tag: str = ""
    tools: tuple[OfferedTool, ...] = ()
    must: bool = False
    allowed: tuple[str, ...] = ()
    forbidden: bool = False
    single: bool = False
    own_too: bool = False
    wants_json: bool = False
    schema: JsonObject | None = None
    question: str = ""
    results: tuple[Result, ...] = ()
    called: frozenset[str] = frozenset()

    @property
    def are_given(self) -> bool:
        """Whether there are any."""
        return bool(self.tools or self.wants_json or self.results)


def read_instructions(before: Sequence[Said], posted: Sequence[Said]) -> Instructions:
    """Those of a post: `before` is what was said in its branch of the conversation, `posted` what it adds.

    What is told of tools holds on in a conversation until something else is told.
    """
    told = _told(posted)
    rules = told or next((found for said in reversed(before) if (found := _rules(*said))), None)
    answers = [at for at, (role, _) in enumerate(posted) if role == "assistant"]
    since = answers[-1] + 1 if answers else 0
    newest, earlier = _of_user(posted[since:]), _of_user([*before, *posted[:since]])
    if rules is None and not any(map(_RESULT.search, newest)):
        return Instructions()
    asked = _with_newest(rules or Instructions(), earlier, newest, told_now=bool(told))
    called = {name for _, text in (*before, *posted) for name in _CALLED.findall(text)}
    return replace(asked, called=frozenset(called & {tool.name for tool in asked.tools}))


def is_asked_again(before: Sequence[Said], posted: Sequence[Said]) -> bool:
    """Whether a post in a conversation finds fault with the answer there, and asks for it once more."""
    return bool(before and posted) and bool(_AGAIN.search(posted[-1][1]))


def _of_user(said: Sequence[Said]) -> list[str]:
    return [text for role, text in said if role in ("user", "tool")]


def _told(said: Sequence[Said]) -> Instructions | None:
    """What one post tells of tools and JSON; what users say of it counts if nobody else says anything."""
    rules = [(role, found) for role, text in said if (found := _rules(role, text))]
    ruling = [found for role, found in rules if role != "user"] or [found for _, found in rules]
    with_tools = [found for found in ruling if found.tools]
    with_json = [found for found in ruling if found.wants_json]
    if not (with_tools and with_json):
        return ruling[-1] if ruling else None
    return replace(with_tools[-1], wants_json=True, schema=with_json[-1].schema)


def _rules(role: str, text: str) -> Instructions | None:
    """What a message tells of tools and JSON; None if nothing. A user may want JSON too, of any kind."""
    listed = list(_LISTED.finditer(text))
    openers = _OPENER.findall(text, 0, listed[0].start()) if listed else []
    only_json = _ONLY_JSON.search(text)
    schema = _SCHEMA.search(text, only_json.end()) if only_json else None
    if only_json and role != "user":  # what a program says itself of the form comes before
        schema = schema or _SCHEMA.search(text)
    wants_json = bool(schema or (only_json and role != "user"))
    if not (openers or wants_json):
        return None
    return Instructions(
        tag=openers[-1] if openers else "",
        tools=tuple(map(_offered, listed)) if openers else (),
        single=bool(openers and re.search(r"\bat most one call\b", text[: listed[0].start()])),
        own_too=bool(openers and _OWN_TOO.search(text, listed[-1].end())),
        wants_json=wants_json,
        schema=_json_at(text, schema.end()) if schema else None,
    )


def _offered(listed: re.Match[str]) -> OfferedTool:
    schema = listed.group("schema")
    written = _json_at(schema, 0) if schema else None
    return OfferedTool(listed["name"], listed["description"] or "", written or {}, raw=schema is None)


def _json_at(text: str, start: int) -> JsonObject | None:
    try:
        value, _ = json.JSONDecoder().raw_decode(text, start)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _with_newest(
    rules: Instructions, earlier: list[str], newest: list[str], *, told_now: bool
) -> Instructions:
    """The rules with what the newest texts ask, and what must be done, which their last words say."""
    words, rest = _last_words(newest[-1]) if newest else ("", "")
    names = _NAMES.findall(words.partition(":")[2]) or _ONE_NAME.findall(words)
    named = tuple(tool.name for tool in rules.tools if tool.name in names)
    must = bool(re.search(r"\bmust call\b", words))
    forbidden = bool(re.search(r"\bcall no tool\b", words, re.IGNORECASE))
    wants_json_now = bool(_ONLY_JSON_NOW.search(words))
    is_told = must or forbidden or wants_json_now or (bool(named) and "only" in words)
    if is_told:
        newest = [*newest[:-1], rest]
    tag = rules.tag.replace("call", "result")
    results = [result for text in newest for result in _split(text, tag)[0]]
    questions = [_words_alone(text, tag) for text in (*earlier, *newest)]
    return replace(
        rules,
        must=must,
        allowed=named if is_told else (),
        forbidden=forbidden,
        wants_json=rules.wants_json and (told_now or bool(rules.tools) or wants_json_now),
        question=next((text for text in reversed(questions) if text), ""),
        results=() if questions and questions[-1] else tuple(results),
    )


def _last_words(text: str) -> tuple[str, str]:
    """What stands in brackets at the end of a text, and the text before it."""
    text = text.rstrip()
    at = text.rfind("(") if text.endswith(")") else -1
    return (text[at + 1 : -1], text[:at]) if at >= 0 and "\n" not in text[at:] else ("", text)


def _words_alone(text: str, tag: str) -> str:
    """The user's own words in a text, which stand behind the list of tools if that is in there."""
    end = max((listed.end() for listed in _LISTED.finditer(text)), default=0)
    said, *notes = _split(text[end:], tag)[1].split(_NOTE)
    said += "".join(note.partition(_NOTE_END)[2] for note in notes)
    return remove_marker(_REMINDER.sub("", said))


def _split(text: str, tag: str) -> tuple[list[Result], str]:
    """The results in a text, with that tag or that of the first one, and the text without them."""
    results, rest, at = [], "", 0
    for found in _RESULT.finditer(text):
        tag = tag or found.group(1)
        if found.group(1) != tag or found.start() < at:
            continue
        end = text.find(f"\n</{tag}>", found.end() - 1)
        if end < 0:
            break
        body = text[found.end() : end]
        results.append(Result(found.group(2), found.group(3), body, bool(found.group(4))))
        rest, at = rest + text[at : found.start()], end + len(f"\n</{tag}>")
    return results, rest + text[at:]
