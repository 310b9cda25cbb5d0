"""A model as the backend lists it for one account; lists differ by plan and change from week to week."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

_SLUG: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")

ROUTES_BY_ITSELF: Final = "auto"
"""The model that stands for whichever the backend chooses."""
OWN_VARIANTS: Final = ("-instant", "-thinking", "-auto-thinking")
"""Ends of the slugs to which a model hands a question that decides by itself how long it thinks."""

HELPERS: Final = re.compile(r"i-.+|research")
"""Models that only pictures and research come from, whichever model was asked."""


def is_slug(text: str) -> bool:
    """Whether `text` may be the backend's name of a model; then it may stand in a header and a log."""
    return _SLUG.fullmatch(text) is not None


def is_substitute(answered: str, asked: str) -> bool:
    """Whether the model `answered` stands in for the one that was `asked`, both by slug.

    One that chose its own variant, such as `gpt-5-6-thinking` for `gpt-5-6`, is no substitute, nor is the
    model that draws the pictures of all others.
    """
    if not answered or asked in (answered, ROUTES_BY_ITSELF) or HELPERS.fullmatch(answered):
        return False
    return answered not in {asked + variant for variant in OWN_VARIANTS}


@dataclass(frozen=True, slots=True)
class ListedModel:
    """One model of the list (protocol notes, section 4.7).

    `slug` is what a request names, `title` is for people. `context` is how many tokens it reads on this plan,
    0 if it is not said. `efforts` are the backend's words for how long it may think, as far as a request may
    choose; empty if it may not. `default_effort` is the one that it has by itself. `reasoning_type` is `auto`
    (it decides by itself), `none` or `reasoning`. All texts but the slug are empty where the list has none.
    """

    slug: str
    title: str = ""
    context: int = 0
    efforts: tuple[str, ...] = ()
    default_effort: str = ""
    reasoning_type: str = ""
    enabled_tools: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ModelList:
    """The models that the backend lists for one account, in its order. An empty list says nothing at all."""

    models: Mapping[str, ListedModel]
    """By slug."""

    def __iter__(self) -> Iterator[ListedModel]:
        return iter(self.models.values())

    def __contains__(self, slug: str) -> bool:
        return slug in self.models

    def __bool__(self) -> bool:
        return bool(self.models)

    def get(self, slug: str) -> ListedModel | None:
        """The model of this slug, if it is listed."""
        return self.models.get(slug)


NO_MODELS: Final = ModelList({})
"""The backend has no list, or it is not known."""
