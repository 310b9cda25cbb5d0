"""How much work it can be to check a value: schemas that refer to each other multiply it.

Ten alternatives that refer to ten alternatives each, and so on, are a short schema, and take years. So what
is counted is how often the parts of a schema look at one and the same part of a value, at most.
"""

from typing import Final

from translate.values import JsonObject

MOST: Final = 1 << 40
"""What is more is not counted."""
MAX_COUNTED: Final = 20_000
"""Parts of schemas that are counted, each for each depth of a value."""
SAME_VALUE: Final = ("allOf", "anyOf", "oneOf", "not", "if", "then", "else", "dependentSchemas")
"""Keywords whose schemas look at the same part of a value."""
PARTS_OF_VALUE: Final = (
    "properties",
    "patternProperties",
    "additionalProperties",
    "propertyNames",
    "items",
    "prefixItems",
    "additionalItems",
    "contains",
    "unevaluatedItems",
    "unevaluatedProperties",
)
"""Keywords whose schemas look at what a value holds: those of one keyword at different parts."""


class Endless(ValueError):
    """A schema refers to itself for the same part of a value."""


class SchemaCost:
    """Counts for one schema, whose references all begin with `#`."""

    def __init__(self, schema: JsonObject) -> None:
        self._root = schema
        self._anchors: dict[str, object] = {}
        self._counted: dict[tuple[int, int], int] = {}
        self._open: set[tuple[int, int]] = set()
        self._find_anchors(schema)

    def looks(self, depth: int) -> int:
        """How often one part of a value that is `depth` deep is looked at, at most.

        Raises Endless, or RecursionError.
        """
        return self._looks(self._root, depth)

    def _looks(self, schema: object, depth: int) -> int:
        if not isinstance(schema, dict):
            return 1
        key = id(schema), depth
        if (counted := self._counted.get(key)) is not None:
            return counted
        if key in self._open:
            raise Endless
        if len(self._counted) >= MAX_COUNTED:
            return MOST
        self._open.add(key)
        looks = 1 + sum(self._looks(same, depth) for same in self._same(schema))
        if isinstance(values := schema.get("enum"), list):  # those that hold others are compared one by one
            looks += sum(isinstance(value, dict | list) for value in values)
        if depth:
            for keyword in PARTS_OF_VALUE:
                parts = _schemas(schema.get(keyword))
                looks += max((self._looks(part, depth - 1) for part in parts), default=0)
        self._open.discard(key)
        self._counted[key] = min(looks, MOST)
        return self._counted[key]

    def _same(self, schema: JsonObject) -> list[object]:
        same = [part for keyword in SAME_VALUE for part in _schemas(schema.get(keyword))]
        for keyword in ("$ref", "$dynamicRef", "$recursiveRef"):
            reference = schema.get(keyword)
            if isinstance(reference, str):
                same.append(self._referred(reference))
        return same

    def _referred(self, reference: str) -> object:
        name = reference.removeprefix("#")
        if not name.startswith("/"):
            return self._anchors.get(name, self._root)
        found: object = self._root
        for step in name[1:].split("/"):
            step = step.replace("~1", "/").replace("~0", "~")
            if isinstance(found, list):
                found = found[int(step)] if step.isdecimal() and int(step) < len(found) else None
            else:
                found = found.get(step) if isinstance(found, dict) else None
        return found

    def _find_anchors(self, schema: object) -> None:
        if isinstance(schema, dict):
            for keyword in ("$anchor", "$dynamicAnchor"):
                if isinstance(name := schema.get(keyword), str):
                    self._anchors[name] = schema
            for part in schema.values():
                self._find_anchors(part)
        elif isinstance(schema, list):
            for part in schema:
                self._find_anchors(part)


def _schemas(value: object) -> list[object]:
    """The schemas under a keyword: one, a list of them, or one for each name."""
    if isinstance(value, list):
        return value
    if not isinstance(value, dict):
        return []
    if value and all(isinstance(part, dict | bool) for part in value.values()):
        return [value, *value.values()]
    return [value]


def extent(value: object) -> tuple[int, int]:
    """How deep a value is, 0 for one that holds nothing, and how many values it is with all that it holds."""
    depth, count, level = -1, 0, [value]
    while level:
        depth, count = depth + 1, count + len(level)
        below: list[object] = []
        for item in level:
            if isinstance(item, dict):
                below += item.values()
            elif isinstance(item, list):
                below += item
        level = below
    return depth, count
