"""Turns that go on elsewhere: nothing is lost and nothing comes twice, wherever and however often that is."""

from collections.abc import Iterable, Sequence

import pytest

from tests.translate.deltas import append, begun, delta
from tests.translate.player import Fetch, Follow, Player, address
from tests.translate.reading import QUESTION, Answer, answer, chat_stream, read
from tests.translate.tool_turns import drawn
from tests.translate.wire import DONE, Json, echo, finished, growing, message, sse, tool_text
from translate import Conversation, Options
from translate.backend import StoredTurn
from translate.values import (
    ApiError,
    Elsewhere,
    ElsewhereKind,
    ElsewhereWay,
    ExchangeEnded,
    UpstreamFailed,
)

TOKEN: Json = {
    "type": "resume_conversation_token",
    "kind": "topic",
    "token": "tok-1",
    "conversation_id": "c1",
}
METADATA: Json = {
    "type": "server_ste_metadata",
    "metadata": {"turn_exchange_id": "te1"},
    "conversation_id": "c1",
}
HANDOFF: Json = {
    "type": "stream_handoff",
    "conversation_id": "c1",
    "turn_exchange_id": "te1",
    "options": [
        {"type": "resume_sse_endpoint"},
        {"type": "by_pigeon"},
        {"type": "subscribe_ws_topic", "topic_id": "conversation-turn-te1"},
    ],
}
COMPLETE: Json = {"type": "message_stream_complete", "conversation_id": "c1"}
PING = b'event: ping\ndata: {"t":1}\n\n'
TEXTS = ("First `a` ", "and é", "", "[", "then] ", "\U0001f525 fire", "plain words", " to the end.")
TEXT = "".join(TEXTS)
END: Json = {
    "p": "",
    "o": "patch",
    "v": [
        {"p": "/message/status", "o": "replace", "v": "finished_successfully"},
        {"p": "/message/end_turn", "o": "replace", "v": True},
    ],
}


def records() -> list[bytes]:
    """A whole stream, record by record; all but the last count for the resume endpoint."""
    texts: list[Json] = [append(TEXTS[0])]
    texts += [{"v": text} for text in TEXTS[1:]]
    first = [b'event: delta_encoding\ndata: "v1"\n\n', sse(TOKEN, done=False)]
    deltas: list[Json] = [
        {"p": "", "o": "add", "v": echo("Hello", "u1"), "c": 0},
        begun("", channel=1),
        *texts,
        END,
    ]
    return [*first, *map(delta, deltas), sse(COMPLETE, done=False), DONE]


def stored(*messages: Json, parent: str = "root", async_status: object = None) -> bytes:
    """GET of the stored conversation, as the stream that it becomes."""
    turn = StoredTurn(parent)
    return turn.feed(conversation(*messages, async_status=async_status)) + DONE


def conversation(*messages: Json, async_status: object = None) -> bytes:
    """A stored conversation in which these messages follow each other."""
    mapping: Json = {}
    before = "root"
    for envelope in messages:
        inner = envelope["message"]
        assert isinstance(inner, dict)
        mapping[inner["id"]] = {"id": inner["id"], "message": inner, "parent": before}
        before = inner["id"]
    told = {"conversation_id": "c1", "mapping": mapping, "current_node": before}
    return sse(told | {"async_status": async_status}, done=False)[len(b"data: ") : -2]


def once(stream: bytes, *, fresh: bool = True) -> Follow:
    """Follows the turn to one stream."""
    return lambda _: (fresh, [stream])


def in_pieces(pieces: Sequence[bytes]) -> Follow:
    """Follows the turn to one stream, cut so."""
    return lambda _: (True, pieces)


def in_turn(*streams: bytes) -> Follow:
    """Follows the turn from stream to stream, each of which begins anew."""
    left = iter(streams)
    return lambda _: (True, [next(left)])


def test_stream_that_breaks_anywhere_goes_on_behind_the_records_that_have_come() -> None:
    parts = records()
    stream = b"".join(parts)
    for cut in range(len(parts[0] + parts[1]), len(stream) - len(DONE)):
        asked: list[Elsewhere] = []

        def follow(elsewhere: Elsewhere, asked: list[Elsewhere] = asked) -> tuple[bool, Iterable[bytes]]:
            asked.append(elsewhere)
            assert elsewhere.records is not None
            return False, [b"".join(parts[elsewhere.records :])]

        seen = answer(stream[:cut], follow=follow)
        assert (seen.text, seen.finish_reason) == (TEXT, "stop"), cut
        if asked:
            assert [(one.kind, one.conversation_id, one.token) for one in asked] == [
                (ElsewhereKind.BROKEN, "c1", "tok-1")
            ]


@pytest.mark.parametrize("fast", [True, False])
@pytest.mark.parametrize(
    "rest",
    [b"".join(records()), sse(*growing("", TEXT[:9], TEXT), finished(TEXT)), stored(finished(TEXT))],
    ids=["deltas", "snapshots", "stored"],
)
def test_stream_that_breaks_anywhere_may_begin_anew_elsewhere(rest: bytes, fast: bool) -> None:
    parts = records()
    stream = b"".join(parts)
    for cut in range(len(parts[0] + parts[1]), len(stream) - len(DONE), 3):
        for sizes in ([len(rest)], [7]):
            pieces = [rest[at : at + sizes[0]] for at in range(0, len(rest), sizes[0])]
            seen = answer(stream[:cut], follow=in_pieces(pieces), fast=fast)
            assert (seen.text, seen.finish_reason) == (TEXT, "stop"), cut


def test_topics_that_break_again_and_again_show_each_character_once() -> None:
    parts = records()
    ends = range(3, len(parts) + 1)
    seen = answer(b"".join(parts[:4]), follow=in_turn(*(b"".join(parts[:end]) for end in ends)))
    assert (seen.text, seen.finish_reason) == (TEXT, "stop")


def test_text_that_was_rewritten_elsewhere_goes_on_behind_what_both_have() -> None:
    first = sse(TOKEN, *growing("", "It is so"), HANDOFF)
    changes: list[Json] = [begun(""), append("It "), {"v": "was "}, {"v": "good."}, END]
    anew = b"".join([records()[0], *map(delta, changes), DONE])
    seen = answer(first, follow=once(anew))
    assert seen.text == "It is sowas good."


def test_records_that_were_told_by_their_bytes_count_too() -> None:
    parts = records()
    stream = b"".join(parts[:-3]) + PING + b": a comment\n\n"
    for sizes in ([len(stream)], [1], [50]):
        asked: list[Elsewhere] = []

        def follow(elsewhere: Elsewhere, asked: list[Elsewhere] = asked) -> None:
            asked.append(elsewhere)

        answer(stream, sizes=sizes, follow=follow)
        assert [one.records for one in asked] == [len(parts) - 3]


def test_handoff_names_the_ways_in_the_order_of_the_backend() -> None:
    asked: list[Elsewhere] = []
    answer(sse(TOKEN, echo("Hello", "u1"), HANDOFF), follow=asked.append)
    (elsewhere,) = asked
    assert elsewhere == Elsewhere(
        ElsewhereKind.HANDOFF,
        "c1",
        topic_id="conversation-turn-te1",
        token="tok-1",
        records=None,
        offered=(ElsewhereWay.RESUME, ElsewhereWay.SOCKET),
    )
    assert "tok-1" not in repr(elsewhere)


@pytest.mark.parametrize("done", [True, False])
def test_stream_that_was_handed_off_is_left_with_its_first_word_of_that(done: bool) -> None:
    conversation = Conversation(QUESTION)
    conversation.receive_data(sse(TOKEN, *growing("", "Half"), HANDOFF, done=done))
    player = Player(conversation, chat_stream(), follow=once(stored(finished("Half and half"))))
    player.play(())
    player.close()
    assert conversation.complete
    assert read(player.out).text == "Half and half"


def test_handoff_behind_the_end_of_the_answer_changes_nothing() -> None:
    assert answer(sse(TOKEN, *growing("", "All"), finished("All"), HANDOFF)).text == "All"


def test_turn_without_its_last_word_that_names_its_topic_goes_on_there() -> None:
    silent = sse(METADATA, echo("Hello", "u1"))
    assert answer(silent, follow=once(stored(finished("Told late.")))).text == "Told late."
    seen = answer(silent)
    assert "without an answer" in str(seen.failure)
    half = sse(METADATA, *growing("", "Half"))
    assert answer(half, follow=once(stored(finished("Half and half")))).text == "Half and half"
    assert answer(half, follow=in_turn(DONE, stored(finished("Half of it")))).text == "Half of it"
    assert "mid-answer" in str(answer(half).failure)


@pytest.mark.parametrize(
    "stream",
    [
        sse(*growing("", "Half"), done=False),
        sse(TOKEN | {"token": "x" * 10_000}, *growing("", "Half"), done=False),
        sse({k: v for k, v in HANDOFF.items() if k != "conversation_id"}),
    ],
    ids=["nothing told", "a token beyond measure", "no conversation"],
)
def test_turn_of_which_nobody_knows_where_it_goes_on_fails_as_ever(stream: bytes) -> None:
    def never(_: Elsewhere) -> None:
        raise AssertionError("there is nothing to follow")

    assert isinstance(answer(stream, follow=never).failure, ApiError)


def test_turn_that_is_not_followed_fails_with_how_it_broke() -> None:
    broken = sse(TOKEN, *growing("", "Half"), done=False)
    assert str(answer(broken).failure) == "The upstream connection ended in mid-answer."
    assert "without an answer" in str(answer(sse(TOKEN, done=False)).failure)
    assert "elsewhere" in str(answer(sse(HANDOFF)).failure)
    reset = UpstreamFailed("Reset.")
    for timed_out in (False, True):
        conversation = Conversation(QUESTION)
        conversation.receive_data(broken)
        conversation.receive_eof(reset)
        player = Player(conversation, chat_stream())
        player.drain()
        conversation.give_up(timed_out=timed_out)
        player.drain()
        assert player.error is not None
        assert (player.error is reset, player.error.message) == (not timed_out, "Reset.")


@pytest.mark.parametrize(("first", "token"), [((), "beside"), ((TOKEN,), "tok-1")])
def test_broken_turn_goes_on_by_a_token_beside_its_stream_if_that_holds_none(
    first: Sequence[Json], token: str
) -> None:
    conversation = Conversation(QUESTION)
    conversation.receive_data(sse(*first, *growing("", "Half"), done=False))
    conversation.receive_eof(token="beside")
    player = Player(conversation, chat_stream())
    player.drain()
    assert player.elsewhere is not None
    assert (player.elsewhere.token, player.elsewhere.records) == (token, 2 + len(first))


def test_turn_of_commentary_alone_that_goes_on_nowhere_shows_that() -> None:
    said = finished("On my way.")
    said["message"]["channel"] = "commentary"  # type: ignore[index]
    assert answer(sse(METADATA, said)).text == "On my way."
    assert answer(sse(METADATA, said), follow=once(stored(said, finished("Here.", "a2")))).text == "Here."


def text_of_left(*records: Json, fetch: Fetch = address) -> str:
    """The text of a turn that goes on elsewhere after these, and is left there."""
    conversation = Conversation(QUESTION)
    conversation.receive_data(sse(*records))
    player = Player(conversation, chat_stream(), fetch)
    player.drain()
    assert player.elsewhere is not None
    conversation.leave()
    player.drain()
    assert player.ended == ExchangeEnded()
    player.close()
    return read(player.out).text


def test_turn_that_is_left_ends_well_with_what_came() -> None:
    assert text_of_left(*research("The research has begun.")) == "The research has begun."


@pytest.mark.parametrize("found", [True, False], ids=["found", "not found"])
def test_preview_in_a_turn_that_is_left_is_fetched_before_the_end(found: bool) -> None:
    preview = drawn("file-1")
    preview["message"] |= {"status": "in_progress"}  # type: ignore[operator]
    picture = "![A cat](https://files.example/file-1.png)" if found else "[an image could not be fetched]"
    seen = text_of_left(
        *research("The research has begun."), preview, fetch=address if found else lambda _: None
    )
    assert seen == f"The research has begun.\n\n{picture}"


def research(*texts: str) -> list[Json]:
    """A turn that starts a research, and what is said about it."""
    task: Json = {"async_task_type": "research", "async_task_id": "r1"}
    start = message("Order", "t1", role="tool", status="finished_successfully", metadata=task)
    return [start, *(finished(text, f"a{number}") for number, text in enumerate(texts))]


def test_research_goes_on_until_its_report_is_there() -> None:
    report = message(
        "Report.",
        "r2",
        status="finished_successfully",
        end_turn=True,
        metadata={"is_async_task_result_message": True, "async_task_id": "r1", "async_task_type": "research"},
    )
    said = research("It has begun.")
    kinds: list[ElsewhereKind] = []

    def follow(elsewhere: Elsewhere) -> tuple[bool, Iterable[bytes]]:
        kinds.append(elsewhere.kind)
        return True, [stored(*said, *([report] if len(kinds) > 1 else ()))]

    assert answer(sse(*said), follow=follow).text == "It has begun.\n\nReport."
    assert kinds == [ElsewhereKind.RESEARCH] * 2


@pytest.mark.parametrize("state", ["", "{", '{"status": "running"}', '{"status": "completed"}'])
def test_report_in_the_state_of_a_widget_comes_when_it_is_complete(state: str) -> None:
    call = message("", "q1", recipient="api_tool.call_tool", status="finished_successfully")
    call["message"]["content"] = {  # type: ignore[index]
        "content_type": "code",
        "text": '{"path": "/Deep Research App/start"}',
    }
    asked = [call, tool_text("ok", name="api_tool.call_tool"), finished("Wait.")]
    done = '{"status": "completed", "report_message": {"content": {"parts": ["Report."]}}}'

    def with_state(text: str) -> list[Json]:
        metadata: Json = {"chatgpt_sdk": {"widget_state": text}}
        tool = message("ok", "tool-1", role="tool", status="finished_successfully", metadata=metadata)
        return [call, tool, finished("Wait.")]

    seen = answer(sse(*asked), follow=in_turn(stored(*with_state(state)), stored(*with_state(done))))
    assert seen.text == "Wait.\n\nReport."


@pytest.mark.parametrize("handed_off", [False, True])
def test_pro_model_that_has_not_answered_in_its_stream_answers_elsewhere(handed_off: bool) -> None:
    task: Json = {"async_task_type": "pro_mode", "async_task_id": "p1", "initial_text": "Reasoning..."}
    card = message("", "t1", role="tool", name="a8km123", metadata=task)
    stream = sse(TOKEN, METADATA, card, *([HANDOFF] if handed_off else []))
    asked: list[ElsewhereKind] = []

    def follow(elsewhere: Elsewhere) -> tuple[bool, Iterable[bytes]]:
        asked.append(elsewhere.kind)
        assert elsewhere.topic_id == "conversation-turn-te1"
        assert elsewhere.task_id == "p1"
        return True, [sse(card, finished("No."), card)]

    assert answer(stream, follow=follow).text == "No."
    assert asked == [ElsewhereKind.PRO]


@pytest.mark.parametrize(
    "sign", ["image_gen_task_id", "image_gen_multi_stream", "image_gen_async", "trigger_async_ux"]
)
def test_picture_that_is_announced_comes_elsewhere(sign: str) -> None:
    card = message("Drawing", "t1", role="tool", status="finished_successfully", metadata={sign: "x"})
    asked: list[ElsewhereKind] = []

    def follow(elsewhere: Elsewhere) -> tuple[bool, Iterable[bytes]]:
        asked.append(elsewhere.kind)
        return True, [sse(card, drawn("file-1"))]

    assert "file-1" in answer(sse(card, TOKEN), follow=follow).text
    assert asked == [ElsewhereKind.PICTURE]


CARD = message(
    "Drawing", "t1", role="tool", status="finished_successfully", metadata={"image_gen_task_id": "x"}
)


def revision(file_id: str, status: str, id: str = "t2") -> Json:
    """A picture while it is drawn."""
    envelope = drawn(file_id, id=id)
    picture = envelope["message"]
    assert isinstance(picture, dict)
    picture["metadata"] = {"ghostrider": {"status": status}}
    return envelope


def test_previews_of_a_picture_that_is_announced_are_neither_it_nor_the_end() -> None:
    streams = [sse(revision("file-1", "intermediate")), sse(revision("file-2", "final"))]
    asked: list[ElsewhereKind] = []

    def follow(elsewhere: Elsewhere) -> tuple[bool, Iterable[bytes]]:
        asked.append(elsewhere.kind)
        return True, [streams.pop(0)]

    text = answer(sse(CARD, TOKEN), follow=follow).text
    assert "file-1" not in text
    assert "file-2" in text
    assert asked == [ElsewhereKind.PICTURE] * 2


def test_each_of_two_pictures_that_are_announced_is_waited_for() -> None:
    def card(id: str, task: str) -> Json:
        about: Json = {"image_gen_task_id": task}
        return message("Drawing", id, role="tool", status="finished_successfully", metadata=about)

    def of_task(file_id: str, id: str, task: str) -> Json:
        envelope = drawn(file_id, id=id)
        envelope["message"] |= {"metadata": {"async_task_id": task}}  # type: ignore[operator]
        return envelope

    first, second = of_task("file-1", "p1", "x"), of_task("file-2", "p2", "y")
    streams = [sse(first), sse(first, second)]
    seen = answer(sse(card("t1", "x"), card("t2", "y"), TOKEN), follow=lambda _: (True, [streams.pop(0)]))
    assert streams == []
    assert seen.text.index("file-1") < seen.text.index("file-2")


def test_words_that_come_later_stand_in_place_of_a_picture_and_those_before_do_not() -> None:
    before, after = finished("I am drawing.", "a1"), finished("I cannot draw that.", "a2")
    streams = [sse(CARD, before), sse(CARD, before, after)]

    def follow(elsewhere: Elsewhere) -> tuple[bool, Iterable[bytes]]:
        return True, [streams.pop(0)]

    assert answer(sse(CARD, before, TOKEN), follow=follow).text == "I am drawing.\n\nI cannot draw that."
    assert streams == []


def test_drawing_that_fails_says_so_in_place_of_the_picture() -> None:
    failed: Json = {"content_type": "system_error", "name": "Busy", "text": "Try later."}
    error = message(
        "", "t2", role="tool", name="t2uay3k.sj1i4kz", content=failed, status="finished_successfully"
    )
    seen = answer(sse(CARD, TOKEN), follow=lambda _: (True, [sse(CARD, error)]))
    assert (seen.text, seen.error) == ("> **Busy** `Try later.`", None)


def test_blocked_turn_and_one_with_a_stop_sequence_go_nowhere() -> None:
    def never(_: Elsewhere) -> None:
        raise AssertionError("it is over")

    blocked: Json = {"type": "moderation", "is_completion": True, "moderation_response": {"blocked": True}}
    assert answer(sse(blocked, HANDOFF), follow=never).finish_reason == "content_filter"
    assert answer(sse(*growing("", "One. Two"), HANDOFF), follow=never, stop=["Two"]).text == "One. "


def test_damage_is_repaired_by_a_stream_that_begins_anew() -> None:
    stream = sse(*growing("", "Ha"), b"data: {gar\xffbage\n\n", HANDOFF)
    assert answer(stream, follow=once(sse(finished("Hale")))).text == "Hale"


def test_tasks_and_messages_beyond_measure_are_bounded() -> None:
    tasks = [
        message("", f"t{n}", role="tool", metadata={"async_task_type": "research", "async_task_id": f"r{n}"})
        for n in range(300)
    ]
    assert "The research still runs" in str(answer(sse(*tasks)).failure)


def test_items_of_other_messages_are_not_repeated_either() -> None:
    whole: Sequence[Json] = [
        message("Think", "m1", content={"content_type": "thoughts", "thoughts": [{"content": "Think"}]}),
        finished("One.", "a1", end_turn=False),
        drawn("file-1"),
        *growing("", "Tw", "Two.", id="a2"),
        finished("Two.", "a2"),
    ]
    expected = answer(sse(*whole), reasoning=True)
    for cut in range(1, len(whole)):
        seen: Answer = answer(sse(TOKEN, *whole[:cut], done=False), reasoning=True, follow=once(sse(*whole)))
        assert seen.text == expected.text


def test_options_are_kept_over_streams() -> None:
    conversation = Conversation(QUESTION, Options(stop=["STOP"]))
    player = Player(conversation, chat_stream(), follow=once(sse(finished("Go STOP on"))))
    player.play([sse(*growing("", "Go ST"), HANDOFF)])
    player.close()
    assert read(player.out).text == "Go "
