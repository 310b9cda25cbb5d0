"""Paths that clients make of a base URL with a slash or a `/v1` too many, or without `/v1`."""

import pytest

from handlers.base_url import FAMILIES, meant_path
from tests.service.deployment import JSON_TYPE, deployed, question

CHAT = "/v1/chat/completions"
UNDERSTOOD = [
    "//v1/chat/completions",
    "/v1/v1/chat/completions",
    "/v1//chat/completions",
    "/chat/completions",
]


@pytest.mark.parametrize("path", [CHAT, *UNDERSTOOD, "//v1//v1//chat/completions", "//chat/completions"])
def test_path_of_the_api_is_understood(path: str) -> None:
    assert meant_path(path, "") == CHAT
    assert meant_path(f"/secret{path}", "/secret") == f"/secret{CHAT}"
    assert meant_path(f"/{path}", "") == CHAT


@pytest.mark.parametrize(
    "path",
    [
        "/", "//", "/v1", "/v1/", "//v1", "/v1/v1", "/v1/v1/v1/models", "/v2/models", "/nowhere", "/chats/x",
        "/api/models", "/healthz", "/metrics", "/console/state", "/admin/accounts",
        "/dashboard/billing/usage", "/v1/dashboard/billing/usage", "//healthz", "", "*",
        "/v1/embeddings", "/embeddings",
    ],
)  # fmt: skip
def test_path_of_nothing_in_the_api_stays(path: str) -> None:
    assert meant_path(path, "") == path


def test_secret_before_the_api_cannot_be_left_out() -> None:
    for path in (CHAT, *UNDERSTOOD, "/secretx/v1/models", "/x/secret/v1/models", "/secret", "/"):
        assert meant_path(path, "/secret") == path


@pytest.mark.parametrize("path", ["/files/a.csv", "/images/b.png", "/files/file-1", "//images/b.png"])
def test_stored_files_of_answers_stay_where_they_are(path: str) -> None:
    assert meant_path(path, "") == path
    assert meant_path(f"/v1/v1{path}", "").startswith("/v1/"), "and those of callers are under /v1"


@pytest.mark.parametrize(
    "path",
    [
        "/files",
        "/files/",
        "/files/file-1/content",
        "/images/generations",
        "/images/edits/",
        "/images/variations",
    ],
)
def test_what_no_stored_file_can_be_is_the_api(path: str) -> None:
    assert meant_path(path, "") == f"/v1{path}"


async def test_every_route_of_the_api_is_of_a_known_family() -> None:
    async with deployed() as service:
        paths = (await service.ask("GET", "/openapi.json")).json["paths"]
    found = {path.split("/")[2] for path in paths if path.startswith("/v1/")}
    assert found - {"dashboard"} <= set(FAMILIES)


@pytest.mark.parametrize("path", UNDERSTOOD)
async def test_chat_is_answered_at_each_of_them(path: str) -> None:
    async with deployed() as service:
        answer = await service.post(question("Hi"), path=path)
        listed = await service.ask("GET", path.replace("chat/completions", "models?x=/v1/"))
    assert (answer.status, listed.status) == (200, 200)
    assert (
        answer.headers["access-control-allow-origin"] == listed.headers["access-control-allow-origin"] == "*"
    )


async def test_path_that_is_not_here_names_what_was_asked() -> None:
    async with deployed() as service:
        answer = await service.ask("POST", "/v1/embeddings", JSON_TYPE, b"{}")
    assert "POST /v1/embeddings" in answer.error["message"]
