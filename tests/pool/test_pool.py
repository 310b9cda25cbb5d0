"""Who gets which account, and when: over a real queue, with accounts of which all is known."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from random import Random

import pytest

from accounts import Account, Caller, Credential, Grant, KeyKind, Need, Slot
from pool import NEVER, Obstacle, Policy, Pool
from roster import Roster
from tests.eventually import eventually
from tests.pool.world import GPT_4, Stands, World, account, pool_over, world_of
from translate.values import (
    ApiError,
    HomeUnavailable,
    NotAdmitted,
    NotFound,
    Overloaded,
    QuotaExceeded,
    Unauthorized,
)


def key(alias: str = "team", accounts: Sequence[str] = ("a", "b", "c")) -> Caller:
    return Caller(f"sk-{alias}", Grant(alias=alias, accounts=frozenset(accounts)))


async def taken(pool: Pool, caller: Caller, need: Need = GPT_4, avoid: frozenset[str] = frozenset()) -> Slot:
    slot = pool.slot(caller, need, avoid)
    await asyncio.wait_for(slot.acquire(), 5)
    return slot


def alias_of(slot: Slot) -> str:
    assert slot.account is not None
    return slot.account.alias


async def refused(
    pool: Pool, caller: Caller, need: Need = GPT_4, avoid: frozenset[str] = frozenset()
) -> ApiError:
    with pytest.raises(ApiError) as caught:
        await taken(pool, caller, need, avoid)
    return caught.value


async def test_requests_of_one_key_go_to_all_its_accounts_at_once() -> None:
    pool = pool_over(world_of("a", "b", "c", "d"))
    slots = [await taken(pool, key()) for _ in range(3)]
    assert {alias_of(slot) for slot in slots} == {"a", "b", "c"}
    assert {slot.credential.secret for slot in slots} == {"fk-a", "fk-b", "fk-c"}
    assert all(slot.home == alias_of(slot) for slot in slots)


@pytest.mark.parametrize("policy", [Policy.BALANCE, Policy.ROUND_ROBIN])
async def test_instances_that_share_accounts_do_not_all_begin_with_the_same_one(policy: Policy) -> None:
    names = [f"a-{number}" for number in range(50)]
    firsts = [
        alias_of(await taken(pool_over(world_of(*names), policy, salt=salt), key(accounts=names)))
        for salt in range(20)
    ]
    assert firsts[0] == "a-0", "an instance that shares none begins with the first of the file"
    assert len(set(firsts)) > 8


async def test_first_of_the_file_is_filled_first_in_all_instances() -> None:
    pool = pool_over(world_of("a", "b", "c"), Policy.FILL, salt=7)
    assert [alias_of(await taken(pool, key())) for _ in range(3)] == ["a", "b", "c"]


async def test_who_waits_gets_the_first_account_that_becomes_free() -> None:
    pool = pool_over(world_of("a", "b"))
    first, second = await taken(pool, key()), await taken(pool, key())
    waiting = asyncio.create_task(taken(pool, key()))
    await eventually(lambda: len(pool) == 1)
    second.release()
    assert alias_of(await waiting) == alias_of(second)
    assert len(pool) == 0
    first.release()


async def test_requests_wait_in_the_order_in_which_they_came() -> None:
    pool = pool_over(world_of("a"))
    slot, served = await taken(pool, key()), []

    async def turn(number: int) -> None:
        mine = await taken(pool, key())
        served.append(number)
        mine.release()

    turns = []
    for number in range(4):
        turns.append(asyncio.create_task(turn(number)))
        await eventually(lambda number=number: len(pool) == number + 1)  # type: ignore[misc]
    slot.release()
    await asyncio.gather(*turns)
    assert served == [0, 1, 2, 3]


async def test_who_waits_for_another_account_does_not_hold_up_the_others() -> None:
    pool = pool_over(world_of("a", "b"))
    held = await taken(pool, key(accounts=["a"]))
    waiting = asyncio.create_task(taken(pool, key(accounts=["a"])))
    await eventually(lambda: len(pool) == 1)
    assert alias_of(await taken(pool, key(accounts=["a", "b"]))) == "b"
    held.release()
    assert alias_of(await waiting) == "a"


async def test_request_that_is_given_up_leaves_the_queue_and_holds_nothing() -> None:
    pool = pool_over(world_of("a"))
    held = await taken(pool, key())
    waiting = asyncio.create_task(taken(pool, key()))
    await eventually(lambda: len(pool) == 1)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert len(pool) == 0
    held.release()
    assert alias_of(await taken(pool, key())) == "a"


async def test_request_cancelled_in_the_moment_in_which_it_gets_an_account_holds_nothing() -> None:
    pool = pool_over(world_of("a"))
    held = await taken(pool, key())
    waiting = asyncio.create_task(pool.slot(key(), GPT_4).acquire())
    await eventually(lambda: len(pool) == 1)
    held.release()
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert alias_of(await taken(pool, key())) == "a"


async def test_wait_ends_after_the_longest_wait_and_says_that_all_are_busy() -> None:
    pool = pool_over(world_of("a"), max_wait=0.05)
    await taken(pool, key())
    error = await refused(pool, key())
    assert isinstance(error, NotAdmitted)
    assert "busy" in error.message
    assert error.retry_after == 10, "as long as a turn is thought to take"
    assert len(pool) == 0


async def test_more_than_may_wait_are_refused_at_once() -> None:
    pool = pool_over(world_of("a"), max_waiting=1)
    held = await taken(pool, key())
    waiting = asyncio.create_task(taken(pool, key()))
    await eventually(lambda: len(pool) == 1)
    assert isinstance(await refused(pool, key()), NotAdmitted)
    held.release()
    (await waiting).release()


@pytest.mark.parametrize(
    ("obstacle", "kind", "code"),
    [
        (Obstacle.COOLING, Overloaded, "no_account_available"),
        (Obstacle.REFUSED, Overloaded, "no_account_available"),
        (Obstacle.DISABLED, Overloaded, "no_account_available"),
        (Obstacle.CAPPED, NotAdmitted, "rate_limit_exceeded"),
        (Obstacle.FEATURE, NotAdmitted, "rate_limit_exceeded"),
    ],
)
async def test_where_no_account_is_able_the_earliest_time_is_told(
    obstacle: Obstacle, kind: type[ApiError], code: str
) -> None:
    world = world_of("a", "b")
    pool = pool_over(world)
    world.hindrances = {"a": (obstacle, world.now + 90), "b": (obstacle, world.now + 40)}
    error = await refused(pool, key())
    assert (type(error), error.code, error.retry_after) == (kind, code, 40)
    with pytest.raises(kind):
        pool.check(key(), GPT_4)


async def test_key_that_may_use_no_account_is_told_that_there_is_none() -> None:
    error = await refused(pool_over(world_of()), key())
    assert (type(error), error.code, error.should_retry) == (Overloaded, "no_account_available", False)


async def test_unknown_time_is_no_time() -> None:
    world = world_of("a")
    world.hindrances = {"a": (Obstacle.DISABLED, NEVER)}
    error = await refused(pool_over(world), key())
    assert (error.retry_after, error.should_retry) == (None, False)


async def test_spent_quota_and_full_window_are_told_with_their_ends() -> None:
    world = world_of("a")
    pool = pool_over(world)
    world.standings["a"] = Stands(units_left=10, units_limit=100, quota_resets_at=world.now + 3600)
    error = await refused(pool, key())
    assert (type(error), error.retry_after) == (QuotaExceeded, 3600)
    world.standings["a"] = Stands(messages_left=0, messages_limit=40, window_frees_at=world.now + 500)
    error = await refused(pool, key())
    assert (type(error), error.retry_after) == (NotAdmitted, 500)
    cheap = replace(GPT_4, slug="gpt-3.5", units=4, windowed=False)
    assert alias_of(await taken(pool, key(), cheap)) == "a"


async def test_obstacle_that_ends_soon_is_waited_for() -> None:
    world = world_of("a")
    world.hindrances = {"a": (Obstacle.COOLING, world.now + 2)}
    pool = pool_over(world)
    pool.check(key(), GPT_4)
    waiting = asyncio.create_task(taken(pool, key()))
    await eventually(lambda: len(pool) == 1)
    world.hindrances.clear()
    assert alias_of(await waiting) == "a"


async def test_who_waits_is_told_when_the_last_account_goes() -> None:
    world = world_of("a")
    pool = pool_over(world)
    await taken(pool, key())
    waiting = asyncio.create_task(refused(pool, key()))
    await eventually(lambda: len(pool) == 1)
    world.hindrances = {"a": (Obstacle.REFUSED, world.now + 900)}
    pool.changed()
    assert (await waiting).retry_after == 900


async def test_model_that_no_account_is_for_is_not_found() -> None:
    world = World((account("a", models=("gpt-3.5*",)), account("b", models=("gpt-4-s", "gpt-5*"))))
    pool = pool_over(world)
    assert alias_of(await taken(pool, key())) == "b"
    error = await refused(pool, key(accounts=["a"]))
    assert (type(error), error.code) == (NotFound, "model_not_found")


async def test_account_without_credential_takes_no_turn() -> None:
    world = World((account("a", credential=None, problem="its file is not there"), account("b")))
    pool = pool_over(world)
    assert alias_of(await taken(pool, key())) == "b"
    assert isinstance(await refused(pool, key(accounts=["a"])), Overloaded)
    assert [lent.secret for lent in pool.credentials(key())] == ["fk-b"]


async def test_what_the_backend_has_told_counts() -> None:
    world = world_of("a", "b")
    world.told = {"a": (Obstacle.FEATURE, world.now + 100)}
    pool = pool_over(world)
    assert alias_of(await taken(pool, key())) == "b"


async def test_conversation_stays_with_its_account() -> None:
    pool = pool_over(world_of("a", "b", "c"))
    there = await taken(pool, key(), replace(GPT_4, home="b"))
    assert alias_of(there) == "b"
    waiting = asyncio.create_task(taken(pool, key(), replace(GPT_4, home="b")))
    await eventually(lambda: len(pool) == 1)
    there.release()
    assert alias_of(await waiting) == "b"


@pytest.mark.parametrize("home", ["b", "d", "gone"])
async def test_conversation_whose_account_is_not_there_can_begin_anew(home: str) -> None:
    world = world_of("a", "b", "d")
    world.hindrances = {"b": (Obstacle.COOLING, world.now + 60)}
    pool = pool_over(world)
    error = await refused(pool, key(), replace(GPT_4, home=home))
    assert isinstance(error, HomeUnavailable)


async def test_account_is_kept_for_its_caller() -> None:
    pool = pool_over(world_of("a", "b", "c"))
    first = await taken(pool, key("anna"))
    first.release()
    for _ in range(3):
        other = await taken(pool, key("ben"))
        again = await taken(pool, key("anna"))
        assert alias_of(again) == alias_of(first)
        other.release()
        again.release()


async def test_account_that_has_failed_this_turn_is_avoided() -> None:
    world = world_of("a", "b")
    pool = pool_over(world)
    assert alias_of(await taken(pool, key(), avoid=frozenset("a"))) == "b"
    assert pool.has_other(key(), GPT_4, frozenset("a"))
    assert not pool.has_other(key(), GPT_4, frozenset("ab"))
    error = await refused(pool, key(), avoid=frozenset("abc"))
    assert (error.status, error.code, error.retry_after) == (503, "no_account_available", 2)


async def test_round_robin_takes_turns() -> None:
    pool = pool_over(world_of("a", "b", "c"), Policy.ROUND_ROBIN)
    order = []
    for _ in range(6):
        slot = await taken(pool, key())
        order.append(alias_of(slot))
        slot.release()
    assert order == ["a", "b", "c"] * 2


async def test_fill_takes_the_first_that_has_room() -> None:
    world = world_of("a", "b")
    pool = pool_over(world, Policy.FILL)
    for expected in "aa":
        slot = await taken(pool, key())
        assert alias_of(slot) == expected
        slot.release()
    world.standings["a"] = Stands(units_left=0, units_limit=100, quota_resets_at=world.now + 60)
    assert alias_of(await taken(pool, key())) == "b"


async def test_concurrency_of_the_account_counts_before_that_of_its_kind() -> None:
    pool = pool_over(World((account("a", concurrency=2),)))
    slots = [await taken(pool, key()) for _ in range(2)]
    waiting = asyncio.create_task(taken(pool, key()))
    await eventually(lambda: len(pool) == 1)
    assert pool.in_use(slots[0].account or account("a")) == 2
    slots[0].release()
    await waiting


async def test_new_credential_of_an_account_has_the_same_slot() -> None:
    world = world_of("a")
    pool = pool_over(world)
    held = await taken(pool, key())
    world.current = Roster((account("a", credential=Credential("fk-new")),))
    waiting = asyncio.create_task(taken(pool, key()))
    await eventually(lambda: len(pool) == 1)
    held.release()
    assert (await waiting).credential == Credential("fk-new")


async def test_own_key_that_an_account_has_too_shares_its_slot() -> None:
    pool = pool_over(world_of("a"))
    held = await taken(pool, Caller("fk-a"))
    assert held.account is None
    waiting = asyncio.create_task(taken(pool, key()))
    await eventually(lambda: len(pool) == 1)
    held.release()
    shared = await waiting
    own = asyncio.create_task(taken(pool, Caller("fk-a")))
    await asyncio.sleep(0)
    assert not own.done()
    shared.release()
    (await own).release()


async def test_earlier_credential_of_an_account_shares_its_slot_too() -> None:
    world = world_of("a")
    pool = pool_over(world)
    held = await taken(pool, key())
    world.current = Roster((account("a", credential=Credential("fk-new")),))
    pool.changed()
    own = asyncio.create_task(taken(pool, Caller("fk-a")))
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(asyncio.shield(own), 0.02)
    held.release()
    (await own).release()


async def test_own_key_of_a_caller_is_lent_to_itself() -> None:
    pool = pool_over(world_of("a"))
    caller = Caller("fk-own")
    slot = await taken(pool, caller)
    assert (slot.credential, slot.account, slot.home) == (caller.own, None, caller.own.digest)
    assert pool.credential(caller) == caller.own
    assert pool.credentials(caller) == (caller.own,)
    assert not pool.has_other(caller, GPT_4, frozenset())


async def test_credential_for_what_is_no_message_is_that_of_an_able_account() -> None:
    world = world_of("a", "b")
    world.hindrances = {"a": (Obstacle.COOLING, world.now + 60)}
    pool = pool_over(world)
    await taken(pool, key())
    assert pool.credential(key()) == Credential("fk-b")
    assert [lent.secret for lent in pool.credentials(key())] == ["fk-b", "fk-a"]
    world.hindrances["b"] = Obstacle.REFUSED, world.now + 60
    with pytest.raises(Overloaded):
        pool.credential(key())


async def test_key_that_is_revoked_while_it_waits_gets_no_account() -> None:
    world = world_of("a")
    pool = pool_over(world)
    held = await taken(pool, key())
    waiting = asyncio.create_task(refused(pool, key()))
    await eventually(lambda: len(pool) == 1)
    world.revoked.add("team")
    held.release()
    error = await waiting
    assert (type(error), error.code) == (Unauthorized, "invalid_api_key")
    assert alias_of(await taken(pool, key("other"))) == "a"


async def test_those_who_are_served_at_once_are_spread_over_the_accounts() -> None:
    world = World((account("a", concurrency=2), account("b", concurrency=2)))
    world.hindrances = {alias: (Obstacle.COOLING, world.now + 2) for alias in "ab"}
    pool = pool_over(world, Policy.ROUND_ROBIN)
    waiting = [asyncio.create_task(taken(pool, key())) for _ in range(3)]
    await eventually(lambda: len(pool) == 3)
    world.hindrances.clear()
    pool.changed()
    assert [alias_of(slot) for slot in await asyncio.gather(*waiting)] == ["a", "b", "a"]


async def test_no_account_is_given_before_it_is_known_which_of_them_failed_earlier() -> None:
    world, loaded = world_of("a", "b"), asyncio.Event()

    async def ready() -> None:
        await loaded.wait()

    pool = pool_over(world, Policy.FILL, ready=ready)
    waiting = asyncio.create_task(taken(pool, key()))
    await asyncio.sleep(0)
    world.hindrances = {"a": (Obstacle.DISABLED, NEVER)}
    loaded.set()
    assert alias_of(await waiting) == "b"


async def test_request_cancelled_just_before_an_account_becomes_free_does_not_keep_it() -> None:
    pool = pool_over(world_of("a"))
    held = await taken(pool, key())
    waiting = asyncio.create_task(pool.slot(key(), GPT_4).acquire())
    await eventually(lambda: len(pool) == 1)
    waiting.cancel()
    held.release()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert alias_of(await taken(pool, key())) == "a"


async def test_request_cancelled_just_before_all_accounts_go_hinders_nobody() -> None:
    world = world_of("a")
    pool = pool_over(world)
    await taken(pool, key())
    waiting = asyncio.create_task(pool.slot(key(), GPT_4).acquire())
    other = asyncio.create_task(refused(pool, key("other")))
    await eventually(lambda: len(pool) == 2)
    waiting.cancel()
    world.hindrances = {"a": (Obstacle.REFUSED, world.now + 900)}
    pool.changed()
    assert (await other).retry_after == 900


async def test_conversation_whose_account_has_failed_this_turn_begins_anew_at_once() -> None:
    world = world_of("a", "b")
    pool = pool_over(world, max_wait=0.5)
    for hindrance in (Obstacle.NONE, 0.0), (Obstacle.COOLING, world.now + 1):
        world.hindrances = {"a": hindrance}
        error = await refused(pool, key(), replace(GPT_4, home="a"), avoid=frozenset("a"))
        assert isinstance(error, HomeUnavailable)


async def test_accounts_are_not_said_to_be_busy_where_each_has_failed_or_is_not_able() -> None:
    world = world_of("a", "b")
    world.hindrances = {"b": (Obstacle.DISABLED, NEVER)}
    error = await refused(pool_over(world), key(), avoid=frozenset("a"))
    assert (error.status, error.code) == (503, "no_account_available")


async def test_own_key_that_an_account_has_too_keeps_to_its_concurrency() -> None:
    kinds = {KeyKind.SHARE: 0, KeyKind.POOL: 4, KeyKind.TOKEN: 1}
    pool = pool_over(World((account("a", concurrency=2),)), slots=kinds)
    slots = [await taken(pool, Caller("fk-a")), await taken(pool, key())]
    waiting = [asyncio.create_task(taken(pool, who)) for who in (key(), Caller("fk-a"))]
    await eventually(lambda: len(pool) == 1)
    assert not any(task.done() for task in waiting)
    for slot in slots:
        slot.release()
    for slot in await asyncio.gather(*waiting):
        slot.release()


@pytest.mark.parametrize("policy", list(Policy))
async def test_account_that_may_answer_more_at_once_by_now_does(policy: Policy) -> None:
    world = world_of("a")
    pool = pool_over(world, policy)
    first = await taken(pool, key())
    world.current = Roster((account("a", concurrency=2),))
    second = await taken(pool, key())
    world.current = Roster((account("a", concurrency=1), account("b")))
    assert alias_of(await taken(pool, key())) == "b"
    waiting = asyncio.create_task(taken(pool, key(accounts=["a"])))
    await eventually(lambda: len(pool) == 1)
    second.release()
    await asyncio.sleep(0)
    assert not waiting.done(), "the first message is still under way"
    first.release()
    assert alias_of(await waiting) == "a"


async def test_request_gets_no_account_that_its_key_may_not_use_any_more() -> None:
    world = world_of("a", "b")
    pool = pool_over(world)
    held = [await taken(pool, key()), await taken(pool, key())]
    waiting = asyncio.create_task(taken(pool, key(accounts=["a", "b"])))
    await eventually(lambda: len(pool) == 1)
    world.granted["team"] = Grant(alias="team", accounts=frozenset("b"))
    world.current = Roster(world.current.accounts)
    a, b = sorted(held, key=alias_of)
    a.release()
    await asyncio.sleep(0)
    assert not waiting.done()
    b.release()
    assert alias_of(await waiting) == "b"
    assert alias_of(await taken(pool, key("other"))) == "a"


async def test_those_who_wait_for_other_accounts_take_nobody_his_place_in_the_line() -> None:
    pool = pool_over(world_of("a", "b"), max_waiting=1)
    held = [await taken(pool, key(accounts=["a"])), await taken(pool, key(accounts=["b"]))]
    waiting = asyncio.create_task(taken(pool, key(accounts=["a"])))
    await eventually(lambda: len(pool) == 1)
    other = asyncio.create_task(taken(pool, key("other", accounts=["b"])))
    await eventually(lambda: len(pool) == 2)
    for slot in held:
        slot.release()
    assert [alias_of(slot) for slot in await asyncio.gather(waiting, other)] == ["a", "b"]


async def test_accounts_are_surveyed_once_for_all_who_wait() -> None:
    world = World(tuple(account(f"a{number}") for number in range(20)))
    asked: list[str] = []

    def told(known: Account, need: Need) -> None:
        asked.append(known.alias)

    pool, names = (
        pool_over(world, max_waiting=100, backend=told),
        [each.alias for each in world.current.accounts],
    )
    held = [await taken(pool, key(accounts=names)) for _ in names]
    waiting = [asyncio.create_task(taken(pool, key(f"k{number}", names))) for number in range(50)]
    await eventually(lambda: len(pool) == 50)
    asked.clear()
    pool.changed()
    assert len(asked) == len(names)
    for task in waiting:
        task.cancel()
    await asyncio.wait(waiting)
    assert len(held) == len(names)


async def test_time_to_come_back_counts_those_who_wait_for_the_same_accounts() -> None:
    pool = pool_over(world_of("a", "b"), max_waiting=2, max_wait=5)
    held = [await taken(pool, key(accounts=["a"])), await taken(pool, key(accounts=["b"]))]
    waiting = [asyncio.create_task(taken(pool, key(accounts=[alias]))) for alias in "aab"]
    await eventually(lambda: len(pool) == 3)
    error = await refused(pool, key(accounts=["a"]))
    assert error.retry_after == 3 * 10 - 5, "three turns of some 10 s, less what one may wait"
    for task in waiting:
        task.cancel()
    await asyncio.wait(waiting)
    for slot in held:
        slot.release()


@pytest.mark.parametrize("seed", range(4))
async def test_whatever_is_cancelled_accounts_keep_to_their_concurrency_and_are_free_at_the_end(
    seed: int,
) -> None:
    random, most = Random(seed), {"a": 1, "b": 1, "c": 2}
    world = World(tuple(account(alias, concurrency=slots) for alias, slots in most.items()))
    pool = pool_over(world, random.choice(list(Policy)), max_waiting=20, max_wait=0.2)
    under_way: Counter[str] = Counter()

    async def turn() -> None:
        own = random.random() < 0.2
        caller = Caller(f"fk-{random.choice('abc')}") if own else key(accounts=random.sample("abc", 2))
        need = replace(GPT_4, home=random.choice("abc")) if random.random() < 0.2 else GPT_4
        slot = pool.slot(caller, need, frozenset(random.sample("abc", random.randrange(2))))
        try:
            await slot.acquire()
            alias = slot.credential.secret.removeprefix("fk-")
            under_way[alias] += 1
            assert under_way[alias] <= most[alias]
            try:
                await asyncio.sleep(random.random() * 0.005)
            finally:
                under_way[alias] -= 1
        except ApiError:
            pass
        finally:
            slot.release()

    turns = []
    for number in range(200):
        turns.append(asyncio.create_task(turn()))
        if random.random() < 0.3:
            random.choice(turns).cancel()
        if number % 20 == 0:
            world.hindrances = {random.choice("abc"): (Obstacle.COOLING, world.now + 60)}
            pool.changed()
        if random.random() < 0.4:
            await asyncio.sleep(random.random() * 0.003)
    ended = await asyncio.gather(*turns, return_exceptions=True)
    assert not [end for end in ended if isinstance(end, Exception)]
    assert len(pool) == 0
    assert [pool.in_use(known) for known in world.current.accounts] == [0, 0, 0]


async def test_rest_that_lasts_longer_than_somebody_waits_patiently_is_told() -> None:
    world = world_of("a")
    pool = pool_over(world, max_wait=120)
    world.hindrances = {"a": (Obstacle.COOLING, world.now + 31)}
    error = await refused(pool, key())
    assert (error.code, error.retry_after) == ("no_account_available", 31)
    world.hindrances = {"a": (Obstacle.COOLING, world.now + 29)}
    pool.check(key(), GPT_4)
