"""What names of models mean to a caller, by the catalogue and by what the backend lists for the caller."""

import pytest

from accounts import Caller, Credential, OwnKeys
from catalogue import CallerModels
from metrics import Metrics
from translate.values import BUILT_IN, DEFAULT_SLUGS, Catalogue, Gpt, ListedModel, ModelList, NotFound
from upstream import HttpClient
from upstream.account import ModelLists

ALICE, BOB = Caller("fk-alice"), Caller("fk-bob")
BOT = Gpt("bot", "g-1")


class KnownLists(ModelLists):
    """Has the lists of some accounts; the others would have to wait."""

    def __init__(self, *slugs: str) -> None:
        super().__init__(HttpClient("http://127.0.0.1:9"))
        self.known = {ALICE.own: ModelList({slug: ListedModel(slug) for slug in slugs})}
        self.asked: list[Credential] = []

    def latest(self, credential: Credential) -> ModelList:
        return self.known.get(credential, ModelList({}))

    def would_wait(self, credential: Credential) -> bool:
        return credential not in self.known

    async def wait_first(self, credential: Credential) -> ModelList:
        self.asked.append(credential)
        return self.latest(credential)


def metrics() -> Metrics:
    return Metrics(("chat",), ["gpt-4-s"])


def labelled(counted: Metrics, model: str) -> bool:
    """Whether the model has series of its own."""
    labels = {"model": model}
    return counted.registry.get_sample_value("pandora_quota_units_total", labels) is not None


def caller_models(lists: ModelLists | None, counted: Metrics | None = None) -> CallerModels:
    catalogue = Catalogue(BUILT_IN, {}, [BOT], slugs=DEFAULT_SLUGS, pass_through=True)
    return CallerModels(catalogue, lists, counted or metrics(), OwnKeys())


async def test_names_mean_what_is_listed_for_the_caller() -> None:
    models = caller_models(KnownLists("gpt-6", "gpt-5-6"))
    assert models.resolve(ALICE, "gpt-6").slug == "gpt-6"
    assert models.resolve(ALICE, "gpt-4-s").slug == "gpt-5-6"
    assert models.resolve(BOB, "gpt-4-s").slug == "gpt-4"
    with pytest.raises(NotFound):
        models.resolve(BOB, "gpt-6")
    assert [*models.offered(ALICE)] == ["gpt-4-s", "gpt-4-mobile", "gpt-3.5-turbo", "bot", "gpt-6", "gpt-5-6"]
    assert models.offered(ALICE)["gpt-4-s"].slug == "gpt-5-6"
    assert [*models.offered(BOB)] == ["gpt-4-s", "gpt-4-mobile", "gpt-3.5-turbo", "bot"]


async def test_only_what_depends_on_a_list_that_is_not_known_waits_for_it() -> None:
    lists = KnownLists("gpt-6")
    models = caller_models(lists)
    assert models.waits_for_list(BOB)
    assert models.waits_for_list(BOB, "gpt-4-s")
    assert models.waits_for_list(BOB, "gpt-6")
    assert not models.waits_for_list(BOB, "bot")
    assert not models.waits_for_list(ALICE, "gpt-6")
    assert await models.wait_for_list(ALICE)
    assert not await models.wait_for_list(BOB)
    assert lists.asked == [ALICE.own, BOB.own]


async def test_listed_model_has_series_once_it_is_used() -> None:
    counted = metrics()
    models = caller_models(KnownLists("gpt-6", "gpt-5"), counted)
    models.resolve(ALICE, "gpt-6")
    models.resolve(ALICE, "gpt-4-s")
    assert labelled(counted, "gpt-6")
    assert not labelled(counted, "gpt-5")


async def test_without_lists_only_the_catalogue_counts() -> None:
    models = caller_models(None)
    assert not models.waits_for_list(ALICE)
    assert not await models.wait_for_list(ALICE)
    assert models.resolve(ALICE, "gpt-4-s").slug == "gpt-4"
    assert [*models.offered(ALICE)] == ["gpt-4-s", "gpt-4-mobile", "gpt-3.5-turbo", "bot"]
    await models.close()
