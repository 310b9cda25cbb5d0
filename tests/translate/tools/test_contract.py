"""What an answer has to keep to, as a conversation drives it: words and calls of one turn."""

import itertools
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import pytest

from translate.tools import AnswerContract
from translate.values import ApiError, JsonFormat, JsonObject, Kept, Tool, Toolbox, ToolCall, Unkept

NONCE = "7f3a9c12"
CITY: JsonObject = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "days": {"type": "integer"}},
    "required": ["city"],
}
WEATHER = Tool("get_weather", "Weather of a city", CITY)
STRICT = Tool("get_weather", "Weather of a city", CITY, strict=True)
PATCH = Tool("apply_patch", raw=True)
PING = Tool("Ping")
OSLO = '{"city": "Oslo"}'


def call(name: str, body: str, raw: str = "") -> str:
    return f'<call-{NONCE} name="{name}"{raw}>\n{body}\n</call-{NONCE}>'


GOOD = call("get_weather", OSLO)
WRONG = call("get_weather", '{"town": "Oslo"}')


@dataclass
class Turn:
    """What a client sees: text that came before the end, all of the text, calls as name and arguments."""

    streamed: str
    text: str
    calls: list[tuple[str, str]]
    questions: list[str]
    kept: Kept | ApiError

    @property
    def error(self) -> ApiError:
        assert isinstance(self.kept, ApiError)
        return self.kept


def turn(contract: AnswerContract, *answers: str, size: int = 5, cut: bool = False) -> Turn:
    """Play the exchanges of a turn; what is asked is answered as long as there are answers."""
    streamed, questions = "", []
    verdict: Kept | Unkept | ApiError = Unkept("")
    for answer in answers:
        for at in range(0, len(answer), size):
            if contract.done:
                break
            streamed += contract.feed(answer[at : at + size])
        streamed += contract.release()
        verdict = contract.conclude(cut=cut)
        if isinstance(verdict, Kept):
            break
        questions.append(verdict.question)
        if not verdict.question:
            break
    kept = contract.give_up() if isinstance(verdict, Unkept) else verdict
    calls = [(made.name, made.arguments) for made in kept.calls] if isinstance(kept, Kept) else []
    text = streamed + (kept.text if isinstance(kept, Kept) else "")
    return Turn(streamed, text, calls, questions, kept)


def contract(
    tools: Sequence[Tool] = (WEATHER, PATCH, PING),
    choice: Literal["none", "auto", "required"] = "auto",
    allowed: Sequence[str] = (),
    *,
    parallel: bool = True,
    form: JsonFormat | None = None,
) -> AnswerContract:
    ids = itertools.count(1)
    toolbox = Toolbox(tools, choice, frozenset(allowed), parallel) if tools else None
    return AnswerContract(toolbox, form, NONCE, lambda: f"call_{next(ids)}")


def test_text_streams_and_calls_follow() -> None:
    seen = turn(contract(), f"Let me look.\n\n{GOOD}\n{call('Ping', '{}')}")
    assert (seen.streamed, seen.text) == ("Let me look.", "Let me look.")
    assert seen.calls == [("get_weather", OSLO), ("Ping", "{}")]
    assert isinstance(seen.kept, Kept)
    assert [made.id for made in seen.kept.calls] == ["call_1", "call_2"]


def test_answer_without_a_call_is_the_text() -> None:
    assert turn(contract(), "It is 3 < 4.\n").text == "It is 3 < 4.\n"


def test_tool_that_takes_a_text_is_called_with_it() -> None:
    body = '*** Begin\n+"x"\n'
    seen = turn(contract(), call("apply_patch", body, " raw"))
    assert seen.calls == [("apply_patch", body)]
    assert isinstance(seen.kept, Kept)
    assert seen.kept.calls[0].raw


def test_call_without_arguments_sends_an_empty_object() -> None:
    assert turn(contract(), call("Ping", "")).calls == [("Ping", "{}")]


@pytest.mark.parametrize(
    ("body", "arguments"),
    [
        ('{"city": "Os\nlo\t"}', '{"city": "Os\\nlo\\t"}'),
        ('{"city": "Oslo",}', OSLO),
        ('\ufeff{"city":\u00a0"Oslo"}', '{"city": "Oslo"}'),
        ('```json\n{"city": "Oslo"}\n```', OSLO),
        ('{"city": "\\d\\ "}', '{"city": "\\\\d\\\\ "}'),
        ('{"city": "Oslo"', OSLO),
        ('"{\\"city\\": \\"Oslo\\"}"', OSLO),
        ('{"city": "Oslo", "days": "3"}', '{"city": "Oslo", "days": 3}'),
    ],
    ids=["controls", "comma", "spaces", "fence", "backslash", "brace", "text of JSON", "number as text"],
)
def test_safe_repairs_are_made(body: str, arguments: str) -> None:
    seen = turn(contract([STRICT]), call("get_weather", body))
    assert [json.loads(made[1]) for made in seen.calls] == [json.loads(arguments)]
    assert seen.questions == []


@pytest.mark.parametrize(
    "body",
    [
        "{'city': 'Oslo'}",
        '{city: "Oslo"}',
        '{"city": True}',
        '{"city": "Oslo", "days": "03"}',
        '{"days": 3}',
        "Oslo",
        '{"city": “Oslo”}',
        '{"city": "Oslo"}}',
        '{"city": "Oslo",,}',
        "[]",
        '{"city": NaN}',
    ],
)
def test_what_would_be_a_guess_is_asked_again_and_fails_where_it_is_strict(body: str) -> None:
    text = call("get_weather", body)
    if body.endswith("}}"):  # what stands behind a whole object is no part of it
        assert turn(contract([STRICT]), text).calls == [("get_weather", OSLO)]
        return
    seen = turn(contract([STRICT]), text, text)
    assert (seen.text, seen.calls) == ("", [])
    assert len([question for question in seen.questions if question]) == 1
    assert (seen.error.code, seen.error.status, seen.error.should_retry) == ("tool_call_failed", 502, False)


def test_object_that_was_cut_is_never_completed() -> None:
    text = f'<call-{NONCE} name="get_weather">\n{{"city": "Os'
    seen = turn(contract(), text, text)
    assert seen.calls == []
    assert "not complete" in seen.questions[0]


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("GET_WEATHER", "get_weather"),
        ("ping", "Ping"),
        ("functions.get_weather", "get_weather"),
        ("mcp__x__Ping", "Ping"),
    ],
)
def test_name_that_is_surely_meant_is_mended(name: str, meant: str) -> None:
    assert turn(contract(), call(name, OSLO)).calls == [(meant, OSLO)]


def test_tool_whose_prefix_is_left_out_is_meant_if_it_is_the_only_one() -> None:
    one, other = Tool("mcp__a__read"), Tool("mcp__b__read")
    assert turn(contract([one, PING]), call("read", "{}")).calls == [("mcp__a__read", "{}")]
    assert turn(contract([one, other]), call("read", "{}"), "No.").calls == []


@pytest.mark.parametrize("name", ["get_weathers", "weather", "", "get-weather"])
def test_unknown_name_is_asked_again_with_the_names(name: str) -> None:
    seen = turn(contract(), f"Look. {call(name, OSLO)}", GOOD)
    assert (seen.text, seen.calls) == ("Look.", [("get_weather", OSLO)])
    assert "get_weather, apply_patch, Ping" in seen.questions[0]


def test_unknown_name_twice_leaves_the_text() -> None:
    seen = turn(contract(), f"Look. {call('frob', OSLO)}", call("frob", OSLO))
    assert (seen.text, seen.calls) == ("Look.", [])
    seen = turn(contract(), call("frob", OSLO), call("frob", OSLO))
    assert (seen.text, seen.calls) == (OSLO, [])


@pytest.mark.parametrize(
    "wrong",
    [call("frob", OSLO), call("get_weathers", OSLO), f"<call-{NONCE}>\n{OSLO}\n</call-{NONCE}>", GOOD[:-35]],
    ids=["unknown", "near", "nameless", "incomplete"],
)
def test_call_of_a_strict_tool_that_never_comes_right_fails(wrong: str) -> None:
    for again in (wrong, "It rains.", ""):
        seen = turn(contract([STRICT]), f"Look. {wrong}", again)
        assert (seen.text, seen.error.code, seen.error.should_retry) == ("Look.", "tool_call_failed", False)
    assert turn(contract([STRICT]), f"Look. {wrong}", GOOD).calls == [("get_weather", OSLO)]


def test_call_without_an_end_fails_only_where_its_own_tool_is_strict() -> None:
    begun, other = f'<call-{NONCE} name="get_weather">\n{{', f'<call-{NONCE} name="Ping">\n{{'
    assert turn(contract([STRICT, PING]), begun, "It rains.").error.code == "tool_call_failed"
    assert turn(contract([STRICT, PING]), f"{other}}}</call-{NONCE}>{begun}", begun).error.status == 502
    for wrong in (other, call("frob", OSLO)):
        assert turn(contract([STRICT, PING]), wrong, "It rains.").text == "It rains."
    named_before = f"{call('Ping', '{}')}\n<call-{NONCE} "
    assert turn(contract([PING, STRICT]), named_before, "It rains.").calls == [("Ping", "{}")]


def test_wrong_arguments_are_asked_again_with_the_reason_and_the_parameters() -> None:
    seen = turn(contract(), f"Look.\n{WRONG}", f"Sorry!\n{GOOD}")
    assert (seen.text, seen.calls) == ("Look.", [("get_weather", OSLO)])
    assert '"city" is a required property' in seen.questions[0]
    assert json.dumps(CITY, separators=(",", ":")) in seen.questions[0]
    path = turn(contract(), call("get_weather", '{"city": {"name": 1}}'), GOOD).questions[0]
    assert "city: " in path


def test_wrong_arguments_twice_are_passed_on_unless_strict() -> None:
    assert turn(contract(), WRONG, WRONG).calls == [("get_weather", '{"town": "Oslo"}')]
    assert turn(contract(), WRONG).calls == [("get_weather", '{"town": "Oslo"}')]
    assert turn(contract([STRICT]), WRONG, WRONG).error.code == "tool_call_failed"
    assert turn(contract([STRICT]), WRONG).error.code == "tool_call_failed"


def test_what_is_no_object_is_never_passed_on() -> None:
    broken = call("get_weather", "city: Oslo")
    assert turn(contract(), f"Look. {broken}", broken).text == "Look."
    assert turn(contract(), broken, broken).calls == []


def test_words_instead_of_the_call_are_the_answer_unless_it_is_strict() -> None:
    seen = turn(contract(), f"Look. {WRONG}", "It cannot be known.")
    assert (seen.text, seen.calls) == ("Look.\n\nIt cannot be known.", [])
    assert turn(contract([STRICT]), WRONG, "It cannot be known.").error.code == "tool_call_failed"


def test_nothing_instead_of_the_call_leaves_the_call() -> None:
    assert turn(contract(), WRONG, " ").calls == [("get_weather", '{"town": "Oslo"}')]


def test_good_calls_beside_a_wrong_one_are_kept_and_not_made_twice() -> None:
    ping = call("Ping", "{}")
    seen = turn(contract(), f"{ping}\n{WRONG}", f"{call('Ping', '{ }')}\n{GOOD}")
    assert seen.calls == [("Ping", "{}"), ("get_weather", OSLO)]
    assert turn(contract(), f"{ping}\n{WRONG}", ping + GOOD).calls == [("Ping", "{}"), ("get_weather", OSLO)]
    assert turn(contract(), f"{ping}\n{WRONG}", "It is not needed.").calls == [("Ping", "{}")]


def test_schema_that_cannot_be_used_is_not_checked() -> None:
    unusable: list[JsonObject] = [{"type": "frob"}, {"$ref": "https://example.com/schema"}]
    for parameters in unusable:
        assert turn(contract([Tool("x", parameters=parameters)]), call("x", '{"a": 1}')).calls == [
            ("x", '{"a": 1}')
        ]


# How tools may be used.


def test_none_drops_calls_and_asks_once_for_words() -> None:
    seen = turn(contract(choice="none"), f"Look. {GOOD}")
    assert (seen.text, seen.calls, seen.questions) == ("Look.", [], [])
    seen = turn(contract(choice="none"), GOOD, "It rains.")
    assert (seen.text, seen.calls) == ("It rains.", [])
    assert turn(contract(choice="none"), GOOD, GOOD).text == ""


def test_required_shows_nothing_before_the_first_call_is_complete() -> None:
    seen = turn(contract(choice="required"), f"Let me look. {GOOD}")
    assert (seen.streamed, seen.text, seen.calls) == ("", "Let me look.", [("get_weather", OSLO)])


@pytest.mark.parametrize("allowed", [[], ["get_weather"]], ids=["required", "named"])
def test_forced_call_that_is_missing_is_asked_for_once_and_then_fails(allowed: list[str]) -> None:
    seen = turn(contract(choice="required", allowed=allowed), "It rains.", GOOD)
    assert (seen.text, seen.calls) == ("", [("get_weather", OSLO)])
    assert "get_weather" in seen.questions[0]
    seen = turn(contract(choice="required", allowed=allowed), f"Let me look. {WRONG}", GOOD)
    assert (seen.text, seen.calls) == ("Let me look.", [("get_weather", OSLO)])
    for again in ("It rains.", "", WRONG):
        seen = turn(contract(choice="required", allowed=allowed), "It rains.", again)
        assert (seen.text, seen.error.code, seen.error.should_retry) == ("", "tool_call_failed", False)
    assert turn(contract(choice="required", allowed=allowed), "It rains.").error.code == "tool_call_failed"


@pytest.mark.parametrize("choice", ["auto", "required"])
def test_tool_that_is_not_allowed_is_unknown(choice: Literal["auto", "required"]) -> None:
    seen = turn(contract(choice=choice, allowed=["Ping"]), GOOD, call("Ping", "{}"))
    assert seen.calls == [("Ping", "{}")]
    assert "Ping" in seen.questions[0]
    assert "apply_patch" not in seen.questions[0]


def test_without_parallel_one_call_is_made() -> None:
    made = contract(parallel=False)
    assert turn(made, f"{GOOD}{call('Ping', '{}')}").calls == [("get_weather", OSLO)]
    assert made.done


def test_two_equal_calls_are_two() -> None:
    assert turn(contract(), GOOD + GOOD).calls == [("get_weather", OSLO)] * 2


def test_without_parallel_a_wrong_call_is_asked_for_again() -> None:
    assert turn(contract(parallel=False), WRONG, GOOD).calls == [("get_weather", OSLO)]
    assert turn(contract(parallel=False), WRONG, WRONG).calls == [("get_weather", '{"town": "Oslo"}')]


# Fences.


@pytest.mark.parametrize("fence", ["```\n{}\n```", "```xml\n{}\n```\n", "~~~\n{}"])
def test_call_in_a_fence_that_ends_the_answer_is_one_if_it_must_be(fence: str) -> None:
    seen = turn(contract(choice="required"), "Here:\n\n" + fence.replace("{}", GOOD, 1))
    assert (seen.text, seen.calls) == ("Here:", [("get_weather", OSLO)])


def test_call_in_a_fence_is_text_and_asked_for_once() -> None:
    text = f"```\n{GOOD}\n```"
    seen = turn(contract(), text, GOOD)
    assert (seen.streamed, seen.calls) == (text, [("get_weather", OSLO)])
    assert "fence" in seen.questions[0]
    for again in ("I only showed it.", "", text):
        seen = turn(contract(), text, again)
        assert (seen.text, seen.calls) == (text, [])


def test_quoted_call_amid_words_is_text() -> None:
    text = f"Like this:\n```\n{GOOD}\n```\nor `{GOOD}`."
    seen = turn(contract(), text)
    assert (seen.text, seen.calls, seen.questions) == (text, [], [])


# JSON.

ANSWER: JsonObject = {
    "type": "object",
    "properties": {"status": {"enum": ["ok", "bad"]}, "count": {"type": "integer"}},
    "required": ["status"],
    "additionalProperties": False,
}
OK = '{"status": "ok"}'
FORM = JsonFormat("answer", "", ANSWER, strict=True)
LOOSE = JsonFormat("answer", "", ANSWER)


@pytest.mark.parametrize(
    "text",
    [
        OK, f"\n{OK}\n", f"```json\n{OK}\n```", f"Here it is:\n```\n{OK}\n```\nEnjoy.", f"So {OK}, see.",
        f"{OK}\n\nIt is {OK}.", "First [1], then {\"status\": \"ok\"}",
    ],
)  # fmt: skip
@pytest.mark.parametrize("form", [FORM, JsonFormat()], ids=["schema", "any object"])
def test_json_alone_is_shown(text: str, form: JsonFormat) -> None:
    seen = turn(contract((), form=form), text)
    assert (seen.streamed, seen.text, seen.questions) == ("", OK, [])
    assert isinstance(seen.kept, Kept)
    assert seen.kept.closed


def test_json_stays_as_the_model_wrote_it() -> None:
    text = '{ "count":1e2,\n "status" : "\\u006fk" }'
    assert turn(contract((), form=FORM), text).text == text


def test_safe_repairs_are_made_in_answers() -> None:
    assert json.loads(turn(contract((), form=FORM), '{"status": "ok", "count": "3",}').text) == {
        "status": "ok", "count": 3,
    }  # fmt: skip


def test_fences_of_other_forms_are_told_apart() -> None:
    for text in (
        f"````\n```\n{OK}\n```\n````",
        f"~~~json\n{OK}\n~~~~ \nDone.",
        f"```\n{OK}",
        f"```py\nx\n```\n```json\n{OK}\n```\n```",
    ):
        assert turn(contract((), form=FORM), text).text == OK


def test_only_so_many_values_among_words_are_looked_at() -> None:
    few, many = "[] " * 100, "[] " * 1000
    assert turn(contract((), form=FORM), f"{few}{OK} it is").text == OK
    assert turn(contract((), form=FORM), f"{many}{OK} it is").error.code == "schema_not_met"


def test_text_that_is_too_long_to_be_mended_is_not() -> None:
    for size, is_mended in ((1000, True), (600_000, False)):
        seen = turn(
            contract([WEATHER], choice="required"), call("get_weather", f'{{"city": "{"x" * size}",}}')
        )
        assert bool(seen.calls) == is_mended


@pytest.mark.parametrize(
    "text",
    [
        '{"status": "no"}',
        '{"status": "ok"',
        '{"status": "ok"} or {"status": "bad"}',
        "[]",
        "{}",
        '{"status": ok}',
        "{'status': 'ok'}",
        "Here: {status: 'ok'}",
        "{“status”: “ok”}",
        "['ok']",
    ],
    ids=[
        "misfit",
        "cut off",
        "ambiguous",
        "no object",
        "missing",
        "no JSON",
        "single quotes",
        "no quotes",
        "typographic quotes",
        "list",
    ],
)
def test_json_that_does_not_fit_is_asked_for_once_and_then_fails(text: str) -> None:
    seen = turn(contract((), form=FORM), text, OK)
    assert (seen.streamed, seen.text) == ("", OK)
    assert "only the JSON" in seen.questions[0]
    seen = turn(contract((), form=FORM), text, text)
    assert (seen.error.code, seen.error.status, seen.error.should_retry) == ("schema_not_met", 502, False)
    assert turn(contract((), form=FORM), text).error.code == "schema_not_met"


def test_refusal_is_words_without_json_twice() -> None:
    seen = turn(contract((), form=FORM), "I will not.", "No, I cannot.")
    assert seen.kept == Kept(refusal="No, I cannot.", closed=True)
    assert turn(contract((), form=FORM), "I will not.", "").kept == Kept(refusal="I will not.", closed=True)
    link = "I cannot: see [the rules](https://example.com/{page})."
    assert turn(contract((), form=FORM), link, link).kept == Kept(refusal=link, closed=True)
    for answers in (["I will not.", "{"], ['{"', "I will not."]):
        assert turn(contract((), form=FORM), *answers).kept != Kept(refusal="I will not.", closed=True)
    assert turn(contract((), form=FORM), "I will not.").error.code == "schema_not_met"


def test_answer_that_the_backend_has_cut_stays_as_it_is() -> None:
    for form in (FORM, LOOSE):
        seen = turn(contract((), form=form), '{"status": "o', cut=True)
        assert (seen.text, seen.questions) == ('{"status": "o', [])


def test_loose_json_streams_without_what_stands_around_it() -> None:
    for text in (OK, f"Here it is:\n```json\n{OK}\n```\nDone {{}}.", f"So {OK} it is."):
        seen = turn(contract((), form=LOOSE), text)
        assert (seen.streamed, seen.text, seen.questions) == (OK, OK, [])


def test_loose_json_that_was_shown_and_does_not_fit_fails() -> None:
    for text in ('{"status": "no"}', '{"status": "ok"', '{"status": ok}'):
        seen = turn(contract((), form=LOOSE), text, OK)
        assert (seen.streamed, seen.error.code, seen.questions) == (text, "schema_not_met", [""])


def test_loose_json_is_asked_for_once_if_none_was_shown() -> None:
    seen = turn(contract((), form=LOOSE), "It is [fine].", OK)
    assert (seen.text, len(seen.questions)) == (OK, 1)


def test_list_streams_where_the_schema_takes_one() -> None:
    form = JsonFormat("list", "", {"type": "array"})
    text = "See [the list]:\n[1, [2]]"
    assert turn(contract((), form=form), text).streamed == "[1, [2]]"


def test_with_tools_only_an_answer_without_calls_has_the_form() -> None:
    assert turn(contract(form=FORM), f"Look. {GOOD}").calls == [("get_weather", OSLO)]
    assert turn(contract(form=FORM), OK).text == OK
    assert turn(contract(form=FORM), "Words.", OK).text == OK
    assert turn(contract(form=FORM), "Words.", GOOD).calls == [("get_weather", OSLO)]
    assert turn(contract(form=FORM), WRONG, OK).text == OK
    assert turn(contract(choice="none", form=FORM), OK + GOOD).text == OK


# Bounds.


def test_arguments_that_are_too_long_fail_at_once() -> None:
    made = contract()
    made.feed(f'<call-{NONCE} name="get_weather">{{"city": "')
    for _ in range(100):
        made.feed("x" * 65536)
    assert made.done
    assert made.kept < 10 << 20
    assert made.conclude(cut=False) == Unkept("")
    failure = made.give_up()
    assert isinstance(failure, ApiError)
    assert failure.code == "tool_call_failed"


@pytest.mark.parametrize("form", [FORM, LOOSE])
def test_words_that_are_held_back_are_bounded(form: JsonFormat) -> None:
    made = contract((), form=form)
    for _ in range(200):
        if not made.done:
            made.feed("x {" * 20000)
    assert made.done
    assert made.kept < 10 << 20
    assert isinstance(made.conclude(cut=False), Unkept)


def test_plain_text_goes_by_only_where_nothing_is_held_back() -> None:
    made = contract()
    assert not made.passes_through
    made.feed("Words")
    assert made.passes_through
    assert not made.alone
    for held in (contract(choice="required"), contract((), form=FORM), contract((), form=LOOSE)):
        held.feed("Words")
        assert not held.passes_through
        assert held.alone


def test_messages_are_parted() -> None:
    made = contract((), form=JsonFormat())
    made.feed("Let me think.")
    assert made.begin_message() == ""
    made.feed(OK)
    assert made.conclude(cut=False) == Kept(OK, closed=True)
    made = contract()
    assert made.feed("a ") + made.begin_message() + made.feed("b") == "a b"
    assert made.conclude(cut=False) == Kept("")


def test_calls_have_ids_of_their_own() -> None:
    seen = turn(contract(), GOOD + GOOD.replace("Oslo", "Rome"))
    assert isinstance(seen.kept, Kept)
    assert [made.id for made in seen.kept.calls] == ["call_1", "call_2"]
    assert isinstance(seen.kept.calls[0], ToolCall)


@pytest.mark.parametrize("size", [1, 2, 7, 1000])
def test_tag_alone_in_inline_code_is_text_wherever_it_is_cut(size: int) -> None:
    text = f"a ```<call-{NONCE}>```\nb"
    seen = turn(contract(), text, size=size)
    assert (seen.text, seen.calls, seen.questions) == (text, [], [])
    fenced = f"A ` and {call('get_weather', f'```json{chr(10)}{OSLO}{chr(10)}```')}"
    assert turn(contract(), fenced, size=size).calls == [("get_weather", OSLO)]
