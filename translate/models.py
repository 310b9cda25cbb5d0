"""The models we offer, what each is called upstream, and what a conversation on it costs."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase

from translate.errors import model_not_found
from translate.render import Style


@dataclass(frozen=True, slots=True)
class Model:
    """``name`` as clients say it, ``slug`` as the backend does.

    ``units`` is the backend's quota cost of one conversation: 4, and 10 more where it must fetch an
    Arkose token (GPT-4 and GPTs). ``style`` is how its answers look, empty for the default.
    """

    name: str
    slug: str
    units: int
    style: str = ""


GPT_4_S = Model("gpt-4-s", "gpt-4", 14)
GPT_4_MOBILE = Model("gpt-4-mobile", "gpt-4-mobile", 14)
GPT_35_TURBO = Model("gpt-3.5-turbo", "text-davinci-002-render-sha", 4)

STYLES = tuple(style.value for style in Style)

BUILT_IN = (GPT_4_S, GPT_4_MOBILE, GPT_35_TURBO)


class Catalogue:
    """Which name means which model.

    Aliases map names, or patterns with ``*``, to model names, perhaps with ``:style`` behind.
    """

    def __init__(self, models: Iterable[Model], aliases: Mapping[str, str]) -> None:
        self.models = {model.name: model for model in models}
        self._aliases = dict(aliases)
        for alias, target in self._aliases.items():
            name, _, style = target.partition(":")
            if name not in self.models:
                raise ValueError(f"the alias {alias} points to {name}, which is no model here")
            if style and style not in STYLES:
                raise ValueError(
                    f"the alias {alias} asks for the style {style}; known are {', '.join(STYLES)}"
                )

    def resolve(self, name: str) -> Model:
        """The model for ``name``: itself, else the first alias that matches. Raises NotFound."""
        if model := self.models.get(name):
            return model
        for pattern, target in self._aliases.items():
            if pattern == name or fnmatchcase(name, pattern):
                target_name, _, style = target.partition(":")
                return replace(self.models[target_name], style=style)
        raise model_not_found(name)
