"""The models on offer, GPTs among them."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from accounts import Caller, Lender
from catalogue import CallerModels, GptsFileWatcher, load_gpts
from metrics import Metrics
from settings import Settings, SettingsError
from translate.values import ANY_GPT, BUILT_IN, Catalogue, Gpt, GptsError, NotFound, is_slug, names_taken
from upstream.gpts import GptDescriptions, GptDescriptionStore
from wiring.backend import Backend
from wiring.places import GPTS_FILE

__all__ = ["Models", "Offer", "load_offer", "make_models"]


@dataclass(frozen=True, slots=True)
class Offer:
    """The models on offer, and what reads the list of GPTs again when it changes."""

    catalogue: Catalogue
    load_gpts: partial[Sequence[Gpt]]


@dataclass(frozen=True, slots=True)
class Models:
    """The models that each caller may use, the watched list of GPTs, and what is known of each GPT."""

    of_callers: CallerModels
    gpts: GptsFileWatcher
    descriptions: GptDescriptions


def load_offer(settings: Settings, demo_gpts: Sequence[Gpt]) -> Offer:
    """Read the list of GPTs; `demo_gpts` stand for it while it is empty. Raises SettingsError."""
    taken = names_taken(settings.own_aliases)
    path = _gpts_path(settings)
    load = partial(load_gpts, path, taken, [gpt for gpt in demo_gpts if gpt.name not in taken])
    try:
        gpts = load()
    except GptsError as error:
        raise SettingsError(f"{path} is not usable: {error}.") from None
    try:
        catalogue = Catalogue(
            BUILT_IN,
            settings.own_aliases,
            gpts,
            default_aliases={} if settings.own_aliases else settings.model_aliases,
            any_gpt=settings.allow_any_gpt,
            slugs=settings.model_slugs,
            pass_through=settings.models == "listed",
        )
    except ValueError as error:
        raise SettingsError(f"MODEL_ALIASES is not usable: {error}.") from None
    for name in settings.model_units:
        may_be_listed = settings.models == "listed" and is_slug(name)
        if name not in catalogue.models and name != ANY_GPT.name and not may_be_listed:
            raise SettingsError(f"MODEL_UNITS is not usable: {name[:80]} is no model here.")
    _check_side_model(settings, catalogue)
    return Offer(catalogue, load)


def make_models(
    settings: Settings, offer: Offer, backend: Backend, metrics: Metrics, lender: Lender, *, simulated: bool
) -> Models:
    """What follows the offer while the service runs."""
    # A description that the simulator made up must not be used with a real backend.
    store = GptDescriptionStore(Path(settings.state_dir) / ("demo-gpts" if simulated else "gpts"))
    own = Caller(settings.key_for_gpts_info).own if settings.key_for_gpts_info else None
    descriptions = GptDescriptions(backend.http, store, own)
    return Models(
        CallerModels(offer.catalogue, backend.lists, metrics, lender),
        GptsFileWatcher(_gpts_path(settings), offer.load_gpts, offer.catalogue, descriptions, metrics),
        descriptions,
    )


def _gpts_path(settings: Settings) -> Path:
    return Path(settings.gpts_file) if settings.gpts_file else GPTS_FILE


def _check_side_model(settings: Settings, catalogue: Catalogue) -> None:
    """Raise SettingsError if nobody can have the model of side requests."""
    name = settings.side_model
    if not name or (settings.models == "listed" and is_slug(name)):
        return
    try:
        catalogue.resolve(name)
    except NotFound:
        raise SettingsError(f"SIDE_MODEL is not usable: {name[:80]} is no model here.") from None
