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


async def post(server: ReplayServer, path: str, *ids: str) -> HTTPResponse:
    body = json.dumps({"messages": [{"id": message_id} for message_id in ids]})
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
    ],
)
def test_what_is_no_recording_is_refused(content: bytes) -> None:
    with pytest.raises(ValueError, match="no recording"):
        read_recording(content)
