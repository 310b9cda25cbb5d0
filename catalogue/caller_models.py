"""What names of models mean to a caller: those that everybody may use, and those that the backend lists."""

from accounts import Caller, credential_for
from metrics import Metrics
from translate.values import NO_MODELS, Catalogue, Model
from upstream.account import ModelLists


class CallerModels:
    """Joins the `catalogue` with what `lists` has of each account; None to do without it."""

    def __init__(self, catalogue: Catalogue, lists: ModelLists | None, metrics: Metrics) -> None:
        self.catalogue = catalogue
        """The models that everybody may use."""
        self._lists = lists
        self._metrics = metrics

    def waits_for_list(self, caller: Caller, name: str = "") -> bool:
        """Whether the backend must be asked before it is clear what `name` means, or what names there are."""
        if self._lists is None or (name and not self.catalogue.needs_list(name)):
            return False
        return self._lists.would_wait(credential_for(caller))

    async def wait_for_list(self, caller: Caller) -> bool:
        """Ask the backend, and wait a short time for its list; return whether there is one now."""
        return self._lists is not None and bool(await self._lists.wait_first(credential_for(caller)))

    def resolve(self, caller: Caller, name: str) -> Model:
        """The model that `name` means to this caller, as far as its list is known.

        Raises NotFound (code `model_not_found`).
        """
        catalogue = self.catalogue
        listed = NO_MODELS
        if self._lists is not None and catalogue.needs_list(name):
            listed = self._lists.latest(credential_for(caller))
        model = catalogue.resolve(name, listed)
        if model.listed is not None and model.name == model.slug:
            self._metrics.add_listed_model(model.name)
        return model

    def offered(self, caller: Caller) -> dict[str, Model]:
        """All models that this caller may use, by name: named ones, GPTs, then those of its list."""
        catalogue = self.catalogue
        if self._lists is None:
            return dict(catalogue.models)
        listed = self._lists.latest(credential_for(caller))
        named = {name: catalogue.called_upstream(model, listed) for name, model in catalogue.models.items()}
        return named | {model.name: model for model in catalogue.passed_through(listed)}

    async def close(self) -> None:
        """Ask the backend no more."""
        if self._lists is not None:
            await self._lists.close()
