"""The list of models and each of them."""

from urllib.parse import quote

import pytest

from tests.service.deployment import deployed
from tests.translate.schemas import check

BUILT_IN = ["gpt-4-s", "gpt-4-mobile", "gpt-3.5-turbo"]


async def test_list_holds_the_built_in_models_and_spends_nothing() -> None:
    async with deployed() as service:
        answer = await service.ask("GET", "/v1/models")
        assert service.upstream.attempts == 0
    check(answer.json, "ListModelsResponse")
    assert answer.status == 200
    assert answer.json["object"] == "list"
    ids = [model["id"] for model in answer.json["data"]]
    assert [name for name in ids if name in BUILT_IN] == BUILT_IN
    assert len(set(ids)) == len(ids)
    for model in answer.json["data"]:
        assert model["object"] == "model"
        assert type(model["created"]) is int
        assert model["owned_by"] == "pandora-next"


async def test_model_is_retrieved_as_it_stands_in_the_list() -> None:
    async with deployed() as service:
        listed = (await service.ask("GET", "/v1/models")).json["data"]
        for model in listed:
            answer = await service.ask("GET", f"/v1/models/{quote(model['id'], safe='')}")
            check(answer.json, "Model")
            assert answer.json == model


NAMES = ["vendor/model", "with space", "中文名", "50%-off", "100%25", "a+b", "a/b/c.d:e"]


@pytest.mark.parametrize("name", NAMES)
async def test_name_is_found_however_much_of_it_is_encoded(name: str) -> None:
    async with deployed({"MODEL_ALIASES": f"{name}=gpt-4-s"}) as service:
        for safe in ("", "/+:"):
            answer = await service.ask("GET", f"/v1/models/{quote(name, safe=safe)}")
            assert answer.status == 200, answer.body
            assert answer.json["id"] == name


async def test_alias_with_a_star_answers_to_each_name_that_fits() -> None:
    async with deployed() as service:
        answer = await service.ask("GET", "/v1/models/gpt-3.5-turbo-0613")
        assert answer.json["id"] == "gpt-3.5-turbo-0613"
        completion = await service.chat("Hello", model="gpt-3.5-turbo-0613")
        assert completion.json["model"] == "gpt-3.5-turbo-0613"
        assert service.last_stream.model == "text-davinci-002-render-sha"


async def test_unknown_model_is_a_404_that_names_it() -> None:
    async with deployed() as service:
        answer = await service.ask("GET", f"/v1/models/{quote('没有/none')}")
    assert answer.status == 404
    assert answer.error["code"] == "model_not_found"
    assert answer.error["param"] == "model"
    assert "没有/none" in answer.error["message"]


async def test_head_has_the_headers_of_get_and_no_body() -> None:
    async with deployed() as service, service.connect() as client:
        for path in ("/v1/models", "/v1/models/gpt-4-s", "/v1/models/none"):
            got = await service.ask("GET", path)
            await client.send("HEAD", path, {"Authorization": "Bearer fk-x"})
            await client.read_head()
            assert client.status == got.status
            assert client.headers["content-length"] == str(len(got.body))
        # The connection would be out of step if a body had come.
        await client.send("GET", "/healthz", {})
        assert (await client.answer()).json["status"] == "ok"


@pytest.mark.parametrize("path", ["/v1/models", "/v1/models/gpt-4-s"])
@pytest.mark.parametrize("header", [{}, {"Authorization": "Bearer "}, {"Authorization": "Basic abc"}])
async def test_models_need_some_key(path: str, header: dict[str, str]) -> None:
    async with deployed() as service:
        answer = await service.ask("GET", path, header, key="")
    assert answer.status == 401
    assert answer.error["code"] is None
