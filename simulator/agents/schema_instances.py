"""Instances of JSON schemas, with values out of a question where they are simple to find."""

import re
from dataclasses import dataclass, field
from typing import Any

from simulator.agents.question import Question
from simulator.messages import JsonObject

_DEEPEST = 5
"""Levels below which a value is left as short as it may be, since a schema may refer to itself."""
_MOST = 2000
"""Values in one instance."""
_FORMATS = {
    "date": "2026-11-27",
    "time": "12:00:00Z",
    "date-time": "2026-11-27T12:00:00Z",
    "duration": "PT1H",
    "email": "ann@example.com",
    "hostname": "example.com",
    "ipv4": "192.0.2.1",
    "ipv6": "2001:db8::1",
    "uri": "https://example.com/",
    "url": "https://example.com/",
    "uuid": "3f2b8c1e-6d4a-4b7f-9e21-5a0c8d7e6f10",
}
_COMMANDS = ("command", "cmd", "script", "commands")
_PATHS = re.compile(r"path|file|dir|folder", re.IGNORECASE)
_PLACES = re.compile(r"city|location|place|town|country|where|region", re.IGNORECASE)


def instance_of(schema: object, question: Question) -> Any:
    """A value that fits `schema`, as far as schemas of tools go; texts and numbers are those of the question.

    Objects get what they require, and their first property if they require nothing. What no simple value
    fits, such as a pattern with look-ahead, gets a value that does not fit.
    """
    return _Maker(schema, question).value(schema, "", 0)


@dataclass(slots=True)
class _Maker:
    root: object
    question: Question
    taken: dict[str, int] = field(default_factory=dict)
    """How many of the question's texts and numbers are used up, by kind."""
    made: int = 0

    def value(self, schema: object, name: str, depth: int) -> Any:
        self.made += 1
        if not isinstance(schema, dict) or self.made > _MOST or depth > 3 * _DEEPEST:
            return self._text({}, name)
        schema = self._resolved(schema)
        if "const" in schema:
            return schema["const"]
        if isinstance(schema.get("enum"), list) and schema["enum"]:
            return self._chosen(schema["enum"])
        for several in ("anyOf", "oneOf"):
            if isinstance(schema.get(several), list) and schema[several]:
                return self._one_of(schema[several], name, depth)
        kind = _kind(schema)
        if kind == "object":
            return self._object(schema, depth)
        if kind == "array":
            return self._array(schema, name, depth)
        if kind in ("integer", "number"):
            return self._number(schema, whole=kind == "integer")
        if kind == "boolean":
            return True
        return None if kind == "null" else self._text(schema, name)

    def _resolved(self, schema: JsonObject, deep: int = 0) -> JsonObject:
        """`schema` with what it refers to in the same document, and all of `allOf`, put together."""
        for _ in range(_DEEPEST):
            reference = schema.get("$ref")
            if not isinstance(reference, str) or not reference.startswith("#"):
                break
            target = self._at(reference)
            schema = {**target, **{key: value for key, value in schema.items() if key != "$ref"}}
        for part in schema.get("allOf") or () if deep < _DEEPEST else ():
            part = self._resolved(part, deep + 1) if isinstance(part, dict) else {}
            joined = {**part, **schema}
            joined["properties"] = {**(schema.get("properties") or {}), **(part.get("properties") or {})}
            joined["required"] = [*(schema.get("required") or ()), *(part.get("required") or ())]
            schema = joined
        return schema

    def _at(self, reference: str) -> JsonObject:
        place = self.root
        for step in reference.removeprefix("#").split("/")[1:]:
            key = step.replace("~1", "/").replace("~0", "~")
            place = place.get(key) if isinstance(place, dict) else None
        return place if isinstance(place, dict) else {}

    def _one_of(self, choices: list[object], name: str, depth: int) -> Any:
        def is_null(choice: object) -> bool:
            return isinstance(choice, dict) and _kind(choice) == "null"

        if depth > _DEEPEST and any(map(is_null, choices)):
            return None
        return self.value(next((choice for choice in choices if not is_null(choice)), None), name, depth)

    def _object(self, schema: JsonObject, depth: int) -> JsonObject:
        properties = schema.get("properties") or {}
        required = list(dict.fromkeys(schema.get("required") or ()))
        wanted = required or list(properties)[:1]
        if depth > 2 * _DEEPEST:
            wanted = []
        return {name: self.value(properties.get(name, {}), name, depth + 1) for name in wanted}

    def _array(self, schema: JsonObject, name: str, depth: int) -> list[Any]:
        if name in _COMMANDS and self.question.command:
            return ["bash", "-lc", self.question.command]
        first = schema.get("prefixItems") or []
        count = schema.get("minItems", 0 if depth > _DEEPEST else 1)
        count = min(max(count, len(first)), schema.get("maxItems", 100), 100)
        items = schema.get("items", {})
        return [
            self.value(first[at] if at < len(first) else items, name, depth + 1) for at in range(int(count))
        ]

    def _number(self, schema: JsonObject, *, whole: bool) -> int | float:
        numbers = self.question.numbers
        given = self._next("numbers", len(numbers))
        value = numbers[given] if given is not None else 1.0
        step = schema.get("multipleOf") or (1 if whole else 0)
        low = schema.get("minimum", float("-inf"))
        if "exclusiveMinimum" in schema:
            low = max(low, schema["exclusiveMinimum"] + (step or 1))
        high = schema.get("maximum", float("inf"))
        if "exclusiveMaximum" in schema:
            high = min(high, schema["exclusiveMaximum"] - (step or 1))
        value = min(max(value, low), high)
        if step:
            value = value // step * step
            value = value + step if value < low else value
        return int(value) if value == int(value) else value

    def _text(self, schema: JsonObject, name: str) -> str:
        if schema.get("format") in _FORMATS:
            return _FORMATS[schema["format"]]
        text = self._text_for(name)
        if isinstance(schema.get("pattern"), str):
            text = matching(schema["pattern"], text)
        least, most = schema.get("minLength", 0), schema.get("maxLength")
        return (text + "x" * (int(least) - len(text)))[: None if most is None else int(most)]

    def _text_for(self, name: str) -> str:
        question = self.question
        if name in _COMMANDS and question.command:
            return question.command
        if _PATHS.search(name) and question.paths:
            return question.paths[min(self._next("paths", 10**9) or 0, len(question.paths) - 1)]
        if _PLACES.search(name) and question.places:
            return question.places[min(self._next("places", 10**9) or 0, len(question.places) - 1)]
        for kind in ("quoted", "places"):
            texts: tuple[str, ...] = getattr(question, kind)
            given = self._next(kind, len(texts))
            if given is not None:
                return texts[given]
        return question.topic

    def _chosen(self, choices: list[Any]) -> Any:
        """The choice that the question names, else the first."""
        named = [each for each in choices if isinstance(each, str) and self.question.names(each)]
        return (named or choices)[0]

    def _next(self, kind: str, length: int) -> int | None:
        """The number of the next text or number of that kind that was not used; None if all are."""
        at = self.taken.get(kind, 0)
        if at >= length:
            return None
        self.taken[kind] = at + 1
        return at


def _kind(schema: JsonObject) -> str:
    kind = schema.get("type")
    if isinstance(kind, list):
        kind = next((each for each in kind if each != "null"), "null")
    if isinstance(kind, str):
        return kind
    if "properties" in schema or "required" in schema or "additionalProperties" in schema:
        return "object"
    return "array" if "items" in schema or "prefixItems" in schema else "string"


_CLASSES = {"d": "1", "w": "a", "s": " ", "D": "a", "W": "-", "S": "a"}
_ATOM = re.compile(
    r"\\(?P<escaped>.)|\[(?P<set>\^?\]?(?:\\.|[^\]\\])*)\]|(?P<any>\.)|(?P<plain>[^()|*+?{}^$])", re.DOTALL
)
_TIMES = re.compile(r"\{(\d+)(?:,\d*)?\}[?]?|(\*|\+|\?)[?]?")


def matching(pattern: str, text: str) -> str:
    """`text` if it matches the pattern, else a text made from the pattern, which may be of no use.

    Known are characters, classes, sets and repetitions; of groups and choices only the first way.
    """
    try:
        if re.search(pattern, text):
            return text
    except re.error:
        return text
    return _made(pattern)


def _made(pattern: str) -> str:
    made, at = "", 0
    while at < len(pattern):
        group = _group_at(pattern, at)
        if group:
            inner = re.sub(r"^\?(?::|P?<\w+>)", "", pattern[at + 1 : group - 1])
            piece, at = _made(inner), group
        elif atom := _ATOM.match(pattern, at):
            piece, at = _character(atom), atom.end()
        elif pattern[at] == "|":
            break
        else:
            at += 1
            continue
        times = _TIMES.match(pattern, at)
        if times:
            at = times.end()
            piece *= int(times.group(1)) if times.group(1) else times.group(2) == "+"
        made += piece
    return made


def _group_at(pattern: str, start: int) -> int:
    """Where the group that begins at `start` ends; 0 if none begins there."""
    if pattern[start] != "(":
        return 0
    depth, at = 0, start
    while at < len(pattern):
        if pattern[at] == "\\":
            at += 1
        elif pattern[at] in "()":
            depth += 1 if pattern[at] == "(" else -1
            if not depth:
                return at + 1
        at += 1
    return 0


def _character(atom: re.Match[str]) -> str:
    if escaped := atom.group("escaped"):
        return "" if escaped in "bB" else _CLASSES.get(escaped, escaped)
    if (choices := atom.group("set")) is not None:
        if choices.startswith("^"):
            return next(each for each in "a1-_ A" if each not in choices)
        return _CLASSES.get(choices[1], choices[1]) if choices.startswith("\\") else choices[:1]
    return "a" if atom.group("any") else atom.group("plain")
