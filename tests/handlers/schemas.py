"""The official schemas of what is sent, as a check."""

import json
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema

SCHEMAS = Path(__file__).parents[1] / "fixtures" / "openai-schemas.json"


@cache
def _validator(name: str) -> jsonschema.Draft202012Validator:
    components = json.loads(SCHEMAS.read_text(encoding="utf-8"))["components"]
    return jsonschema.Draft202012Validator({"$ref": f"#/components/schemas/{name}", "components": components})


def check(name: str, value: Any) -> None:
    """Raises jsonschema.ValidationError if ``value`` is not what the official document calls ``name``."""
    _validator(name).validate(value)
