"""What a conversation promises its caller: when it waits and for what, and which events belong together."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.golden.files import NAMES, recorded
from tests.translate.deltas import as_deltas
from tests.translate.reading import QUESTION, Files, cut
from tests.translate.stories import SIZES
from tests.translate.tool_turns import citation, code, confirmation_request, drawn, output
from tests.translate.wire import (
    DONE,
    Json,
    echo,
    finished,
    growing,
    hidden_system,
    message,
    sse,
    turn_of,
)
from translate import Conversation, Options, State, WrongState
from translate.states import OVER, READING
from translate.text import unescaped
from translate.values import (
    NEED_DATA,
    PAUSED,
    Cited,
    Event,
    ExchangeEnded,
    Failed,
    Finished,
    ItemEnded,
    ItemKind,
    ItemStarted,
    Picture,
    PictureShown,
    PictureWanted,
    ReasoningDelta,
    SentMessage,
    TextDelta,
    UpstreamFailed,
    Usage,
    Waiting,
)

PICTURE = Picture("https://files.example/file-1.png")


def events_of(conversation: Conversation) -> list[Event]:
    """The events up to the next wait."""
    events: list[Event] = []
    while not isinstance(event := conversation.next_event(), Waiting):
        events.append(event)
    return events


def text_of(events: Iterable[Event]) -> str:
    pieces = [piece for event in events if isinstance(event, TextDelta) for piece in event.pieces]
    return "".join(map(unescaped, pieces))


def fed(*chunks: bytes, options: Options | None = None) -> Conversation:
    """A conversation with these bytes received, and its events taken."""
    conversation = Conversation(QUESTION, options)
    for chunk in chunks:
        conversation.receive_data(chunk)
        events_of(conversation)
    return conversation


def concluded() -> Conversation:
    conversation = fed(turn_of("Hi"))
    conversation.conclude()
    events_of(conversation)
    return conversation


def abandoned() -> Conversation:
    conversation = fed(sse(*growing("", "Hi"), done=False))
    conversation.abandon()
    events_of(conversation)
    return conversation


HANDOFF: Json = {"type": "stream_handoff", "conversation_id": "c1", "turn_exchange_id": "te1"}

IN_STATE: dict[State, Callable[[], Conversation]] = {
    State.WAITING: lambda: fed(sse(hidden_system(), echo("Hello", "u1"), done=False)),
    State.ANSWERING: lambda: fed(sse(*growing("", "Hi"), done=False)),
    State.FETCHING: lambda: fed(sse(drawn("file-1"), *growing("", "Here", id="a2"), done=False)),
    State.ELSEWHERE: lambda: fed(sse(*growing("", "Hi"), HANDOFF)),
    State.EXCHANGE_ENDED: lambda: fed(turn_of("Hi")),
    State.FINISHED: concluded,
    State.FAILED: lambda: fed(sse({"message": None, "error": "Oops"})),
    State.ABANDONED: abandoned,
}


@pytest.mark.parametrize("state", State)
def test_data_is_needed_where_bytes_are_read_and_elsewhere_the_caller_must_act(state: State) -> None:
    conversation = IN_STATE[state]()
    assert conversation.state is state
    assert conversation.next_event() is (NEED_DATA if state in READING else PAUSED)
    assert conversation.exchange_over == (state in OVER or state is State.EXCHANGE_ENDED)


@pytest.mark.parametrize("state", set(State) - READING)
def test_nothing_is_read_where_the_caller_must_act(state: State) -> None:
    conversation = IN_STATE[state]()
    before = (conversation.progress, conversation.answer.text)
    conversation.receive_data(sse(*growing("More", id="a9")))
    conversation.receive_eof()
    assert conversation.next_event() is PAUSED
    assert (conversation.state, conversation.progress, conversation.answer.text) == (state, *before)


@pytest.mark.parametrize(
    ("stream", "state"),
    [
        (b"", State.FAILED),
        (sse(hidden_system(), echo("Hello", "u1"), done=False), State.FAILED),
        (sse(*growing("", "Hi"), done=False), State.FAILED),
        (sse(*growing("", "Hi"), finished("Hi th"), done=False)[:-10], State.FAILED),
        (sse(*growing("", "Hi"), finished("Hi"), done=False), State.EXCHANGE_ENDED),
        (sse(*growing("", "Hi"), finished("Hi"), done=False) + b"data: {", State.EXCHANGE_ENDED),
        (sse(*growing("", "Hi"), done=False) + b"data: [DONE]", State.EXCHANGE_ENDED),
        (sse(*growing("", "Hi"), {"type": "message_stream_complete"}, done=False), State.EXCHANGE_ENDED),
        (sse(confirmation_request(), done=False), State.EXCHANGE_ENDED),
    ],
)
def test_stream_that_breaks_is_whole_where_a_proper_end_of_it_would_be(stream: bytes, state: State) -> None:
    lost = UpstreamFailed("The connection was lost.")
    for cause in (None, lost):
        conversation = fed(stream)
        conversation.receive_eof(cause)
        events = events_of(conversation)
        assert conversation.state is state
        if cause is not None and state is State.FAILED:
            assert events[-1] == Failed(lost)


def test_secrets_are_not_quoted_in_errors() -> None:
    for said in ({"message": None, "error": "no prefix-0001"}, {"detail": "no prefix-0001"}):
        conversation = Conversation(secrets=["prefix-0001"])
        conversation.receive_data(sse(said))
        (failed,) = events_of(conversation)
        assert isinstance(failed, Failed)
        assert failed.error.message.endswith("no ***")


ACTS: dict[str, tuple[Callable[[Conversation], None], State]] = {
    "supply": (lambda c: c.supply(PICTURE), State.FETCHING),
    "start_next_exchange": (lambda c: c.start_next_exchange((), seamless=False), State.EXCHANGE_ENDED),
    "continue_stream": (lambda c: c.continue_stream(fresh=True), State.ELSEWHERE),
    "give_up": (lambda c: c.give_up(), State.ELSEWHERE),
    "leave": (lambda c: c.leave(), State.ELSEWHERE),
    "conclude": (lambda c: c.conclude(["A note"]), State.EXCHANGE_ENDED),
}


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize(("act", "place"), ACTS.values(), ids=ACTS)
def test_act_in_another_state_than_its_own_raises_and_changes_nothing(
    act: Callable[[Conversation], None], place: State, state: State
) -> None:
    conversation = IN_STATE[state]()
    if state is place:
        act(conversation)
        assert conversation.state is not place
        return
    before = (conversation.answer.text, conversation.next_event())
    with pytest.raises(WrongState):
        act(conversation)
    assert conversation.state is state
    assert (conversation.answer.text, conversation.next_event()) == before


@pytest.mark.parametrize("state", State)
def test_turn_can_be_abandoned_anywhere_and_if_it_is_over_that_does_nothing(state: State) -> None:
    conversation = IN_STATE[state]()
    conversation.abandon()
    assert conversation.state is (state if state in OVER else State.ABANDONED)
    if state in OVER:
        assert events_of(conversation) == []
    assert not [e for e in events_of(conversation) if isinstance(e, Failed | Finished | ExchangeEnded)]


def test_reading_stops_at_a_picture_and_goes_on_when_it_is_supplied() -> None:
    conversation = Conversation(QUESTION)
    conversation.receive_data(sse(drawn("file-1", "file-2"), finished("Here they are.", "a2")))
    (started, wanted) = events_of(conversation)
    assert started == ItemStarted(ItemKind.PICTURE, "drawn-1")
    assert isinstance(wanted, PictureWanted)
    assert conversation.answer.text == ""
    conversation.supply(PICTURE)
    events = events_of(conversation)
    assert isinstance(events[-1], PictureWanted)
    assert events[-1].asset.file_id == "file-2"
    assert [event for event in events if isinstance(event, PictureShown)] == [
        PictureShown(wanted.asset, PICTURE)
    ]
    assert conversation.state is State.FETCHING
    conversation.supply(None)
    events = events_of(conversation)
    assert not [event for event in events if isinstance(event, PictureShown)]
    assert text_of(events).endswith("[an image could not be fetched]\n\nHere they are.")
    assert events[-1] == ExchangeEnded()


def test_picture_may_be_the_end_of_an_answer_by_a_stop_sequence() -> None:
    conversation = fed(sse(drawn("file-1")), options=Options(stop=["file-1"]))
    conversation.supply(PICTURE)
    events = events_of(conversation)
    assert events[-1] == ExchangeEnded()
    assert text_of(events) == "![A cat](https://files.example/"


def test_next_exchange_reads_a_stream_of_its_own() -> None:
    conversation = fed(turn_of("One"))
    conversation.receive_data(sse(*growing("", "Lost", id="a7")))  # belongs to the one that is over
    conversation.start_next_exchange([SentMessage("t1", "tool", "")], seamless=False)
    assert conversation.next_event() is NEED_DATA
    assert not conversation.complete
    conversation.receive_data(sse(echo("", "t1", "tool"), finished("Two", "a2")))
    events = events_of(conversation)
    assert text_of(events) == "\n\nTwo"
    assert conversation.complete
    assert events[-1] == ExchangeEnded()


def test_seamless_exchange_goes_on_in_mid_sentence() -> None:
    details: Json = {"finish_details": {"type": "max_tokens"}}
    conversation = fed(sse(message("Once upon", status="finished_partial_completion", metadata=details)))
    conversation.start_next_exchange((), seamless=True)
    conversation.receive_data(sse(finished(" a time.", "a2")))
    assert text_of(events_of(conversation)) == " a time."
    assert conversation.answer.text == "Once upon a time."


def test_confirmation_that_is_asked_for_ends_the_exchange_and_no_later_one() -> None:
    conversation = Conversation(QUESTION)
    conversation.receive_data(sse(confirmation_request()))
    ended = events_of(conversation)[-1]
    assert isinstance(ended, ExchangeEnded)
    assert ended.confirmation is not None
    conversation.start_next_exchange((), seamless=False)
    conversation.receive_data(sse(finished("Done.", "a2")))
    assert events_of(conversation)[-1] == ExchangeEnded()


def test_conclusion_brings_notes_as_paragraphs_and_the_reason() -> None:
    conversation = fed(turn_of("Hi"))
    conversation.conclude(["First note", "Second note"])
    events = events_of(conversation)
    assert text_of(events) == "\n\nFirst note\n\nSecond note"
    assert events[-1] == Finished("stop")
    notes = [event for event in events if isinstance(event, ItemStarted)]
    assert notes == [ItemStarted(ItemKind.NOTE, "")] * 2


def test_what_was_sent_is_what_is_echoed_and_counted() -> None:
    conversation = Conversation([SentMessage("x1", "user", "12345", picture_tokens=85)])
    conversation.receive_data(turn_of("Hi!", sent_id="x1"))
    events_of(conversation)
    assert conversation.answer.text == "Hi!"
    assert conversation.countable == 5 + 3
    usage = conversation.count_usage(lambda texts: sum(map(len, texts)))
    assert usage == Usage(prompt_tokens=4 + 3 + 5 + 85, completion_tokens=3)


def test_records_behind_an_error_on_the_same_line_are_not_read() -> None:
    error = b'data: {"error": "Oops"}data: ' + sse(*growing("More", id="a9")).removeprefix(b"data: ")
    conversation = Conversation(QUESTION)
    conversation.receive_data(sse(*growing("", "Hi"), done=False) + error)
    events = events_of(conversation)
    assert isinstance(events[-1], Failed)
    assert text_of(events) == "Hi"


def test_stop_sequence_may_be_complete_only_when_the_last_half_character_is_given_up() -> None:
    conversation = Conversation(QUESTION, Options(stop=["a\ufffd"]))
    conversation.receive_data(sse(*growing("", "Xa\ufffd")))
    events = events_of(conversation)
    assert text_of(events) == "X"
    assert events[-1] == ExchangeEnded()
    assert [event for event in events if isinstance(event, ExchangeEnded)] == [ExchangeEnded()]


# The fast path.

WORDS = [f" word{number}" for number in range(40)]
TEXTS = ["".join(WORDS[: number + 1]) for number in range(len(WORDS))]
STREAMS = {
    "snapshots": sse(*growing("", *TEXTS), done=False),
    "deltas": as_deltas(growing("", *TEXTS), done=False),
}


@pytest.mark.parametrize("stream", STREAMS.values(), ids=STREAMS)
@pytest.mark.parametrize("count", [1, 2, 7])
def test_plain_growth_is_one_event_for_each_read_with_its_pieces_and_nothing_is_parsed(
    stream: bytes, count: int
) -> None:
    records = [record + b"\n\n" for record in stream.removesuffix(b"\n\n").split(b"\n\n")]
    begun, steady = records[: len(records) - 35], records[-35:]
    conversation = fed(b"".join(begun))
    parsed = conversation.progress - conversation.answer.size
    for start in range(0, len(steady), count):
        conversation.receive_data(b"".join(steady[start : start + count]))
        words = [word.encode() for word in WORDS[5 + start : 5 + start + count]]
        assert conversation.next_event() == TextDelta(words)
        assert conversation.next_event() is NEED_DATA
    assert conversation.progress - conversation.answer.size == parsed
    assert conversation.answer.text == TEXTS[-1]


@pytest.mark.parametrize("stream", STREAMS.values(), ids=STREAMS)
def test_half_a_record_of_plain_growth_is_no_event(stream: bytes) -> None:
    conversation = fed(stream[:-20])
    shown = conversation.answer.text
    conversation.receive_data(stream[-20:-10])
    assert conversation.next_event() is NEED_DATA
    conversation.receive_data(stream[-10:])
    assert conversation.next_event() == TextDelta([TEXTS[-1].removeprefix(shown).encode()])


# Events that belong together, in any stream.


def check_events(events: Sequence[Event], conversation: Conversation) -> None:
    """What holds for all events of a turn, however it ended."""
    open_items: list[ItemStarted] = []
    thinking: ItemStarted | None = None
    ends = 0
    for event in events:
        assert not ends or isinstance(event, ItemStarted | ItemEnded | TextDelta | Finished), "behind the end"
        match event:
            case ItemStarted(ItemKind.REASONING):
                assert thinking is None
                thinking = event
            case ItemEnded(ItemKind.REASONING, id):
                assert thinking is not None
                assert thinking.id == id
                thinking = None
            case ReasoningDelta():
                assert thinking is not None
            case ItemStarted():
                assert not open_items, "an item in an item"
                open_items.append(event)
            case ItemEnded(kind, id):
                started = open_items.pop()
                assert (started.kind, started.id) == (kind, id)
            case TextDelta(pieces):
                assert all(pieces)
                text = text_of([event])
                assert open_items or not text.strip("\n"), "text outside of an item"
            case Cited():
                assert open_items
            case ExchangeEnded():
                ends = 0
            case Finished() | Failed():
                ends += 1
    assert not open_items
    assert thinking is None
    assert ends <= 1
    assert text_of(events) == conversation.answer.text
    assert [event.citation for event in events if isinstance(event, Cited)] == list(conversation.citations)


def all_events(
    conversation: Conversation, chunks: Iterable[bytes], events: list[Event], *, supply: bool = True
) -> None:
    """Feed one stream and take all `events`; pictures are supplied at once, or not at all."""

    def take() -> None:
        while True:
            events.extend(events_of(conversation))
            if conversation.state is not State.FETCHING or not supply:
                return
            conversation.supply(PICTURE)

    for chunk in chunks:
        conversation.receive_data(chunk)
        take()
    conversation.receive_eof()
    take()


def run_to_the_end(name: str, sizes: Sequence[int], options: Options) -> tuple[Conversation, list[Event]]:
    """Play all exchanges of a golden turn, and conclude it."""
    recordings = recorded(name)
    events: list[Event] = []
    conversation = Conversation(recordings[0].sent, options, Files())
    for number, recording in enumerate(recordings):
        if number:
            conversation.start_next_exchange(recording.sent, seamless=False)
        all_events(conversation, cut(recording.stream, sizes), events)
    conversation.conclude()
    events += events_of(conversation)
    return conversation, events


@pytest.mark.parametrize("name", NAMES)
def test_items_end_and_texts_and_citations_are_whole_in_any_turn(name: str) -> None:
    counted = []
    for sizes in ([], [1000], [3, 500, 70]):
        conversation, events = run_to_the_end(name, sizes, Options(reasoning=True))
        check_events(events, conversation)
        assert isinstance(events[-1], Finished)
        counted.append(Counter(type(event) for event in events if not isinstance(event, TextDelta)))
    assert counted[0] == counted[1] == counted[2]


@given(
    name=st.sampled_from(NAMES),
    sizes=SIZES,
    at=st.floats(0, 1),
    ending=st.sampled_from(["eof", "abandon", "error", "too much", "no pictures"]),
    stop=st.sampled_from([(), ("\n\n",), ("e",), ("`",)]),
)
def test_items_end_however_a_turn_is_broken_off(
    name: str, sizes: list[int], at: float, ending: str, stop: tuple[str, ...]
) -> None:
    recording = recorded(name)[0]
    limit = 40 if ending == "too much" else 10**6
    conversation = Conversation(
        recording.sent, Options(stop, reasoning=True), Files(), max_answer_bytes=limit
    )
    stream = recording.stream[: int(at * len(recording.stream))]
    if ending == "error":
        stream = stream[: stream.rfind(b"\n\n") + 2] + b'data: {"error": "Oops"}\n\n' + DONE
    events: list[Event] = []
    if ending == "abandon":
        for chunk in cut(stream, sizes):
            conversation.receive_data(chunk)
            events += events_of(conversation)
    else:
        all_events(conversation, cut(stream, sizes), events, supply=ending != "no pictures")
    conversation.abandon()  # does nothing to one that failed
    events += events_of(conversation)
    assert conversation.state in OVER
    check_events(events, conversation)
    assert conversation.next_event() is PAUSED


def test_items_of_a_turn_with_everything_come_in_order() -> None:
    told: Json = {"citations": [citation(4, 15, 11)]}
    last = message("Cold【11†source】.", "a1", status="finished_successfully", metadata=told)
    stream = sse(
        message("", "t1", content={"content_type": "thoughts", "thoughts": [{"content": "Hm"}]}),
        code("plot()", status="finished_successfully"),
        output("data", images=("file-service://file-1",)),
        last,
    )
    conversation = Conversation(QUESTION, Options(reasoning=True))
    events: list[Event] = []
    all_events(conversation, [stream], events)
    conversation.conclude()
    events += events_of(conversation)
    check_events(events, conversation)
    assert [(event.kind, event.language) for event in events if isinstance(event, ItemStarted)] == [
        (ItemKind.REASONING, ""),
        (ItemKind.CODE, "python"),
        (ItemKind.OUTPUT, ""),
        (ItemKind.PICTURE, ""),
        (ItemKind.PROSE, ""),
    ]
    assert [event.citation.url for event in events if isinstance(event, Cited)] == ["https://a.example/"]


@pytest.mark.parametrize("stop", [(), ("y",)], ids=["[DONE]", "a stop sequence"])
def test_answer_that_ends_where_it_is_too_large_does_not_end_well(stop: tuple[str, ...]) -> None:
    conversation = Conversation(options=Options(stop), max_answer_bytes=1000)
    conversation.receive_data(sse(finished("x" * 1001 + "y")))
    ends = [event for event in events_of(conversation) if isinstance(event, ExchangeEnded | Failed)]
    assert [type(event) for event in ends] == [Failed]
