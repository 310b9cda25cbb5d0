"""The models we offer, what each is called upstream, and what a conversation on it costs."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase

from translate.errors import model_not_found


@dataclass(frozen=True, slots=True)
class Model:
    """``name`` as clients say it, ``slug`` as the backend does.

    ``units`` is the backend's quota cost of one conversation: 4, and 10 more where it must fetch an
    Arkose token (GPT-4 and GPTs).
    """

    name: str
    slug: str
    units: int


GPT_4_S = Model("gpt-4-s", "gpt-4", 14)
GPT_4_MOBILE = Model("gpt-4-mobile", "gpt-4-mobile", 14)
GPT_35_TURBO = Model("gpt-3.5-turbo", "text-davinci-002-render-sha", 4)

BUILT_IN = (GPT_4_S, GPT_4_MOBILE, GPT_35_TURBO)


class Catalogue:
    """Which name means which model. Aliases map names, or patterns with ``*``, to model names."""

    def __init__(self, models: Iterable[Model], aliases: Mapping[str, str]) -> None:
        self.models = {model.name: model for model in models}
        self._aliases = dict(aliases)
        for alias, target in self._aliases.items():
            if target not in self.models:
                raise ValueError(f"the alias {alias} points to {target}, which is no model here")

    def resolve(self, name: str) -> Model:
        """The model for ``name``: itself, else the first alias that matches. Raises NotFound."""
        if model := self.models.get(name):
            return model
        for pattern, target in self._aliases.items():
            if pattern == name or fnmatchcase(name, pattern):
                return self.models[target]
        raise model_not_found(name)
