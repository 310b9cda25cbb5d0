"""The models we offer, what each is called upstream, and what a conversation on it costs."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase

from translate.values.errors import model_not_found
from translate.values.gpts import STYLES, Gizmo, Gpt, is_gizmo_id


@dataclass(frozen=True, slots=True)
class Model:
    """``name`` as clients say it, ``slug`` as the backend does.

    ``units`` is the backend's quota cost of one conversation: 4, and 10 more where it must fetch an
    Arkose token (GPT-4 and GPTs). ``style`` is how its answers look, empty for the default. A GPT has a
    ``gizmo_id``, and needs its ``gizmo`` before there can be a conversation with it.
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
"""Whatever GPT a caller names by its id, as ``gpt-4-gizmo-g-...``; what is measured is under this name."""

MAX_NAME = 200
"""Characters of a name that an alias may match; patterns match any, and each chunk of a stream repeats it."""

BUILT_IN = (GPT_4_S, GPT_4_MOBILE, GPT_35_TURBO)


class Catalogue:
    """Which name means which model.

    Aliases map names, or patterns with ``*``, to model names, perhaps with ``:style`` behind. With
    ``any_gpt`` every well-formed id of a GPT is a model too. Raises ValueError for an alias that is
    not usable.
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
        """Offer these GPTs and no others. If an alias does not fit, raises ValueError and changes nothing."""
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
        """The model for ``name``: itself, else the first alias that matches. Raises NotFound."""
        if model := self.models.get(name):
            return model
        gizmo_id = name.removeprefix(f"{ANY_GPT.name}-")
        if self._any_gpt and gizmo_id != name and is_gizmo_id(gizmo_id):
            return replace(ANY_GPT, gizmo_id=gizmo_id)
        if len(name) > MAX_NAME:
            raise model_not_found(name)
        for pattern, target in self._aliases.items():
            if pattern == name or fnmatchcase(name, pattern):
                target_name, _, style = target.partition(":")
                model = self.models[target_name]
                return replace(model, style=style) if style else model
        raise model_not_found(name)


def _gpt_model(gpt: Gpt) -> Model:
    return replace(ANY_GPT, name=gpt.name, style=gpt.style, gizmo_id=gpt.id)
