"""`GET /openapi.json`, and what it promises of keys."""

import json
import re
from typing import Any

from jsonschema import Draft202012Validator

from tests.service.deployment import Deployment, deployed

Json = dict[str, Any]


async def test_document_is_there_without_a_key_for_any_page() -> None:
    async with deployed() as service:
        answer = await service.ask("GET", "/openapi.json", key="")
        seen = {"If-None-Match": answer.headers["etag"]}
        again = await service.ask("GET", "/openapi.json", seen, key="")
        head = await service.ask("HEAD", "/openapi.json", key="")
    assert (answer.status, answer.headers["content-type"]) == (200, "application/json")
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.json["openapi"] == "3.1.0"
    assert (again.status, again.body) == (304, b"")
    assert (head.status, head.headers["etag"]) == (200, answer.headers["etag"])


async def test_document_is_only_for_those_who_know_the_prefix() -> None:
    async with deployed({"API_PREFIX": "secret-prefix"}) as service:
        outside = await service.ask("GET", "/openapi.json", key="")
        inside = await service.ask("GET", "/secret-prefix/openapi.json", key="")
    assert outside.status == 404
    assert b"secret-prefix" not in outside.body
    assert "/secret-prefix/v1/models" in inside.json["paths"]


async def refused(service: Deployment, document: Json, path: str, method: str) -> None:
    """A request without a key gets the 401 that is described for it, or needs none. Of what needs none only
    the head is read: the console's feed has no end.
    """
    operation = document["paths"][path][method]
    async with service.connect() as connection:
        await connection.send(method.upper(), re.sub(r"\{\w+\}", "some-1.js", path), {})
        await connection.read_head()
        if not operation["security"] or {} in operation["security"]:
            assert connection.status != 401, path
            return
        assert connection.status == 401, path
        if method != "head":
            described = {"$ref": operation["responses"]["401"]["$ref"] + "/content/application~1json/schema"}
            told = json.loads(await connection.read_rest())
            Draft202012Validator({**document, **described}).validate(told)


async def test_all_that_asks_for_a_key_is_refused_without_one_as_it_is_described() -> None:
    env = {"AUDIO": "true", "ALLOW_ANY_GPT": "true", "METRICS_TOKEN": "some-token-of-a-scraper"}
    async with deployed(env) as service:
        document: Json = (await service.ask("GET", "/openapi.json")).json
        count = 0
        for path, item in document["paths"].items():
            for method in item:
                await refused(service, document, path, method)
                count += 1
        assert not service.posted
    assert count > 50
