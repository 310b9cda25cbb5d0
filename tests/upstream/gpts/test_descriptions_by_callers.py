"""Descriptions fetched with callers' keys: without a key of the service's own, and for unlisted GPTs."""

import asyncio
import logging
from pathlib import Path

import pytest

from tests.eventually import eventually
from tests.upstream.gpts.rig import (
    BROKEN,
    CALLER,
    ID,
    NO_ACCESS,
    OTHER_CALLER,
    SLUG,
    UNKNOWN,
    Backend,
    Behaviour,
    Rig,
    described,
    describes,
    files_in,
    rig,
    says,
    takes_only,
    waits_for,
)
from upstream import ResponseRefused
from upstream.gpts import GptUnavailable
from upstream.gpts.schedule import REFRESH_SECONDS


async def test_nobody_is_asked_before_somebody_needs_it(tmp_path: Path) -> None:
    async with rig(tmp_path, key="") as it:
        it.descriptions.offer([ID])
        await it.attempts_ended()
        assert it.backend.asked == []
        assert "set KEY_FOR_GPTS_INFO" in (it.descriptions.missing_reason(ID) or "")
        assert not it.descriptions.is_looked_up(ID)


async def test_first_caller_fetches_for_all(tmp_path: Path) -> None:
    async with rig(tmp_path, key="") as it:
        it.descriptions.offer([ID])
        assert (await it.get(ID, CALLER)).info == described()
        assert (await it.get(ID, OTHER_CALLER)).info == described()
        assert it.backend.asked == [(ID, CALLER)]
        assert it.descriptions.missing_reason(ID) is None
        assert it.descriptions.is_looked_up(ID)


async def test_callers_who_come_at_once_share_one_request(tmp_path: Path) -> None:
    answer = asyncio.Event()
    async with rig(tmp_path, Backend(waits_for(answer)), key="") as it:
        it.descriptions.offer([ID])
        waiting = [asyncio.create_task(it.get(ID, key)) for key in (CALLER, OTHER_CALLER, CALLER)]
        await eventually(lambda: len(it.backend.asked) == 1)
        answer.set()
        assert len(await asyncio.gather(*waiting)) == 3
        assert len(it.backend.asked) == 1


async def test_caller_with_a_dead_key_gets_the_backends_refusal_and_harms_nobody(tmp_path: Path) -> None:
    async with rig(tmp_path, Backend(takes_only(OTHER_CALLER)), key="") as it:
        it.descriptions.offer([ID])
        outcomes = await asyncio.gather(it.get(ID, CALLER), it.get(ID, OTHER_CALLER), return_exceptions=True)
        assert isinstance(outcomes[0], ResponseRefused)
        assert outcomes[0].status == 401
        assert not isinstance(outcomes[1], BaseException)
        assert it.backend.asked == [(ID, CALLER), (ID, OTHER_CALLER)]


async def test_wait_ends_in_time_though_others_fail_one_after_another(tmp_path: Path) -> None:
    async with rig(tmp_path, Backend(waits_for(asyncio.Event())), key="", wait_seconds=0.05) as it:
        it.descriptions.offer([ID])
        outcomes = await asyncio.gather(
            *(it.get(ID, key) for key in (CALLER, OTHER_CALLER)), return_exceptions=True
        )
        assert [str(outcome) for outcome in outcomes] == [
            "the GPT is not available: its description has not come yet"
        ] * 2


@pytest.mark.parametrize(("behaviour", "permanent"), [(UNKNOWN, True), (NO_ACCESS, True), (BROKEN, False)])
async def test_next_caller_tries_again(tmp_path: Path, behaviour: Behaviour, permanent: bool) -> None:
    async with rig(tmp_path, key="") as it:
        it.backend.behaviours[ID] = behaviour
        it.descriptions.offer([ID])
        with pytest.raises(GptUnavailable) as caught:
            await it.get(ID, CALLER)
        assert caught.value.permanent == permanent
        assert it.descriptions.missing_reason(ID) == caught.value.reason
        it.backend.behaviours.clear()
        assert (await it.get(ID, OTHER_CALLER)).id == ID


async def test_refusal_of_one_callers_key_is_never_told_to_another(tmp_path: Path) -> None:
    async with rig(tmp_path, Backend(takes_only("nobody")), key="", wait_seconds=3) as it:
        it.descriptions.offer([ID])
        with pytest.raises(ResponseRefused):
            await it.get(ID, CALLER)
        it.backend.behaviour = waits_for(asyncio.Event())
        with pytest.raises(GptUnavailable, match="has not come yet"):
            await it.get(ID, OTHER_CALLER)


async def test_description_from_the_future_is_refreshed_in_time(tmp_path: Path) -> None:
    async with rig(tmp_path, key="") as before:
        before.descriptions.offer([ID])
        await before.get(ID, CALLER)
        await before.attempts_ended()
    async with rig(tmp_path, key="") as it:
        it.clock.now -= 10 * REFRESH_SECONDS
        it.descriptions.offer([ID])
        await it.get(ID, CALLER)
        await it.attempts_ended()
        assert it.backend.asked == []
        it.clock.now += REFRESH_SECONDS
        await it.get(ID, CALLER)
        await it.attempts_ended()
        assert len(it.backend.asked) == 1


async def test_nothing_is_tried_again_without_a_caller(tmp_path: Path) -> None:
    async with rig(tmp_path, Backend(BROKEN), key="") as it:
        it.descriptions.offer([ID])
        with pytest.raises(GptUnavailable):
            await it.get(ID, CALLER)
        it.descriptions.offer([ID])
        await it.attempts_ended()
        assert it.clock.alarms == []
        assert len(it.backend.asked) == 1


async def test_old_description_serves_while_a_caller_refreshes_it(tmp_path: Path) -> None:
    async with rig(tmp_path, key="") as it:
        it.descriptions.offer([ID])
        await it.get(ID, CALLER)
        await it.attempts_ended()
        it.backend.behaviour = says(200, described(description="Helps more"))
        it.clock.now += REFRESH_SECONDS
        assert (await it.get(ID, OTHER_CALLER)).info == described()
        await it.attempts_ended()
        assert (await it.get(ID, CALLER)).info == described(description="Helps more")
        assert it.backend.asked == [(ID, CALLER), (ID, OTHER_CALLER)]


async def test_refresh_that_a_callers_key_cannot_do_is_not_repeated_at_each_request(tmp_path: Path) -> None:
    async with rig(tmp_path, key="") as it:
        it.descriptions.offer([ID])
        await it.get(ID, CALLER)
        await it.attempts_ended()
        it.backend.behaviour = UNKNOWN
        it.clock.now += REFRESH_SECONDS
        for _ in range(5):
            assert (await it.get(ID, OTHER_CALLER)).info == described()
            await it.attempts_ended()
        assert len(it.backend.asked) == 2


async def test_what_one_caller_fetched_is_on_disk_for_the_next_start(tmp_path: Path) -> None:
    async with rig(tmp_path, key="") as it:
        it.descriptions.offer([ID])
        await it.get(ID, CALLER)
        await it.attempts_ended()
    for path in files_in(tmp_path):
        assert CALLER not in path.read_text()
    async with rig(tmp_path, key="") as it:
        it.descriptions.offer([ID])
        assert (await it.get(ID, OTHER_CALLER)).info == described()
        assert it.backend.asked == []


async def test_missing_key_is_told_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async with rig(tmp_path, key="") as it:
        it.descriptions.offer([])
        assert caplog.records == []
        it.descriptions.offer([ID])
        it.descriptions.offer([ID, SLUG])
        await it.attempts_ended()
    warnings = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
    assert len(warnings) == 1
    assert warnings[0].startswith("KEY_FOR_GPTS_INFO is not set")


async def test_unlisted_gpt_is_fetched_with_the_callers_key_though_there_is_another(tmp_path: Path) -> None:
    async with rig(tmp_path) as it:
        assert (await it.get(SLUG, CALLER)).id == ID
        assert (await it.get(SLUG, OTHER_CALLER)).id == ID
        assert it.backend.asked == [(SLUG, CALLER)]
    assert files_in(tmp_path) == []


async def test_unlisted_gpt_that_is_unknown_is_unavailable(tmp_path: Path) -> None:
    async with rig(tmp_path, Backend(UNKNOWN)) as it:
        with pytest.raises(GptUnavailable, match="does not know it") as caught:
            await it.get(ID, CALLER)
        assert caught.value.permanent


async def ask_for_unlisted(it: Rig, *numbers: int) -> None:
    for number in numbers:
        await it.get(f"g-Number{number}", CALLER)


async def test_only_so_many_unlisted_gpts_are_remembered(tmp_path: Path) -> None:
    async with rig(tmp_path, Backend(describes), max_unlisted=3) as it:
        await ask_for_unlisted(it, 0, 1, 2, 0)
        assert len(it.backend.asked) == 3
        await ask_for_unlisted(it, 3, 0)  # takes the place of the one used longest ago
        assert len(it.backend.asked) == 4
        await ask_for_unlisted(it, 1)
        assert len(it.backend.asked) == 5


async def test_closing_in_mid_fetch_for_a_caller_tells_the_caller(tmp_path: Path) -> None:
    async with rig(tmp_path, Backend(waits_for(asyncio.Event())), key="") as it:
        it.descriptions.offer([ID])
        waiting = [asyncio.create_task(it.get(asked, CALLER)) for asked in (ID, SLUG)]
        await eventually(lambda: len(it.backend.asked) == 2)
        await it.descriptions.close()
        for task in waiting:
            with pytest.raises(GptUnavailable, match="the service is stopping"):
                await task


async def test_gpt_that_is_removed_in_mid_fetch_tells_the_caller(tmp_path: Path) -> None:
    async with rig(tmp_path, Backend(waits_for(asyncio.Event())), key="") as it:
        it.descriptions.offer([ID])
        waiting = asyncio.create_task(it.get(ID, CALLER))
        await eventually(lambda: len(it.backend.asked) == 1)
        it.descriptions.offer([])
        with pytest.raises(GptUnavailable, match="no longer offered"):
            await waiting
