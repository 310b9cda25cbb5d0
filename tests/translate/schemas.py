"""The official schemas of OpenAI's answers."""

import json
from pathlib import Path

from jsonschema import Draft202012Validator

FILE = Path(__file__).parent.parent / "fixtures" / "openai-schemas.json"
SCHEMAS = json.loads(FILE.read_text(encoding="utf-8"))


def check(value: object, name: str) -> None:
    """Raises jsonschema.ValidationError unless `value` is a `name` of the official document."""
    Draft202012Validator(SCHEMAS | {"$ref": f"#/components/schemas/{name}"}).validate(value)
