"""Descriptions fetched with callers' keys: without a key of the service's own, and for unlisted GPTs."""

import asyncio
import logging
from pathlib import Path

import pytest

from tests.upstream.gpts.rig import (
    BROKEN,
    CALLER,
    ID,
    NO_ACCESS,
    OTHER_CALLER,
    SLUG,
    UNKNOWN,
    Backend,
    Library,
    described,
    describes,
    files_in,
    library,
    says,
    takes_only,
    waits_for,
)
from tests.upstream.rig import eventually
from upstream import GizmoUnavailable, ResponseRefused
from upstream.gpts.descriptions import MAX_UNLISTED, REFRESH_SECONDS


async def test_nobody_is_asked_before_somebody_needs_it(tmp_path: Path) -> None:
    async with library(tmp_path, key="") as shelf:
        shelf.book.want([ID])
        await shelf.settled()
        assert shelf.backend.asked == []
        assert "KEY_FOR_GPTS_INFO is not set" in (shelf.book.why_not(ID) or "")


async def test_first_caller_fetches_for_all(tmp_path: Path) -> None:
    async with library(tmp_path, key="") as shelf:
        shelf.book.want([ID])
        assert (await shelf.get(ID, CALLER)).info == described()
        assert (await shelf.get(ID, OTHER_CALLER)).info == described()
        assert shelf.backend.asked == [(ID, CALLER)]
        assert shelf.book.why_not(ID) is None


async def test_callers_who_come_at_once_share_one_request(tmp_path: Path) -> None:
    answer = asyncio.Event()
    async with library(tmp_path, Backend(waits_for(answer)), key="") as shelf:
        shelf.book.want([ID])
        waiting = [asyncio.create_task(shelf.get(ID, key)) for key in (CALLER, OTHER_CALLER, CALLER)]
        await eventually(lambda: len(shelf.backend.asked) == 1)
        answer.set()
        assert len(await asyncio.gather(*waiting)) == 3
        assert len(shelf.backend.asked) == 1


async def test_caller_with_a_dead_key_gets_the_backends_refusal_and_harms_nobody(tmp_path: Path) -> None:
    async with library(tmp_path, Backend(takes_only(OTHER_CALLER)), key="") as shelf:
        shelf.book.want([ID])
        outcomes = await asyncio.gather(
            shelf.get(ID, CALLER), shelf.get(ID, OTHER_CALLER), return_exceptions=True
        )
        assert isinstance(outcomes[0], ResponseRefused)
        assert outcomes[0].status == 401
        assert not isinstance(outcomes[1], BaseException)
        assert shelf.backend.asked == [(ID, CALLER), (ID, OTHER_CALLER)]


async def test_wait_ends_in_time_though_others_fail_one_after_another(tmp_path: Path) -> None:
    async with library(tmp_path, Backend(waits_for(asyncio.Event())), key="", patience=0.05) as shelf:
        shelf.book.want([ID])
        outcomes = await asyncio.gather(
            *(shelf.get(ID, key) for key in (CALLER, OTHER_CALLER)), return_exceptions=True
        )
        assert [str(outcome) for outcome in outcomes] == [
            "the GPT is not available: its description has not come yet"
        ] * 2


@pytest.mark.parametrize(("behaviour", "lasting"), [(UNKNOWN, True), (NO_ACCESS, True), (BROKEN, False)])
async def test_next_caller_tries_again(tmp_path: Path, behaviour: object, lasting: bool) -> None:
    async with library(tmp_path, key="") as shelf:
        shelf.backend.behaviours[ID] = behaviour  # type: ignore[assignment]
        shelf.book.want([ID])
        with pytest.raises(GizmoUnavailable) as caught:
            await shelf.get(ID, CALLER)
        assert caught.value.lasting == lasting
        assert shelf.book.why_not(ID) == caught.value.reason
        shelf.backend.behaviours.clear()
        assert (await shelf.get(ID, OTHER_CALLER)).id == ID


async def test_refusal_of_one_callers_key_is_never_told_to_another(tmp_path: Path) -> None:
    async with library(tmp_path, Backend(takes_only("nobody")), key="", patience=0.1) as shelf:
        shelf.book.want([ID])
        with pytest.raises(ResponseRefused):
            await shelf.get(ID, CALLER)
        shelf.backend.behaviour = waits_for(asyncio.Event())
        with pytest.raises(GizmoUnavailable, match="has not come yet"):
            await shelf.get(ID, OTHER_CALLER)


async def test_description_from_the_future_is_refreshed_in_time(tmp_path: Path) -> None:
    async with library(tmp_path, key="") as before:
        before.book.want([ID])
        await before.get(ID, CALLER)
        await before.settled()
    async with library(tmp_path, key="") as shelf:
        shelf.clock.now -= 10 * REFRESH_SECONDS
        shelf.book.want([ID])
        await shelf.get(ID, CALLER)
        await shelf.settled()
        assert shelf.backend.asked == []
        shelf.clock.now += REFRESH_SECONDS
        await shelf.get(ID, CALLER)
        await shelf.settled()
        assert len(shelf.backend.asked) == 1


async def test_nothing_is_tried_again_without_a_caller(tmp_path: Path) -> None:
    async with library(tmp_path, Backend(BROKEN), key="") as shelf:
        shelf.book.want([ID])
        with pytest.raises(GizmoUnavailable):
            await shelf.get(ID, CALLER)
        shelf.book.want([ID])
        await shelf.settled()
        assert shelf.clock.alarms == []
        assert len(shelf.backend.asked) == 1


async def test_old_description_serves_while_a_caller_refreshes_it(tmp_path: Path) -> None:
    async with library(tmp_path, key="") as shelf:
        shelf.book.want([ID])
        await shelf.get(ID, CALLER)
        await shelf.settled()
        shelf.backend.behaviour = says(200, described(description="Helps more"))
        shelf.clock.now += REFRESH_SECONDS
        assert (await shelf.get(ID, OTHER_CALLER)).info == described()
        await shelf.settled()
        assert (await shelf.get(ID, CALLER)).info == described(description="Helps more")
        assert shelf.backend.asked == [(ID, CALLER), (ID, OTHER_CALLER)]


async def test_refresh_that_a_callers_key_cannot_do_is_not_repeated_at_each_request(tmp_path: Path) -> None:
    async with library(tmp_path, key="") as shelf:
        shelf.book.want([ID])
        await shelf.get(ID, CALLER)
        await shelf.settled()
        shelf.backend.behaviour = UNKNOWN
        shelf.clock.now += REFRESH_SECONDS
        for _ in range(5):
            assert (await shelf.get(ID, OTHER_CALLER)).info == described()
            await shelf.settled()
        assert len(shelf.backend.asked) == 2


async def test_what_one_caller_fetched_is_on_disk_for_the_next_start(tmp_path: Path) -> None:
    async with library(tmp_path, key="") as shelf:
        shelf.book.want([ID])
        await shelf.get(ID, CALLER)
        await shelf.settled()
    for path in files_in(tmp_path):
        assert CALLER not in path.read_text()
    async with library(tmp_path, key="") as shelf:
        shelf.book.want([ID])
        assert (await shelf.get(ID, OTHER_CALLER)).info == described()
        assert shelf.backend.asked == []


async def test_missing_key_is_told_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async with library(tmp_path, key="") as shelf:
        shelf.book.want([])
        assert caplog.records == []
        shelf.book.want([ID])
        shelf.book.want([ID, SLUG])
        await shelf.settled()
    warnings = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
    assert len(warnings) == 1
    assert warnings[0].startswith("KEY_FOR_GPTS_INFO is not set")


async def test_unlisted_gpt_is_fetched_with_the_callers_key_though_there_is_another(tmp_path: Path) -> None:
    async with library(tmp_path) as shelf:
        assert (await shelf.get(SLUG, CALLER)).id == ID
        assert (await shelf.get(SLUG, OTHER_CALLER)).id == ID
        assert shelf.backend.asked == [(SLUG, CALLER)]
    assert files_in(tmp_path) == []


async def test_unlisted_gpt_that_is_unknown_is_unavailable(tmp_path: Path) -> None:
    async with library(tmp_path, Backend(UNKNOWN)) as shelf:
        with pytest.raises(GizmoUnavailable, match="does not know it") as caught:
            await shelf.get(ID, CALLER)
        assert caught.value.lasting


async def ask_for_unlisted(shelf: Library, *numbers: int) -> None:
    for number in numbers:
        await shelf.get(f"g-Number{number}", CALLER)


async def test_only_so_many_unlisted_gpts_are_remembered(tmp_path: Path) -> None:
    async with library(tmp_path, Backend(describes)) as shelf:
        await ask_for_unlisted(shelf, *range(MAX_UNLISTED), 0)
        assert len(shelf.backend.asked) == MAX_UNLISTED
        await ask_for_unlisted(shelf, MAX_UNLISTED, 0)  # takes the place of the one used longest ago
        assert len(shelf.backend.asked) == MAX_UNLISTED + 1
        await ask_for_unlisted(shelf, 1)
        assert len(shelf.backend.asked) == MAX_UNLISTED + 2
        assert len(shelf.book._unlisted) == MAX_UNLISTED


async def test_closing_in_mid_fetch_for_a_caller_tells_the_caller(tmp_path: Path) -> None:
    async with library(tmp_path, Backend(waits_for(asyncio.Event())), key="") as shelf:
        shelf.book.want([ID])
        waiting = [asyncio.create_task(shelf.get(asked, CALLER)) for asked in (ID, SLUG)]
        await eventually(lambda: len(shelf.backend.asked) == 2)
        await shelf.book.close()
        for task in waiting:
            with pytest.raises(GizmoUnavailable, match="the service is stopping"):
                await task


async def test_gpt_that_is_removed_in_mid_fetch_tells_the_caller(tmp_path: Path) -> None:
    async with library(tmp_path, Backend(waits_for(asyncio.Event())), key="") as shelf:
        shelf.book.want([ID])
        waiting = asyncio.create_task(shelf.get(ID, CALLER))
        await eventually(lambda: len(shelf.backend.asked) == 1)
        shelf.book.want([])
        with pytest.raises(GizmoUnavailable, match="no longer offered"):
            await waiting
