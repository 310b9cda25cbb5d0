"""Keys that are revoked while they are used, and how answers look for a key."""

import json
from pathlib import Path

import pytest

from tests.roster.rig import content, key
from tests.service.deployment import CHAT, JSON_TYPE, deployed, question

LAPTOP, TABLET = "sk-pandora-laptop", "sk-pandora-tablet"
ACCOUNTS = [{"alias": "anna", "credential": {"file": "token"}}]
KEYS = [key("laptop", LAPTOP), key("tablet", TABLET, style="text")]
COMPUTES = "Hello [[sim kind=code]]"


def written(folder: Path, keys: list[dict[str, object]]) -> Path:
    """The file with these keys, and the token of its account."""
    (folder / "token").write_text("fk-canary-of-an-account")
    path = folder / "accounts.json"
    path.write_bytes(content(accounts=ACCOUNTS, keys=keys))
    return path


async def test_answer_of_a_key_that_is_revoked_meanwhile_ends_well_and_the_next_request_is_refused(
    tmp_path: Path,
) -> None:
    path = written(tmp_path, KEYS)
    async with deployed({"ACCOUNTS_FILE": str(path)}) as service, service.connect() as client:
        body = json.dumps(question("Tell me about rain [[sim tokens=60 pace=50]]", stream=True)).encode()
        await client.send("POST", CHAT, {"Authorization": f"Bearer {LAPTOP}"} | JSON_TYPE, body)
        await client.read_until_content()
        written(tmp_path, KEYS[1:])
        await service.server.service.roster.read_again()
        refused = await service.chat(key=LAPTOP)
        rest = await client.read_rest()
        assert service.last_stream.outcome == "complete"
        assert len(service.posted) == 1
    assert (refused.status, refused.error["code"]) == (401, "invalid_api_key")
    assert rest.endswith(b"data: [DONE]\n\n")


@pytest.mark.parametrize("route", ["chat", "responses", "messages"])
async def test_answers_look_as_the_key_says(tmp_path: Path, route: str) -> None:
    path = written(tmp_path, KEYS)
    messages = [{"role": "user", "content": COMPUTES}]
    where, body = {
        "chat": (CHAT, question(COMPUTES)),
        "responses": ("/v1/responses", {"model": "gpt-4-s", "input": COMPUTES}),
        "messages": ("/v1/messages", {"model": "gpt-4-s", "max_tokens": 9, "messages": messages}),
    }[route]
    async with deployed({"ACCOUNTS_FILE": str(path)}) as service:
        shown = await service.post(body, path=where, key=LAPTOP)
        bare = await service.post(body, path=where, key=TABLET)
    assert (shown.status, bare.status) == (200, 200)
    assert b"```" in shown.body
    assert b"```" not in bare.body
