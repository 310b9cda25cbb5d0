"""Pictures that are announced and come later, from backends that tell of them in odd ways."""

import copy
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.cases.backend import PICTURE, CaseBackend, playing
from tests.cases.case import Case
from tests.service.deployment import PREFIX, Deployment, deployed
from tests.service.test_elsewhere import spent

pytestmark = pytest.mark.timeout(seconds=120)

CASE = Case.read("image-async-card")
BY_SOCKET = Case.read("image-async-task-id")
SHARP = "file_00000000aa11bb22cc33dd44ee55ff66"
SHARP_BY_SOCKET = "file_000000000102030405060708090a0b0c"
STORED = "/backend-api/conversation/c1"
LINK = re.compile(r"!\[[^\]]*\]\(([^)]+)\)")

Adapt = Callable[[CaseBackend], object]


@asynccontextmanager
async def over(
    case: Case, *ways: str, adapt: Adapt, **env: str
) -> AsyncIterator[tuple[CaseBackend, Deployment]]:
    async with playing(case, *ways, adapt=adapt) as backend:
        settings = {"BASE_URL": backend.url, "PROXY_API_PREFIX": PREFIX, "UPSTREAM_RETRIES": "3", **env}
        async with deployed(settings) as service:
            yield backend, service


async def files_shown(service: Deployment) -> list[str]:
    """The ids of the files whose pictures an answer shows."""
    answer = await service.chat()
    assert answer.status == 200, answer.body
    links = LINK.findall(answer.json["choices"][0]["message"]["content"])
    bodies = [(await service.ask("GET", urlsplit(link).path, key="")).body for link in links]
    return [body.removeprefix(PICTURE).decode() for body in bodies]


def conversation(*, drawn: bool, **fields: object) -> dict[str, Any]:
    """The stored conversation, with the picture or only with what announces it."""
    body: dict[str, Any] = copy.deepcopy(CASE.lines("poll")[-1]["body"])
    if not drawn:
        del body["mapping"]["t2"]
        body["mapping"]["t1"]["children"] = []
        body["current_node"] = "t1"
    return body | fields


def always(body: object, status: int = 200) -> Adapt:
    def adapt(backend: CaseBackend) -> None:
        backend.stored = [{"path": STORED, "status": status, "body": body}]

    return adapt


async def test_picture_is_enough_where_the_backend_says_for_ever_that_it_is_at_work() -> None:
    async with over(CASE, "poll", adapt=always(conversation(drawn=True, async_status=7))) as (
        backend,
        service,
    ):
        assert await files_shown(service) == [SHARP]
        assert backend.count("POST", "/conversation") == 1
        assert spent(service) == {"ok": 1.0}


async def test_picture_ends_the_turn_though_its_message_does_not_say_so() -> None:
    body = conversation(drawn=True)
    body["mapping"]["t2"]["message"]["end_turn"] = None
    async with over(CASE, "poll", adapt=always(body)) as (backend, service):
        assert await files_shown(service) == [SHARP]
        assert backend.count("GET", "/conversation/c1") == 1


async def test_picture_that_only_the_socket_shows_is_shown() -> None:
    async with over(BY_SOCKET, "ws", "poll", adapt=always(conversation(drawn=False))) as (_, service):
        assert await files_shown(service) == [SHARP_BY_SOCKET]


async def test_thousands_of_previews_are_not_shown() -> None:
    def adapt(backend: CaseBackend) -> None:
        always(conversation(drawn=False))(backend)
        updates = [frame for frame in BY_SOCKET.lines("ws") if '"t2"' in str(frame).replace("'", '"')]
        preview = updates[0]["recv"]
        previews = []
        for number in range(3000):
            frame = copy.deepcopy(preview)
            message = frame[0]["payload"]["payload"]["update_content"]["message"]
            message["content"]["parts"][0]["asset_pointer"] = f"sediment://file_{number}"
            frame[0]["offset"] = f"{number}-1"
            previews.append(frame)
        backend.frames = [*previews, *backend.said_on_socket()]

    async with over(BY_SOCKET, "ws", "poll", adapt=adapt) as (backend, service):
        assert await files_shown(service) == [SHARP_BY_SOCKET]
        assert sum("/files/" in asked for asked in backend.asked) == 1


LIES: dict[str, tuple[object, int]] = {
    "no conversation": ([], 200),
    "no tree": ({"mapping": []}, 200),
    "of another": (conversation(drawn=False, current_node="nowhere"), 200),
    "a circle": (conversation(drawn=False, mapping={"t1": {"id": "t1", "parent": "t1"}}), 200),
    "done without a picture": (conversation(drawn=False, async_status=4), 200),
    "at work for ever": (conversation(drawn=False, async_status=7), 200),
    "never there": ({"detail": {"code": "conversation_inaccessible"}}, 404),
    "too many requests": ({"detail": "Too many requests"}, 429),
    "broken": ({"detail": "x"}, 500),
}


@pytest.mark.parametrize("lie", LIES)
async def test_picture_that_no_listing_has_is_waited_for_within_bounds_and_costs_one_message(
    lie: str,
) -> None:
    adapt = always(*LIES[lie])
    async with over(CASE, "poll", adapt=adapt, PICTURE_TIMEOUT="0.5") as (backend, service):
        answer = await service.chat()
        assert answer.status in (502, 504), answer.body
        assert "The picture that was announced has not come" in answer.error["message"]
        assert "conversation c1" in answer.error["message"]
        assert "counts as spent" in answer.error["message"]
        assert answer.headers["x-should-retry"] == "false"
        assert backend.count("POST", "/conversation") == 1
        assert backend.count("GET", "/conversation/c1") < 60
        assert spent(service) == {"failed": 1.0}
