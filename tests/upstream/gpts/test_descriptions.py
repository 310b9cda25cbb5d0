"""Descriptions with a key of the service's own: fetched ahead, retried, refreshed, on disk."""

import asyncio
import json
import logging
import os
import shutil
from pathlib import Path

import pytest

from tests.eventually import eventually
from tests.upstream.gpts.rig import (
    BROKEN,
    CALLER,
    ID,
    KEY,
    NO_ACCESS,
    OTHER_ID,
    SLUG,
    UNKNOWN,
    Backend,
    Behaviour,
    cuts,
    described,
    describes,
    files_in,
    rig,
    says,
    takes_only,
    waits_for,
)
from translate.values.gizmo import Gizmo
from upstream.gpts import GptDescriptionStore, GptUnavailable
from upstream.gpts.schedule import AFTER_PERMANENT, AFTER_TRANSIENT, REFRESH_SECONDS, Backoff

HOUR = 3600.0


async def test_description_is_fetched_ahead_with_the_services_own_key(tmp_path: Path) -> None:
    async with rig(tmp_path) as it:
        it.descriptions.offer([ID])
        await it.attempts_ended()
        assert it.backend.asked == [(ID, KEY)]
        assert (await it.get(ID, CALLER)).info == described()
        assert it.backend.asked == [(ID, KEY)]


async def test_descriptions_that_were_lost_on_the_disk_can_be_written_again(tmp_path: Path) -> None:
    folder = tmp_path / "gpts"
    async with rig(folder) as it:
        it.descriptions.offer([ID, OTHER_ID])
        await it.attempts_ended()
        kept = sorted(os.listdir(folder))
        shutil.rmtree(folder)
        await it.descriptions.save_again()
        assert sorted(os.listdir(folder)) == kept
        assert len(kept) == 2


async def test_slug_is_asked_for_as_it_is_and_gives_the_short_id(tmp_path: Path) -> None:
    async with rig(tmp_path) as it:
        it.descriptions.offer([SLUG])
        assert (await it.get(SLUG, CALLER)).id == ID
        assert it.backend.asked == [(SLUG, KEY)]


async def test_two_names_of_one_id_cost_one_request(tmp_path: Path) -> None:
    async with rig(tmp_path) as it:
        it.descriptions.offer([ID, ID])
        await it.attempts_ended()
        assert it.backend.asked == [(ID, KEY)]


async def test_slow_backend_does_not_delay_the_start_and_requests_wait_for_it(tmp_path: Path) -> None:
    answer = asyncio.Event()
    async with rig(tmp_path, Backend(waits_for(answer))) as it:
        it.descriptions.offer([ID])
        assert it.descriptions.missing_reason(ID) == "its description has not come yet"
        waiting = [asyncio.create_task(it.get(ID, CALLER)) for _ in range(3)]
        await eventually(lambda: len(it.backend.asked) == 1)
        answer.set()
        assert {gizmo.id for gizmo in await asyncio.gather(*waiting)} == {ID}
        assert it.descriptions.missing_reason(ID) is None
        assert len(it.backend.asked) == 1


async def test_wait_for_a_description_is_bounded(tmp_path: Path) -> None:
    async with rig(tmp_path, Backend(waits_for(asyncio.Event())), wait_seconds=0.05) as it:
        it.descriptions.offer([ID])
        with pytest.raises(GptUnavailable) as caught:
            await it.get(ID, CALLER)
        assert caught.value.reason == "its description has not come yet"
        assert not caught.value.permanent


async def test_only_a_few_are_fetched_at_once(tmp_path: Path) -> None:
    answer = asyncio.Event()
    async with rig(tmp_path, Backend(waits_for(answer))) as it:
        ids = [f"g-Number{number}" for number in range(9)]
        it.descriptions.offer(ids)
        await eventually(lambda: len(it.backend.asked) == 4)
        await asyncio.sleep(0.05)
        assert len(it.backend.asked) == 4
        answer.set()
        await it.attempts_ended()
        assert sorted(asked for asked, _ in it.backend.asked) == ids


async def test_one_that_cannot_be_had_does_not_stop_the_rest(tmp_path: Path) -> None:
    async with rig(tmp_path, Backend(behaviours={OTHER_ID: UNKNOWN})) as it:
        it.descriptions.offer([OTHER_ID, ID])
        await it.attempts_ended()
        assert it.descriptions.missing_reason(ID) is None
        assert it.descriptions.missing_reason(OTHER_ID) is not None


async def test_reason_is_told_to_users_and_to_operators(tmp_path: Path) -> None:
    async with rig(tmp_path, Backend(UNKNOWN)) as it:
        it.descriptions.offer([ID])
        await it.attempts_ended()
        with pytest.raises(GptUnavailable) as caught:
            await it.get(ID, CALLER)
        assert caught.value.reason == "the backend does not know it (404): check its id"
        assert caught.value.permanent
        assert it.descriptions.missing_reason(ID) == caught.value.reason


async def pauses_between_failures(path: Path, behaviour: Behaviour, jitter: float) -> list[float]:
    async with rig(path, Backend(behaviour), jitter=jitter) as it:
        it.descriptions.offer([ID])
        for _ in range(10):
            await it.attempts_ended()
            it.clock.advance(it.clock.pauses[-1])
        await it.attempts_ended()
        return it.clock.pauses


@pytest.mark.parametrize(
    ("behaviour", "backoff"),
    [(BROKEN, AFTER_TRANSIENT), (UNKNOWN, AFTER_PERMANENT)],
    ids=["transient", "permanent"],
)
@pytest.mark.parametrize("jitter", [0.0, 1.0])
async def test_pauses_grow_with_the_failures(
    tmp_path: Path, behaviour: Behaviour, backoff: Backoff, jitter: float
) -> None:
    pauses = await pauses_between_failures(tmp_path, behaviour, jitter)
    assert pauses == [backoff.pause(failures, jitter) for failures in range(1, 12)]


async def test_outage_ends_by_itself(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async with rig(tmp_path, Backend(BROKEN)) as it:
        it.descriptions.offer([ID])
        await it.attempts_ended()
        it.clock.advance(2)
        await it.attempts_ended()
        it.backend.behaviour = describes
        it.clock.advance(4)
        await it.attempts_ended()
        assert it.descriptions.missing_reason(ID) is None
    said = [record.getMessage() for record in caplog.records if record.name == "pandora"]
    assert said == [
        f"GPT {ID} is not available: the backend failed (status 500)",
        f"GPT {ID} is available",
    ]


async def test_request_after_an_outage_looks_again_at_once(tmp_path: Path) -> None:
    async with rig(tmp_path, Backend(BROKEN)) as it:
        it.descriptions.offer([ID])
        await it.attempts_ended()
        it.backend.behaviour = describes
        with pytest.raises(GptUnavailable):
            await it.get(ID, CALLER)
        it.clock.now += 3
        assert (await it.get(ID, CALLER)).id == ID
        await it.attempts_ended()
        assert len(it.clock.pending) == 1


async def test_reason_of_the_outage_is_told_while_the_next_attempt_hangs(tmp_path: Path) -> None:
    async with rig(tmp_path, Backend(BROKEN), wait_seconds=0.05) as it:
        it.descriptions.offer([ID])
        await it.attempts_ended()
        it.backend.behaviour = waits_for(asyncio.Event())
        it.clock.now += 3
        with pytest.raises(GptUnavailable, match=r"failed \(status 500\)"):
            await it.get(ID, CALLER)


async def test_requests_for_what_does_not_exist_do_not_bother_the_backend(tmp_path: Path) -> None:
    async with rig(tmp_path, Backend(UNKNOWN)) as it:
        it.descriptions.offer([ID])
        await it.attempts_ended()
        it.clock.now += 60
        for _ in range(3):
            with pytest.raises(GptUnavailable):
                await it.get(ID, CALLER)
        assert len(it.backend.asked) == 1


async def test_reload_looks_again_at_what_could_not_be_had(tmp_path: Path) -> None:
    async with rig(tmp_path, Backend(behaviours={ID: UNKNOWN})) as it:
        it.descriptions.offer([ID, OTHER_ID])
        await it.attempts_ended()
        it.backend.behaviours.clear()
        it.descriptions.offer([ID, OTHER_ID])
        await it.attempts_ended()
        assert it.descriptions.missing_reason(ID) is None
        assert [asked for asked, _ in it.backend.asked].count(OTHER_ID) == 1


async def test_description_is_refreshed_now_and_then(tmp_path: Path) -> None:
    async with rig(tmp_path) as it:
        it.descriptions.offer([ID])
        await it.attempts_ended()
        assert it.clock.pauses == [REFRESH_SECONDS]
        it.backend.behaviour = says(200, described(description="Helps more"))
        it.clock.advance(REFRESH_SECONDS)
        await it.attempts_ended()
        assert (await it.get(ID, CALLER)).info == described(description="Helps more")
        assert len(it.clock.pending) == 1


async def test_refreshing_holds_nobody_up(tmp_path: Path) -> None:
    async with rig(tmp_path) as it:
        it.descriptions.offer([ID])
        await it.attempts_ended()
        it.backend.behaviour = waits_for(asyncio.Event())
        it.clock.advance(REFRESH_SECONDS)
        await eventually(lambda: len(it.backend.asked) == 2)
        assert (await it.get(ID, CALLER)).info == described()


@pytest.mark.parametrize("behaviour", [BROKEN, NO_ACCESS, takes_only("another"), cuts])
async def test_failed_refresh_leaves_what_was_known(
    tmp_path: Path, behaviour: Behaviour, caplog: pytest.LogCaptureFixture
) -> None:
    async with rig(tmp_path) as it:
        it.descriptions.offer([ID])
        await it.attempts_ended()
        it.backend.behaviour = behaviour
        it.clock.advance(REFRESH_SECONDS)
        await it.attempts_ended()
        assert (await it.get(ID, CALLER)).info == described()
        assert it.descriptions.missing_reason(ID) is None
        assert it.clock.pauses[-1] in (AFTER_TRANSIENT.first, AFTER_PERMANENT.first)
    assert f"GPT {ID} could not be refreshed" in caplog.text


async def test_deleted_gpt_becomes_unavailable_and_is_forgotten_on_disk(tmp_path: Path) -> None:
    async with rig(tmp_path) as it:
        it.descriptions.offer([ID])
        await it.attempts_ended()
        it.backend.behaviour = UNKNOWN
        it.clock.advance(REFRESH_SECONDS)
        await it.attempts_ended()
        with pytest.raises(GptUnavailable, match="does not know it"):
            await it.get(ID, CALLER)
    assert await GptDescriptionStore(tmp_path).load(ID) is None


async def restarted(path: Path, backend: Backend, *, age: float, asked: int) -> None:
    """After a restart, `ID` can be used at once, and the backend is asked for it so often."""
    async with rig(path) as before:
        before.descriptions.offer([ID])
        await before.attempts_ended()
        then = before.clock.now
    async with rig(path, backend) as it:
        it.clock.now = then + age
        it.descriptions.offer([ID])
        assert (await it.get(ID, CALLER)).id == ID
        await eventually(lambda: len(backend.asked) == asked)
        await asyncio.sleep(0.05)
        assert len(backend.asked) == asked


async def test_restart_finds_a_recent_description_and_asks_nobody(tmp_path: Path) -> None:
    await restarted(tmp_path, Backend(), age=HOUR, asked=0)


async def test_old_description_is_used_at_once_while_the_backend_is_asked(tmp_path: Path) -> None:
    await restarted(tmp_path, Backend(waits_for(asyncio.Event())), age=13 * HOUR, asked=1)


async def test_old_description_serves_while_the_backend_is_down(tmp_path: Path) -> None:
    await restarted(tmp_path, Backend(BROKEN), age=1000 * HOUR, asked=1)


async def test_description_from_the_future_is_refreshed_in_time(tmp_path: Path) -> None:
    async with rig(tmp_path) as before:
        before.descriptions.offer([ID])
        await before.attempts_ended()
    async with rig(tmp_path) as it:
        it.clock.now -= 1000 * HOUR
        it.descriptions.offer([ID])
        await it.attempts_ended()
        assert it.clock.pauses == [REFRESH_SECONDS]


OTHERS = json.dumps({"id": ID, "since": 1.7e9, "gizmo": described(OTHER_ID)}).encode()


@pytest.mark.parametrize("poison", [b"{", OTHERS], ids=["cut", "another GPT's"])
async def test_poisoned_cache_is_a_miss_and_is_replaced(tmp_path: Path, poison: bytes) -> None:
    store = GptDescriptionStore(tmp_path)
    await store.save(ID, Gizmo(ID, described(description="Spoilt")), 1.0)
    (path,) = files_in(tmp_path)
    path.write_bytes(poison)
    async with rig(tmp_path) as it:
        it.descriptions.offer([ID])
        assert (await it.get(ID, CALLER)).info == described()
        await it.attempts_ended()
        assert await store.load(ID) == (Gizmo(ID, described()), it.clock.now)


async def test_removed_gpt_is_no_longer_fetched_and_who_waits_is_told(tmp_path: Path) -> None:
    async with rig(tmp_path, Backend(waits_for(asyncio.Event()))) as it:
        it.descriptions.offer([ID, OTHER_ID])
        waiting = asyncio.create_task(it.get(ID, CALLER))
        await eventually(lambda: len(it.backend.asked) == 2)
        it.descriptions.offer([OTHER_ID])
        with pytest.raises(GptUnavailable, match="no longer offered"):
            await waiting
        await eventually(lambda: len(it.attempts) == 1)


async def test_closing_in_mid_fetch_leaves_nothing_behind_and_tells_who_waits(tmp_path: Path) -> None:
    async with rig(tmp_path, Backend(waits_for(asyncio.Event()))) as it:
        it.descriptions.offer([ID])
        waiting = asyncio.create_task(it.get(ID, CALLER))
        await eventually(lambda: len(it.backend.asked) == 1)
        await it.descriptions.close()
        with pytest.raises(GptUnavailable, match="the service is stopping"):
            await waiting


async def test_caller_who_leaves_does_not_stop_the_fetch(tmp_path: Path) -> None:
    answer = asyncio.Event()
    async with rig(tmp_path, Backend(waits_for(answer))) as it:
        it.descriptions.offer([ID])
        waiting = asyncio.create_task(it.get(ID, CALLER))
        await eventually(lambda: len(it.backend.asked) == 1)
        waiting.cancel()
        answer.set()
        await it.attempts_ended()
        assert it.descriptions.missing_reason(ID) is None


async def test_same_trouble_is_logged_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    await pauses_between_failures(tmp_path, BROKEN, jitter=1.0)
    warnings = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
    assert warnings == [f"GPT {ID} is not available: the backend failed (status 500)"]
