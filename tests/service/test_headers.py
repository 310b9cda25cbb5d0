"""Headers that every answer has, whatever it says, and what browsers ask before they call."""

import re

import pytest

from tests.raw_client import Answer
from tests.service.deployment import CHAT, JSON_TYPE, KEY, Deployment, deployed, question

ASKED = "authorization,content-type,x-stainless-lang,x-stainless-retry-count"


async def for_any_origin(service: Deployment) -> list[Answer]:
    """Answers that pages of other sites may read: the API, billing, stored files, their errors."""
    return [
        await service.post(question("Hello")),
        await service.post(question("Hello", stream=True)),
        await service.post(question("Hello [[sim fault=model_cap_exceeded]]", stream=True)),
        await service.post(question("Hello"), key=""),
        await service.post(question("Hello", model="gpt-9")),
        await service.post([]),
        await service.ask("POST", CHAT, JSON_TYPE, b"x" * 3000),
        await service.ask("POST", CHAT, {"Content-Type": "text/plain"}, b"{}"),
        await service.ask("GET", CHAT),
        await service.ask("BREW", CHAT),
        await service.ask("GET", "/v1/models"),
        await service.ask("HEAD", "/v1/models"),
        await service.ask("GET", "/v1/models/gpt-4-s"),
        await service.ask("GET", "/v1/models/%ff"),
        await service.ask("GET", "/v1/embeddings"),
        await service.post({}, path="/v1/messages"),
        await service.post({}, path="/v1/messages/count_tokens"),
        await service.ask("GET", "/v1/messages/batches"),
        await service.ask("HEAD", "/api/hello"),
        await service.ask("GET", "/v1"),
        await service.ask("GET", "/v1/usage"),
        await service.ask("GET", "/dashboard/billing/usage"),
        await service.ask("GET", "/dashboard/billing/nothing"),
        await service.ask("GET", "/images/none.png"),
        await service.ask("GET", "/files/none.csv"),
    ]


async def for_no_other_origin(service: Deployment) -> list[Answer]:
    """Answers for programs and for the service's own page."""
    return [
        await service.ask("GET", "/healthz"),
        await service.ask("GET", "/readyz"),
        await service.ask("GET", "/console/state", key=""),
        await service.ask("GET", "/nowhere"),
        await service.ask("POST", "/v2/chat/completions", JSON_TYPE, b"{}"),
        await service.ask("GET", "/v1x/models"),
    ]


async def every_kind(service: Deployment) -> list[Answer]:
    """One answer of each kind that the service can give in a quiet moment."""
    return [
        *await for_any_origin(service),
        *await for_no_other_origin(service),
        await service.ask("GET", "/metrics"),
        await service.ask("OPTIONS", CHAT),
        await service.ask("OPTIONS", "/nowhere"),
    ]


async def test_every_answer_has_a_request_id_of_its_own() -> None:
    async with deployed({"MAX_BODY_BYTES": "2048"}) as service:
        ids = [answer.headers["x-request-id"] for answer in await every_kind(service)]
    assert all(re.fullmatch(r"req_[0-9a-f]{32}", name) for name in ids)
    assert len(set(ids)) == len(ids)


async def test_api_and_files_may_be_read_by_a_page_of_any_origin() -> None:
    async with deployed({"MAX_BODY_BYTES": "2048"}) as service:
        for answer in await for_any_origin(service):
            assert answer.headers["access-control-allow-origin"] == "*"
            assert "access-control-allow-credentials" not in answer.headers
            exposed = answer.headers["access-control-expose-headers"].split(", ")
            assert {"x-request-id", "retry-after", "x-should-retry"} <= set(exposed)


async def test_nothing_else_may_be_read_by_a_page_of_another_origin() -> None:
    async with deployed() as service:
        answers = [
            *await for_no_other_origin(service),
            await service.ask("GET", "/metrics"),
            await service.ask("GET", "/", key=""),
            await service.ask("GET", "/console/main.js", key=""),
            *[
                await service.ask("OPTIONS", path, {"Access-Control-Request-Headers": ASKED}, key="")
                for path in ("/metrics", "/healthz", "/console/state", "/", "/nowhere")
            ],
        ]
    assert [name for answer in answers for name in answer.headers if name.startswith("access-control")] == []


async def test_with_a_prefix_only_what_is_under_it_may_be_read_by_other_pages() -> None:
    async with deployed({"API_PREFIX": "hidden-place"}) as service:
        shared = [
            await service.ask("GET", path)
            for path in ("/hidden-place/v1/models", "/hidden-place/v1", "/hidden-place/x")
        ]
        usual = [
            await service.ask("GET", path)
            for path in ("/v1/models", "/dashboard/billing/usage", "/hidden-place")
        ]
        assert [answer.status for answer in usual] == [404, 404, 404]
    assert [answer.headers.get("access-control-allow-origin") for answer in shared] == ["*"] * 3
    assert [answer.headers.get("access-control-allow-origin") for answer in usual] == [None] * 3


async def test_configured_origin_is_the_one_that_may_call() -> None:
    async with deployed({"CORS_ORIGIN": "https://chat.example.com", "MAX_BODY_BYTES": "2048"}) as service:
        for answer in await for_any_origin(service):
            assert answer.headers["access-control-allow-origin"] == "https://chat.example.com"


async def test_no_answer_sets_a_cookie_names_the_server_or_opens_a_login_box() -> None:
    async with deployed({"MAX_BODY_BYTES": "2048"}) as service:
        for answer in await every_kind(service):
            assert not {"set-cookie", "server", "etag", "www-authenticate"} & set(answer.headers)
            assert len(answer.headers) == len(answer.header_lines), "a header came twice"


async def test_everything_but_streams_metrics_and_preflights_is_json() -> None:
    async with deployed({"MAX_BODY_BYTES": "2048"}) as service:
        *others, metrics, preflight, another = await every_kind(service)
    streams = [answer for answer in others if answer.headers["content-type"].startswith("text/event-stream")]
    assert [answer.status for answer in streams] == [200]
    for answer in others:
        assert answer in streams or answer.headers["content-type"] == "application/json"
    assert metrics.headers["content-type"].startswith("text/plain")
    assert "content-type" not in preflight.headers
    assert "content-type" not in another.headers


@pytest.mark.parametrize(
    "path", [CHAT, "/v1/models", "/v1/models/x", "/v1/images/generations", "/v1/nowhere"]
)
async def test_preflight_on_any_path_of_the_api_is_answered_without_a_key(path: str) -> None:
    asked = {"Origin": "https://page.example", "Access-Control-Request-Method": "POST"}
    async with deployed() as service:
        answer = await service.ask("OPTIONS", path, asked | {"Access-Control-Request-Headers": ASKED}, key="")
        assert service.upstream.requests == type(service.upstream.requests)()
    assert answer.status == 204
    assert answer.body == b""
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.headers["access-control-allow-methods"] == "GET, POST, DELETE, OPTIONS"
    assert answer.headers["access-control-max-age"] == "86400"
    assert answer.headers["access-control-allow-headers"] == ASKED
    assert "access-control-allow-private-network" not in answer.headers


async def test_page_that_calls_into_a_private_network_is_let_in() -> None:
    async with deployed() as service:
        asked = {"Access-Control-Request-Private-Network": "true"}
        answer = await service.ask("OPTIONS", CHAT, asked, key="")
    assert answer.headers["access-control-allow-private-network"] == "true"


@pytest.mark.parametrize("names", ["x\tsplit", "a" * 5000, 'quo"ted'])
async def test_header_names_that_are_none_are_not_repeated(names: str) -> None:
    async with deployed() as service:
        answer = await service.ask("OPTIONS", CHAT, {"Access-Control-Request-Headers": names}, key="")
    assert answer.status == 204
    assert "access-control-allow-headers" not in answer.headers


async def test_path_prefix_moves_the_api_and_hides_the_usual_place() -> None:
    async with deployed({"API_PREFIX": "hidden-place"}) as service:
        moved = await service.post(question("Hello"), path="/hidden-place" + CHAT)
        models = await service.ask("GET", "/hidden-place/v1/models/")
        usual = await service.post(question("Hello"))
        other = await service.post(question("Hello"), path="/hidden-placeX" + CHAT)
        health = await service.ask("GET", "/healthz")
        metrics = await service.ask("GET", "/metrics")
    assert [answer.status for answer in (moved, models, usual, other, health)] == [200, 200, 404, 404, 200]
    assert b"hidden-place" not in usual.body + health.body + metrics.body


async def test_trailing_slash_is_served_and_not_redirected() -> None:
    async with deployed() as service:
        for path in (CHAT + "/", CHAT + "/?a=1&b"):
            answer = await service.post(question("Hello"), path=path)
            assert answer.status == 200
        for path in ("/v1/models/", "/v1/models/gpt-4-s/", "/healthz/", "/readyz/", "/metrics/"):
            assert (await service.ask("GET", path)).status == 200


@pytest.mark.parametrize("header", [f"Bearer {KEY}", f"bearer {KEY}", f"BEARER   {KEY}  ", f"  Bearer {KEY}"])
async def test_key_is_found_whatever_the_case_and_the_spaces(header: str) -> None:
    async with deployed() as service:
        headers = {"Authorization": header, **JSON_TYPE}
        body = b'{"model":"gpt-4-s","messages":[{"role":"user","content":"Hi"}]}'
        answer = await service.ask("POST", CHAT, headers, body, key="")
        assert answer.status == 200
        assert service.last_stream.key == KEY
