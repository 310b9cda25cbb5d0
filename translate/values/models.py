"""The models we offer, what each is called upstream, and what a conversation on it costs."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase

from translate.values.effort import WANTED
from translate.values.errors import model_not_found
from translate.values.gizmo import Gizmo, is_gizmo_id
from translate.values.gpts import Gpt
from translate.values.hints import SYSTEM_HINTS
from translate.values.listed import NO_MODELS, ListedModel, ModelList, is_slug
from translate.values.style import STYLES


@dataclass(frozen=True, slots=True)
class Model:
    """`name` as clients write it, `slug` as the backend does (protocol notes, section 4.2).

    `units` is what one conversation costs of the backend's quota: 4, and 10 more where the backend must
    fetch an Arkose token (GPT-4 and GPTs; protocol notes, section 15). `windowed` says whether it counts for
    the backend's cap of GPT-4 messages. `style` is how its answers look, empty for the default. A GPT has a
    `gizmo_id` (short id or slug), and needs its `gizmo`, the backend's description, before there can be a
    conversation with it. `listed` is what the backend lists of it for the caller, if that is known. `effort`
    and `hints` are what an alias asks for, in OpenAI's words and in ours, as far as a request does not.
    """

    name: str
    slug: str
    units: int
    style: str = ""
    gizmo_id: str = ""
    gizmo: Gizmo | None = None
    windowed: bool = True
    listed: ListedModel | None = None
    effort: str = ""
    hints: tuple[str, ...] = ()


GPT_4_S = Model("gpt-4-s", "gpt-4", 14)
GPT_4_MOBILE = Model("gpt-4-mobile", "gpt-4-mobile", 14, windowed=False)
GPT_35_TURBO = Model("gpt-3.5-turbo", "text-davinci-002-render-sha", 4, windowed=False)

ANY_GPT = Model("gpt-4-gizmo", "gpt-4-gizmo", 14)
"""Any GPT that a caller names by its id, as `gpt-4-gizmo-g-...`; metrics have all of them under this name."""

BUILT_IN = (GPT_4_S, GPT_4_MOBILE, GPT_35_TURBO)


def names_taken(aliases: Iterable[str]) -> set[str]:
    """The names that no GPT of `gpts.json` may have: those of models, and of `aliases`, the operator's own.

    A default alias gives way to a GPT of its name.
    """
    return {model.name for model in (*BUILT_IN, ANY_GPT)} | set(aliases)


DEFAULT_UNITS = {model.name: model.units for model in (*BUILT_IN, ANY_GPT)}
"""What one conversation costs, in quota units by model name; a GPT without an entry costs as `ANY_GPT`."""

LISTED_UNITS = ANY_GPT.units
"""What a model costs that only the backend's list names: as much as the dearest, until the settings say."""

DEFAULT_SLUGS: Mapping[str, tuple[str, ...]] = {
    GPT_4_S.name: (GPT_4_S.slug, "gpt-5-6", "gpt-5", "gpt-4o", "auto"),
    GPT_4_MOBILE.name: (GPT_4_MOBILE.slug, "gpt-5-6", "gpt-5", "gpt-4o", "auto"),
    GPT_35_TURBO.name: (GPT_35_TURBO.slug, "gpt-5-6-instant", "gpt-5-mini", "gpt-4o-mini", "auto"),
}
"""What each named model may be called upstream: the slug of 2023, then those of later backends."""

MAX_ALIASED_NAME = 200
"""Characters of a name that an alias may match: patterns match any, and each chunk of a stream repeats it."""


ALIAS_WORDS = (*STYLES, *WANTED, *SYSTEM_HINTS)
"""What an alias may ask for beside a model."""

DATED = re.compile(r"(?P<name>.+?)-(?:[0-9]{4}-[0-9]{2}-[0-9]{2}|[0-9]{4}|latest)")
"""A name with the date of a version behind it, as OpenAI has them: `gpt-4o-2024-08-06`, `gpt-4-0613`."""


class Catalogue:
    """Which name means which model.

    `models` are the fixed ones, `gpts` those of `gpts.json`. `aliases` are the operator's: they map a name,
    or a pattern with `*`, to the name of a model, perhaps followed by words, each behind a colon: a style,
    an effort (`high`), hints (`search`). So do `default_aliases`, which come after the backend's own names.
    With `any_gpt` every well-formed id of a GPT is a model too, as `gpt-4-gizmo-g-...`. With `pass_through`
    so is every slug that the backend lists for the caller. `slugs` are what a fixed model may be called
    upstream, by name: the first one that the backend lists counts; the first of all if it lists nothing, and
    the last if it lists none of them.

    Raises ValueError for an alias that names no model, or with a word that is none of these.
    """

    def __init__(
        self,
        models: Iterable[Model],
        aliases: Mapping[str, str],
        gpts: Iterable[Gpt] = (),
        *,
        default_aliases: Mapping[str, str] | None = None,
        any_gpt: bool = False,
        slugs: Mapping[str, tuple[str, ...]] | None = None,
        pass_through: bool = False,
    ) -> None:
        self.models: dict[str, Model] = {}
        """What is offered to everybody, by name, in the order in which it was declared."""
        self._fixed = tuple(models)
        self._aliases = dict(aliases)
        self._default_aliases = dict(default_aliases or {})
        self._any_gpt = any_gpt
        self._slugs = dict(slugs or {})
        self._pass_through = pass_through
        self._by_slug = {model.slug: model for model in self._fixed}
        self.replace_gpts(gpts)

    def replace_gpts(self, gpts: Iterable[Gpt]) -> None:
        """Offer these GPTs and no others.

        Raises ValueError, and changes nothing, if an alias then names no model.
        """
        offered = [*self._fixed, *(_gpt_model(gpt) for gpt in gpts)]
        models = {model.name: model for model in offered}
        for alias, target in (*self._aliases.items(), *self._default_aliases.items()):
            name, *words = target.split(":")
            if name not in models:
                raise ValueError(f"the alias {alias} points to {name}, which is no model here")
            for word in words:
                if word not in ALIAS_WORDS:
                    raise ValueError(
                        f"the alias {alias} asks for the style {word}; known are {', '.join(ALIAS_WORDS)}"
                    )
        self.models = models

    def resolve(self, name: str, listed: ModelList = NO_MODELS) -> Model:
        """The model that `name` means to a caller for whom the backend lists `listed`.

        That is, in this order: the operator's alias of exactly this name, the model of this name, the
        operator's first alias that matches, the listed model, the first default alias that matches, the
        listed model of which `name` is another spelling: with dots, or with a date behind it; and the default
        alias that matches without that date.

        Raises NotFound (code `model_not_found`).
        """
        if model := self._known_without_list(name):
            return self.called_upstream(model, listed)
        if len(name) > MAX_ALIASED_NAME:
            raise model_not_found(name)
        if model := self._passed_through(name, listed):
            return model
        if model := self._aliased(name, self._default_aliases):
            return self.called_upstream(model, listed)
        for spelling in _spellings(name):
            if model := self._passed_through(spelling, listed):
                return model
        if model := self._aliased(_undated(name), self._default_aliases):
            return self.called_upstream(model, listed)
        raise model_not_found(name)

    def needs_list(self, name: str) -> bool:
        """Whether it depends on the backend's list what `name` means, or is called upstream."""
        model = self._known_without_list(name)
        if model is None:
            if self._pass_through and any(is_slug(spelling) for spelling in (name, *_spellings(name))):
                return True
            aliases = self._default_aliases
            model = self._aliased(name, aliases) or self._aliased(_undated(name), aliases)
        return model is not None and len(self._slugs.get(model.name, ())) > 1

    def called_upstream(self, model: Model, listed: ModelList) -> Model:
        """`model` with the slug, and what is listed of it, that it has where the backend lists `listed`."""
        slugs = self._slugs.get(model.name)
        if not slugs:
            return model
        first = slugs[0] if not listed else slugs[-1]
        slug = next((slug for slug in slugs if slug in listed), first)
        return replace(model, slug=slug, listed=listed.get(slug))

    def passed_through(self, listed: ModelList) -> list[Model]:
        """The models of the backend's list that are offered beside `models`."""
        return [model for slug in listed.models if (model := self._passed_through(slug, listed))]

    def slugs(self) -> dict[str, tuple[str, ...]]:
        """For each of `models`, what it may be called upstream."""
        return {name: self._slugs.get(name, (model.slug,)) for name, model in self.models.items()}

    def _known_without_list(self, name: str) -> Model | None:
        if target := self._aliases.get(name):
            return self._aliased(name, {name: target})
        if model := self.models.get(name):
            return model
        gizmo_id = name.removeprefix(f"{ANY_GPT.name}-")
        if self._any_gpt and gizmo_id != name and is_gizmo_id(gizmo_id):
            return replace(ANY_GPT, gizmo_id=gizmo_id)
        return self._aliased(name, self._aliases) if len(name) <= MAX_ALIASED_NAME else None

    def _aliased(self, name: str, aliases: Mapping[str, str]) -> Model | None:
        for pattern, target in aliases.items():
            if pattern == name or fnmatchcase(name, pattern):
                name, *words = target.split(":")
                return _asked_for(self.models[name], words)
        return None

    def _passed_through(self, slug: str, listed: ModelList) -> Model | None:
        found = listed.get(slug) if self._pass_through and slug not in self.models else None
        if found is None or slug == ANY_GPT.slug:  # which is nothing without a GPT
            return None
        like = self._by_slug.get(slug, ANY_GPT)
        return Model(slug, slug, like.units, windowed=like.windowed, listed=found)


def _asked_for(model: Model, words: Iterable[str]) -> Model:
    """`model` with the style, the effort and the hints that an alias names behind it."""
    for word in words:
        if word in STYLES:
            model = replace(model, style=word)
        elif word in WANTED:
            model = replace(model, effort=word)
        else:
            model = replace(model, hints=(*model.hints, word))
    return model


def _spellings(name: str) -> Iterator[str]:
    """What else `name` may mean: a slug has dashes for dots, and no date."""
    yield name.replace(".", "-")
    if (undated := _undated(name)) != name:
        yield undated
        yield undated.replace(".", "-")


def _undated(name: str) -> str:
    """`name` without the date of a version behind it."""
    dated = DATED.fullmatch(name)
    return dated["name"] if dated else name


def _gpt_model(gpt: Gpt) -> Model:
    return replace(ANY_GPT, name=gpt.name, style=gpt.style, gizmo_id=gpt.id)
