"""Which messages are the answer, which stand beside it, and which are the model's own affair."""

from collections.abc import Callable

import pytest

from tests.translate.deltas import TEXT, append, begun, v1
from tests.translate.reading import Answer, answer
from tests.translate.test_conversation_reasoning import on, thought_in
from tests.translate.tool_turns import code, drawn, output
from tests.translate.wire import DONE, Json, finished, growing, message, search_call, sse, tool_text

Change = Callable[[Json], None]


def asked(*records: Json) -> Answer:
    """The answer, which must be the same with every record parsed and however it is cut."""
    stream = sse(*records)
    seen = answer(stream, reasoning=True)
    for again in (answer(stream, reasoning=True, fast=False), answer(stream, reasoning=True, sizes=[7])):
        assert (again.text, again.finish_reason, thought_in(again)) == (
            seen.text,
            seen.finish_reason,
            thought_in(seen),
        )
    return seen


def with_metadata(record: Json, **metadata: object) -> Json:
    record["message"]["metadata"] |= metadata  # type: ignore[index]
    return record


def whole(text: str, id: str, **metadata: object) -> Json:
    """A complete message that does not end the turn."""
    return with_metadata(finished(text, id, end_turn=False), **metadata)


ASIDE: dict[str, list[Json]] = {
    "a preamble": [whole("I will look.", "x1", is_thinking_preamble_message=True)],
    "a preamble on the final channel": on(
        "final", whole("I will look.", "x1", is_thinking_preamble_message=True)
    ),
    "a working note": [whole("I will look.", "x1", reasoning_status="is_reasoning")],
    "commentary": on("commentary", whole("I will look.", "x1")),
}  # fmt: skip


@pytest.mark.parametrize("records", ASIDE.values(), ids=ASIDE)
def test_words_on_the_way_to_the_answer_stand_beside_it(records: list[Json]) -> None:
    seen = asked(*records, finished("Here."))
    assert (seen.text, thought_in(seen)) == ("Here.", "I will look.")


SHOWN: dict[str, list[Json]] = {
    "reasoning that has ended": [whole("Here.", "x1", reasoning_status="reasoning_ended")],
    "a status on the final channel": on("final", whole("Here.", "x1", reasoning_status="is_reasoning")),
    "another author": [whole("Here.", "x1")],
    "a structured answer": [message("", "x1", content={"content_type": "code", "text": "Here."})],
}
SHOWN["another author"][0]["message"]["author"]["metadata"] = {"real_author": "tool:web"}  # type: ignore[index]


@pytest.mark.parametrize("records", SHOWN.values(), ids=SHOWN)
def test_words_for_the_user_are_the_answer(records: list[Json]) -> None:
    assert (asked(*records).text, thought_in(asked(*records))) == ("Here.", "")


HIDDEN: dict[str, Json] = {
    "a placeholder while something loads": whole("Loading", "x1", is_loading_message=True),
    "a call whose recipient is missing": message(
        "", "x1", recipient=None, content={"content_type": "code", "text": "{}"}
    ),
    "a memory": message("x", "x1", recipient="bio"),
    "what a shell prints": output("docs", "x1"),
    "a failure of a shell": message(
        "", "x1", role="tool", name="container.exec", content={"content_type": "system_error", "text": "x"}
    ),
    "pages that a search has read": drawn("file-1", id="x1"),
}
HIDDEN["what a shell prints"]["message"]["author"]["name"] = "container.exec"  # type: ignore[index]
HIDDEN["pages that a search has read"]["message"]["author"]["name"] = "file_search.msearch"  # type: ignore[index]
HIDDEN["pages that a search has read"]["message"]["content"]["parts"][0]["metadata"] = None  # type: ignore[index]


@pytest.mark.parametrize("record", HIDDEN.values(), ids=HIDDEN)
def test_what_is_not_for_the_user_is_hidden(record: Json) -> None:
    seen = asked(record, finished("Here."))
    assert (seen.text, thought_in(seen), seen.player.error) == ("Here.", "", None)


def test_pictures_that_were_drawn_are_shown_whatever_the_tool_is_called() -> None:
    for metadata in ({"dalle": {"gen_id": "g1"}}, {"generation": {"gen_id": "g1"}}, None):
        record = drawn("file-1")
        record["message"]["author"]["name"] = "newp4nt"  # type: ignore[index]
        record["message"]["content"]["parts"][0]["metadata"] = metadata  # type: ignore[index]
        if metadata is None:
            assert asked(record, finished("Here.")).text == "Here."
            with_metadata(record, async_task_type="image_gen")
        assert "file-1" in asked(record, finished("Here.")).text


# Python.


def to(tool: str, channel: str | None, text: str = "print(1)", id: str = "call") -> Json:
    record = code(text, id, status="finished_successfully")
    record["message"] |= {"recipient": tool, "channel": channel}  # type: ignore[operator]
    return record


def by(tool: str, channel: str | None, text: str = "1", id: str = "result") -> Json:
    record = output(text, id)
    record["message"]["author"]["name"] = tool  # type: ignore[index]
    record["message"]["channel"] = channel  # type: ignore[index]
    return record


CODE, OUTPUT = "```python\nprint(1)\n```", "```output\n1\n```"


@pytest.mark.parametrize("tool", ["python", "python_user_visible"])
@pytest.mark.parametrize("channel", [None, "commentary", "final"])
def test_code_and_output_are_shown(tool: str, channel: str | None) -> None:
    seen = asked(to(tool, channel), by(tool, None), finished("Here."))
    assert seen.text == f"{CODE}\n\n{OUTPUT}\n\nHere."


@pytest.mark.parametrize("tool", ["python", "python_user_visible"])
@pytest.mark.parametrize(
    "said", ["analysis", None], ids=["result on the channel", "result without a channel"]
)
def test_private_calculations_are_hidden_with_their_results_and_pictures(tool: str, said: str | None) -> None:
    figure = drawn("file-1")
    figure["message"]["author"]["name"] = tool  # type: ignore[index]
    figure["message"]["channel"] = said  # type: ignore[index]
    seen = asked(to(tool, "analysis"), by(tool, said), figure, finished("Here."))
    assert seen.text == "Here."
    shown = to(tool, None, id="call-2"), by(tool, None, "2", "result-2")
    again = asked(to(tool, "analysis"), by(tool, None), *shown, finished("Here."))
    assert again.text == f"{CODE}\n\n```output\n2\n```\n\nHere."


def test_result_of_a_call_that_was_not_seen_is_told_by_its_own_channel() -> None:
    assert asked(by("python", "analysis"), finished("Here.")).text == "Here."
    assert asked(by("python", None), finished("Here.")).text == f"{OUTPUT}\n\nHere."


# What is known late.


@pytest.mark.parametrize(
    ("path", "value"),
    [("channel", "commentary"), ("recipient", "web.run"), ("author/role", "system"), ("weight", 0)],
)
def test_message_is_what_it_says_before_its_first_word(path: str, value: object) -> None:
    late: Json = {"p": f"/message/{path}", "o": "replace", "v": value}
    seen = answer(v1(begun(), late, append("Not this."), begun("", "a2", 1), append("Here.")))
    assert seen.text == "Here."


RENAMED: list[Json] = [
    {"p": "/message/id", "o": "replace", "v": "b1"},
    {"p": "", "o": "patch", "v": [{"p": "/message/id", "o": "add", "v": "b1"}]},
    {"v": [{"p": "/message/id", "o": "replace", "v": "b1"}]},
]


@pytest.mark.parametrize("renamed", RENAMED)
def test_message_that_gets_another_id_goes_on(renamed: Json) -> None:
    seen = answer(v1(begun(), append("He"), {"v": "r"}, renamed, append("e."), begun("More.", "a2", 1)))
    assert (seen.text, seen.error) == ("Here.\n\nMore.", None)
    assert answer(v1(begun(), append("Here."), renamed)).conversation.facts.last_message_id == "b1"


def test_hidden_message_that_gets_another_id_stays_hidden() -> None:
    for hidden in (message("Hello", "u1", role="user"), search_call("call")):
        stream = v1({"p": "", "o": "add", "v": hidden}, RENAMED[0], begun("Here.", "a1", 1))
        assert (answer(stream).text, answer(stream).error) == ("Here.", None)


@pytest.mark.parametrize("value", ["", "a2", "x" * 201, 5])
def test_id_that_is_none_or_that_of_another_message_is_no_new_name(value: object) -> None:
    renamed: Json = {"p": "/message/id", "o": "replace", "v": value, "c": 0}
    seen = answer(v1(begun(), append("One"), begun("Two", "a2", 1), renamed))
    assert seen.text.startswith("One\n\nTwo")
    assert (seen.error is None) == (value == "a2")


def test_id_of_no_message_is_no_name() -> None:
    renamed: Json = {"p": "/message/id", "o": "add", "v": "b1"}
    system: Json = {"p": "", "o": "add", "v": message("", "s1", role="system")}
    assert answer(v1(system, renamed, begun("Here.", "a1", 1))).text == "Here."


def test_message_that_was_hidden_may_be_shown_after_all() -> None:
    flagged = message("", "a1", metadata={"is_loading_message": True})
    assert asked(flagged, finished("Here.", "a1")).text == "Here."


def test_message_that_was_hidden_with_its_first_word_stays_hidden() -> None:
    flagged = message("Loading", "a1", metadata={"is_loading_message": True})
    assert asked(flagged, message("Loaded.", "a1"), finished("Here.", "a2")).text == "Here."


def test_change_that_does_not_fit_a_message_that_may_yet_be_shown_fails_the_turn() -> None:
    misfit: Json = {"p": TEXT, "o": "explode", "v": "x", "c": 1}
    empty: Json = {"p": "", "o": "add", "v": message("", "x1", recipient="bio"), "c": 1}
    assert answer(v1(empty, misfit, begun("Here."))).failure.status == 502
    full: Json = {"p": "", "o": "add", "v": message("x", "x1", recipient="bio"), "c": 1}
    assert answer(v1(full, misfit, begun("Here."))).text == "Here."


def test_empty_answer_that_is_over_makes_room_for_its_twin() -> None:
    empty = finished("", "a1", end_turn=None)
    twin = message("Here.", "a2", parent="before-a1")
    assert asked(empty, twin).text == "Here."
    assert asked(message("", "a1"), twin, message("First.", "a1")).text == "First."
    assert asked(empty, twin, message("Third.", "a3", parent="before-a1")).text == "Here."


def test_answers_behind_each_other_are_all_shown() -> None:
    first, second = on("final", whole("One.", "a1"), finished("Two.", "a2"))
    assert asked(first, tool_text("x"), second).text == "One.\n\nTwo."


# When there is nothing else.


def test_commentary_is_shown_where_there_is_no_answer() -> None:
    citation = {
        "matched_text": "\ue200cite\ue202turn0search1\ue201", "start_idx": 3, "end_idx": 22,
        "alt": "([E](https://e.example/))", "type": "grouped_webpages",
    }  # fmt: skip
    said = with_metadata(finished(f"So {citation['matched_text']}.", "x1"), content_references=[citation])
    seen = asked(*on("commentary", whole("First.", "x0"), said), search_call())
    assert (seen.text, seen.finish_reason) == ("So ([E](https://e.example/)).", "stop")


def test_commentary_that_is_not_complete_and_thoughts_are_no_answer() -> None:
    for channel, record in (
        ("commentary", growing("Let me", id="x1")[0]),
        ("analysis", finished("Hm.", "x1")),
    ):
        assert asked(*on(channel, record)).failure.status == 502


# How it ends.

PARTIAL = message("Cut", "a1", status="finished_partial_completion")


@pytest.mark.parametrize(
    "behind",
    [[finished("Here.", "a2")], [search_call()], [tool_text("x")], on("analysis", whole("Hm.", "x1"))],
    ids=["an answer", "a call", "a tool", "a thought"],
)
def test_status_of_a_cut_counts_only_where_nothing_follows(behind: list[Json]) -> None:
    assert asked(PARTIAL).finish_reason == "length"
    assert asked(PARTIAL, *behind).finish_reason == "stop"
    assert asked(PARTIAL, *behind, PARTIAL).finish_reason == "stop"


def test_only_the_last_message_of_the_answer_says_how_it_ended() -> None:
    cut = message("Cut", "a1", metadata={"finish_details": {"type": "max_tokens"}})
    assert asked(cut, search_call()).finish_reason == "length"
    assert asked(cut, finished("", "a2", end_turn=None)).finish_reason == "length"
    assert asked(cut, message("Here.", "a2")).finish_reason == "stop"
    assert asked(cut, message("Here.", "a2"), cut).finish_reason == "stop"
    last = answer(sse(finished("Here.", "a2"), message("Cut", "a1", parent="a0"), done=False))
    assert last.error is not None, "another message has begun behind the one that ended the turn"


def test_record_of_an_earlier_message_does_not_open_the_turn_again() -> None:
    stream = sse(message("One", "a1"), finished("Two.", "a2"), message("One.", "a1"), done=False)
    assert (answer(stream).error, answer(stream).finish_reason) == (None, "stop")


# Headlines.


def test_headline_comes_once_before_what_it_is_about() -> None:
    call = with_metadata(search_call(), reasoning_title="Searching the web")
    note = on("analysis", whole("Hm.", "x1", reasoning_title="Weighing"))[0]
    seen = asked(
        call, with_metadata(tool_text("x"), reasoning_title="Searching the web"), note, finished("Here.")
    )
    assert (seen.text, thought_in(seen)) == ("Here.", "**Searching the web**\n\n**Weighing**\n\nHm.")


def test_headline_of_hidden_messages_and_of_thoughts_is_not_shown() -> None:
    hidden = whole("x", "x1", reasoning_title="T", is_visually_hidden_from_conversation=True)
    content: Json = {"content_type": "thoughts", "thoughts": [{"summary": "T", "content": "Hm."}]}
    thought = message("", "x2", content=content, metadata={"reasoning_title": "T"})
    assert thought_in(asked(hidden, thought, finished("Here."))) == "**T**\n\nHm."


def test_thought_that_comes_again_without_its_content_keeps_it() -> None:
    def thinks(*contents: str) -> Json:
        thoughts = [{"summary": f"S{at}", "content": content} for at, content in enumerate(contents)]
        return message("", "x1", content={"content_type": "thoughts", "thoughts": thoughts})

    said = "**S0**\n\nLong.\n\n**S1**\n\nMore."
    assert (
        thought_in(asked(thinks("Long."), thinks("", "Mo"), thinks("Lo", "More."), finished("Here."))) == said
    )
    path = "/message/content/thoughts/0/content"
    again: list[Json] = [{"p": path, "o": "replace", "v": ""}, {"p": path, "o": "append", "v": "x"}]
    stream = v1({"p": "", "o": "add", "v": thinks("Long.")}, *again, begun("Here.", "a2", 1))
    assert thought_in(answer(stream, reasoning=True)) == "**S0**\n\nLong."


def test_thought_that_grew_unread_keeps_what_it_has() -> None:
    first: Json = {"summary": "S", "content": "A"}
    content: Json = {"content_type": "thoughts", "thoughts": [first]}
    path = "/message/content/thoughts"
    records: list[Json] = [
        {"p": "", "o": "add", "v": message("", "x1", content=content)},
        {"p": f"{path}/0/content", "o": "append", "v": " long"},
        {"v": " thought"},
        {"v": "."},
        {"p": f"{path}/0", "o": "replace", "v": first | {"content": ""}},
        {"p": path, "o": "append", "v": [first | {"content": "B"}]},
        {"p": f"{path}/1/content", "o": "append", "v": "."},
        {"v": "."},
        begun("Here.", "a2", 1),
    ]
    for fast in (True, False):
        seen = answer(v1(*records), reasoning=True, fast=fast)
        assert (thought_in(seen), seen.text) == ("**S**\n\nA long thought.\n\n**S**\n\nB..", "Here.")


def test_only_what_the_model_says_aloud_is_its_answer() -> None:
    parts = [
        {"content_type": "audio_transcription", "direction": "in", "text": "No."},
        {"content_type": "audio_transcription", "direction": "out", "text": "Good "},
        {"content_type": "audio_asset_pointer", "asset_pointer": "sediment://file_1"},
        "morning.",
    ]
    assert (
        asked(message("", content={"content_type": "multimodal_text", "parts": parts})).text
        == "Good morning."
    )


# Records with a type.


@pytest.mark.parametrize("said", [None, "words", 5, ["words"]])
def test_typed_record_is_no_message_whatever_its_words_are_called(said: object) -> None:
    for kind in ("toast", "new"):
        record: Json = {"type": kind, "message": said, "v": "words", "p": TEXT}
        assert asked(*growing("He"), record, *growing("Here.")).text == "Here."


def test_message_in_a_typed_record_is_a_message() -> None:
    for kind in ("message", "new"):
        assert asked({"type": kind} | message("Here.")).text == "Here."


ERRORS: dict[str, Json] = {
    "code": {"message": None, "error": "x", "error_code": "rate_limit_exceeded"},
    "code alone": {"message": None, "error": None, "error_code": "rate_limit_exceeded"},
    "typed": {"type": "error", "message": "Too many requests"},
    "typed, with a code": {"type": "error", "error_code": "rate_limit_exceeded"},
    "typed, with an error": {"type": "error", "error": "x", "error_code": "rate_limit_exceeded"},
}


@pytest.mark.parametrize("record", ERRORS.values(), ids=ERRORS)
def test_error_of_a_stream_is_told_by_its_code_behind_what_was_shown(record: Json) -> None:
    seen = asked(*growing("He"), record)
    assert (seen.text, seen.failure.status, seen.failure.code) == ("He", 429, "rate_limit_exceeded")


@pytest.mark.parametrize(
    "root",
    [
        {"v": {"error": "x", "error_code": "rate_limit_exceeded"}},
        {"v": {"message": None, "error": "x", "error_code": "rate_limit_exceeded"}, "c": 7},
        {"p": "", "o": "add", "v": {"error": "x", "error_code": "rate_limit_exceeded"}},
    ],
)
def test_error_in_the_root_of_a_delta_is_an_error(root: Json) -> None:
    seen = answer(v1(begun(), append("He"), root))
    assert (seen.text, seen.failure.code) == ("He", "rate_limit_exceeded")


def test_error_in_metadata_is_none() -> None:
    metadata: Json = {"p": "/message/metadata", "o": "append", "v": {"a": 1}}
    assert answer(v1(begun(), append("He"), metadata, {"v": {"error": "x"}}, append("re."))).text == "Here."


def test_message_with_an_error_code_is_a_message() -> None:
    assert asked(message("Here.") | {"error_code": "x"}).text == "Here."


@pytest.mark.parametrize("kind", ["message_stream_complete", "main_stream_complete"])
def test_stream_that_says_that_it_is_complete_needs_no_other_end(kind: str) -> None:
    stream = sse(*growing("Here."), {"type": kind}, done=False)
    assert (answer(stream).text, answer(stream).error) == ("Here.", None)


@pytest.mark.parametrize("data", [b'{"t": 1}', b"{}", b'{"t": 1.5, "u": 2}'])
def test_ping_may_be_an_object_that_says_nothing(data: bytes) -> None:
    ping = b"event: ping\ndata: " + data + b"\n\n"
    seen = answer(v1(begun(), append("He"), ping, {"v": "re."}))
    assert (seen.text, seen.conversation.facts.unknown) == ("Here.", {})


@pytest.mark.parametrize("data", [b'{"v": "re."}', b'{"t": 1', b'{"t": 1}\ndata: {"t": 1}'])
def test_ping_that_says_anything_else_has_run_into_a_record(data: bytes) -> None:
    ping = b"event: ping\ndata: " + data + b"\n\n"
    assert answer(v1(begun(), append("He"), ping, {"v": "!"})).failure.status == 502


def test_version_of_the_encoding_may_stand_without_quotes_but_must_be_known() -> None:
    stream = v1(begun(), append("He"), {"v": "re."})
    assert answer(stream.replace(b'"v1"', b"v1")).text == "Here."
    assert answer(stream.replace(b'"v1"', b'"v2"')).failure.status == 502
    assert stream.endswith(DONE)
