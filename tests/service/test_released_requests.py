"""What a request has brought is freed when it is over, by counting references alone.

The garbage collector runs late: by then, strangers could have left hundreds of bodies behind. The simulated
backend is a process of its own here: what it keeps itself is no matter.
"""

import asyncio
import gc
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest
from tornado.http1connection import HTTP1Connection
from tornado.httputil import HTTPServerRequest

from front.client_stream import ClientStream
from handlers.base import ApiHandler
from tests.eventually import eventually
from tests.processes import simulator_process
from tests.service.deployment import CHAT, JSON_TYPE, KEY, PREFIX, Deployment, deployed
from tests.service.test_attachments import PICTURE, image, send
from tests.service.test_images import GENERATIONS, pixel
from translate.openai import FormBody, JsonBody
from transport import HandledRequest
from turns import TurnRunner

OF_A_REQUEST = (
    ApiHandler,
    ClientStream,
    FormBody,
    HTTP1Connection,
    HTTPServerRequest,
    HandledRequest,
    JsonBody,
    TurnRunner,
)
FORM = b"".join(
    (
        b'--b\r\nContent-Disposition: form-data; name="prompt"\r\n\r\nx\r\n',
        b'--b\r\nContent-Disposition: form-data; name="image"; filename="a.png"\r\n\r\n',
        pixel(),
        b"\r\n--b--\r\n",
    )
)
FORM_TYPE = {"Content-Type": "multipart/form-data; boundary=b"}
Request = Callable[[Deployment], Awaitable[object]]


@pytest.fixture(name="backend", scope="module")
def _backend() -> Iterator[str]:
    """The address of the simulated backend."""
    with simulator_process(PREFIX, ["--pace", "300", "--tokens", "60"]) as (_, port):
        yield f"http://127.0.0.1:{port}"


@pytest.fixture(autouse=True)
def _no_collector() -> Iterator[None]:
    gc.collect()
    gc.disable()
    yield
    gc.enable()
    gc.collect()


def kept(before: set[int]) -> Counter[str]:
    """What there is of requests, by its type, apart from what was there `before`."""
    found = (each for each in gc.get_objects() if isinstance(each, OF_A_REQUEST) and id(each) not in before)
    return Counter(type(each).__name__ for each in found)


async def whole(service: Deployment) -> None:
    assert (await service.chat()).status == 200


async def streamed(service: Deployment) -> None:
    assert (await service.chat(stream=True)).stream.done


async def with_picture(service: Deployment) -> None:
    assert (await send(service, image(PICTURE))).status == 200


async def with_broken_picture(service: Deployment) -> None:
    assert (await send(service, image("data:image/png;base64,AAAA"))).status == 400


async def drawn(service: Deployment) -> None:
    assert (await service.post({"prompt": "a fox"}, path=GENERATIONS)).status == 200


async def drawn_from_form(service: Deployment) -> None:
    assert (await service.ask("POST", "/v1/images/edits", FORM_TYPE, FORM)).status == 200


async def form_that_is_refused(service: Deployment) -> None:
    assert (await service.ask("POST", "/v1/images/edits", FORM_TYPE, FORM[:-6])).status == 400


async def wrong(service: Deployment) -> None:
    assert (await service.ask("POST", CHAT, JSON_TYPE, b"{}")).status == 400


async def no_json(service: Deployment) -> None:
    assert (await service.ask("POST", CHAT, JSON_TYPE, b"{" * 1000)).status == 400


async def without_key(service: Deployment) -> None:
    assert (await service.ask("POST", CHAT, JSON_TYPE, b"{}", key="")).status == 401


async def too_large(service: Deployment) -> None:
    assert (await service.ask("POST", CHAT, JSON_TYPE, b" " * 300_000)).status == 413


async def unknown_path(service: Deployment) -> None:
    assert (await service.ask("POST", "/nothing", JSON_TYPE, b"{}")).status == 404


async def refused_by_the_backend(service: Deployment) -> None:
    assert (await service.chat(key="fk-bad-key-of-a-caller")).status in (200, 401)


async def respond(service: Deployment, **fields: object) -> Any:
    answer = await service.post({"model": "gpt-4-s", "input": "Hello", **fields}, path="/v1/responses")
    assert answer.status == 200
    return answer


async def kept_response(service: Deployment) -> None:
    first = await respond(service)
    await respond(service, previous_response_id=first.json["id"], stream=True)


async def response_not_kept(service: Deployment) -> None:
    await respond(service, store=False)


async def response_with_tools(service: Deployment) -> None:
    await respond(service, tools=[{"type": "function", "name": "f"}], stream=True)


async def response_after_one_that_is_not_there(service: Deployment) -> None:
    body = {"model": "gpt-4-s", "input": "Hello", "previous_response_id": "resp_none"}
    assert (await service.post(body, path="/v1/responses")).status == 400


async def refused_before_its_body(service: Deployment) -> None:
    async with service.connect() as connection:
        await connection.send("POST", CHAT, {"Expect": "100-continue", "Content-Length": "2000", **JSON_TYPE})
        assert (await connection.answer()).status == 401


async def _leave_in_body(service: Deployment, *, reset: bool) -> None:
    headers = {"Authorization": f"Bearer {KEY}", "Content-Length": "200000", **JSON_TYPE}
    async with service.connect() as connection:
        await connection.send("POST", CHAT, headers, b'{"model": "' + b"x" * 100_000)
        await eventually(lambda: service.server.service.app.common.bodies.used > 0)
        connection.close(reset=reset)
    await eventually(lambda: service.server.service.app.common.bodies.used == 0)


async def left_in_body(service: Deployment) -> None:
    await _leave_in_body(service, reset=False)


async def reset_in_body(service: Deployment) -> None:
    await _leave_in_body(service, reset=True)


async def left_in_answer(service: Deployment) -> None:
    async with service.connect() as connection:
        await service.begin(connection, "Hello")
        await connection.read_until_content()
    await service.settled()


async def left_before_answer(service: Deployment) -> None:
    async with service.connect() as connection:
        await service.begin(connection, "Hello")
        await eventually(lambda: service.in_flight > 0)
    await service.settled()


@pytest.mark.parametrize(
    "request_kind",
    [
        whole,
        streamed,
        with_picture,
        with_broken_picture,
        drawn,
        drawn_from_form,
        form_that_is_refused,
        wrong,
        no_json,
        without_key,
        too_large,
        unknown_path,
        refused_by_the_backend,
        kept_response,
        response_not_kept,
        response_with_tools,
        response_after_one_that_is_not_there,
        refused_before_its_body,
        left_in_body,
        reset_in_body,
        left_in_answer,
        left_before_answer,
    ],
)
async def test_nothing_of_a_request_is_left_when_it_is_over(request_kind: Request, backend: str) -> None:
    async with deployed({"MAX_BODY_BYTES": "250000", "BASE_URL": backend}) as service:
        await request_kind(service)  # so that what is made once is there
        await asyncio.sleep(0.05)
        gc.collect()
        before = {id(each) for each in gc.get_objects() if isinstance(each, OF_A_REQUEST)}
        for _ in range(3):
            await request_kind(service)
        await eventually(lambda: not kept(before))
        assert service.server.service.app.common.bodies.used == 0
