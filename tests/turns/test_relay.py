"""Events on their way from a conversation to the client."""

import asyncio
from pathlib import Path

import pytest

from recordings import RecordedTurn, Recorder
from tests.eventually import eventually
from tests.turns.books import Books
from tests.turns.kept_output import KeptOutput
from tests.turns.questions import ALICE, GPT_4, chat_stream
from tests.turns.records import CUT, DONE, picture, record
from translate import Conversation, Options
from translate.values import Asset, Picture, UpstreamTimeout
from turns.relay import BEHIND_BYTES, AnswerRelay
from upstream import Exchange, IdleTimeout

FAILURE = b'data: {"message": null, "error": "Something went wrong"}\n\n'


class Rig:
    """A relay of one conversation; pictures are at `address`, if there is one."""

    def __init__(self, address: str = "http://here/cat.png", stop: tuple[str, ...] = ()) -> None:
        self.conversation = Conversation(options=Options(stop=stop))
        self.client = KeptOutput()
        self.asked: list[Asset] = []
        self.address = address
        self.relay = AnswerRelay(self.conversation, chat_stream(), self.client, self.fetch)

    async def fetch(self, asset: Asset) -> Picture | None:
        self.asked.append(asset)
        self.delivered_before = len(self.client.out)
        return Picture(self.address) if self.address else None

    async def feed(self, data: bytes) -> None:
        if (receiving := self.relay.receive(data)) is not None:
            await receiving


async def test_each_piece_is_delivered_at_once_and_once() -> None:
    rig = Rig()
    await rig.feed(record("one", done=False))
    await rig.feed(record("one two", done=False))
    assert rig.client.text == "one two"
    assert len(rig.client.out) == 2


async def test_nothing_waits_where_the_client_does_not() -> None:
    class ReadyClient(KeptOutput):
        def deliver(self, out: bytes, *, begun: bool) -> None:  # type: ignore[override]
            self.out.append(out)
            self.begun.append(begun)

    rig = Rig()
    client = ReadyClient()
    relay = AnswerRelay(rig.conversation, chat_stream(), client, rig.fetch)
    assert relay.receive(record("one", done=False)) is None
    assert relay.receive(record("one two", done=False)) is None
    assert client.text == "one two"
    waiting = relay.receive(picture())
    assert waiting is not None
    await waiting
    assert [asset.alt for asset in rig.asked] == ["a cat"]


async def test_pieces_of_one_read_are_one_delivery() -> None:
    rig = Rig()
    await rig.feed(record("one", done=False) + record("one two", done=False))
    assert (rig.client.text, len(rig.client.out)) == ("one two", 1)


@pytest.mark.parametrize(("size", "deltas"), [(BEHIND_BYTES, 2), (BEHIND_BYTES - 1, 4)])
async def test_so_much_at_once_that_the_service_is_behind_is_one_delta(size: int, deltas: int) -> None:
    rig = Rig()
    await rig.feed(record("one", done=False))
    data = b"".join(record("one two three four"[:end], done=False) for end in (7, 13, 18))
    await rig.feed(data + b":" * (size - len(data)))
    assert rig.client.text == "one two three four"
    assert b"".join(rig.client.out).count(b'"content":"') == deltas


@pytest.mark.parametrize(
    ("data", "well", "begun"),
    [
        (b": comment\n\n", True, False),
        (record("", done=False), True, True),
        (record("Hi", done=False), True, True),
        (record("Hi", done=False), False, False),
        (record("Hi", done=False) + FAILURE, True, False),
        (FAILURE, True, False),
    ],
    ids=["nothing", "a message", "words", "after a failure", "words and a failure", "a failure"],
)
async def test_answer_begins_well_with_the_first_message(data: bytes, well: bool, begun: bool) -> None:
    rig = Rig()
    rig.relay.well = well
    await rig.feed(data)
    assert rig.client.begun == [begun]


async def test_charge_learns_when_the_answer_begins() -> None:
    rig, books = Rig(), Books()
    charge = await books.post(ALICE, GPT_4)
    rig.relay.begin(Exchange(), charge)
    await rig.feed(b": comment\n\n")
    assert not charge.answering
    await rig.feed(record("", done=False))
    assert charge.answering


async def test_picture_is_fetched_after_what_comes_before_it_was_delivered() -> None:
    rig = Rig()
    await rig.feed(record("Look:", id="a0", finish="") + picture() + record("There.", done=False))
    assert [asset.alt for asset in rig.asked] == ["a cat"]
    assert (rig.delivered_before, len(rig.client.out)) == (1, 2)
    assert rig.client.text == "Look:\n\n![a cat](http://here/cat.png)\n\nThere."
    assert rig.relay.pictures == 1


async def test_nothing_is_delivered_before_a_picture_that_comes_first() -> None:
    rig = Rig()
    await rig.feed(picture())
    assert rig.delivered_before == 0


async def test_picture_that_cannot_be_had_is_not_counted() -> None:
    rig = Rig(address="")
    await rig.feed(picture())
    assert rig.relay.pictures == 0


async def test_ends_are_noted() -> None:
    rig = Rig()
    await rig.feed(CUT)
    assert rig.relay.ended.cut
    rig.conversation.conclude()
    await rig.relay.pass_on()
    assert (rig.relay.reason, rig.relay.failure) == ("length", None)


async def test_failure_of_the_stream_is_noted() -> None:
    rig = Rig()
    await rig.feed(FAILURE)
    assert rig.relay.failure is not None


async def test_stop_sequence_is_an_end() -> None:
    rig = Rig(stop=(" two",))
    await rig.feed(record("one two three", done=False) + DONE)
    assert rig.client.text == "one"
    assert rig.conversation.exchange_over
    assert rig.relay.failure is None


async def test_backend_that_leaves_each_exchange_open_is_hung_up_on_each_time() -> None:
    rig = Rig()
    for _ in range(2):
        exchange, aborted = Exchange(), asyncio.Event()
        exchange.begin().begin_part(aborted.set)
        rig.relay.begin(exchange, await Books().post(ALICE, GPT_4))
        await rig.feed(CUT)
        await asyncio.wait_for(aborted.wait(), 5)  # so that its stream has no end
        assert exchange.aborted
        rig.conversation.start_next_exchange([], seamless=True)


HANDOFF = b'data: {"type": "stream_handoff", "conversation_id": "c1", "turn_exchange_id": "te1"}\n\n'


async def handed_off() -> tuple[Rig, list[str]]:
    """A relay whose answer goes on elsewhere, and how its exchange was stopped."""
    rig, stops = Rig(), list[str]()
    exchange = Exchange()
    exchange.begin().begin_part(lambda: stops.append("aborted" if exchange.aborted else "left"))
    rig.relay.begin(exchange, await Books().post(ALICE, GPT_4))
    await rig.feed(record("Half", done=False) + HANDOFF)
    return rig, stops


async def test_stream_that_was_handed_off_is_left_and_goes_on_where_it_is() -> None:
    rig, stops = await handed_off()
    await eventually(lambda: bool(stops))
    await rig.relay.end()
    assert stops == ["left"]
    assert rig.relay.elsewhere is not None
    assert rig.relay.at_work
    rig.relay.go_on(fresh=True)
    assert not rig.relay.done
    await rig.feed(record("Half and half") + DONE)
    assert (rig.client.text, rig.relay.done, rig.relay.at_work) == ("Half and half", True, False)
    await eventually(lambda: stops == ["left", "aborted"])


def kept_in(folder: Path) -> RecordedTurn:
    (path,) = folder.glob("*")
    return RecordedTurn.from_file(path.read_bytes())


async def test_recording_is_told_where_another_stream_begins(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path, "all")
    recording, conversation = recorder.begin(), Conversation()
    assert recording is not None
    recording.begin(())
    relay = AnswerRelay(conversation, chat_stream(), KeptOutput(), Rig().fetch, recording)
    for piece in (record("Half", done=False), HANDOFF):
        if (receiving := relay.receive(piece)) is not None:
            await receiving
    await relay.end()
    relay.go_on(fresh=True)
    if (receiving := relay.receive(record("Half and half") + DONE)) is not None:
        await receiving
    recording.end({}, None)
    await recorder.close()
    (exchange,) = kept_in(tmp_path).exchanges
    assert [(stream.goes_on, len(stream.pieces)) for stream in exchange] == [("", 2), ("fresh", 1)]


async def test_stream_that_ends_in_time_is_not_left_any_more() -> None:
    rig, stops = await handed_off()
    await rig.relay.end()
    await asyncio.sleep(0.3)
    assert stops == []


async def test_answer_that_is_not_followed_to_its_end_fails_or_ends_with_what_came() -> None:
    rig, _ = await handed_off()
    await rig.relay.end()
    await rig.relay.give_up(IdleTimeout(1))
    assert isinstance(rig.relay.failure, UpstreamTimeout)
    rig, _ = await handed_off()
    await rig.relay.end()
    await rig.relay.leave()
    assert rig.relay.failure is None
    assert rig.conversation.exchange_over


HANDED_OFF = b'data: {"type": "stream_handoff", "conversation_id": "c1", "options": []}\n\n'
TOKEN = b'data: {"type": "resume_conversation_token", "token": "of-the-stream", "conversation_id": "c1"}\n\n'


@pytest.mark.parametrize("stream", [HANDED_OFF + DONE, record("Half", done=False)], ids=["handoff", "broken"])
@pytest.mark.parametrize(("first", "token"), [(b"", "beside"), (TOKEN, "of-the-stream")])
async def test_rest_is_asked_for_with_the_token_beside_the_stream_if_that_holds_none(
    stream: bytes, first: bytes, token: str
) -> None:
    rig, exchange = Rig(), Exchange()
    exchange.begin().conduit = "beside"
    rig.relay.begin(exchange, await Books().post(ALICE, GPT_4))
    await rig.feed(first + stream)
    await rig.relay.end()
    assert rig.relay.elsewhere is not None
    assert rig.relay.elsewhere.token == token
