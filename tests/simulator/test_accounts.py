"""Keys, prefix, caps, one message at a time, quota."""

import base64
import json

import pytest

from simulator import Knobs, Simulator
from tests.simulator.client import API, Clock, ask, call, connect, payload, running, until


def token(*, expires: float = 4e9, user: str = "", signature: str = "c2lnbmF0dXJl-_x") -> str:
    """A JWT."""
    claims = json.dumps({"exp": expires} | ({"sub": user} if user else {})).encode()
    return f"eyJhbGciOiJSUzI1NiJ9.{base64.urlsafe_b64encode(claims).decode().rstrip('=')}.{signature}"


JWT = token()


@pytest.mark.parametrize("key", ["fk-abc_DEF-123", "pk-pool", JWT])
async def test_share_token_pool_token_and_jwt_are_accepted(key: str) -> None:
    async with running() as simulator:
        assert (await ask(simulator, "Hello", key=key)).status == 200


@pytest.mark.parametrize(
    ("key", "status", "code"),
    [
        ("fk-dead-1", 401, "token_expired"),
        ("fk-deactivated", 401, "account_deactivated"),
        ("fk-workspace", 403, "deactivated_workspace"),
        ("sk-abcdef", 401, "invalid_api_key"),
        ("nonsense", 401, "invalid_jwt"),
        ("a.b", 401, "invalid_jwt"),
        ("a.b.ü", 401, "invalid_jwt"),
    ],
)
async def test_bad_keys_are_refused_with_a_code(key: str, status: int, code: str) -> None:
    async with running() as simulator:
        answer = await ask(simulator, "Hello", key=key)
        listed = await call(simulator, "GET", f"{API}/conversations", key=key)
        assert simulator.state.quota_units == 0
    assert (answer.status, answer.json["detail"]["code"]) == (status, code)
    assert listed.status == status


async def test_missing_bearer_gets_401() -> None:
    async with running() as simulator:
        answer = await call(simulator, "POST", f"{API}/conversation", payload("Hello"), key=None)
    assert (answer.status, answer.json) == (401, {"detail": "Unauthorized"})


async def test_dead_keys_are_configurable() -> None:
    async with running(dead_keys={"fk-old": "expired_session_key"}) as simulator:
        dead = await ask(simulator, "Hello", key="fk-old-7")
        alive = await ask(simulator, "Hello", key="fk-dead")
    assert dead.json["detail"]["code"] == "expired_session_key"
    assert alive.status == 200


@pytest.mark.parametrize(
    "path", ["/backend-api/conversation", "/wrong/backend-api/conversation", "/", "/v1/models"]
)
async def test_wrong_prefix_or_path_gets_404_not_found(path: str) -> None:
    async with running() as simulator:
        answer = await call(simulator, "POST", path, payload("Hello"))
    assert (answer.status, answer.json) == (404, {"detail": "Not Found"})


async def test_prefix_is_taken_literally() -> None:
    simulator = Simulator("a.c(1")
    await simulator.start()
    right = await call(simulator, "GET", "/a.c(1/backend-api/models")
    wrong = await call(simulator, "GET", "/abc(1/backend-api/models")
    await simulator.stop()
    assert (right.status, wrong.status) == (200, 404)


async def test_second_message_on_one_key_gets_429_until_the_first_is_over() -> None:
    async with running() as simulator:
        running_one = await connect(
            simulator, "POST", f"{API}/conversation", payload("Hello [[sim silence=60]]")
        )
        await until(lambda: simulator.state.accepted == 1)
        second = await ask(simulator, "Hello")
        other_key = await ask(simulator, "Hello", key="fk-other")
        await running_one.close()
        await until(lambda: not simulator.state.open_streams)
        third = await ask(simulator, "Hello")
    assert second.status == 429
    assert second.json["detail"].startswith("Only one message at a time.")
    assert (other_key.status, third.status) == (200, 200)


async def test_busy_knob_lets_messages_of_one_key_run_together() -> None:
    async with running(Knobs(busy=False)) as simulator:
        running_one = await connect(
            simulator, "POST", f"{API}/conversation", payload("Hello [[sim silence=60]]")
        )
        await until(lambda: simulator.state.accepted == 1)
        assert (await ask(simulator, "Hello")).status == 200
        await running_one.close()


async def test_a_refused_message_does_not_keep_the_key_busy() -> None:
    async with running() as simulator:
        assert (await ask(simulator, "Hello [[sim fault=status_500]]")).status == 500
        assert (await ask(simulator, "Hello")).status == 200


async def test_gpt4_messages_over_the_cap_get_429_with_the_true_waiting_time() -> None:
    clock = Clock()
    async with running(Knobs(cap=2, cap_window=100), clock=clock) as simulator:
        first = await ask(simulator, "Hello", model="gpt-4")
        clock.now += 30
        await ask(simulator, "Hello", model="gpt-4")
        clock.now += 10.5
        over = await ask(simulator, "Hello", model="gpt-4")
        clock.now += over.json["detail"]["clears_in"]
        again = await ask(simulator, "Hello", model="gpt-4")
        once_more = await ask(simulator, "Hello", model="gpt-4")
    assert first.status == 200
    assert over.status == 429
    assert over.json["detail"]["code"] == "model_cap_exceeded"
    assert over.json["detail"]["clears_in"] == 60  # 59.5 in whole seconds
    assert again.status == 200
    assert once_more.json["detail"]["clears_in"] == 30


async def test_mobile_and_gpt35_messages_and_other_keys_stay_outside_the_cap() -> None:
    async with running(Knobs(cap=1)) as simulator:
        assert (await ask(simulator, "Hello", model="gpt-4")).status == 200
        assert (await ask(simulator, "Hello", model="gpt-4-mobile")).status == 200
        assert (await ask(simulator, "Hello", model="text-davinci-002-render-sha")).status == 200
        assert (await ask(simulator, "Hello", model="gpt-4", key="fk-other")).status == 200
        assert (await ask(simulator, "Hello", model="gpt-4")).status == 429


async def test_no_cap_when_the_knob_is_zero() -> None:
    async with running(Knobs(cap=0)) as simulator:
        for _ in range(3):
            assert (await ask(simulator, "say exactly: a", model="gpt-4")).status == 200


@pytest.mark.parametrize(
    ("model", "units"),
    [
        ("gpt-4", 14),
        ("gpt-4-mobile", 14),
        ("text-davinci-002-render-sha", 4),
        ("gpt-5-6", 14),
        ("gpt-5-mini", 4),
    ],
)
async def test_quota_is_charged_per_attempt(model: str, units: int) -> None:
    async with running() as simulator:
        await ask(simulator, "Hello", model=model)
        await ask(simulator, "Hello [[sim fault=status_502]]", model=model)
        assert simulator.state.attempts == 2
        assert simulator.state.accepted == 1
        assert simulator.state.quota_units == 2 * units
