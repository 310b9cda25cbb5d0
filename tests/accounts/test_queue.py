"""The queue on a loop: cancelled waiters hold nothing, waits are limited, refusals are honest."""

import asyncio
import random

import pytest

from accounts import AccountQueue, Credential, KeyKind, Slot
from tests.own_keys import own_slot
from translate.values import NotAdmitted

ONE_EACH = {KeyKind.SHARE: 1, KeyKind.POOL: 2, KeyKind.TOKEN: 1}


class Counts:
    """What the metrics would show."""

    def __init__(self) -> None:
        self.waiting = 0
        self.waits: list[float] = []
        self.refused: list[str] = []

    def queued(self) -> None:
        self.waiting += 1

    def dequeued(self, wait: float) -> None:
        self.waiting -= 1
        self.waits.append(wait)

    def rejected(self, reason: str) -> None:
        self.refused.append(reason)


def queue_of(counts: Counts | None = None, *, max_waiting: int = 100, max_wait: float = 5.0) -> AccountQueue:
    return AccountQueue(ONE_EACH, max_waiting=max_waiting, max_wait=max_wait, metrics=counts or Counts())


async def held(queue: AccountQueue, key: str = "fk-a") -> Slot:
    slot = own_slot(queue, key)
    await slot.acquire()
    return slot


async def test_second_one_waits_until_the_first_has_released() -> None:
    counts = Counts()
    queue = queue_of(counts)
    first = await held(queue)
    second = asyncio.create_task(held(queue))
    await asyncio.sleep(0.5)
    assert not second.done()
    assert counts.waiting == 1
    first.release()
    (await second).release()
    assert (counts.waiting, len(counts.waits)) == (0, 2)
    assert counts.waits[0] < 0.4 <= counts.waits[1]
    assert len(queue) == 0


async def test_keys_do_not_wait_for_each_other_and_a_pool_has_several_slots() -> None:
    queue = queue_of()
    async with asyncio.timeout(20):
        slots = [await held(queue, key) for key in ("fk-a", "fk-b", "pk-a", "pk-a", "eyJ.a.b")]
    assert len(queue) == 4
    for slot in slots:
        slot.release()
    assert len(queue) == 0


async def test_who_may_wait_is_told_so_with_the_credential_and_who_may_not_is_not() -> None:
    queue, joined = queue_of(max_waiting=1), list[Credential]()
    first = await held(queue)
    second = asyncio.create_task(own_slot(queue, "fk-a").acquire(joined.append))
    await asyncio.sleep(0)
    assert joined == [Credential("fk-a")]
    with pytest.raises(NotAdmitted):
        await own_slot(queue, "fk-a").acquire(joined.append)
    assert len(joined) == 1
    first.release()
    await second


async def test_accounts_of_one_token_do_not_wait_for_each_other() -> None:
    queue = queue_of()
    async with asyncio.timeout(20):
        for account in ("", ",acc-1", ",acc-2"):
            await held(queue, f"eyJ.a.b{account}")
    assert len(queue) == 3


async def test_kind_with_no_slots_has_no_queue() -> None:
    queue = AccountQueue(dict.fromkeys(ONE_EACH, 0), max_waiting=0, max_wait=0.1, metrics=Counts())
    joined: list[Credential] = []
    for _ in range(50):
        await own_slot(queue, "fk-a").acquire(joined.append)
    assert (len(queue), len(joined)) == (0, 50)


async def test_full_queue_refuses_at_once_with_the_time_when_coming_back_makes_sense() -> None:
    counts = Counts()
    queue = queue_of(counts, max_waiting=2, max_wait=5)
    slot = await held(queue)
    waiting = [asyncio.create_task(held(queue)) for _ in range(2)]
    await asyncio.sleep(0)
    with pytest.raises(NotAdmitted) as refusal:
        await held(queue)
    assert refusal.value.status == 429
    assert refusal.value.retry_after == 3 * 10 - 5, "three turns of some 10 s, less what one may wait"
    assert counts.refused == ["queue"]
    slot.release()
    for task in waiting:
        (await task).release()


async def test_one_who_has_waited_too_long_is_refused_and_no_longer_in_line() -> None:
    counts = Counts()
    queue = queue_of(counts, max_wait=0.05)
    slot = await held(queue)
    with pytest.raises(NotAdmitted) as refusal:
        await held(queue)
    assert refusal.value.retry_after is not None
    assert refusal.value.retry_after >= 1
    assert (counts.waiting, counts.refused) == (0, ["queue"])
    slot.release()
    assert len(queue) == 0


async def test_slot_is_released_once_however_often_that_is_asked() -> None:
    queue = queue_of()
    first = await held(queue)
    first.release()
    second = await held(queue)
    first.release()
    third = asyncio.create_task(held(queue))
    await asyncio.sleep(0.02)
    assert not third.done(), "a second release of the first gave away the slot of the second"
    second.release()
    (await third).release()


async def test_slot_can_be_released_a_little_later() -> None:
    queue = queue_of()
    (await held(queue)).release(after=0.05)
    assert len(queue) == 1
    (await held(queue)).release()
    assert len(queue) == 0


@pytest.mark.parametrize("seed", range(20))
async def test_slots_survive_waiters_that_are_cancelled_at_any_moment(seed: int) -> None:
    """Whatever is cancelled when, no more than one is inside, and in the end nobody is stuck."""
    chance = random.Random(seed)
    queue = queue_of()
    inside = 0

    async def turn() -> None:
        nonlocal inside
        slot = own_slot(queue, "fk-a")
        try:
            await slot.acquire()
            inside += 1
            assert inside == 1
            try:
                for _ in range(chance.randrange(3)):
                    await asyncio.sleep(0)
            finally:
                inside -= 1
        finally:
            slot.release()

    tasks = [asyncio.create_task(turn()) for _ in range(60)]
    for task in chance.sample(tasks, 30):
        for _ in range(chance.randrange(4)):
            await asyncio.sleep(0)
        task.cancel()
    async with asyncio.timeout(20):
        results = await asyncio.gather(*tasks, return_exceptions=True)
    assert all(result is None or isinstance(result, asyncio.CancelledError) for result in results), results
    assert len(queue) == 0


async def test_credential_is_there_once_the_slot_is_acquired_and_stays() -> None:
    slot = own_slot(queue_of(), "fk-a")
    with pytest.raises(RuntimeError):
        _ = slot.credential
    await slot.acquire()
    slot.release()
    assert slot.credential == Credential("fk-a")
