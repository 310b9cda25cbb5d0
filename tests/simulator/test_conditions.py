"""Many accounts: what each has is its own, and what is the matter with one is no matter of the others."""

from collections import Counter
from typing import Any

import pytest

from simulator import Knobs, Simulator
from simulator.accounts import MAX_COUNTED
from simulator.conditions import Condition
from simulator.knob_values import InvalidKnob
from tests.simulator.client import API, IN_2026, Clock, ask, ask_2026, call, connect, payload, running, until
from tests.simulator.test_accounts import token

MINE, OTHER = "fk-mine", "fk-other"


async def set_conditions(simulator: Simulator, **conditions: dict[str, Any]) -> Any:
    """Over HTTP; names have `_` for `-`."""
    named = {name.replace("_", "-"): condition for name, condition in conditions.items()}
    return (await call(simulator, "POST", "/__sim/accounts", named, key=None)).json


@pytest.mark.parametrize("age", ["2023-12", "2026"])
async def test_conversation_of_another_account_is_not_found_however_it_is_asked_for(age: str) -> None:
    async with running(Knobs(age=age, cap=0)) as simulator:
        await ask(simulator, "Hello", key=MINE)
        [conversation] = simulator.state.conversations
        place = f"{API}/conversation/{conversation.id}"
        fields = {"conversation_id": conversation.id, "parent_message_id": conversation.current_node}
        asked = [
            await ask(simulator, "And then?", key=OTHER, **fields),
            await call(simulator, "GET", place, key=OTHER),
            await call(simulator, "PATCH", place, {"is_visible": False}, key=OTHER),
            await call(simulator, "GET", f"{place}/interpreter/download?message_id=x", key=OTHER),
        ]
        own = await ask(simulator, "And then?", key=MINE, **fields)
    assert [answer.status for answer in asked] == [404] * 4
    assert own.status == 200


async def test_file_of_another_account_is_not_found_and_cannot_be_attached() -> None:
    about = {"file_name": "tea.txt", "file_size": 3, "use_case": "my_files"}
    async with running() as simulator:
        file_id = (await call(simulator, "POST", f"{API}/files", about, key=MINE)).json["file_id"]
        looked = await call(simulator, "GET", f"{API}/files/{file_id}", key=OTHER)
        content = payload("Read it")
        content["messages"][0]["metadata"] = {"attachments": [{"id": file_id, "name": "tea.txt"}]}
        attached = await call(simulator, "POST", f"{API}/conversation", content, key=OTHER)
    assert (looked.status, attached.status) == (404, 404)


async def test_token_that_has_expired_is_refused_and_a_renewed_one_finds_the_same_conversations() -> None:
    clock = Clock()
    old = token(expires=clock.now + 100, user="user-1")
    async with running(clock=clock) as simulator:
        assert (await ask(simulator, "Hello", key=old)).status == 200
        clock.now += 100
        late = await ask(simulator, "Hello", key=old)
        renewed = token(expires=clock.now + 100, user="user-1")
        listed = await call(simulator, "GET", f"{API}/conversations", key=renewed)
        counts = simulator.accounts.counts("user-1")
    assert (late.status, late.json["detail"]["code"]) == (401, "token_expired")
    assert listed.json["total"] == 1
    assert (counts.attempts, counts.accepted, counts.denied) == (1, 1, 1)


async def test_one_token_of_a_user_may_be_refused_while_another_one_is_not() -> None:
    first, second = token(user="user-1", signature="one"), token(user="user-1", signature="two")
    async with running() as simulator:
        simulator.accounts.set_condition(first, Condition.of({"refused": "token_revoked"}))
        assert (await ask(simulator, "Hello", key=first)).json["detail"]["code"] == "token_revoked"
        assert (await ask(simulator, "Hello", key=second)).status == 200


@pytest.mark.parametrize(
    ("refused", "status"), [("token_expired", 401), ("cloudflare", 403), ("status_503", 503)]
)
async def test_refused_account_is_refused_whatever_it_asks_until_it_is_healthy_again(
    refused: str, status: int
) -> None:
    async with running() as simulator:
        await set_conditions(simulator, fk_mine={"refused": refused})
        answers = [
            await ask(simulator, "Hello", key=MINE),
            await call(simulator, "GET", f"{API}/models", key=MINE),
            await ask(simulator, "Hello", key=OTHER),
        ]
        shown = await set_conditions(simulator, fk_mine={})
        answers.append(await ask(simulator, "Hello", key=MINE))
    assert [answer.status for answer in answers] == [status, status, 200, 200]
    assert shown[MINE]["counts"]["denied"] == 2
    assert shown[MINE]["counts"]["attempts"] == 0


async def test_capped_account_gives_the_true_waiting_time_and_answers_cheap_messages() -> None:
    clock = Clock()
    async with running(clock=clock) as simulator:
        await set_conditions(simulator, fk_mine={"capped_until": clock.now + 90})
        over = await ask(simulator, "Hello", model="gpt-4", key=MINE)
        cheap = await ask(simulator, "Hello", key=MINE)
        other = await ask(simulator, "Hello", model="gpt-4", key=OTHER)
        clock.now += over.json["detail"]["clears_in"]
        again = await ask(simulator, "Hello", model="gpt-4", key=MINE)
        counts = simulator.accounts.counts(MINE)
    assert (over.status, over.json["detail"]["clears_in"]) == (429, 90)
    assert (cheap.status, other.status, again.status) == (200, 200, 200)
    assert (counts.refused, counts.refused_as_capped) == (1, 1)


async def test_cap_of_an_account_counts_no_message_that_was_refused() -> None:
    async with running() as simulator:
        await set_conditions(simulator, fk_mine={"cap": 1})
        failed = await ask(simulator, "Hello [[sim fault=status_503]]", model="gpt-4", key=MINE)
        first = await ask(simulator, "Hello", model="gpt-4", key=MINE)
        second = await ask(simulator, "Hello", model="gpt-4", key=MINE)
    assert (failed.status, first.status, second.status) == (503, 200, 429)


async def test_busy_account_refuses_each_message() -> None:
    async with running() as simulator:
        await set_conditions(simulator, fk_mine={"busy": True})
        assert (await ask(simulator, "Hello", key=MINE)).json["detail"].startswith("Only one message")
        assert (await ask(simulator, "Hello", key=OTHER)).status == 200
        assert simulator.accounts.counts(MINE).refused_as_busy == 1


async def test_account_answers_as_many_messages_at_once_as_it_may_and_the_most_is_counted() -> None:
    async with running() as simulator:
        await set_conditions(simulator, fk_mine={"at_once": 2})
        held = payload("Hello [[sim silence=60]]")
        open_ones = [
            await connect(simulator, "POST", f"{API}/conversation", held, key=MINE) for _ in range(2)
        ]
        await until(lambda: simulator.state.accepted == 2)
        third = await ask(simulator, "Hello", key=MINE)
        for one in open_ones:
            await one.close()
        await until(lambda: not simulator.state.open_streams)
        counts = simulator.accounts.counts(MINE)
        await until(lambda: counts.running == 0)
    assert third.status == 429
    assert (counts.most_at_once, counts.refused_as_busy) == (2, 1)


@pytest.mark.parametrize(("fails_by", "accepted"), [("status_503", 0), ("reset_mid", 20)])
async def test_share_of_messages_fails_as_was_said(fails_by: str, accepted: int) -> None:
    async with running() as simulator:
        await set_conditions(simulator, fk_mine={"fails": 1, "fails_by": fails_by})
        answers = [await ask(simulator, "Hello", key=MINE) for _ in range(20)]
        healthy = await ask(simulator, "Hello", key=OTHER)
        counts = simulator.accounts.counts(MINE)
    assert not any(answer.done for answer in answers)
    assert healthy.done
    assert (counts.attempts, counts.accepted, counts.units) == (20, accepted, 4 * accepted)


async def test_some_messages_fail_and_others_do_not() -> None:
    async with running() as simulator:
        await set_conditions(simulator, fk_mine={"fails": 0.5})
        statuses = Counter([(await ask(simulator, "Hello", key=MINE)).status for _ in range(60)])
    assert set(statuses) == {200, 503}
    assert min(statuses.values()) > 10


async def test_blocked_features_are_told_and_refused() -> None:
    about = {"file_name": "tea.txt", "file_size": 3, "use_case": "my_files"}
    async with running(IN_2026) as simulator:
        await set_conditions(simulator, fk_mine={"blocked": "image_gen,file_upload"})
        details = {
            key: (await call(simulator, "POST", f"{API}/conversation/init", {}, key=key)).json
            for key in (MINE, OTHER)
        }
        upload = await call(simulator, "POST", f"{API}/files", about, key=MINE)
        drawn = await ask_2026(simulator, "Draw a cat", key=MINE)
    assert {each["name"] for each in details[MINE]["blocked_features"]} == {"image_gen", "file_upload"}
    assert details[OTHER]["blocked_features"] == []
    assert upload.json["error_code"] == "file_upload_limit"
    assert list(simulator.state.files) == []
    assert drawn.done


async def test_smaller_model_answers_for_one_account_alone() -> None:
    async with running(IN_2026) as simulator:
        await set_conditions(simulator, fk_mine={"answers_as": "gpt-5-mini"})
        details = [
            (await call(simulator, "POST", f"{API}/conversation/init", {}, key=key)).json
            for key in (MINE, OTHER)
        ]
        answers = [await ask_2026(simulator, "Hello", key=key) for key in (MINE, OTHER)]
    assert [bool(each["model_limits"]) for each in details] == [True, False]
    assert [b"gpt-5-mini" in answer.body for answer in answers] == [True, False]


async def test_state_has_the_counts_of_each_account() -> None:
    async with running() as simulator:
        await ask(simulator, "Hello", model="gpt-4", key=MINE)
        await ask(simulator, "Hello", key=OTHER)
        accounts = (await call(simulator, "GET", "/__sim/state", key=None)).json["accounts"]
        alone = (await call(simulator, "GET", "/__sim/accounts", key=None)).json
    assert {name: each["counts"]["units"] for name, each in accounts.items()} == {MINE: 14, OTHER: 4}
    assert alone == accounts


async def test_invalid_condition_is_refused_and_nothing_is_set() -> None:
    wrong = {OTHER: {"busy": 1}, MINE: {"fails": 2}}
    async with running() as simulator:
        answer = await call(simulator, "POST", "/__sim/accounts", wrong, key=None)
        assert (await ask(simulator, "Hello", key=OTHER)).status == 200
    assert answer.status == 400
    assert "fails" in answer.json["error"]


@pytest.mark.parametrize("settings", [{"blocked": "tea"}, {"fails": 1.1}, {"refused": "tea"}, {"tea": 1}])
def test_condition_says_what_it_cannot_be(settings: dict[str, object]) -> None:
    with pytest.raises(InvalidKnob, match=next(iter(settings))):
        Condition.of(settings)


def test_only_so_many_accounts_are_counted_and_those_that_answer_are_kept() -> None:
    accounts = Simulator().accounts
    accounts.start_message(MINE, "gpt-4", Knobs())
    for number in range(MAX_COUNTED + 10):
        accounts.counts(f"fk-{number}").attempts += 1
    assert accounts.counts(MINE).running == 1
    assert accounts.counts("fk-0").attempts == 0
