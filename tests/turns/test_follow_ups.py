"""What follows an exchange: a continuation, a confirmation, a note, or nothing."""

from itertools import count
from typing import Any

import pytest

from tests.turns.questions import GPT_4
from translate.backend import TurnFacts, Wishes
from translate.values import Confirmation, ExchangeEnded
from turns.follow_ups import MAX_CONFIRMATIONS, FollowUp, FollowUps, GptActions

FACTS = TurnFacts(conversation_id="c1", last_message_id="a1")
CUT = ExchangeEnded(cut=True)
WRONG = ExchangeEnded(question="Write the call again.")
ASKED = Confirmation("plugin.getItem", "ask-1", "api.example.com", "getItem", "call-1", "hash-1")
WHERE = "api.example.com (getItem)"
NOT_ALLOWED = f"[The GPT wants to call {WHERE} and was not allowed to: see GPT_ACTIONS.]"


def follow_ups(actions: GptActions = "ask", continue_limit: int = 2, *, temporary: bool = False) -> FollowUps:
    ids = count(1)
    return FollowUps(
        continue_limit=continue_limit,
        actions=actions,
        wishes=Wishes(temporary=temporary),
        new_id=lambda: f"new-{next(ids)}",
    )


def after(decider: FollowUps, ended: ExchangeEnded, affordable: bool = True) -> FollowUp | str | None:
    return decider.after(ended, GPT_4, FACTS, lambda: affordable)


def posted(follow_up: FollowUp | str | None) -> dict[str, Any]:
    assert isinstance(follow_up, FollowUp)
    return follow_up.posted.make_body(False)


def asked(confirmation: Confirmation = ASKED) -> ExchangeEnded:
    return ExchangeEnded(confirmation)


def test_good_end_has_no_follow_up_and_asks_for_no_price() -> None:
    def affordable() -> bool:
        raise AssertionError("nobody wants anything")

    assert follow_ups("always").after(ExchangeEnded(), GPT_4, FACTS, affordable) is None


def test_cut_answer_is_continued_up_to_the_limit() -> None:
    decider = follow_ups(continue_limit=2)
    first = after(decider, CUT)
    body = posted(first)
    assert (body["action"], body["conversation_id"], body["parent_message_id"]) == ("continue", "c1", "a1")
    assert isinstance(first, FollowUp)
    assert first.seamless
    assert isinstance(after(decider, CUT), FollowUp)
    assert after(decider, CUT) is None


@pytest.mark.parametrize("ended", [CUT, asked(), WRONG], ids=["cut", "asked", "wrong"])
def test_what_cannot_be_afforded_is_not_done(ended: ExchangeEnded) -> None:
    assert after(follow_ups("always"), ended, affordable=False) is None


def test_wrong_answer_is_asked_for_once_more_behind_it_and_without_hints() -> None:
    decider = FollowUps(continue_limit=2, actions="ask", wishes=Wishes(hints=("search",), temporary=True))
    follow_up = after(decider, WRONG)
    body = posted(follow_up)
    (message,) = body["messages"]
    assert (body["action"], body["conversation_id"], body["parent_message_id"]) == ("next", "c1", "a1")
    assert message["content"]["parts"] == ["Write the call again."]
    assert "search" not in str(body)
    assert body["history_and_training_disabled"]
    assert isinstance(follow_up, FollowUp)
    assert not follow_up.seamless
    assert after(decider, WRONG) is None
    assert isinstance(after(decider, CUT), FollowUp)


@pytest.mark.parametrize("facts", [TurnFacts(conversation_id="c1"), TurnFacts(last_message_id="a1")])
def test_wrong_answer_in_an_unknown_place_is_not_asked_for_again(facts: TurnFacts) -> None:
    assert follow_ups().after(WRONG, GPT_4, facts, lambda: True) is None


def test_gpt_that_asks_is_not_allowed_by_default() -> None:
    assert after(follow_ups("ask"), asked()) == NOT_ALLOWED


@pytest.mark.parametrize(
    ("actions", "data"),
    [("allow", {"type": "allow"}), ("always", {"type": "always_allow", "operation_hash": "hash-1"})],
)
def test_gpt_is_allowed_as_the_settings_say(actions: GptActions, data: dict[str, str]) -> None:
    follow_up = after(follow_ups(actions), asked())
    (message,) = posted(follow_up)["messages"]
    told = message["metadata"]["jit_plugin_data"]["from_client"]["user_action"]
    assert told == {"data": data, "target_message_id": "call-1"}
    assert (message["id"], message["author"]["name"]) == ("new-1", "plugin.getItem")
    assert isinstance(follow_up, FollowUp)
    assert not follow_up.seamless
    assert follow_up.posted.parent_message_id == "ask-1"


def test_call_without_a_hash_is_allowed_this_once() -> None:
    once = Confirmation("plugin.getItem", "ask-1", "api.example.com", "getItem", "call-1")
    (message,) = posted(after(follow_ups("always"), asked(once)))["messages"]
    told = message["metadata"]["jit_plugin_data"]["from_client"]["user_action"]
    assert told["data"] == {"type": "allow"}


def test_call_that_cannot_be_named_is_not_allowed() -> None:
    nameless = Confirmation("plugin.getItem", "ask-1", "api.example.com", "getItem")
    assert after(follow_ups("always"), asked(nameless)) == NOT_ALLOWED


@pytest.mark.parametrize("actions", ["ask", "always"])
def test_login_is_told_whatever_the_settings_say(actions: GptActions) -> None:
    login = Confirmation("plugin.getItem", "ask-1", "api.example.com", "getItem", login=True)
    note = after(follow_ups(actions), asked(login))
    assert note == f"[The GPT wants you to log in at {WHERE}, which cannot be done through this service.]"


def test_gpt_that_asks_on_and_on_is_stopped() -> None:
    decider = follow_ups("allow")
    for _ in range(MAX_CONFIRMATIONS):
        assert isinstance(after(decider, asked()), FollowUp)
    assert after(decider, asked()) == NOT_ALLOWED


def test_confirmations_and_continuations_are_counted_apart() -> None:
    decider = follow_ups("allow", continue_limit=1)
    assert isinstance(after(decider, CUT), FollowUp)
    assert isinstance(after(decider, asked()), FollowUp)
    assert after(decider, CUT) is None


def test_names_in_a_note_are_short() -> None:
    long = Confirmation("plugin.getItem", "ask-1", "d" * 300, "o" * 300)
    note = after(follow_ups(), asked(long))
    assert isinstance(note, str)
    assert f"{'d' * 100} ({'o' * 100})" in note


@pytest.mark.parametrize("temporary", [False, True])
@pytest.mark.parametrize("ended", [CUT, asked()], ids=["cut", "asked"])
def test_temporary_conversation_stays_one(ended: ExchangeEnded, temporary: bool) -> None:
    body = posted(after(follow_ups("allow", temporary=temporary), ended))
    assert body["history_and_training_disabled"] is temporary
