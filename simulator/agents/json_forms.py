"""JSON as models write it: well, in ways that are read all the same, and in ways that are not."""

import json
import re
from collections.abc import Callable
from typing import Any

from simulator.messages import JsonObject

JsonForm = Callable[[Any, JsonObject], str]
"""Writes a value; the second argument is its schema, {} if it has none."""


def well(value: Any, schema: JsonObject) -> str:
    """As it should be, on one line."""
    return json.dumps(value, ensure_ascii=False)


def _pretty(value: Any, schema: JsonObject) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2)


def _raw_newlines(value: Any, schema: JsonObject) -> str:
    return _written_with(value, schema, "one\n\ttwo").replace(r"\n\t", "\n\t")


def _lone_backslash(value: Any, schema: JsonObject) -> str:
    return _written_with(value, schema, r"\d+\ ").replace(r"\\d+\\ ", r"\d+\ ")


def _trailing_comma(value: Any, schema: JsonObject) -> str:
    return re.sub(r"(?<=[^{\[])([}\]])$", r",\1", well(value, schema))


def _spaces(value: Any, schema: JsonObject) -> str:
    return "\ufeff\u00a0" + _pretty(value, schema).replace("\n  ", "\n\u00a0\u00a0") + "\u00a0"


def _in_fence(value: Any, schema: JsonObject) -> str:
    return f"```json\n{well(value, schema)}\n```"


def _missing_brace(value: Any, schema: JsonObject) -> str:
    return well(value, schema)[:-1]


def _in_string(value: Any, schema: JsonObject) -> str:
    return json.dumps(well(value, schema), ensure_ascii=False)


def _number_as_text(value: Any, schema: JsonObject) -> str:
    return well(_with_first(value, lambda each: type(each) in (int, float), str), schema)


def _single_quotes(value: Any, schema: JsonObject) -> str:
    return well(value, schema).replace('"', "'")


def _unquoted_keys(value: Any, schema: JsonObject) -> str:
    return re.sub(r'"(\w+)":', r"\1:", well(value, schema))


def _python_literals(value: Any, schema: JsonObject) -> str:
    given = well(value if "true" in well(value, schema) else {**_object(value), "sure": True}, schema)
    return re.sub(r"(?<=: )true\b", "True", given)


def _smart_quotes(value: Any, schema: JsonObject) -> str:
    return re.sub(r'"([^"]*)"', "“\\1”", well(value, schema))


def _cut(value: Any, schema: JsonObject) -> str:
    text = well(value if value else {"unfinished": "text"}, schema)
    return text[: len(text) * 2 // 3]


def _doubled(value: Any, schema: JsonObject) -> str:
    return well(value, schema) * 2


def _bare_text(value: Any, schema: JsonObject) -> str:
    texts = [each for each in _object(value).values() if isinstance(each, str)]
    return texts[0] if texts else "yes"


def _missing_field(value: Any, schema: JsonObject) -> str:
    required = [name for name in schema.get("required") or () if name in _object(value)]
    missing = required[0] if required else next(iter(_object(value)), "")
    return well({name: each for name, each in _object(value).items() if name != missing}, schema)


def _wrong_type(value: Any, schema: JsonObject) -> str:
    first = next(iter(_object(value)), "value")
    return well({**_object(value), first: {"unexpected": ["value"]}}, schema)


def _extra_field(value: Any, schema: JsonObject) -> str:
    return well({**_object(value), "confidence": "high"}, schema)


JSON_FORMS: dict[str, JsonForm] = {
    "pretty": _pretty,
    "raw_newlines": _raw_newlines,
    "trailing_comma": _trailing_comma,
    "spaces": _spaces,
    "object_in_fence": _in_fence,
    "lone_backslash": _lone_backslash,
    "missing_brace": _missing_brace,
    "json_in_string": _in_string,
    "number_as_text": _number_as_text,
    "single_quotes": _single_quotes,
    "unquoted_keys": _unquoted_keys,
    "python_literals": _python_literals,
    "smart_quotes": _smart_quotes,
    "cut": _cut,
    "doubled": _doubled,
    "bare_text": _bare_text,
    "missing_field": _missing_field,
    "wrong_type": _wrong_type,
    "extra_field": _extra_field,
}
"""By habit."""


def with_text(value: Any, schema: JsonObject, text: str) -> Any:
    """`value` with `text` at the end of its first text that may be any."""
    properties = schema.get("properties") or {}
    whole = _object(value)
    free = [name for name, each in whole.items() if isinstance(each, str) and _is_free(properties.get(name))]
    if free:
        return {**whole, free[0]: whole[free[0]] + text}
    return _with_first(value, lambda each: isinstance(each, str), lambda each: each + text)


def _written_with(value: Any, schema: JsonObject, text: str) -> str:
    return well(with_text(value, schema, text), schema)


def _is_free(schema: object) -> bool:
    bounds = ("enum", "const", "pattern", "format", "maxLength")
    return not isinstance(schema, dict) or not any(bound in schema for bound in bounds)


def _object(value: Any) -> JsonObject:
    return value if isinstance(value, dict) else {}


def _with_first(value: Any, is_it: Callable[[Any], bool], change: Callable[[Any], Any]) -> Any:
    """`value` with the first of its values that `is_it`, however deep, changed."""
    if is_it(value):
        return change(value)
    if isinstance(value, dict):
        for name, each in value.items():
            changed = _with_first(each, is_it, change)
            if changed is not each:
                return {**value, name: changed}
    if isinstance(value, list):
        for at, each in enumerate(value):
            changed = _with_first(each, is_it, change)
            if changed is not each:
                return [*value[:at], changed, *value[at + 1 :]]
    return value
