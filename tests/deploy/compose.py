"""Compose files as compose reads them: variables filled in, `extends` resolved."""

import re
from collections.abc import Mapping
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any

import yaml

DEPLOY = Path(__file__).parents[2] / "deploy"
FILES = ("compose.yaml", "compose.scale.yaml")
GIVEN = {"BASE_URL": "http://backend:8181", "UPLOAD_BASE_URL": "https://chat.example.org"}
"""What the files demand from the environment."""

Variables = tuple[tuple[str, str], ...]

_VARIABLE = re.compile(r"\$\{(\w+)(:?[-?])([^{}]*)\}")


def filled_in(name: str, given: Mapping[str, str] | None = None) -> str:
    """The text of a file. Raises KeyError for a variable that must be given and is not."""
    given = GIVEN if given is None else given

    def value(match: re.Match[str]) -> str:
        variable, kind, rest = match.groups()
        if kind.endswith("?"):
            return given[variable]
        if kind == "-":
            return given.get(variable, rest)
        return given.get(variable) or rest

    text = (DEPLOY / name).read_text()
    while (filled := _VARIABLE.sub(value, text)) != text:  # a default may hold a variable
        text = filled
    return text


def variables() -> set[str]:
    """What the files take from the environment."""
    texts = [(DEPLOY / name).read_text() for name in ("common.yaml", *FILES)]
    return {name for text in texts for name in re.findall(r"\$\{(\w+)", text)}


def load(name: str, given: Mapping[str, str] | None = None) -> dict[str, Any]:
    """One file, its services with everything that they extend. Raises KeyError as `filled_in` does."""
    variables = tuple((GIVEN if given is None else given).items())
    document = _document(name, variables)
    services = {service: _resolve(name, service, variables) for service in document["services"]}
    return document | {"services": services}


@cache
def _document(name: str, variables: Variables) -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load(filled_in(name, dict(variables)))
    return document


def _resolve(name: str, service: str, variables: Variables) -> dict[str, Any]:
    definition: dict[str, Any] = deepcopy(_document(name, variables)["services"][service])
    base = definition.pop("extends", None)
    if "environment" in definition:
        environment = definition["environment"].items()
        definition["environment"] = {key: "" if value is None else str(value) for key, value in environment}
    if base is None:
        return definition
    inherited = _resolve(base.get("file", name), base["service"], variables)
    resolved: dict[str, Any] = _merged(inherited, definition)
    return resolved


def _merged(base: Any, over: Any) -> Any:
    """By compose's rules: mappings are merged and sequences joined, but commands are replaced."""
    if isinstance(base, dict) and isinstance(over, dict):
        both = {key: _merged(base[key], over[key]) for key in base.keys() & over.keys()}
        replaced = {key: over[key] for key in ("command", "entrypoint", "test") if key in over}
        return base | over | both | replaced
    if isinstance(base, list) and isinstance(over, list):
        return [*base, *over]
    return over
