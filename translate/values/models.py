"""The models we offer, what each is called upstream, and what a conversation on it costs."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase

from translate.values.errors import model_not_found
from translate.values.gizmo import Gizmo, is_gizmo_id
from translate.values.gpts import Gpt
from translate.values.style import STYLES


@dataclass(frozen=True, slots=True)
class Model:
    """`name` as clients write it, `slug` as the backend does (protocol notes, section 4.2).

    `units` is what one conversation costs of the backend's quota: 4, and 10 more where the backend must
    fetch an Arkose token (GPT-4 and GPTs; protocol notes, section 15). `style` is how its answers look,
    empty for the default. A GPT has a `gizmo_id` (short id or slug), and needs its `gizmo`, the backend's
    description, before there can be a conversation with it.
    """

    name: str
    slug: str
    units: int
    style: str = ""
    gizmo_id: str = ""
    gizmo: Gizmo | None = None


GPT_4_S = Model("gpt-4-s", "gpt-4", 14)
GPT_4_MOBILE = Model("gpt-4-mobile", "gpt-4-mobile", 14)
GPT_35_TURBO = Model("gpt-3.5-turbo", "text-davinci-002-render-sha", 4)

ANY_GPT = Model("gpt-4-gizmo", "gpt-4-gizmo", 14)
"""Any GPT that a caller names by its id, as `gpt-4-gizmo-g-...`; metrics have all of them under this name."""

BUILT_IN = (GPT_4_S, GPT_4_MOBILE, GPT_35_TURBO)

DEFAULT_UNITS = {model.name: model.units for model in (*BUILT_IN, ANY_GPT)}
"""What one conversation costs, in quota units by model name; a GPT without an entry costs as `ANY_GPT`."""

MAX_ALIASED_NAME = 200
"""Characters of a name that an alias may match: patterns match any, and each chunk of a stream repeats it."""


class Catalogue:
    """Which name means which model.

    `models` are the fixed ones, `gpts` those of `gpts.json`. `aliases` map a name, or a pattern with `*`, to
    the name of a model, perhaps followed by `:style`. With `any_gpt` every well-formed id of a GPT is a model
    too, as `gpt-4-gizmo-g-...`. Raises ValueError for an alias that names no model or no style.
    """

    def __init__(
        self,
        models: Iterable[Model],
        aliases: Mapping[str, str],
        gpts: Iterable[Gpt] = (),
        *,
        any_gpt: bool = False,
    ) -> None:
        self.models: dict[str, Model] = {}
        """What is offered, by name, in the order in which it was declared."""
        self._fixed = tuple(models)
        self._aliases = dict(aliases)
        self._any_gpt = any_gpt
        self.replace_gpts(gpts)

    def replace_gpts(self, gpts: Iterable[Gpt]) -> None:
        """Offer these GPTs and no others.

        Raises ValueError, and changes nothing, if an alias then names no model.
        """
        offered = [*self._fixed, *(_gpt_model(gpt) for gpt in gpts)]
        models = {model.name: model for model in offered}
        for alias, target in self._aliases.items():
            name, _, style = target.partition(":")
            if name not in models:
                raise ValueError(f"the alias {alias} points to {name}, which is no model here")
            if style and style not in STYLES:
                raise ValueError(
                    f"the alias {alias} asks for the style {style}; known are {', '.join(STYLES)}"
                )
        self.models = models

    def resolve(self, name: str) -> Model:
        """The model of this name, else that of the first alias that matches `name`.

        Raises NotFound (code `model_not_found`).
        """
        if model := self.models.get(name):
            return model
        gizmo_id = name.removeprefix(f"{ANY_GPT.name}-")
        if self._any_gpt and gizmo_id != name and is_gizmo_id(gizmo_id):
            return replace(ANY_GPT, gizmo_id=gizmo_id)
        if len(name) > MAX_ALIASED_NAME:
            raise model_not_found(name)
        for pattern, target in self._aliases.items():
            if pattern == name or fnmatchcase(name, pattern):
                target_name, _, style = target.partition(":")
                model = self.models[target_name]
                return replace(model, style=style) if style else model
        raise model_not_found(name)


def _gpt_model(gpt: Gpt) -> Model:
    return replace(ANY_GPT, name=gpt.name, style=gpt.style, gizmo_id=gpt.id)
