"""The book of descriptions with a key of the service's own: fetched ahead, retried, refreshed, on disk."""

import asyncio
import json
import logging
from pathlib import Path

import pytest

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
    library,
    says,
    takes_only,
    waits_for,
)
from tests.upstream.rig import eventually, refusing_address
from translate.values.gizmo import Gizmo
from upstream import GizmoStore, GizmoUnavailable
from upstream.gpts.descriptions import LASTING_PAUSES, PASSING_PAUSES, REFRESH_SECONDS

HOUR = 3600.0


async def test_description_is_fetched_ahead_with_the_services_own_key(tmp_path: Path) -> None:
    async with library(tmp_path) as shelf:
        shelf.book.want([ID])
        await shelf.settled()
        assert shelf.backend.asked == [(ID, KEY)]
        assert (await shelf.get(ID, CALLER)).info == described()
        assert shelf.backend.asked == [(ID, KEY)]


async def test_slug_is_asked_for_as_it_is_and_gives_the_short_id(tmp_path: Path) -> None:
    async with library(tmp_path) as shelf:
        shelf.book.want([SLUG])
        assert (await shelf.get(SLUG, CALLER)).id == ID
        assert shelf.backend.asked == [(SLUG, KEY)]


async def test_two_names_of_one_id_cost_one_request(tmp_path: Path) -> None:
    async with library(tmp_path) as shelf:
        shelf.book.want([ID, ID])
        await shelf.settled()
        assert shelf.backend.asked == [(ID, KEY)]


async def test_slow_backend_does_not_delay_the_start_and_requests_wait_for_it(tmp_path: Path) -> None:
    answer = asyncio.Event()
    async with library(tmp_path, Backend(waits_for(answer))) as shelf:
        shelf.book.want([ID])
        assert shelf.book.why_not(ID) == "its description has not come yet"
        waiting = [asyncio.create_task(shelf.get(ID, CALLER)) for _ in range(3)]
        await eventually(lambda: len(shelf.backend.asked) == 1)
        answer.set()
        assert {gizmo.id for gizmo in await asyncio.gather(*waiting)} == {ID}
        assert shelf.book.why_not(ID) is None
        assert len(shelf.backend.asked) == 1


async def test_wait_for_a_description_is_bounded(tmp_path: Path) -> None:
    async with library(tmp_path, Backend(waits_for(asyncio.Event())), patience=0.05) as shelf:
        shelf.book.want([ID])
        with pytest.raises(GizmoUnavailable) as caught:
            await shelf.get(ID, CALLER)
        assert caught.value.reason == "its description has not come yet"
        assert not caught.value.lasting


async def test_only_a_few_are_fetched_at_once(tmp_path: Path) -> None:
    answer = asyncio.Event()
    async with library(tmp_path, Backend(waits_for(answer))) as shelf:
        ids = [f"g-Number{number}" for number in range(9)]
        shelf.book.want(ids)
        await eventually(lambda: len(shelf.backend.asked) == 4)
        await asyncio.sleep(0.05)
        assert len(shelf.backend.asked) == 4
        answer.set()
        await shelf.settled()
        assert sorted(asked for asked, _ in shelf.backend.asked) == ids


async def test_one_that_cannot_be_had_does_not_stop_the_rest(tmp_path: Path) -> None:
    async with library(tmp_path, Backend(behaviours={OTHER_ID: UNKNOWN})) as shelf:
        shelf.book.want([OTHER_ID, ID])
        await shelf.settled()
        assert shelf.book.why_not(ID) is None
        assert shelf.book.why_not(OTHER_ID) is not None


REFUSALS: dict[str, tuple[Behaviour, str, bool]] = {
    "unknown": (UNKNOWN, "does not know it (404)", True),
    "malformed": (says(422, {"detail": [{"loc": ["path"], "msg": "no"}]}), "does not know it (422)", True),
    "wrong prefix": (
        says(404, {"detail": "Not Found"}),
        "does not know the path (404): check BASE_URL",
        True,
    ),
    "no access": (NO_ACCESS, "no access to it (403)", True),
    "expired key": (takes_only("another"), "refused the key that asked for its description (401)", True),
    "dead account": (
        says(403, {"detail": {"message": "gone", "code": "account_deactivated"}}),
        "refused the key that asked for its description (403): see KEY_FOR_GPTS_INFO",
        True,
    ),
    "Cloudflare": (says(403, "<!DOCTYPE html><p>Just a moment", "text/html"), "challenge", False),
    "web page": (says(404, "<html>nginx</html>", "text/html"), "the backend failed (status 404)", False),
    "rate": (says(429, {"detail": "Too many requests in 1 hour."}), "failed (status 429)", False),
    "broken": (BROKEN, "the backend failed (status 500)", False),
    "redirect": (says(302, ""), "the backend failed (status 302)", False),
    "cut": (cuts, "connection to the backend was lost", False),
    "no JSON": (says(200, "surprise"), "description of it is not usable: it is not JSON", False),
    "other GPT": (says(200, described(OTHER_ID)), "not usable: it is about another GPT", False),
    "error in 200": (says(200, {"detail": "no"}), "not usable: it has no id", False),
}


@pytest.mark.parametrize("case", REFUSALS)
async def test_reason_is_told_in_our_own_words(tmp_path: Path, case: str) -> None:
    behaviour, reason, lasting = REFUSALS[case]
    async with library(tmp_path, Backend(behaviour)) as shelf:
        shelf.book.want([ID])
        await shelf.settled()
        with pytest.raises(GizmoUnavailable) as caught:
            await shelf.get(ID, CALLER)
        assert reason in caught.value.reason
        assert caught.value.lasting == lasting
        assert shelf.book.why_not(ID) == caught.value.reason
        for secret in (KEY, "Just a moment", "nginx", "surprise"):
            assert secret not in caught.value.reason


async def test_unreachable_backend_is_told_apart_from_one_that_refuses(tmp_path: Path) -> None:
    async with library(tmp_path, url=refusing_address()) as shelf:
        shelf.book.want([ID])
        await shelf.settled()
        assert shelf.book.why_not(ID) == "the backend cannot be reached"


async def pauses_between_failures(path: Path, behaviour: Behaviour, jitter: float) -> list[float]:
    async with library(path, Backend(behaviour), jitter=jitter) as shelf:
        shelf.book.want([ID])
        for _ in range(10):
            await shelf.settled()
            shelf.clock.advance(shelf.clock.pauses[-1])
        await shelf.settled()
        return shelf.clock.pauses


@pytest.mark.parametrize(
    ("behaviour", "bounds"), [(BROKEN, PASSING_PAUSES), (UNKNOWN, LASTING_PAUSES)], ids=["passing", "lasting"]
)
async def test_pauses_grow_up_to_a_limit(
    tmp_path: Path, behaviour: Behaviour, bounds: tuple[float, float]
) -> None:
    first, longest = bounds
    pauses = await pauses_between_failures(tmp_path, behaviour, jitter=1.0)
    assert pauses[:3] == [first, 2 * first, 4 * first]
    assert pauses == sorted(pauses)
    assert pauses[-1] == longest
    half = await pauses_between_failures(tmp_path, behaviour, jitter=0.0)
    assert half == [pause / 2 for pause in pauses]


async def test_outage_ends_by_itself(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async with library(tmp_path, Backend(BROKEN)) as shelf:
        shelf.book.want([ID])
        await shelf.settled()
        shelf.clock.advance(2)
        await shelf.settled()
        shelf.backend.behaviour = describes
        shelf.clock.advance(4)
        await shelf.settled()
        assert shelf.book.why_not(ID) is None
    said = [record.getMessage() for record in caplog.records if record.name == "pandora"]
    assert said == [
        f"GPT {ID} is not available: the backend failed (status 500)",
        f"GPT {ID} is available",
    ]


async def test_request_after_an_outage_looks_again_at_once(tmp_path: Path) -> None:
    async with library(tmp_path, Backend(BROKEN)) as shelf:
        shelf.book.want([ID])
        await shelf.settled()
        shelf.backend.behaviour = describes
        with pytest.raises(GizmoUnavailable):
            await shelf.get(ID, CALLER)
        shelf.clock.now += 3
        assert (await shelf.get(ID, CALLER)).id == ID
        await shelf.settled()
        assert len(shelf.clock.pending) == 1


async def test_reason_of_the_outage_is_told_while_the_next_attempt_hangs(tmp_path: Path) -> None:
    async with library(tmp_path, Backend(BROKEN), patience=0.05) as shelf:
        shelf.book.want([ID])
        await shelf.settled()
        shelf.backend.behaviour = waits_for(asyncio.Event())
        shelf.clock.now += 3
        with pytest.raises(GizmoUnavailable, match=r"failed \(status 500\)"):
            await shelf.get(ID, CALLER)


async def test_requests_for_what_does_not_exist_do_not_bother_the_backend(tmp_path: Path) -> None:
    async with library(tmp_path, Backend(UNKNOWN)) as shelf:
        shelf.book.want([ID])
        await shelf.settled()
        shelf.clock.now += 60
        for _ in range(3):
            with pytest.raises(GizmoUnavailable):
                await shelf.get(ID, CALLER)
        assert len(shelf.backend.asked) == 1


async def test_reload_looks_again_at_what_could_not_be_had(tmp_path: Path) -> None:
    async with library(tmp_path, Backend(behaviours={ID: UNKNOWN})) as shelf:
        shelf.book.want([ID, OTHER_ID])
        await shelf.settled()
        shelf.backend.behaviours.clear()
        shelf.book.want([ID, OTHER_ID])
        await shelf.settled()
        assert shelf.book.why_not(ID) is None
        assert [asked for asked, _ in shelf.backend.asked].count(OTHER_ID) == 1


async def test_description_is_refreshed_now_and_then(tmp_path: Path) -> None:
    async with library(tmp_path) as shelf:
        shelf.book.want([ID])
        await shelf.settled()
        assert shelf.clock.pauses == [REFRESH_SECONDS]
        shelf.backend.behaviour = says(200, described(description="Helps more"))
        shelf.clock.advance(REFRESH_SECONDS)
        await shelf.settled()
        assert (await shelf.get(ID, CALLER)).info == described(description="Helps more")
        assert len(shelf.clock.pending) == 1


async def test_refreshing_holds_nobody_up(tmp_path: Path) -> None:
    async with library(tmp_path) as shelf:
        shelf.book.want([ID])
        await shelf.settled()
        shelf.backend.behaviour = waits_for(asyncio.Event())
        shelf.clock.advance(REFRESH_SECONDS)
        await eventually(lambda: len(shelf.backend.asked) == 2)
        assert (await shelf.get(ID, CALLER)).info == described()


@pytest.mark.parametrize("behaviour", [BROKEN, NO_ACCESS, takes_only("another"), cuts])
async def test_failed_refresh_leaves_what_was_known(
    tmp_path: Path, behaviour: Behaviour, caplog: pytest.LogCaptureFixture
) -> None:
    async with library(tmp_path) as shelf:
        shelf.book.want([ID])
        await shelf.settled()
        shelf.backend.behaviour = behaviour
        shelf.clock.advance(REFRESH_SECONDS)
        await shelf.settled()
        assert (await shelf.get(ID, CALLER)).info == described()
        assert shelf.book.why_not(ID) is None
        assert shelf.clock.pauses[-1] in (PASSING_PAUSES[0], LASTING_PAUSES[0])
    assert f"GPT {ID} could not be refreshed" in caplog.text


async def test_deleted_gpt_becomes_unavailable_and_is_forgotten_on_disk(tmp_path: Path) -> None:
    async with library(tmp_path) as shelf:
        shelf.book.want([ID])
        await shelf.settled()
        shelf.backend.behaviour = UNKNOWN
        shelf.clock.advance(REFRESH_SECONDS)
        await shelf.settled()
        with pytest.raises(GizmoUnavailable, match="does not know it"):
            await shelf.get(ID, CALLER)
    assert await GizmoStore(tmp_path).load(ID) is None


async def restarted(path: Path, backend: Backend, *, age: float) -> tuple[str | None, int]:
    """Why `ID` can't be used at once after a restart, and how often the backend was asked by then."""
    async with library(path) as before:
        before.book.want([ID])
        await before.settled()
        then = before.clock.now
    async with library(path, backend, patience=0.3) as shelf:
        shelf.clock.now = then + age
        shelf.book.want([ID])
        try:
            await shelf.get(ID, CALLER)
        except GizmoUnavailable as error:
            return error.reason, len(backend.asked)
        await asyncio.sleep(0.05)
        return None, len(backend.asked)


async def test_restart_finds_a_recent_description_and_asks_nobody(tmp_path: Path) -> None:
    assert await restarted(tmp_path, Backend(), age=HOUR) == (None, 0)


async def test_old_description_is_used_at_once_while_the_backend_is_asked(tmp_path: Path) -> None:
    backend = Backend(waits_for(asyncio.Event()))
    assert await restarted(tmp_path, backend, age=13 * HOUR) == (None, 1)


async def test_old_description_serves_while_the_backend_is_down(tmp_path: Path) -> None:
    assert await restarted(tmp_path, Backend(BROKEN), age=1000 * HOUR) == (None, 1)


async def test_description_from_the_future_is_refreshed_in_time(tmp_path: Path) -> None:
    async with library(tmp_path) as before:
        before.book.want([ID])
        await before.settled()
    async with library(tmp_path) as shelf:
        shelf.clock.now -= 1000 * HOUR
        shelf.book.want([ID])
        await shelf.settled()
        assert shelf.clock.pauses == [REFRESH_SECONDS]


OTHERS = json.dumps({"id": ID, "since": 1.7e9, "gizmo": described(OTHER_ID)}).encode()


@pytest.mark.parametrize("poison", [b"{", OTHERS], ids=["cut", "another GPT's"])
async def test_poisoned_cache_is_a_miss_and_is_replaced(tmp_path: Path, poison: bytes) -> None:
    store = GizmoStore(tmp_path)
    await store.save(ID, Gizmo(ID, described(description="Spoilt")), 1.0)
    (path,) = files_in(tmp_path)
    path.write_bytes(poison)
    async with library(tmp_path) as shelf:
        shelf.book.want([ID])
        assert (await shelf.get(ID, CALLER)).info == described()
        await shelf.settled()
        assert await store.load(ID) == (Gizmo(ID, described()), shelf.clock.now)


async def test_removed_gpt_is_no_longer_fetched_and_who_waits_is_told(tmp_path: Path) -> None:
    async with library(tmp_path, Backend(waits_for(asyncio.Event()))) as shelf:
        shelf.book.want([ID, OTHER_ID])
        waiting = asyncio.create_task(shelf.get(ID, CALLER))
        await eventually(lambda: len(shelf.backend.asked) == 2)
        shelf.book.want([OTHER_ID])
        with pytest.raises(GizmoUnavailable, match="no longer offered"):
            await waiting
        await eventually(lambda: len(shelf.book._attempts) == 1)


async def test_closing_in_mid_fetch_leaves_nothing_behind_and_tells_who_waits(tmp_path: Path) -> None:
    async with library(tmp_path, Backend(waits_for(asyncio.Event()))) as shelf:
        shelf.book.want([ID])
        waiting = asyncio.create_task(shelf.get(ID, CALLER))
        await eventually(lambda: len(shelf.backend.asked) == 1)
        await shelf.book.close()
        with pytest.raises(GizmoUnavailable, match="the service is stopping"):
            await waiting


async def test_caller_who_leaves_does_not_stop_the_fetch(tmp_path: Path) -> None:
    answer = asyncio.Event()
    async with library(tmp_path, Backend(waits_for(answer))) as shelf:
        shelf.book.want([ID])
        waiting = asyncio.create_task(shelf.get(ID, CALLER))
        await eventually(lambda: len(shelf.backend.asked) == 1)
        waiting.cancel()
        answer.set()
        await shelf.settled()
        assert shelf.book.why_not(ID) is None


async def test_same_trouble_is_logged_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    await pauses_between_failures(tmp_path, BROKEN, jitter=1.0)
    warnings = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
    assert warnings == [f"GPT {ID} is not available: the backend failed (status 500)"]
