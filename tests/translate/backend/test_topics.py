"""The user's WebSocket of today: what its messages say, in any order and however often."""

import json

import pytest

from tests.translate.wire import Json
from translate.backend import (
    DONE,
    TopicEnd,
    TopicMessage,
    TurnTopic,
    news_of,
    read_topics,
    read_user_socket,
    socket_greeting,
    topic_cancellation,
    topic_subscription,
)


def item(text: str, id: str, parent: str | None = None) -> TopicMessage:
    inner: Json = {"type": "stream-item", "encoded_item": text, "stream_item_id": id}
    return TopicMessage("t1", id, {"payload": inner | {"parent_stream_item_id": parent}})


def told(**inner: object) -> TopicMessage:
    return TopicMessage("t1", "", {"payload": inner})


def news(**update: object) -> TopicMessage:
    return TopicMessage("conversations", "", {"payload": {"conversation_id": "c1", **update}})


def test_address_is_read() -> None:
    assert read_user_socket(b'{"websocket_url": "wss://x/y"}') == "wss://x/y"
    assert read_user_socket(b"[]") == read_user_socket(b'{"websocket_url": 3}') == ""


def test_commands_have_the_form_of_the_page() -> None:
    presence = {"type": "presence", "state": "foreground"}
    assert json.loads(socket_greeting()) == [{"id": 1, "command": {"type": "connect", "presence": presence}}]
    command = {"type": "subscribe", "topic_id": "t1", "offset": "0"}
    assert json.loads(topic_subscription(2, "t1")) == [{"id": 2, "command": command}]
    command = {"type": "unsubscribe", "topic_id": "t1"}
    assert json.loads(topic_cancellation(3, "t1")) == [{"id": 3, "command": command}]


def test_messages_and_what_was_missed_come_in_order() -> None:
    live = {"type": "message", "topic_id": "t1", "offset": "7-0", "payload": {"type": "x"}}
    missed = {
        "type": "message",
        "topic_id": "t1",
        "offset": "6-0",
        "payload": {"payload": {"stream_item_id": "s"}},
    }
    reply = {"type": "reply", "reply": {"type": "subscribe", "catchups": [missed]}}
    found = read_topics(json.dumps([reply, live, {"type": "other"}]))
    assert found is not None
    assert [(one.topic_id, one.key) for one in found] == [("t1", "s"), ("t1", "7-0")]
    assert [one.key for one in read_topics(json.dumps(live)) or ()] == ["7-0"]


@pytest.mark.parametrize("message", ["", "{", "[3]", b"\xff"])
def test_damaged_message_is_told_from_one_without_content(message: str | bytes) -> None:
    assert read_topics(message) is None
    assert read_topics("[]") == []


def test_items_come_once_with_the_end_of_their_record() -> None:
    topic = TurnTopic()
    assert topic.take(item("data: 1\n\n", "s1")) == (b"data: 1\n\n\n\n", TopicEnd.NOT_YET)
    assert topic.take(item("data: 1\n\n", "s1")) == (b"", TopicEnd.NOT_YET)
    assert topic.take(item("data: 2", "s2", "s1")) == (b"data: 2\n\n", TopicEnd.NOT_YET)
    assert topic.take(item("data: \ud800", "s3", "s2")) == ("data: \ufffd\n\n".encode(), TopicEnd.NOT_YET)


def test_item_behind_one_that_never_came_says_that_some_are_missing() -> None:
    topic = TurnTopic()
    assert topic.take(item("data: 1", "s1"))[1] is TopicEnd.NOT_YET
    assert topic.take(item("data: 3", "s3", "s2")) == (b"", TopicEnd.MISSING)


@pytest.mark.parametrize(
    "text", ['data: {"type": "message_stream_complete"}', "data: [DONE]", 'data:{"v": 1}\n\ndata: [DONE]\n\n']
)
def test_end_is_a_record_of_its_own(text: str) -> None:
    assert TurnTopic().take(item(text, "s1"))[1] is TopicEnd.ENDED


@pytest.mark.parametrize("said", ["message_stream_complete", "[DONE]", '{"type": "message_stream_complete"}'])
def test_words_about_the_end_are_none(said: str) -> None:
    text = "event: delta\ndata: " + json.dumps({"v": said})
    assert TurnTopic().take(item(text, "s1"))[1] is TopicEnd.NOT_YET


def test_what_is_no_item_ends_the_turn_or_says_nothing() -> None:
    assert TurnTopic().take(told(type="heartbeat")) == (b"", TopicEnd.NOT_YET)
    assert TurnTopic().take(told(type="done")) == (b"", TopicEnd.MISSING)
    topic = TurnTopic()
    topic.take(item("data: 1", "s1"))
    assert topic.take(told(type="done")) == (DONE, TopicEnd.ENDED)
    records, end = TurnTopic().take(told(type="error", message="Oops"))
    assert (json.loads(records[len(b"data: ") :]), end) == ({"error": "Oops"}, TopicEnd.ENDED)
    assert TurnTopic().take(told(type="error", message=""))[0] == b'data: {"error":"unknown"}\n\n'


def test_items_without_a_name_are_all_taken_and_known_names_are_bounded() -> None:
    topic = TurnTopic()
    for _ in range(2):
        assert topic.take(item("data: 1", "")) == (b"data: 1\n\n", TopicEnd.NOT_YET)
    for number in range(20_001):
        topic.take(item("data: 1", f"s{number}"))
    assert topic.take(item("data: 1", "s1"))[0] == b""
    assert topic.take(item("data: 1", "s0"))[0] != b""


@pytest.mark.parametrize(
    "update",
    [
        {"update_content": {"message": {"id": "m1"}}},
        {"update_content": {"messages": [{"id": "m1"}]}},
        {"update_content": {"updates": [{"type": "upsert-turn-message", "message": {"id": "m1"}}]}},
        {"updates": [{"message": {"id": "m1"}}, {}]},
    ],
)
def test_messages_in_news_become_records(update: Json) -> None:
    records, over = news_of(news(**update), "c1")
    assert json.loads(records[len(b"data: ") :]) == {"message": {"id": "m1"}, "conversation_id": "c1"}
    assert not over
    assert news_of(news(**update), "c2") == (b"", False)


def test_messages_of_earlier_turns_in_news_are_left_out() -> None:
    both = news(update_content={"messages": [{"id": "m1"}, {"id": "m2"}]})
    records, _ = news_of(both, "c1", {"m1"})
    assert json.loads(records[len(b"data: ") :])["message"] == {"id": "m2"}


@pytest.mark.parametrize(
    ("update", "over"),
    [
        ({"update_type": "async-task-completed"}, True),
        (
            {
                "update_type": "set-conversation-async-status",
                "update_content": {"conversation_async_status": 4},
            },
            True,
        ),
        ({"update_content": {"conversation_async_status": None}}, True),
        ({"update_content": {"conversation_async_status": 7}}, False),
        ({"update_content": {"conversation_async_status": "STREAMING"}}, False),
        ({"update_type": "title-update"}, False),
    ],
)
def test_news_say_whether_a_task_is_over(update: Json, over: bool) -> None:
    assert news_of(news(**update), "c1") == (b"", over)
