"""The bytes of the benchmark's conversation."""

import json

import pytest

from benchmarks.backend_stream import (
    NO_ID,
    ReplySpec,
    Style,
    chat_request,
    echo_records,
    reply_records,
    reply_text,
    reply_tokens,
)
from benchmarks.translation import Translation


def texts(events: list[bytes]) -> list[str]:
    return [json.loads(event.removeprefix(b"data: "))["message"]["content"]["parts"][0] for event in events]


@pytest.mark.parametrize("style", ["raw", "py"])
def test_each_snapshot_is_the_one_before_and_one_more_token(style: Style) -> None:
    *snapshots, finished, done = reply_records(60, style)
    assert texts(snapshots) == ["".join(reply_tokens(60)[:shown]) for shown in range(61)]
    assert texts([finished]) == [reply_text(60)]
    assert done == b"data: [DONE]\n\n"


def test_the_text_has_what_makes_escaping_hard() -> None:
    text = reply_text(1000)
    for hard in ('"', "\\", "\n", "\t", "中", "🚀", "`", "[", "**"):
        assert hard in text


def test_styles_differ_in_bytes_and_not_in_meaning() -> None:
    raw, py = reply_records(80, "raw"), reply_records(80, "py")
    assert texts(raw[:-1]) == texts(py[:-1])
    assert all(event.isascii() for event in py)
    assert not all(event.isascii() for event in raw)


def test_messages_are_echoed_under_the_ids_they_were_sent_with() -> None:
    sent = [{"id": "u1", "author": {"role": "user"}, "content": {"content_type": "text", "parts": ["Hi"]}}]
    system, echo = (
        json.loads(event.removeprefix(b"data: "))["message"] for event in echo_records(sent, "py")
    )
    assert system["author"]["role"] == "system"
    assert (echo["id"], echo["author"]["role"], echo["content"]["parts"]) == ("u1", "user", ["Hi"])


def test_what_the_relay_passes_on_is_echoed_too() -> None:
    messages = chat_request(ReplySpec(5), stream=True)["messages"]
    echo = json.loads(echo_records(messages, "py")[-1].removeprefix(b"data: "))["message"]
    assert (echo["id"], echo["content"]["parts"]) == (NO_ID, [ReplySpec(5).prompt()])


def test_an_ask_survives_the_way_through_a_request() -> None:
    spec = ReplySpec(120, rate=25, style="py", slot=7)
    assert ReplySpec.parse(json.dumps(chat_request(spec, stream=True)).encode()) == spec
    with pytest.raises(ValueError, match="no benchmark prompt"):
        ReplySpec.parse(b'{"messages": []}')


@pytest.mark.parametrize("style", ["raw", "py"])
def test_the_service_reads_every_token_of_it(style: Style) -> None:
    translation = Translation()
    for event in (*echo_records([], style), *reply_records(60, style)):
        translation.feed(event)
    assert translation.text() == reply_text(60)
