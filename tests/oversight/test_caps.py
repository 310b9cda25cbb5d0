"""Which models are capped, for whom: each once, whoever says so, and not longer than it holds."""

from accounts import Account
from ledger import Allowance, Subject
from metrics import AccountState
from oversight import ModelCap, SeenAccount, caps_as_json, model_caps
from pool import AccountHealth, Condition
from translate.values import BackendLimits, ModelLimit

NOW = 1000.0
ANNA = Subject("anna", True)


def seen(**models: float) -> SeenAccount:
    """The account anna, of which the pool knows that models rest."""
    health = AccountHealth(
        alias="anna",
        condition=Condition.OK,
        reason=None,
        since=0.0,
        until=0.0,
        failures=0,
        enabled=True,
        models=models,
        features={},
    )
    return SeenAccount(
        account=Account(alias="anna", credential=None),
        state=AccountState.OK,
        health=health,
        in_use=0,
        allowance=Allowance(),
        units=0,
        messages=0,
        capped={},
    )


def told(alias: str, account: str, *limits: ModelLimit) -> tuple[str, BackendLimits, float, str]:
    """What the backend says of limits."""
    return alias, BackendLimits(limits), NOW, account


def test_cap_that_several_know_of_is_told_once_with_its_last_end() -> None:
    backend = [told("laptop", "anna", ModelLimit("gpt-4", "gpt-3", 2000.0))]
    caps = model_caps([(ANNA, "gpt-4", 1500.0)], [seen(**{"gpt-4": 3000.0})], backend, NOW)
    assert caps == [ModelCap("gpt-4", "", "anna", 3000.0)]


def test_key_and_account_of_the_same_name_are_two() -> None:
    own = [(ANNA, "gpt-4", 1500.0), (Subject("anna"), "gpt-4", 1600.0)]
    assert model_caps(own, [], [], NOW) == [
        ModelCap("gpt-4", "", "anna", 1500.0),
        ModelCap("gpt-4", "anna", "", 1600.0),
    ]


def test_what_is_over_is_no_cap_and_what_nobody_has_dated_is_one() -> None:
    backend = [told("laptop", "", ModelLimit("gpt-4", "", NOW), ModelLimit("gpt-5", "", 0.0))]
    caps = model_caps([(ANNA, "gpt-4", NOW - 1)], [seen(**{"gpt-3": NOW})], backend, NOW)
    assert caps == [ModelCap("gpt-5", "laptop", "", 0.0)]


def test_caps_are_told_of_the_models_that_the_backend_calls_so() -> None:
    caps = [ModelCap("gpt-4", "", "anna", 1500.5), ModelCap("gpt-9", "laptop", "", 0.0)]
    slugs = {"gpt-4-s": ("gpt-4",), "my-gpt": ("gpt-4", "gpt-4-gizmo"), "gpt-3.5-turbo": ("davinci",)}
    assert caps_as_json(caps, slugs) == [
        {"model": "gpt-4-s", "key": "", "account": "anna", "until": 1500},
        {"model": "my-gpt", "key": "", "account": "anna", "until": 1500},
        {"model": "gpt-9", "key": "laptop", "account": "", "until": None},
    ]
