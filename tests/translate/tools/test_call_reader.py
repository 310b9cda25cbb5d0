"""Calls in a text, wherever it is cut."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from translate.tools.call_reader import MAX_BODY, MAX_CALLS, CallReader, FoundCall

NONCE = "7f3a9c12"
OPEN = f'<call-{NONCE} name="get_weather">'
CLOSE = f"</call-{NONCE}>"
OSLO = '{"city": "Oslo"}'
CALL = f"{OPEN}\n{OSLO}\n{CLOSE}"
FOUND = FoundCall("get_weather", OSLO)


def read(
    text: str,
    sizes: list[int] | None = None,
    *,
    parallel: bool = True,
    raw_names: frozenset[str] = frozenset(),
) -> tuple[str, CallReader]:
    """The text that a client sees, and the reader that has read all."""
    reader = CallReader(NONCE, raw_names, parallel=parallel)
    shown, at, turn = "", 0, 0
    while at < len(text):
        size = sizes[turn % len(sizes)] if sizes else len(text)
        shown += reader.feed(text[at : at + size])
        at, turn = at + size, turn + 1
    return shown + reader.end(), reader


def seen(text: str) -> tuple[str, list[FoundCall], bool]:
    """Text, calls, and whether the last one is incomplete: the same however the text is cut."""
    shown, reader = read(text)
    result = shown, reader.calls, reader.is_incomplete
    for sizes in ([1], [2], [7], [3, 1, 14]):
        again, cut = read(text, sizes)
        assert (again, cut.calls, cut.is_incomplete) == result
    return result


def test_call_is_no_text() -> None:
    assert seen(CALL) == ("", [FOUND], False)


def test_text_before_a_call_is_shown_without_white_space_at_its_end() -> None:
    assert seen(f"Let me  look.\n \n{CALL}") == ("Let me  look.", [FOUND], False)


def test_white_space_alone_is_not_shown_before_a_call() -> None:
    assert seen(f"\n \n{CALL}\n") == ("", [FOUND], False)


def test_white_space_in_and_behind_a_text_stays() -> None:
    assert seen(" a\n\n b \n") == (" a\n\n b \n", [], False)


def test_text_is_shown_at_once() -> None:
    reader = CallReader(NONCE)
    assert [reader.feed(part) for part in ("Let ", "me", " look <", "div> {", "<call-7f")] == [
        "Let", " me", " look", " <div> {", "",
    ]  # fmt: skip


def test_only_the_beginning_of_a_tag_waits() -> None:
    reader = CallReader(NONCE)
    assert reader.feed("a<call-7f3a9c1") == "a"
    assert reader.feed("3 name") == "<call-7f3a9c13 name"


def test_what_waits_is_shown_at_the_end() -> None:
    for end in ("<", "<call-", "<call-7f3a9c1", "</call-7f3a9c1", " \n", "\n<res", "`", "~~~"):
        assert seen(f"a{end}") == (f"a{end}", [], False)


def test_several_calls() -> None:
    other = CALL.replace("Oslo", "Rome")
    expected = [FOUND, FoundCall("get_weather", '{"city": "Rome"}')]
    for between in ("", "\n\n", "\nAnd then:\n"):
        assert seen(f"Look.{CALL}{between}{other}") == ("Look.", expected, False)


def test_text_behind_a_call_is_left_out_and_a_longer_one_ends_the_answer() -> None:
    assert seen(f"{CALL}\nI wait now.") == ("", [FOUND], False)
    reader = CallReader(NONCE)
    reader.feed(f"{CALL}\nI wait now.")
    assert not reader.done
    reader.feed(" The weather in Oslo is nice: it is warm, and the sun shines all day long over it.")
    assert reader.done
    assert reader.feed(CALL) == ""
    assert reader.calls == [FOUND]


def test_without_parallel_the_first_call_ends_the_answer() -> None:
    shown, reader = read(f"{CALL}\n{CALL}", parallel=False)
    assert (shown, reader.calls, reader.done) == ("", [FOUND], True)


def test_closing_tag_in_a_string_closes_nothing() -> None:
    body = json.dumps({"text": f'a {CLOSE} b \\ " {OPEN}{{'})
    assert seen(f"{OPEN}\n{body}\n{CLOSE}") == ("", [FoundCall("get_weather", body)], False)


@pytest.mark.parametrize("behind", ["", "\n", "\nI wait.", "\n```", "}", f"\n{CALL}"])
def test_missing_closing_tag_is_no_matter_if_the_object_is_complete(behind: str) -> None:
    text, calls, incomplete = seen(f"{OPEN}\n{OSLO}{behind}")
    assert (text, calls[0], incomplete) == ("", FoundCall("get_weather", OSLO, closed=False), False)


@pytest.mark.parametrize("body", ['{"city": "Os', '{"city": ', "{", "", '{"city": "Oslo\n\nAnd'])
def test_incomplete_object_is_no_call(body: str) -> None:
    assert seen(f"Look. {OPEN}\n{body}") == ("Look.", [], True)


def test_object_that_lacks_a_bracket_is_told_from_a_whole_one() -> None:
    call = FoundCall("get_weather", '{"city": {"name": "Oslo"}', whole=False)
    assert seen(f'{OPEN}\n{{"city": {{"name": "Oslo"}}\n{CLOSE}') == ("", [call], False)


@pytest.mark.parametrize("begun", ["", "{", '{"city": ', '{"city": "Os', '{"city": "Os\n\nNo, again:'])
def test_second_opening_tag_within_an_incomplete_call_restarts(begun: str) -> None:
    assert seen(f"{OPEN}\n{begun}\n{CALL}") == ("", [FOUND], False)


def test_opening_tag_alone_is_incomplete() -> None:
    for text in (f"{OPEN}\n{OPEN}\n", f"<call-{NONCE}", f"<call-{NONCE} name", f"{OPEN}{{{OPEN}"):
        assert seen(text) == ("", [], True)


def test_call_with_nothing_in_it_has_no_arguments() -> None:
    assert seen(f"{OPEN}\n{CLOSE}") == ("", [FoundCall("get_weather", "")], False)
    assert seen(f"{OPEN}{CLOSE}") == ("", [FoundCall("get_weather", "")], False)


def test_body_that_is_no_json_ends_with_its_closing_tag() -> None:
    assert seen(f"{OPEN}\ncity: <b>Oslo\n{CLOSE}x") == (
        "",
        [FoundCall("get_weather", "city: <b>Oslo")],
        False,
    )


def test_arguments_in_a_fence_within_the_tags() -> None:
    assert seen(f"{OPEN}\n```json\n{OSLO}\n```\n{CLOSE}") == ("", [FOUND], False)


def test_arguments_may_be_text_or_a_list() -> None:
    for body in ('"{\\"city\\": 1}"', "[1, [2]]"):
        assert seen(f"{OPEN}{body}{CLOSE}") == ("", [FoundCall("get_weather", body)], False)


@pytest.mark.parametrize(
    "tag",
    [
        f"<call-{NONCE}\n  name='get_weather'>",
        f"<call-{NONCE} name=get_weather>",
        f'<call-{NONCE} id="raw" name = "get_weather" >',
    ],
)
def test_attributes_may_be_written_in_other_ways(tag: str) -> None:
    assert seen(f"{tag}{OSLO}{CLOSE}") == ("", [FOUND], False)


def test_tag_without_a_name_is_a_call_without_a_name() -> None:
    assert seen(f"<call-{NONCE}>{OSLO}{CLOSE}")[1] == [FoundCall("", OSLO)]


RAW = f'<call-{NONCE} name="patch" raw>'


def test_raw_body_ends_at_its_own_closing_tag_only() -> None:
    body = f'{{"\n</call-00000000>\n{OPEN}\n</call-7f\n'
    assert seen(f"{RAW}\n{body}\n{CLOSE}") == ("", [FoundCall("patch", body, raw=True)], False)
    assert seen(f"{RAW}\n{body}\n") == ("", [], True)


def test_tool_that_takes_a_text_gets_one_without_the_word() -> None:
    _, reader = read(f'<call-{NONCE} name="patch">\n{{x\n{CLOSE}', raw_names=frozenset({"patch"}))
    assert reader.calls == [FoundCall("patch", "{x", raw=True)]


FENCED = [
    f"```\n{CALL}\n```\n",
    f"Like this:\n\n```xml\n{CALL}\n```\nDone.",
    f"~~~\n{CALL}\n~~~",
    f"   ````\n```\n{CALL}\n````",
    f"```\n{CALL}",
    f"```\n{CALL}\n``` x\n{CALL}\n```",
]


@pytest.mark.parametrize("text", FENCED)
def test_envelope_in_a_fence_is_text(text: str) -> None:
    assert seen(text) == (text, [], False)


@pytest.mark.parametrize(
    "text", ["```\ncode\n```\n", "~~~ `\ncode\n~~~\n", "```js\n~~~\n```\n", "``` a ```\n", "    ```\n"]
)
def test_call_behind_a_fence_is_one(text: str) -> None:
    assert seen(f"{text}{CALL}") == (text.rstrip(), [FOUND], False)


@pytest.mark.parametrize(
    "text",
    [
        f"Write `{CALL}` now.",
        f"Write ``{CALL}`` now.",
        f"Write ``` {CALL} ``` now.",
        f"The tag `{OPEN}` opens, `{CLOSE}` closes.",
        f"`{OPEN}{OSLO}`",
        f"`{OPEN} city`",
        f"`<result-{NONCE}>`",
        f"`{CALL}`",
    ],
)
def test_envelope_in_inline_code_is_text(text: str) -> None:
    assert seen(text) == (text, [], False)


@pytest.mark.parametrize("text", ["A stray ` here.\n", "`a` and ``b``: ", "A stray ` here: "])
def test_stray_backtick_makes_no_code(text: str) -> None:
    assert seen(f"{text}{CALL}") == (text.rstrip(), [FOUND], False)


def test_fence_that_holds_a_call_and_ends_the_answer_is_known() -> None:
    for text in (f"```\n{CALL}\n```\n", f"So:\n~~~xml\n\n{CALL}\n{CALL}\n~~~", f"```\n{CALL}"):
        for sizes in (None, [1], [5]):
            assert read(text, sizes)[1].fenced.startswith(CALL)
    for text in (f"```\n{CALL}\n```\nDone.", f"```\nlook:\n{CALL}\n```", "```\n<call\n```", f"`{CALL}`", "a"):
        for sizes in (None, [1], [5]):
            assert read(text, sizes)[1].fenced == ""


@pytest.mark.parametrize(
    "text",
    [
        '<call-00000000 name="x">{}</call-00000000>',
        f'<call-{NONCE}1 name="x">{{}}</call-{NONCE}1>',
        f'<tool_call>{{"name": "x"}}</tool_call> &lt;call-{NONCE}&gt; <Call-{NONCE}> < call-{NONCE}>',
        '{"name": "x"}',
    ],
)
def test_what_only_resembles_an_envelope_comes_through(text: str) -> None:
    assert seen(text) == (text, [], False)


def test_tags_of_results_never_reach_the_client() -> None:
    text = f'It says <result-{NONCE} name="x" id="1">cold</result-{NONCE}>.{CLOSE} So.'
    assert seen(text) == ("It says cold. So.", [], False)


def test_message_that_begins_anew_ends_what_was_open() -> None:
    reader = CallReader(NONCE)
    shown = (
        reader.feed("```\ncode <call-") + reader.begin_message() + reader.feed(f"Now {CALL}") + reader.end()
    )
    assert (shown, reader.calls) == ("```\ncode <call-Now", [FOUND])
    reader = CallReader(NONCE)
    assert reader.feed(f'{OPEN}{{"city": ') + reader.begin_message() + reader.feed("Words.") == "Words."
    assert reader.is_incomplete


def test_message_that_goes_on_goes_on_with_its_call() -> None:
    reader = CallReader(NONCE)
    assert reader.feed(f'{OPEN}{{"city":') + reader.feed(f' "Oslo"}}{CLOSE}') == ""
    assert reader.calls == [FOUND]


def test_call_that_is_inline_code_up_to_the_end_is_text() -> None:
    for text in (f"`{OPEN} city`", f"`{CALL}`", f"`{OPEN}{OSLO}`", f"`<call-{NONCE} name", f"`{CALL} `"):
        assert seen(text) == (text, [], False)
    assert seen(f"`{OPEN}{OSLO}") == ("`", [FoundCall("get_weather", OSLO, closed=False)], False)
    assert seen(f"`{CALL}") == ("`", [FOUND], False)
    assert seen(f"`{OPEN} city ``") == ("`", [], True)
    assert seen(f"`{OPEN} city <b>{CLOSE}")[1] == [FoundCall("get_weather", "city <b>")]


def test_nothing_is_read_deeper_than_json_goes() -> None:
    body = "[" * 1000
    assert seen(f"{OPEN}{body}{CLOSE}") == ("", [FoundCall("get_weather", body)], False)


def test_closing_tag_that_is_cut_closes_all_the_same() -> None:
    assert seen(f"{OPEN}\n{OSLO}\n</call-{NONCE}") == ("", [FOUND], False)
    assert seen(f"{OPEN}\ncity\n</call-{NONCE}")[1] == [FoundCall("get_weather", "city")]
    assert seen(f'{OPEN}\n{{"a": 1\n</call-{NONCE}')[1] == [FoundCall("get_weather", '{"a": 1', whole=False)]


def test_false_starts_in_a_string_are_followed_to_the_first_that_is_whole() -> None:
    assert seen(f'{OPEN}\n{{"a": "\n{OPEN}\n{{"b\n{CALL}')[1] == [FOUND]
    assert seen(f'{OPEN}\n{{"a": "\n{OPEN}\n{{"b')[2]


def test_fence_is_closed_by_its_own_kind_alone() -> None:
    for text in (
        "```\n``` x\n```",
        "~~~ `a`\n```\n~~~",
        "```\n~~~\n  ```",
        "```\n   \n```  ",
        "```\n``` `\n```\t",
    ):
        assert seen(f"{text}\n{CALL}") == (text.rstrip(), [FOUND], False)


# Any text.

PIECES = st.sampled_from(
    [
        CALL, OPEN, CLOSE, OSLO, RAW, "<", "</", f"<call-{NONCE[:4]}", "{", "}", '"', "\\", "[", "]", "`",
        "``", "```", "~~~", "\n", "\n\n", " ", "    ", "a word", "x", f"<result-{NONCE}", ">", "```json\n",
    ]
)  # fmt: skip
TEXTS = st.lists(PIECES | st.text(max_size=8), max_size=30).map("".join)
SIZES = st.lists(st.integers(1, 40), min_size=1, max_size=6)


@given(text=TEXTS, sizes=SIZES)
def test_any_text_gives_the_same_however_it_is_cut(text: str, sizes: list[int]) -> None:
    whole, cut = read(text), read(text, sizes)
    assert cut[0] == whole[0]
    assert cut[1].calls == whole[1].calls
    assert (cut[1].is_incomplete, cut[1].fenced) == (whole[1].is_incomplete, whole[1].fenced)


@given(text=TEXTS, sizes=SIZES)
def test_plain_pieces_that_go_by_change_nothing(text: str, sizes: list[int]) -> None:
    whole, reader = read(text)[0], CallReader(NONCE)
    shown, at, turn = "", 0, 0
    while at < len(text):
        piece = text[at : at + sizes[turn % len(sizes)]]
        plain = not set(piece) & set("`]<~") and piece.rstrip(" \t\r\n") == piece
        shown += piece if plain and reader.passes_through and not reader.done else reader.feed(piece)
        at, turn = at + len(piece), turn + 1
    assert shown + reader.end() == whole


@given(text=st.text(), sizes=SIZES)
def test_text_without_our_tags_comes_through_unchanged(text: str, sizes: list[int]) -> None:
    assert read(text, sizes)[0] == text


@given(
    before=st.text(alphabet='ab <{}[]"\n.', max_size=20),
    arguments=st.lists(st.dictionaries(st.text(max_size=5), st.text(max_size=30), max_size=4), max_size=4),
    sizes=SIZES,
    spaced=st.booleans(),
)
def test_any_calls_anywhere_are_found(
    before: str, arguments: list[dict[str, str]], sizes: list[int], spaced: bool
) -> None:
    bodies = [json.dumps(value, ensure_ascii=spaced, indent=2 if spaced else None) for value in arguments]
    text = before + "\n".join(f"{OPEN}\n{body}\n{CLOSE}" for body in bodies)
    shown, reader = read(text, sizes)
    assert [call.body for call in reader.calls] == bodies
    assert shown == (before.rstrip() if bodies else before)


# Hostile sizes.


def test_arguments_without_end_are_refused_and_not_kept() -> None:
    reader = CallReader(NONCE)
    reader.feed(OPEN + '{"a": "')
    piece = "x" * 65536
    for _ in range(200):
        assert reader.feed(piece) == ""
    assert (reader.is_too_long, reader.done) == (True, True)
    assert reader.kept <= MAX_BODY + 2 * len(piece)


@pytest.mark.parametrize(
    "piece",
    [
        OPEN, f"<call-{NONCE} ", f"<call-{NONCE}", f'{OPEN}{{"', f"{OPEN}{{", "<", "`", "```\n", "~", "{",
        " ", f"`{OPEN}", f"\n{OPEN}\n{{\"", f"```\n{OPEN}",
    ],
)  # fmt: skip
@pytest.mark.parametrize("size", [1, 1000, 65536])
def test_megabyte_of_anything_is_read_in_linear_time(piece: str, size: int) -> None:
    length = min(1 << 18, size << 15)
    text = (piece * (1 + length // len(piece)))[:length]
    reader = CallReader(NONCE)
    shown = sum(len(reader.feed(text[at : at + size])) for at in range(0, len(text), size)) + len(
        reader.end()
    )
    assert shown <= len(text)
    assert len(reader.calls) <= MAX_CALLS
