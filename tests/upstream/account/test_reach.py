"""What is told of a backend that is only asked for its models."""

import pytest

from accounts import Credential
from tests.upstream.account.rig import ALICE, Backend, backend_and_client, models
from upstream.account import reach


@pytest.mark.parametrize(
    ("status", "body", "credential", "good", "told"),
    [
        (200, models("gpt-4", "gpt-5"), ALICE, True, "reached, and lists 2 models"),
        (200, models("gpt-4"), None, True, "reached, and lists 1 models"),
        (401, {"detail": "no such key"}, None, True, "reached"),
        (401, {"detail": "no such key"}, ALICE, False, "the key is refused with status 401"),
        (403, {"detail": "no such key"}, ALICE, False, "the key is refused with status 403"),
        (502, {}, None, False, "it answers with status 502"),
        (200, b"<html>Welcome</html>", None, False, "is BASE_URL right?"),
        (200, {"models": []}, ALICE, False, "is BASE_URL right?"),
    ],
)
async def test_one_question_says_whether_the_backend_is_there(
    status: int, body: object, credential: Credential | None, good: bool, told: str
) -> None:
    backend = Backend(body, status)
    async with backend_and_client(backend) as client:
        found = await reach(client, credential)
    assert found.good is good
    assert told in found.text
    (asked,) = backend.asked
    assert asked[0] == "GET /prefix0001/backend-api/models"
    assert asked[1] == (credential.secret if credential else "nobody")


@pytest.mark.parametrize("credential", [ALICE, None])
@pytest.mark.parametrize(
    ("body", "good", "told"),
    [
        ({"detail": {"code": "conversation_not_found", "message": "no"}}, True, "it has no list of models"),
        ({"detail": "Can't load conversation 00000000"}, True, "it has no list of models"),
        ({"detail": "Not Found"}, False, "is PROXY_API_PREFIX right?"),
        (b"<html>nothing here</html>", False, "is PROXY_API_PREFIX right?"),
    ],
)
async def test_backend_without_a_list_of_models_is_told_from_one_that_is_not_there(
    body: object, good: bool, told: str, credential: Credential | None
) -> None:
    backend = Backend(body, 404)
    async with backend_and_client(backend) as client:
        found = await reach(client, credential)
    assert found.good is good
    assert told in found.text
    assert [path.rpartition("/")[0] for path, _ in backend.asked] == [
        "GET /prefix0001/backend-api",
        "GET /prefix0001/backend-api/conversation",
    ]


async def test_failure_of_the_connection_is_told_without_the_key() -> None:
    backend = Backend(cut=True)
    async with backend_and_client(backend) as client:
        found = await reach(client, ALICE)
        unsendable = await reach(client, Credential("fk-canary\nkey"))
    assert not found.good
    assert "connection to the backend was lost" in found.text
    assert not unsendable.good
    assert "can't travel in a header" in unsendable.text
    assert "canary" not in found.text + unsendable.text
