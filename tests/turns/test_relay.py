"""Events on their way from a conversation to the client."""

import pytest

from tests.turns.rig import ALICE, CUT, DONE, GPT_4, Books, KeptOutput, chat_stream, picture, record
from translate import Conversation, Options
from translate.values import Asset, Picture
from turns.relay import AnswerRelay
from upstream import Exchange

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
