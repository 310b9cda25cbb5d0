"""Bodies in a content coding: read within the limits, and refused where they are not what they claim."""

import gzip
import json
import zlib
from collections.abc import Callable

import pytest

from runtime.zstd_coding import zstd
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
            ("zstd", zstd.compress(body)),
            ("identity", body),
        ):
            answer = await coded(service, coding, sent)
            assert (answer.status, answer.json["usage"]) == (200, plain.json["usage"]), coding
        assert service.server.service.app.common.bodies.used == 0


@pytest.mark.parametrize(("coding", "code"), [("gzip", gzip.compress), ("zstd", zstd.compress)])
@pytest.mark.parametrize("damage", range(5))
async def test_damaged_body_is_a_400_and_nothing_is_spent(
    coding: str, code: Callable[[bytes], bytes], damage: int
) -> None:
    sent = [b"not coded at all", code(BODY)[:-9], b"", BODY, code(LONG)[:100]][damage]
    async with deployed() as service:
        answer = await coded(service, coding, sent)
        assert service.upstream.attempts == 0
    assert answer.status == 400
    assert "Content-Encoding" in answer.error["message"]


@pytest.mark.parametrize("coding", ["br", "zstd, gzip", "gzip, gzip", "x"])
async def test_other_codings_are_a_415_that_names_those_there_are(coding: str) -> None:
    async with deployed() as service:
        answer = await coded(service, coding, BODY)
    assert (answer.status, answer.error["code"]) == (415, "unsupported_media_type")
    assert "gzip, x-gzip, deflate, zstd" in answer.error["message"]


@pytest.mark.parametrize(("coding", "code"), [("gzip", gzip.compress), ("zstd", zstd.compress)])
async def test_bomb_is_refused_once_it_is_above_the_limit_and_the_service_goes_on(
    coding: str, code: Callable[[bytes, int], bytes]
) -> None:
    bomb = code(b'{"model": "' + bytes(100 << 20), 1)
    async with deployed({"MAX_BODY_BYTES": "1000000"}) as service:
        answer = await coded(service, coding, bomb)
        assert (await service.chat("Hi")).status == 200
    assert answer.status == 413
    assert "1000000" in answer.error["message"]


async def test_zstd_is_refused_where_there_is_no_room_for_what_its_decoder_remembers() -> None:
    compressor = zstd.ZstdCompressor(level=3)
    sent = compressor.compress(BODY) + compressor.flush()
    async with deployed({"MAX_BODY_BYTES": "1000000", "MAX_BUFFERED_BYTES": "2000000"}) as service:
        answer = await coded(service, "zstd", sent)
        assert (await coded(service, "zstd", zstd.compress(BODY))).status == 200
        assert service.server.service.app.common.bodies.used == 0
    assert answer.status == 503
