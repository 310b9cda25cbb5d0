"""Asking for one description: what answers mean, told in our own words."""

import asyncio

import pytest

from accounts import Credential
from tests.upstream.gpts.rig import (
    BROKEN,
    ID,
    KEY,
    NO_ACCESS,
    OTHER_ID,
    PREFIX,
    SLUG,
    UNKNOWN,
    Backend,
    Behaviour,
    cuts,
    described,
    describes,
    says,
    serving,
    takes_only,
    waits_for,
)
from tests.upstream.rig import PATIENT, nothing_left, refusing_address
from translate.values import Gizmo
from upstream import HttpClient, Timeouts
from upstream.gpts.errors import FailureKind, FetchFailure
from upstream.gpts.source import fetch_description

TRANSIENT, PERMANENT, GONE = FailureKind


async def fetched(url: str, gizmo_id: str = ID, *, timeouts: Timeouts = PATIENT) -> Gizmo | FetchFailure:
    client = HttpClient(url, PREFIX, timeouts)
    try:
        return await fetch_description(client, gizmo_id, Credential(KEY))
    finally:
        client.close()


@pytest.mark.parametrize("gizmo_id", [ID, SLUG])
async def test_id_is_asked_for_as_it_is_and_the_answer_has_the_short_one(gizmo_id: str) -> None:
    async with nothing_left(), serving(Backend()) as backend:
        assert await fetched(backend.url, gizmo_id) == Gizmo(ID, described())
        assert backend.asked == [(gizmo_id, KEY)]


async def test_slug_that_the_backend_does_not_know_is_tried_by_its_short_id() -> None:
    async with nothing_left(), serving(Backend(UNKNOWN, {ID: describes})) as backend:
        assert await fetched(backend.url, SLUG) == Gizmo(ID, described())
        assert [gizmo_id for gizmo_id, _ in backend.asked] == [SLUG, ID]


@pytest.mark.parametrize(("gizmo_id", "asked"), [(SLUG, [SLUG, ID]), (ID, [ID])])
async def test_gpt_that_is_unknown_by_its_short_id_too_is_gone(gizmo_id: str, asked: list[str]) -> None:
    async with nothing_left(), serving(Backend(UNKNOWN)) as backend:
        failure = await fetched(backend.url, gizmo_id)
        assert [each for each, _ in backend.asked] == asked
    assert isinstance(failure, FetchFailure)
    assert failure.kind == GONE


async def test_slug_that_fails_for_another_reason_is_not_tried_again() -> None:
    async with nothing_left(), serving(Backend(BROKEN)) as backend:
        assert isinstance(await fetched(backend.url, SLUG), FetchFailure)
        assert len(backend.asked) == 1


ANSWERS: dict[str, tuple[Behaviour, str, FailureKind]] = {
    "unknown": (UNKNOWN, "does not know it (404)", GONE),
    "malformed": (says(422, {"detail": [{"loc": ["path"], "msg": "no"}]}), "does not know it (422)", GONE),
    "wrong prefix": (
        says(404, {"detail": "Not Found"}),
        "does not know the path (404): check BASE_URL",
        PERMANENT,
    ),
    "no access": (NO_ACCESS, "no access to it (403)", PERMANENT),
    "expired key": (takes_only("another"), "refused the key that asked for its description (401)", PERMANENT),
    "dead account": (
        says(403, {"detail": {"message": "gone", "code": "account_deactivated"}}),
        "refused the key that asked for its description (403): see KEY_FOR_GPTS_INFO",
        PERMANENT,
    ),
    "Cloudflare": (says(403, "<!DOCTYPE html><p>Just a moment", "text/html"), "challenge", TRANSIENT),
    "web page": (says(404, "<html>nginx</html>", "text/html"), "the backend failed (status 404)", TRANSIENT),
    "rate": (says(429, {"detail": "Too many requests in 1 hour."}), "failed (status 429)", TRANSIENT),
    "broken": (BROKEN, "the backend failed (status 500)", TRANSIENT),
    "redirect": (says(302, ""), "the backend failed (status 302)", TRANSIENT),
    "cut": (cuts, "connection to the backend was lost", TRANSIENT),
    "no JSON": (says(200, "surprise"), "description of it is not usable: it is not JSON", TRANSIENT),
    "other GPT": (says(200, described(OTHER_ID)), "not usable: it is about another GPT", TRANSIENT),
    "error in 200": (says(200, {"detail": "no"}), "not usable: it has no id", TRANSIENT),
}


@pytest.mark.parametrize("case", ANSWERS)
async def test_answer_without_a_description_is_a_failure_told_in_our_own_words(case: str) -> None:
    behaviour, reason, kind = ANSWERS[case]
    async with nothing_left(), serving(Backend(behaviour)) as backend:
        failure = await fetched(backend.url)
    assert isinstance(failure, FetchFailure)
    assert reason in failure.reason
    assert failure.kind == kind
    assert (failure.answer is not None) == ("refused the key" in reason)
    for secret in (KEY, "Just a moment", "nginx", "surprise"):
        assert secret not in failure.reason


async def test_unreachable_backend_is_told_apart_from_one_that_refuses() -> None:
    assert await fetched(refusing_address()) == FetchFailure("the backend cannot be reached")


async def test_silent_backend_is_a_transient_failure() -> None:
    async with nothing_left(), serving(Backend(waits_for(asyncio.Event()))) as backend:
        failure = await fetched(backend.url, timeouts=Timeouts(first_byte=0.05))
    assert failure == FetchFailure("the backend did not answer in time")


async def test_credential_that_cannot_travel_in_a_header_is_refused() -> None:
    client = HttpClient(refusing_address(), PREFIX)
    with pytest.raises(ValueError, match="header"):
        await fetch_description(client, ID, Credential("two\r\nlines"))
    client.close()
