"""Bodies in a content coding: read within the limits, and refused where they are not what they claim."""

import gzip
import json
import zlib

import pytest

from tests.raw_client import Answer
from tests.service.deployment import CHAT, JSON_TYPE, Deployment, deployed, question

BODY = json.dumps(question("Hi " * 100)).encode()
LONG = json.dumps(question("Hi " * 300_000)).encode()


async def coded(service: Deployment, coding: str, body: bytes) -> Answer:
    return await service.ask("POST", CHAT, JSON_TYPE | {"Content-Encoding": coding}, body)


@pytest.mark.parametrize("body", [BODY, LONG], ids=["short", "long"])
async def test_body_in_a_coding_is_read_as_what_it_stands_for(body: bytes) -> None:
    async with deployed() as service:
        plain = await service.ask("POST", CHAT, JSON_TYPE, body)
        for coding, sent in (
            ("gzip", gzip.compress(body)),
            ("X-GZIP", gzip.compress(body)),
            ("deflate", zlib.compress(body)),
            ("identity", body),
        ):
            answer = await coded(service, coding, sent)
            assert (answer.status, answer.json["usage"]) == (200, plain.json["usage"]), coding
        assert service.server.service.app.common.bodies.used == 0


@pytest.mark.parametrize(
    "sent", [b"no gzip at all", gzip.compress(BODY)[:-9], b"", BODY, gzip.compress(LONG)[:100]], ids=range(5)
)
async def test_damaged_body_is_a_400_and_nothing_is_spent(sent: bytes) -> None:
    async with deployed() as service:
        answer = await coded(service, "gzip", sent)
        assert service.upstream.attempts == 0
    assert answer.status == 400
    assert "Content-Encoding" in answer.error["message"]


@pytest.mark.parametrize("coding", ["br", "zstd", "gzip, gzip", "x"])
async def test_other_codings_are_a_415_that_names_those_there_are(coding: str) -> None:
    async with deployed() as service:
        answer = await coded(service, coding, BODY)
    assert (answer.status, answer.error["code"]) == (415, "unsupported_media_type")
    assert "gzip, x-gzip, deflate" in answer.error["message"]


async def test_bomb_is_refused_once_it_is_above_the_limit_and_the_service_goes_on() -> None:
    bomb = gzip.compress(b'{"model": "' + bytes(100 << 20), compresslevel=1)
    async with deployed({"MAX_BODY_BYTES": "1000000"}) as service:
        answer = await coded(service, "gzip", bomb)
        assert (await service.chat("Hi")).status == 200
    assert answer.status == 413
    assert "1000000" in answer.error["message"]
