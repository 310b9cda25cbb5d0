"""What names of models mean to a caller: those that everybody may use, and those that the backend lists."""

import asyncio

from accounts import Caller, Lender, is_allowed
from metrics import Metrics
from translate.values import (
    NO_MODELS,
    Catalogue,
    ListedModel,
    Model,
    ModelList,
    NotFound,
    model_not_found,
)
from upstream.account import ModelLists


class CallerModels:
    """Joins the `catalogue` with what `lists` has of each account; None to do without it.

    `lender` says whose lists count for a caller.
    """

    def __init__(
        self, catalogue: Catalogue, lists: ModelLists | None, metrics: Metrics, lender: Lender
    ) -> None:
        self.catalogue = catalogue
        """The models that everybody may use."""
        self._lists = lists
        self._metrics = metrics
        self._lender = lender

    def waits_for_list(self, caller: Caller, name: str = "") -> bool:
        """Whether the backend must be asked before it is clear what `name` means, or what names there are."""
        if self._lists is None or (name and not self.catalogue.needs_list(name)):
            return False
        return any(map(self._lists.would_wait, self._lender.credentials(caller)))

    async def wait_for_list(self, caller: Caller) -> bool:
        """Ask the backend, and wait a short time for its list; return whether there is one now."""
        if self._lists is None:
            return False
        credentials = self._lender.credentials(caller)
        return any(await asyncio.gather(*map(self._lists.wait_first, credentials)))

    def resolve(self, caller: Caller, name: str) -> Model:
        """The model that `name` means to this caller, as far as its list is known.

        Raises NotFound (code `model_not_found`), also for a model that the caller's key is not for; it names
        some that the caller may use.
        """
        catalogue = self.catalogue
        listed = NO_MODELS
        if self._lists is not None and catalogue.needs_list(name):
            listed = self._listed(self._lists, caller)
        try:
            model = catalogue.resolve(name, listed)
        except NotFound:
            raise model_not_found(name, [*self.offered(caller)]) from None
        if not _may_use(caller, name, model):
            raise model_not_found(name, [*self.offered(caller)])
        if model.listed is not None and model.name == model.slug:
            self._metrics.add_listed_model(model.name)
        return model

    def slug_of(self, caller: Caller, name: str) -> str:
        """What the backend calls the model that `name` means, as far as that is known; else `name` itself."""
        try:
            return self.resolve(caller, name).slug
        except NotFound:
            return name

    def offered(self, caller: Caller) -> dict[str, Model]:
        """All models that this caller may use, by name: named ones, GPTs, then those of its list."""
        catalogue = self.catalogue
        offered = dict(catalogue.models)
        if self._lists is not None:
            listed = self._listed(self._lists, caller)
            offered = {name: catalogue.called_upstream(model, listed) for name, model in offered.items()}
            offered |= {model.name: model for model in catalogue.passed_through(listed)}
        return {name: model for name, model in offered.items() if _may_use(caller, name, model)}

    def _listed(self, lists: ModelLists, caller: Caller) -> ModelList:
        """What the backend lists for the caller: each model of any of its accounts."""
        first, *others = [*map(lists.latest, self._lender.credentials(caller))] or [NO_MODELS]
        if not any(others):
            return first
        models: dict[str, ListedModel] = {}
        for found in (first, *others):
            models = {**found.models, **models}
        return ModelList(models)

    async def close(self) -> None:
        """Ask the backend no more."""
        if self._lists is not None:
            await self._lists.close()


def _may_use(caller: Caller, name: str, model: Model) -> bool:
    """Whether the caller's key is for the model that `name` means. GPTs have the name of one slug for all."""
    names = (name, model.name) if model.gizmo_id else (name, model.name, model.slug)
    return caller.grant is None or is_allowed(caller.grant.models, names)
