"""The answer of GET `backend-api/models`: which models an account may ask (protocol notes, section 4.7).

The list has had two shapes: `models` with slug, title and `max_tokens`, and since 2025 also efforts, tools
and `versions` that name further slugs. Both are read by what is there. Nothing in it is trusted: what does
not look like a model is left out, and what is kept is bounded.
"""

import re
from collections.abc import Iterator
from typing import Final

from translate.values import (
    JsonObject,
    ListedModel,
    ModelList,
    is_slug,
    json_object,
    objects_at,
    text_at,
    well_formed,
)

MAX_MODELS: Final = 200
"""Models of a list that are kept; lists of today have some twenty."""
MAX_TITLE: Final = 100
"""Characters."""
MAX_WORDS: Final = 32
"""Efforts, and tools, of one model that are kept."""
MAX_CONTEXT: Final = 100_000_000
"""Tokens; a number above it is none."""

_WORD: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,63}")


def read_model_list(body: bytes) -> ModelList:
    """The models in `body`. Those for work mode, which only the backend's own page can run, are left out.

    Raises ValueError if it is no such list.
    """
    answer = json_object(body)
    if answer is None or not isinstance(answer.get("models"), list):
        raise ValueError("it is no list of models")
    models: dict[str, ListedModel] = {}
    left_out: set[str] = set()
    for entry in objects_at(answer, "models"):
        slug = text_at(entry, "slug")
        if not is_slug(slug):
            continue
        if entry.get("is_work_mode_model"):
            left_out.add(slug)
        elif slug not in models and len(models) < MAX_MODELS:
            models[slug] = _listed(slug, entry)
    for slug in _named_by_versions(answer):
        if is_slug(slug) and slug not in left_out and len(models) < MAX_MODELS:
            models.setdefault(slug, ListedModel(slug))
    return ModelList({slug: model for slug, model in models.items() if slug not in left_out})


def _listed(slug: str, entry: JsonObject) -> ListedModel:
    efforts: tuple[str, ...] = ()
    if entry.get("configurable_thinking_effort") is True:
        listed = (text_at(effort, "thinking_effort") for effort in objects_at(entry, "thinking_efforts"))
        efforts = _words(list(listed))
    default_effort = text_at(entry, "default_thinking_effort")
    reasoning_type = text_at(entry, "reasoning_type")
    return ListedModel(
        slug,
        title=well_formed(text_at(entry, "title")[:MAX_TITLE]),
        context=_context(entry),
        efforts=efforts,
        default_effort=default_effort if default_effort in efforts else "",
        reasoning_type=reasoning_type if _WORD.fullmatch(reasoning_type) else "",
        enabled_tools=_words(entry.get("enabled_tools")),
    )


def _named_by_versions(answer: JsonObject) -> Iterator[str]:
    """Slugs that the picker of the backend's page offers; `models` may have no entry of theirs."""
    for version in objects_at(answer, "versions"):
        if version.get("enabled") is False:
            continue
        slugs = version.get("slugs")
        yield from (slug for slug in (slugs if isinstance(slugs, list) else []) if isinstance(slug, str))
        for preset in objects_at(version, "intelligence_presets"):
            if text_at(preset, "preset_type") == "available":
                yield text_at(preset, "model_slug")


def _context(entry: JsonObject) -> int:
    tokens = entry.get("max_tokens")
    return tokens if type(tokens) is int and 0 < tokens <= MAX_CONTEXT else 0


def _words(found: object) -> tuple[str, ...]:
    words = found if isinstance(found, list) else []
    fit = (word for word in words if isinstance(word, str) and _WORD.fullmatch(word))
    return tuple(dict.fromkeys(fit))[:MAX_WORDS]
