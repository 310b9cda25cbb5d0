"""The book of charges: what a conversation costs, who is refused with which words, what is recorded."""

import sqlite3
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, closing
from dataclasses import replace
from pathlib import Path

import pytest

from accounts import Account, Caller, Credential, Grant
from ledger import DAY, AccountSpent, ChargeBook, KeyNames, Ledger, Limits, Reconciler, SqliteStore, Subject
from metrics import Attempt, Metrics
from tests.ledger.entries import NO_LIMITS, WINDOW, ledger_over
from tests.own_keys import OwnKeys
from translate.values import (
    ANY_GPT,
    BUILT_IN,
    ApiError,
    BackendLimits,
    Catalogue,
    FeatureLimit,
    Gpt,
    Model,
    ModelLimit,
    NotAdmitted,
    QuotaExceeded,
)
from upstream import HttpClient
from upstream.account import AccountLimits

ALICE = Caller("fk-alice")
CATALOGUE = Catalogue(BUILT_IN, {}, [Gpt("helper", "g-abc"), Gpt("dear", "g-def")])
GPT_4, MOBILE, GPT_35 = BUILT_IN
HELPER, DEAR = CATALOGUE.models["helper"], CATALOGUE.models["dear"]


class NothingToReconcile(Reconciler):
    """Asks no backend."""

    def __init__(self, *, listed: bool = True) -> None:
        self.listed = listed
        self.started: list[tuple[Subject, Credential]] = []

    def start(self, owner: Subject, credential: Credential) -> None:
        self.started.append((owner, credential))

    async def close(self) -> None:
        """Nothing was begun."""


def limits_of_backend() -> AccountLimits:
    """Limits that only the test tells; no backend is asked."""
    return AccountLimits(HttpClient("http://127.0.0.1:9"))


@asynccontextmanager
async def charge_book(
    folder: Path,
    limits: Limits = NO_LIMITS,
    prices: Mapping[str, int] | None = None,
    metrics: Metrics | None = None,
    *,
    listed: bool = True,
    backend: AccountLimits | None = None,
    reconciler: Reconciler | None = None,
    accounts: Sequence[Account] = (),
) -> AsyncIterator[ChargeBook]:
    async with ledger_over(SqliteStore(folder / "ledger.sqlite3"), limits, accounts=accounts) as ledger:
        names = KeyNames(b"s" * 32, {ALICE.key: "alice"})
        metrics = metrics or Metrics(("chat",), [])
        reconciler = reconciler or NothingToReconcile(listed=listed)
        yield ChargeBook(
            ledger,
            names,
            reconciler,
            metrics,
            CATALOGUE,
            prices or {},
            backend or limits_of_backend(),
            OwnKeys(),
        )


async def spent(ledger: Ledger) -> list[tuple[str, int, int]]:
    """Caller, units and free conversations of each row."""
    now = time.time()
    return [(row.alias, row.units, row.free) for row in await ledger.usage(now - DAY, now + DAY)]


async def test_prices_are_those_of_the_settings_else_of_the_model(tmp_path: Path) -> None:
    async with charge_book(tmp_path) as charges:
        assert [charges.units(model) for model in (GPT_4, MOBILE, GPT_35, HELPER)] == [14, 14, 4, 14]
    async with charge_book(tmp_path, prices={"gpt-4-s": 20, ANY_GPT.name: 3, "dear": 30}) as charges:
        models = (GPT_4, MOBILE, GPT_35, HELPER, DEAR)
        assert [charges.units(model) for model in models] == [20, 14, 4, 3, 30]


def test_window_counts_gpt_4_and_gpts_only() -> None:
    models = (GPT_4, MOBILE, GPT_35, HELPER)
    assert [model.windowed for model in models] == [True, False, False, True]


@pytest.mark.parametrize(
    ("limits", "error", "words", "reason"),
    [
        (
            Limits(window=WINDOW, per_day=14),
            QuotaExceeded,
            "The quota of today, 14 units, is used up",
            "quota",
        ),
        (Limits(window=WINDOW, per_key=14), QuotaExceeded, "The quota of this key, 14 a day", "key_quota"),
        (
            Limits(window=WINDOW, window_messages=1),
            NotAdmitted,
            "This key has sent 1 GPT-4 messages within 3 hours; the next one is possible in 3.0 hours.",
            "gpt4_window",
        ),
    ],
)
async def test_limit_that_is_reached_is_told_with_its_reason(
    tmp_path: Path, limits: Limits, error: type[ApiError], words: str, reason: str
) -> None:
    metrics = Metrics(("chat",), [])
    async with charge_book(tmp_path, limits, metrics=metrics) as charges:
        assert charges.allows(ALICE, GPT_4)
        charge = await charges.post(ALICE, GPT_4)
        await charge.settle(Attempt.OK)
        assert not charges.allows(ALICE, GPT_4)
        with pytest.raises(error) as refusal:
            charges.check(ALICE, GPT_4)
        with pytest.raises(error):
            await charges.post(ALICE, GPT_4)
        assert refusal.value.message.startswith(words)
        assert refusal.value.should_retry is False
        assert charges.headers(ALICE, GPT_4)
    assert metrics.registry.get_sample_value("pandora_rejected_total", {"reason": reason}) == 2


async def test_charge_costs_its_price_or_nothing(tmp_path: Path) -> None:
    async with charge_book(tmp_path) as charges:
        outcomes = (Attempt.OK, Attempt.UNKNOWN, Attempt.REFUSED)
        units = []
        for outcome in outcomes:
            charge = await charges.post(ALICE, GPT_4)
            assert charge.units == 0
            await charge.settle(outcome, served="gpt-4", conversation_id="conversation")
            await charge.record_tokens(10, 20)
            units.append(charge.units)
        assert units == [14, 14, 0]
        assert await spent(charges.ledger) == [("(refused)", 0, 1), ("alice", 28, 0)]


async def test_what_the_answer_was_is_recorded_with_its_times(tmp_path: Path) -> None:
    async with charge_book(tmp_path) as charges:
        for answered in (True, False):
            charge = await charges.post(ALICE, GPT_4, "message")
            if answered:
                charge.answer_began()
            await charge.settle(Attempt.OK, served="gpt-4-mobile", conversation_id="conversation")
    with closing(sqlite3.connect(tmp_path / "ledger.sqlite3")) as file:
        columns = "served, conversation_id, 0 <= ttft AND ttft <= duration, duration >= 0"
        rows = file.execute(f"SELECT {columns} FROM conversations ORDER BY at").fetchall()
    assert rows == [("gpt-4-mobile", "conversation", 1, 1), ("gpt-4-mobile", "conversation", None, 1)]


async def test_cap_that_the_backend_reports_is_obeyed(tmp_path: Path) -> None:
    async with charge_book(tmp_path) as charges:
        charge = await charges.post(ALICE, GPT_4)
        await charge.settle(Attempt.REFUSED, capped_for=5400)
        with pytest.raises(NotAdmitted) as refusal:
            charges.check(ALICE, GPT_4)
        assert "message cap of this model is reached" in refusal.value.message
        assert refusal.value.retry_after == pytest.approx(5400, abs=60)
        charges.check(ALICE, MOBILE)
        charges.check(Caller("fk-bob"), GPT_4)


USED_UP = ModelLimit(GPT_4.slug, "gpt-mini", 0.0)
NO_PICTURE = FeatureLimit("image_gen", 0, False, 0.0)
LISTED = Model("gpt-6", "gpt-6", 14)


async def test_model_that_another_would_stand_in_for_is_refused_before_it_is_posted(tmp_path: Path) -> None:
    limits = limits_of_backend()
    async with charge_book(tmp_path, backend=limits) as charges:
        charges.check(ALICE, GPT_4)
        limits.note(Credential(ALICE.key), BackendLimits((USED_UP,)))
        assert not charges.allows(ALICE, GPT_4)
        with pytest.raises(NotAdmitted) as refusal:
            charges.check(ALICE, GPT_4)
        with pytest.raises(NotAdmitted):
            await charges.post(ALICE, GPT_4)
        assert "Until then gpt-mini would answer" in refusal.value.message
        assert refusal.value.should_retry is False
        assert 0 < (refusal.value.retry_after or 0) <= 900
        charges.check(ALICE, MOBILE)
        charges.check(Caller("fk-bob"), GPT_4)
        assert await spent(charges.ledger) == []


async def test_feature_that_is_used_up_is_refused_to_who_needs_it(tmp_path: Path) -> None:
    limits, metrics = limits_of_backend(), Metrics(("images",), [])
    async with charge_book(tmp_path, metrics=metrics, backend=limits) as charges:
        limits.note(Credential(ALICE.key), BackendLimits(features=(NO_PICTURE,)))
        charges.check(ALICE, GPT_4)
        with pytest.raises(NotAdmitted, match="limit of this account for image_gen is reached"):
            charges.check(ALICE, GPT_4, ["deep_research", "image_gen"])
        assert metrics.registry.get_sample_value("pandora_rejected_total", {"reason": "feature_limit"}) == 1


async def test_wait_for_a_feature_is_told_and_counts_as_no_rejection(tmp_path: Path) -> None:
    limits, metrics = limits_of_backend(), Metrics(("images",), [])
    async with charge_book(tmp_path, metrics=metrics, backend=limits) as charges:
        assert charges.feature_wait(ALICE, "image_gen") is None
        limits.note(Credential(ALICE.key), BackendLimits((USED_UP,), features=(NO_PICTURE,)))
        assert 0 < (charges.feature_wait(ALICE, "image_gen") or 0) <= 900
        assert charges.feature_wait(ALICE, "deep_research") is None
        assert charges.feature_wait(Caller("fk-bob"), "image_gen") is None
        assert metrics.registry.get_sample_value("pandora_rejected_total", {"reason": "feature_limit"}) == 0


async def test_backends_limits_are_told_with_the_names_of_the_keys(tmp_path: Path) -> None:
    limits, told = limits_of_backend(), BackendLimits(features=(NO_PICTURE,))
    bob = Caller("fk-bob")
    async with charge_book(tmp_path, backend=limits) as charges:
        assert charges.backend_limits(None) == charges.backend_limits(ALICE) == []
        for caller in (ALICE, bob):
            await (await charges.post(caller, LISTED)).settle(Attempt.OK)
            limits.note(Credential(caller.key), told)
        names = [name for name, *_ in charges.backend_limits(None)]
        assert names == [charges.alias(bob), "alice"]
        assert [entry[:2] for entry in charges.backend_limits(ALICE)] == [("alice", told)]


async def test_backends_limits_are_told_with_the_account_that_they_are_of(tmp_path: Path) -> None:
    limits, told = limits_of_backend(), BackendLimits(features=(NO_PICTURE,))
    async with charge_book(tmp_path, backend=limits, accounts=[MAIN]) as charges:
        for key in ("fk-main", ALICE.key):
            limits.note(Credential(key), told)
        assert [(entry[0], entry[3]) for entry in charges.backend_limits(ALICE)] == [("alice", "")]
        assert [(entry[0], entry[3]) for entry in charges.backend_limits(None)] == [
            ("alice", ""),
            ("", "main"),
        ]


async def test_caller_is_reconciled_under_its_name(tmp_path: Path) -> None:
    reconciler = NothingToReconcile()
    async with charge_book(tmp_path, reconciler=reconciler) as charges:
        charges.reconcile(ALICE, Credential("fk-pool"))
        assert reconciler.started == [(Subject("alice"), Credential("fk-pool"))]


GRANTED = Caller("sk-stack", Grant(alias="stack", accounts=frozenset(["main"]), units_per_day=70))
MAIN = Account(alias="main", credential=Credential("fk-main"), units_per_day=28)


@pytest.mark.parametrize(
    ("account", "reason"),
    [
        # Of two things that are used up, the one with the longer wait is told: late in the day, the window.
        (replace(MAIN, window_messages=9), "account_quota"),
        (Account(alias="main", credential=None, window_messages=2), "account_window"),
        (Account(alias="main", credential=None), "account_window"),
    ],
)
async def test_account_that_is_spent_is_no_refusal_and_another_one_may_take_it(
    tmp_path: Path, account: Account, reason: str
) -> None:
    metrics = Metrics(("chat",), [])
    async with charge_book(tmp_path, Limits(window=WINDOW, window_messages=2), metrics=metrics) as charges:
        for _ in range(2):
            assert charges.allows(GRANTED, GPT_4, account)
            await (await charges.post(GRANTED, GPT_4, account=account)).settle(Attempt.OK)
        charges.check(GRANTED, GPT_4)
        assert charges.allows(GRANTED, GPT_4)
        assert not charges.allows(GRANTED, GPT_4, account)
        with pytest.raises(AccountSpent) as spent:
            await charges.post(GRANTED, GPT_4, account=account)
        assert spent.value.reason == reason
        assert spent.value.retry_after > 0
        await (await charges.post(GRANTED, GPT_4, account=Account(alias="b", credential=None))).settle(
            Attempt.OK
        )
        assert sorted(await spent_of(charges.ledger)) == [("stack", "b", 14), ("stack", "main", 28)]
    for known in ("quota", "key_quota", "gpt4_window", "model_cap"):
        assert metrics.registry.get_sample_value("pandora_rejected_total", {"reason": known}) == 0


async def spent_of(ledger: Ledger) -> list[tuple[str, str, int]]:
    """Caller, account and units of each row."""
    now = time.time()
    return [(row.alias, row.account, row.units) for row in await ledger.usage(now - DAY, now + DAY)]


async def test_key_of_this_service_is_refused_by_what_it_is_granted(tmp_path: Path) -> None:
    async with charge_book(tmp_path, Limits(window=WINDOW, per_key=14, window_messages=1)) as charges:
        for name in "abcde":
            account = Account(alias=name, credential=None)
            await (await charges.post(GRANTED, GPT_4, account=account)).settle(Attempt.OK)
        with pytest.raises(QuotaExceeded, match="The quota of this key, 70 a day, is used up"):
            charges.check(GRANTED, GPT_4)
        with pytest.raises(QuotaExceeded):
            await charges.post(GRANTED, GPT_4, account=MAIN)
        headers = charges.headers(GRANTED, GPT_4)
        assert headers["x-ratelimit-limit-units"] == "70"
        assert headers["x-ratelimit-remaining-units"] == "0"
        assert "x-ratelimit-limit-requests" not in headers


async def test_cap_on_an_account_of_the_operators_is_that_accounts(tmp_path: Path) -> None:
    spare = Account(alias="spare", credential=None)
    async with charge_book(tmp_path) as charges:
        await (await charges.post(GRANTED, GPT_4, account=MAIN)).settle(Attempt.REFUSED, capped_for=5400)
        charges.check(GRANTED, GPT_4)
        assert charges.standing(MAIN, 14, GPT_4.slug, windowed=True).capped_until > time.time() + 5000
        assert charges.standing(MAIN, 14, GPT_35.slug, windowed=True).capped_until == 0
        assert charges.standing(spare, 14, GPT_4.slug, windowed=True).capped_until == 0
        with pytest.raises(AccountSpent) as spent:
            await charges.post(GRANTED, GPT_4, account=MAIN)
        assert spent.value.reason == "account_cap"
        await charges.post(GRANTED, GPT_4, account=spare)


async def test_account_is_reconciled_under_its_own_name(tmp_path: Path) -> None:
    reconciler = NothingToReconcile()
    async with charge_book(tmp_path, reconciler=reconciler) as charges:
        charges.reconcile(GRANTED, Credential("fk-main"), MAIN)
        assert reconciler.started == [(Subject("main", True), Credential("fk-main"))]


@pytest.mark.parametrize("listed", [True, False])
async def test_message_is_only_looked_for_later_if_its_conversation_stays_on_the_list(
    tmp_path: Path, listed: bool
) -> None:
    async with charge_book(tmp_path, listed=listed) as charges:
        await charges.post(ALICE, GPT_4, "message")
    async with ledger_over(SqliteStore(tmp_path / "ledger.sqlite3")) as ledger:
        (entry,) = await ledger.unsettled(Subject("alice"), time.time() + 60)
        assert entry.message_id == ("message" if listed else "")
