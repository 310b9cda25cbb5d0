"""The choice of an account: who is taken, in which order, and what is told if nobody can be."""

import math
from collections import Counter
from dataclasses import replace
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pool.candidate import Candidate, Obstacle, Policy
from pool.choice import MUCH_WORSE, Refusal, choose, refusal
from pool.rotation import Rotation

NOW = 1_800_000_000.0

amounts = st.one_of(st.just(math.inf), st.floats(0, 1000), st.sampled_from([0.0, 40.0]))
times = st.one_of(st.floats(-1e10, 1e10), st.sampled_from([0.0, NOW, NOW + 60]))


@st.composite
def candidate(draw: st.DrawFn, number: int) -> Candidate:
    return Candidate(
        alias=f"account-{number}",
        order=draw(st.integers(0, 5)),
        weight=draw(st.floats(0.1, 10)),
        slots=draw(st.integers(0, 3)),
        in_use=draw(st.integers(0, 4)),
        units_left=draw(amounts),
        units_limit=draw(amounts),
        messages_left=draw(amounts),
        messages_limit=draw(amounts),
        used_at=draw(times),
        due=draw(st.floats(0, 10)),
        obstacle=draw(st.sampled_from([Obstacle.NONE, Obstacle.NONE, *Obstacle])),
        ready_at=draw(st.one_of(times, st.just(math.inf))),
    )


@st.composite
def candidates(draw: st.DrawFn) -> list[Candidate]:
    return [draw(candidate(number)) for number in range(draw(st.integers(0, 6)))]


policies = st.sampled_from(Policy)
turning = st.sampled_from([Policy.BALANCE, Policy.ROUND_ROBIN])
preferences = st.sampled_from(["", "account-0", "account-3", "another"])


def account(alias: str, **known: Any) -> Candidate:
    return replace(Candidate(alias=alias, order=ord(alias[0])), **known)


def spent(alias: str, left: float, **known: Any) -> Candidate:
    """An account with `left` of 40 messages."""
    return account(alias, messages_left=left, messages_limit=40.0, **known)


def chosen(candidates: list[Candidate], policy: Policy = Policy.BALANCE, prefer: str = "") -> str:
    found = choose(candidates, policy, prefer)
    return found.alias if found else ""


class TestAnyPolicy:
    @given(candidates(), policies, preferences)
    def test_takes_a_free_account_if_there_is_one_and_only_such(
        self, known: list[Candidate], policy: Policy, prefer: str
    ) -> None:
        found = choose(known, policy, prefer)
        free = [one for one in known if one.free]
        assert (found in free) if free else (found is None)

    @given(candidates(), policies, preferences, st.randoms())
    def test_does_not_depend_on_the_order_in_which_accounts_are_told(
        self, known: list[Candidate], policy: Policy, prefer: str, random: Random
    ) -> None:
        mixed = list(known)
        random.shuffle(mixed)
        assert choose(mixed, policy, prefer) == choose(known, policy, prefer)

    @given(candidates(), policies, preferences)
    def test_accounts_that_are_not_free_change_nothing(
        self, known: list[Candidate], policy: Policy, prefer: str
    ) -> None:
        assert choose([one for one in known if one.free], policy, prefer) == choose(known, policy, prefer)

    @given(candidates(), policies, preferences, st.sampled_from([-1e9, -3600.0, 3600.0, 1e9]))
    def test_a_clock_that_jumps_for_all_changes_nothing(
        self, known: list[Candidate], policy: Policy, prefer: str, jump: float
    ) -> None:
        whole = [replace(one, used_at=float(round(one.used_at))) for one in known]
        later = [replace(one, used_at=one.used_at + jump) for one in whole]
        before, after = choose(whole, policy, prefer), choose(later, policy, prefer)
        assert (before and before.alias) == (after and after.alias)

    @pytest.mark.parametrize("policy", Policy)
    def test_an_account_without_limit_of_slots_is_free_whatever_it_has_in_use(self, policy: Policy) -> None:
        assert chosen([account("a", slots=0, in_use=1000)], policy) == "a"

    @pytest.mark.parametrize("policy", Policy)
    def test_there_may_be_no_account_at_all(self, policy: Policy) -> None:
        assert choose([], policy) is None


class TestBalance:
    def test_takes_the_one_that_has_most_left(self) -> None:
        assert chosen([spent("a", 10), spent("b", 30), spent("c", 20)]) == "b"

    def test_counts_what_is_left_as_a_share_of_the_limit(self) -> None:
        small = account("a", messages_left=9.0, messages_limit=10.0)
        assert chosen([small, spent("b", 20)]) == "a"

    def test_of_units_and_messages_the_scarcer_counts(self) -> None:
        few_units = spent("a", 40, units_left=10.0, units_limit=100.0)
        assert chosen([few_units, spent("b", 20)]) == "b"

    def test_an_account_without_limits_is_full(self) -> None:
        assert chosen([spent("a", 39), account("b", in_use=5, slots=0)]) == "b"

    def test_an_account_that_is_known_to_have_nothing_left_comes_last(self) -> None:
        assert chosen([account("a", units_left=0.0), spent("b", 1)]) == "b"

    def test_accounts_without_limits_are_compared_by_what_they_answer_now(self) -> None:
        assert chosen([account("a", slots=3, in_use=2), account("b", slots=3, in_use=1)]) == "b"

    def test_twice_the_weight_answers_twice_as_much_at_once(self) -> None:
        known = [account("a", slots=0, in_use=3, weight=2.0), account("b", slots=0, in_use=2)]
        assert chosen(known) == "a"

    def test_accounts_that_are_alike_take_turns(self) -> None:
        assert chosen([spent("a", 20, used_at=NOW), spent("b", 20, used_at=NOW - 1)]) == "b"

    def test_accounts_that_never_were_used_follow_the_file(self) -> None:
        assert chosen([account("b"), account("a")]) == "a"

    @given(st.integers(1, 5), st.integers(1, 5))
    def test_an_account_is_used_up_as_its_weight_says(self, heavy: int, light: int) -> None:
        limit = 200
        left = {"a": limit, "b": limit}
        for _ in range(100):
            known = [
                account(alias, weight=float(weight), messages_left=float(left[alias]), messages_limit=limit)
                for alias, weight in (("a", heavy), ("b", light))
            ]
            left[chosen(known)] -= 1
        used = {alias: limit - rest for alias, rest in left.items()}
        assert abs(used["a"] * light - used["b"] * heavy) <= max(heavy, light)

    @given(st.lists(st.integers(1, 40), min_size=1, max_size=6))
    def test_accounts_are_empty_together_and_none_before_the_others_have_helped(
        self, limits: list[int]
    ) -> None:
        left = [float(limit) for limit in limits]
        while any(left):
            known = [
                Candidate(
                    alias=str(place),
                    order=place,
                    messages_left=rest,
                    messages_limit=limits[place],
                    obstacle=Obstacle.NONE if rest else Obstacle.WINDOW,
                )
                for place, rest in enumerate(left)
            ]
            found = choose(known, Policy.BALANCE)
            assert found is not None, "nobody was taken though there was room"
            left[found.order] -= 1
            best = max(rest / limit for rest, limit in zip(left, limits, strict=True))
            assert found.share_left >= best, "there was one with more left"

    @given(candidates(), st.floats(0, 500))
    def test_more_that_is_left_is_never_a_reason_against_an_account(
        self, known: list[Candidate], more: float
    ) -> None:
        found = choose(known, Policy.BALANCE)
        if found:
            richer = replace(
                found, units_left=found.units_left + more, messages_left=found.messages_left + more
            )
            changed = [richer if one is found else one for one in known]
            assert choose(changed, Policy.BALANCE) == richer

    @given(candidates(), st.data())
    def test_less_that_is_left_is_never_a_reason_for_an_account(
        self, known: list[Candidate], data: st.DataObject
    ) -> None:
        found = choose(known, Policy.BALANCE)
        others = [one for one in known if one is not found]
        if found and others:
            poorer = data.draw(st.sampled_from(others))
            changed = [replace(one, units_left=0.0) if one is poorer else one for one in known]
            assert choose(changed, Policy.BALANCE) == found


class TestPreference:
    def test_a_caller_keeps_its_account_while_that_has_half_as_much_left_as_the_best(self) -> None:
        assert chosen([spent("a", 20), spent("b", 40)], prefer="a") == "a"

    def test_a_caller_leaves_its_account_when_that_has_less(self) -> None:
        assert chosen([spent("a", 19), spent("b", 40)], prefer="a") == "b"

    def test_a_caller_leaves_its_account_while_that_is_in_use(self) -> None:
        assert chosen([spent("a", 40, in_use=1), spent("b", 40)], prefer="a") == "b"

    def test_a_caller_leaves_its_account_while_that_has_an_obstacle(self) -> None:
        assert chosen([spent("a", 40, obstacle=Obstacle.COOLING), spent("b", 1)], prefer="a") == "b"

    def test_a_caller_does_not_have_all_its_turns_at_once_on_its_account(self) -> None:
        others = [account("b", slots=0), account("c", slots=0)]
        assert chosen([account("a", slots=0, in_use=1), *others], prefer="a") == "a"
        assert chosen([account("a", slots=0, in_use=2), *others], prefer="a") == "b"

    def test_an_account_of_little_weight_is_kept_too(self) -> None:
        assert chosen([spent("a", 38, weight=0.1), spent("b", 40, weight=10.0)], prefer="a") == "a"

    def test_a_name_that_nobody_has_changes_nothing(self) -> None:
        assert chosen([spent("a", 19), spent("b", 40)], prefer="c") == "b"

    @given(candidates(), preferences)
    def test_what_is_taken_for_a_preference_is_never_much_worse(
        self, known: list[Candidate], prefer: str
    ) -> None:
        found, best = choose(known, Policy.BALANCE, prefer), choose(known, Policy.BALANCE)
        if found and best:
            assert found.alias in (prefer, best.alias)
            assert found.share_left * MUCH_WORSE >= best.share_left

    @given(candidates(), st.sampled_from([Policy.FILL, Policy.ROUND_ROBIN]), preferences)
    def test_policies_that_say_where_each_turn_goes_know_none(
        self, known: list[Candidate], policy: Policy, prefer: str
    ) -> None:
        assert choose(known, policy, prefer) == choose(known, policy)


class TestFill:
    def test_takes_the_first_of_the_file_however_little_it_has(self) -> None:
        assert chosen([spent("b", 40), spent("a", 1)], Policy.FILL) == "a"

    def test_takes_the_next_one_when_the_first_is_in_use_or_hindered(self) -> None:
        known = [account("a", in_use=1), account("b", obstacle=Obstacle.WINDOW), account("c"), account("d")]
        assert chosen(known, Policy.FILL) == "c"


class TestRoundRobin:
    def test_takes_the_one_that_was_used_longest_ago(self) -> None:
        known = [spent("a", 40, used_at=NOW), spent("b", 1, used_at=NOW - 5), account("c", used_at=NOW - 1)]
        assert chosen(known, Policy.ROUND_ROBIN) == "b"

    def test_one_that_never_was_used_comes_first(self) -> None:
        known = [account("a", used_at=NOW), account("b")]
        assert chosen(known, Policy.ROUND_ROBIN) == "b"

    @given(st.lists(st.integers(1, 5), min_size=1, max_size=6))
    def test_each_takes_as_many_turns_as_its_weight_says(self, weights: list[int]) -> None:
        rotation = Rotation()
        taken = Counter[str]()
        for turn in range(3 * sum(weights)):
            known = [
                Candidate(alias=str(place), order=place, weight=weight, due=rotation.due(str(place)))
                for place, weight in enumerate(weights)
            ]
            found = choose(known, Policy.ROUND_ROBIN)
            assert found is not None
            rotation.took(found.alias, found.weight)
            taken[found.alias] += 1
            for place, weight in enumerate(weights):
                share = (turn + 1) * weight / sum(weights)
                assert abs(taken[str(place)] - share) <= len(weights), "one is far ahead or behind"
        assert taken == {str(place): 3 * weight for place, weight in enumerate(weights)}


class TestRotation:
    def test_one_that_was_away_has_nothing_to_catch_up_with(self) -> None:
        rotation = Rotation()
        for _ in range(1000):
            rotation.took("a")
        taken = []
        for _ in range(6):
            known = [account(alias, due=rotation.due(alias)) for alias in "ab"]
            taken.append(chosen(known, Policy.ROUND_ROBIN))
            rotation.took(taken[-1])
        assert Counter(taken) == {"a": 3, "b": 3}

    @given(st.lists(st.tuples(st.sampled_from("abc"), st.floats(0.1, 10)), max_size=50))
    def test_nobody_is_put_back_by_more_than_a_round_of_its_own(self, turns: list[tuple[str, float]]) -> None:
        rotation = Rotation()
        for alias, weight in turns:
            before = rotation.due(alias)
            rotation.took(alias, weight)
            assert rotation.due(alias) == before + 1 / weight
            assert rotation.due("new") >= before


@given(st.lists(st.booleans(), min_size=1, max_size=40), st.integers(2, 5), turning)
def test_nobody_starves_among_accounts_that_are_alike(hiccups: list[bool], size: int, policy: Policy) -> None:
    """Whatever times the clock says: after as many turns as there are accounts each has had one."""
    rotation, used_at, left = Rotation(), [0.0] * size, [40.0] * size
    taken: list[int] = []
    now = NOW
    for hiccup in hiccups:
        now += -3600.0 if hiccup else 1.0
        known = [
            Candidate(
                alias=str(place),
                order=place,
                used_at=used_at[place],
                due=rotation.due(str(place)),
                messages_left=left[place],
                messages_limit=40.0,
            )
            for place in range(size)
        ]
        found = choose(known, policy)
        assert found is not None
        rotation.took(found.alias)
        used_at[found.order], left[found.order] = now, left[found.order] - 1
        taken.append(found.order)
    for start in range(0, len(taken) - size + 1, size):
        assert sorted(taken[start : start + size]) == list(range(size))


def hindered(alias: str, obstacle: Obstacle, ready_in: float = math.inf) -> Candidate:
    return account(alias, obstacle=obstacle, ready_at=NOW + ready_in)


class TestRefusal:
    def test_tells_the_earliest_time_and_the_obstacle_that_goes_then(self) -> None:
        known = [
            hindered("a", Obstacle.WINDOW, 900),
            hindered("b", Obstacle.COOLING, 30),
            hindered("c", Obstacle.REFUSED),
        ]
        assert refusal(known, NOW) == Refusal(obstacle=Obstacle.COOLING, retry_after=30.0)

    def test_without_a_known_time_there_is_none(self) -> None:
        assert refusal([hindered("a", Obstacle.REFUSED)], NOW) == Refusal(obstacle=Obstacle.REFUSED)

    def test_an_obstacle_without_a_time_has_none(self) -> None:
        assert refusal([account("a", obstacle=Obstacle.DISABLED)], NOW).retry_after is None

    def test_a_known_time_is_told_before_what_nobody_knows(self) -> None:
        known = [hindered("a", Obstacle.CAPPED), hindered("b", Obstacle.QUOTA, 80_000)]
        assert refusal(known, NOW) == Refusal(obstacle=Obstacle.QUOTA, retry_after=80_000.0)

    def test_a_time_that_is_over_is_now(self) -> None:
        known = [hindered("a", Obstacle.COOLING, -1e9), hindered("b", Obstacle.WINDOW, -1)]
        assert refusal(known, NOW) == Refusal(obstacle=Obstacle.WINDOW, retry_after=0.0)

    @pytest.mark.parametrize("obstacle", [one for one in Obstacle if one not in ("", Obstacle.UNABLE)])
    def test_an_account_that_has_the_model_says_more_than_one_that_has_not(self, obstacle: Obstacle) -> None:
        known = [hindered("a", Obstacle.UNABLE), hindered("b", obstacle)]
        assert refusal(known, NOW).obstacle == obstacle

    def test_accounts_that_are_merely_in_use_are_waited_for(self) -> None:
        known = [hindered("a", Obstacle.COOLING, 5), account("b", in_use=1)]
        assert refusal(known, NOW) == Refusal(obstacle=Obstacle.NONE)
        assert refusal(known, NOW).only_busy

    def test_one_that_is_in_use_and_hindered_is_not_waited_for(self) -> None:
        known = [account("a", in_use=1, obstacle=Obstacle.REFUSED)]
        assert not refusal(known, NOW).only_busy

    def test_of_no_accounts_none_is_able(self) -> None:
        assert refusal([], NOW) == Refusal(obstacle=Obstacle.NO_ACCOUNT)

    @given(candidates(), st.one_of(times, st.sampled_from([-1e300, 1e300])))
    def test_whatever_the_clock_says_the_time_is_finite_and_not_before_now(
        self, known: list[Candidate], now: float
    ) -> None:
        told = refusal(known, now)
        assert told.retry_after is None or 0.0 <= told.retry_after < math.inf
        assert told.only_busy == any(not one.obstacle for one in known)

    @given(candidates(), times)
    def test_nobody_is_ready_before_the_time_that_is_told(self, known: list[Candidate], now: float) -> None:
        told = refusal(known, now)
        if told.retry_after:
            first = min(one.ready_at for one in known)
            assert told.retry_after == pytest.approx(first - now)
            near = [one.obstacle for one in known if one.ready_at - now == pytest.approx(first - now)]
            assert told.obstacle in near, "times closer than floats tell apart are the same"

    @given(candidates(), times, st.randoms())
    def test_does_not_depend_on_the_order_in_which_accounts_are_told(
        self, known: list[Candidate], now: float, random: Random
    ) -> None:
        mixed = list(known)
        random.shuffle(mixed)
        assert refusal(mixed, now) == refusal(known, now)
