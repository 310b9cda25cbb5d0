"""What names of models mean to a caller, by the catalogue and by what the backend lists for the caller."""

import pytest

from accounts import Caller, Credential, Grant
from catalogue import CallerModels
from metrics import Metrics
from tests.own_keys import OwnKeys
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


class Lends:
    """Lends these credentials to everybody."""

    def __init__(self, *credentials: Credential) -> None:
        self._credentials = credentials

    def credential(self, caller: Caller) -> Credential:
        return self._credentials[0]

    def credentials(self, caller: Caller) -> tuple[Credential, ...]:
        return self._credentials


def models_of(*credentials: Credential) -> CallerModels:
    catalogue = Catalogue(BUILT_IN, {"small": "gpt-3.5-turbo"}, [BOT], pass_through=True)
    return CallerModels(catalogue, KnownLists("gpt-6"), metrics(), Lends(*credentials))


def key_for(*models: str) -> Caller:
    return Caller("sk-own", Grant(alias="own", accounts=frozenset(), models=models))


async def test_key_of_the_service_has_what_any_of_its_accounts_has() -> None:
    assert "gpt-6" in models_of(BOB.own, ALICE.own).offered(key_for())
    alone = models_of()
    assert [*alone.offered(key_for())] == ["gpt-4-s", "gpt-4-mobile", "gpt-3.5-turbo", "bot"]
    assert not alone.waits_for_list(key_for(), "gpt-6")
    with pytest.raises(NotFound):
        alone.resolve(key_for(), "gpt-6")


@pytest.mark.parametrize(
    ("allowed", "names"),
    [
        (("gpt-4-*",), ["gpt-4-s", "gpt-4-mobile"]),
        (("text-davinci-*",), ["gpt-3.5-turbo"]),
        (("gpt-6", "bot"), ["bot", "gpt-6"]),
        (("nothing",), []),
    ],
)
async def test_key_of_the_service_sees_and_uses_only_the_models_that_it_is_for(
    allowed: tuple[str, ...], names: list[str]
) -> None:
    models, caller = models_of(ALICE.own), key_for(*allowed)
    assert [*models.offered(caller)] == names
    for name in ("gpt-4-s", "gpt-4-mobile", "gpt-3.5-turbo", "bot", "gpt-6", "small"):
        if name in names or (name == "small" and "gpt-3.5-turbo" in names):
            assert models.resolve(caller, name).name
        else:
            with pytest.raises(NotFound) as missing:
                models.resolve(caller, name)
            assert (missing.value.code, missing.value.param) == ("model_not_found", "model")
            told = missing.value.message.partition(" There are: ")[2].partition(". ")[0]
            assert told == ", ".join(names)
