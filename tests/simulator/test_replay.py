"""What is played of a recording."""

import json

import pytest
from tornado.httpclient import AsyncHTTPClient, HTTPResponse

from simulator.replay import ReplayServer, read_recording

HEAD = b'{"recording": 1, "at": 1, "reason": "whole", "unknown": {}, "error": null}\n'
FIRST = b'{"at": 0, "sent": [["id-1", "user"]]}\n{"at": 0.01, "data": "data: id-1 \xc3\xa9\\n\\n"}\n'
SECOND = (
    b'{"at": 7, "sent": []}\n{"at": 7.01, "base64": "w6k="}\n'
    b'{"at": 7.01, "gap": 4}\n{"at": 7.02, "data": "."}\n'
)


REST = (
    b'{"at": 7.1, "goes_on": "fresh"}\n{"at": 7.11, "data": "data: id-1 anew\\n\\n"}\n'
    b'{"at": 7.2, "goes_on": "behind"}\n{"at": 7.21, "data": "more"}\n'
)
RESUME = "/backend-api/f/conversation/resume"


async def post(server: ReplayServer, path: str, *ids: str, offset: int | None = None) -> HTTPResponse:
    body = json.dumps({"messages": [{"id": message_id} for message_id in ids], "offset": offset})
    client = AsyncHTTPClient()
    return await client.fetch(f"{server.url}{path}", method="POST", body=body, raise_error=False)


async def test_streams_come_in_order_and_begin_again() -> None:
    server = ReplayServer(read_recording(HEAD + FIRST + SECOND), "some-prefix")
    await server.start()
    try:
        paths = ("/some-prefix/backend-api/conversation", "/some-prefix/backend-api/f/conversation")
        answers = [await post(server, paths[number % 2], "earlier", "mine") for number in range(3)]
        other = await post(server, "/some-prefix/backend-api/models")
        outside = await post(server, "/backend-api/conversation")
    finally:
        await server.stop()
    assert [answer.body.decode() for answer in answers] == ["data: mine é\n\n", "é.", "data: mine é\n\n"]
    assert answers[0].headers["Content-Type"] == "text/event-stream; charset=utf-8"
    assert (other.code, outside.code) == (404, 404)


async def test_rest_of_an_answer_comes_from_the_resume_endpoint() -> None:
    server = ReplayServer(read_recording(HEAD + FIRST + REST + SECOND))
    await server.start()
    try:
        path = "/backend-api/conversation"
        early = await post(server, RESUME, offset=0)
        first = await post(server, path, "mine")
        resumed = [await post(server, RESUME, offset=offset) for offset in (3, 0, 0, 3, 3)]
        second = await post(server, path, "mine")
        late = await post(server, RESUME, offset=0)
    finally:
        await server.stop()
    assert [answer.body.decode() for answer in (first, second)] == ["data: mine é\n\n", "é."]
    assert [answer.code for answer in resumed] == [404, 200, 404, 200, 404]
    assert [answer.body.decode() for answer in resumed[1::2]] == ["data: mine anew\n\n", "more"]
    assert (early.code, late.code) == (404, 404)
    assert "resume" in server.note
    assert not ReplayServer(read_recording(HEAD + FIRST)).note


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b"nothing",
        HEAD,
        b'{"recording": 2}\n' + FIRST,
        HEAD + b'{"at": 1, "data": "x"}\n',
        HEAD + b"1\n",
        HEAD + REST,
    ],
)
def test_what_is_no_recording_is_refused(content: bytes) -> None:
    with pytest.raises(ValueError, match="no recording"):
        read_recording(content)
