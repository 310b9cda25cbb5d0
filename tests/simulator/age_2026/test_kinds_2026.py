"""The kinds of turns of 2026: what is visible in each, what is not, and which one a request gets."""

import json
import re
from typing import Any

import pytest

from simulator.kind_names import KIND_NAMES, KIND_NAMES_2026
from simulator.kinds import KINDS_2026
from tests.simulator.client import API, IN_2026, Answer, ask, ask_2026, call, message, running, until

MARK = re.compile("\ue200(\\w+)\ue202[^\ue201]*\ue201")
WHEREVER = ("text", "code", "search", "think", "products", "canvas", "pro", "research_app", "draw", "loose")


def final(answer: Answer) -> dict[str, Any]:
    said = [shown for shown in answer.shown.values() if shown["author"]["role"] == "assistant"]
    return said[-1]


def said(answer: Answer) -> str:
    return str(final(answer)["content"]["parts"][0])


async def asked(kind: str, knobs: str = "", question: str = "Tea") -> Answer:
    async with running(IN_2026) as simulator:
        return await ask_2026(simulator, f"{question} [[sim kind={kind} {knobs}]]")


def test_every_kind_has_a_name_and_every_name_a_kind() -> None:
    assert set(KIND_NAMES_2026) == set(KINDS_2026) - set(KIND_NAMES)


@pytest.mark.parametrize("kind", [*KIND_NAMES, *KIND_NAMES_2026])
async def test_every_kind_can_be_asked_for_and_cut_anywhere(kind: str) -> None:
    async with running(IN_2026) as simulator:
        answer = await ask_2026(simulator, f"Tea [[sim kind={kind} chunk=7 tokens=20 task_time=0]]")
        await until(lambda: not simulator.state.open_streams)
        assert simulator.state.streams[0].outcome == "complete"
    assert answer.done
    shown = answer.shown
    for each in list(shown.values())[1:]:
        assert each["metadata"].get("turn_exchange_id") or each["author"]["role"] == "user"


@pytest.mark.parametrize("kind", WHEREVER)
async def test_snapshots_show_the_same_messages_as_deltas(kind: str) -> None:
    knobs = "handoff=none task_time=0 tokens=20"
    async with running(IN_2026) as simulator:
        question = f"Tea [[sim kind={kind} {knobs} dialect="
        deltas = await ask_2026(simulator, question + "delta]]")
        snapshots = await ask(simulator, question + "snapshot]]", model="gpt-5-6")
    unlike = ("system", "user")
    pairs = zip(
        [each for each in deltas.shown.values() if each["author"]["role"] not in unlike],
        [each for each in snapshots.shown.values() if each["author"]["role"] not in unlike],
        strict=True,
    )
    for one, other in pairs:
        assert (one["author"], one["recipient"], one["channel"]) == (
            other["author"],
            other["recipient"],
            other["channel"],
        )
        assert one["content"]["content_type"] == other["content"]["content_type"]
        assert one["content"].get("text") == other["content"].get("text")


async def test_older_ages_do_not_know_them() -> None:
    async with running() as simulator:
        refused = await ask(simulator, "Tea [[sim kind=canvas]]")
    assert refused.status == 422
    assert "age=2026" in json.dumps(refused.json)


@pytest.mark.parametrize(
    ("question", "recipient"),
    [
        ("Search the web for tea", "web.run"),
        ("Draw a cat", "t2uay3k.sj1i4kz"),
        ("画一只猫", "t2uay3k.sj1i4kz"),
        ("Write a plan on the canvas", "canmore.create_textdoc"),
        ("Calculate 17*23", "python"),
    ],
)
async def test_question_chooses_the_tool(question: str, recipient: str) -> None:
    async with running(IN_2026) as simulator:
        answer = await ask_2026(simulator, question)
    assert recipient in {shown["recipient"] for shown in answer.shown.values()}


@pytest.mark.parametrize(
    ("question", "part"),
    [
        ("Write an email to the team", ":::writing"),
        ("Recommend a kettle", "\ue200products"),
        ("Show me pictures of tea", "\ue200image_group"),
        ("What is the formula of Pythagoras?", "\ue200genui"),
        ("Where does tea grow?", "\ue200entity"),
        ("Links about tea", "\ue200url"),
        ("How is the weather?", "\ue200forecast"),
        ("写一封邮件", ":::writing"),
    ],
)
async def test_question_chooses_the_marks(question: str, part: str) -> None:
    async with running(IN_2026) as simulator:
        answer = await ask_2026(simulator, question)
    assert part in said(answer)


@pytest.mark.parametrize(
    ("hint", "tool"),
    [
        ("search", "web.run"),
        ("picture_v2", "t2uay3k.sj1i4kz"),
        ("canvas", "canmore.create_textdoc"),
        ("research", "research_kickoff_tool.start_research_task"),
        ("plugin:connector_openai_deep_research", "api_tool.call_tool"),
    ],
)
@pytest.mark.parametrize("in_message", [True, False])
async def test_hint_chooses_the_kind(hint: str, tool: str, in_message: bool) -> None:
    sent = message("Tea", metadata={"system_hints": [hint]}) if in_message else message("Tea")
    async with running(IN_2026) as simulator:
        answer = await ask_2026(simulator, sent, system_hints=[] if in_message else [hint])
    assert tool in {shown["author"]["name"] for shown in answer.shown.values()}


async def test_the_hint_to_think_takes_a_model_that_thinks() -> None:
    async with running(IN_2026) as simulator:
        answer = await ask_2026(simulator, "Tea", model="auto", system_hints=["reason"])
    assert final(answer)["metadata"]["model_slug"] == "gpt-5-6-t-mini"
    assert "thoughts" in {shown["content"]["content_type"] for shown in answer.shown.values()}


async def test_only_models_that_think_have_thoughts() -> None:
    async with running(IN_2026) as simulator:
        plain = await ask_2026(simulator, "Hello", model="gpt-5-6-instant")
        thinking = await ask_2026(simulator, "Hello", model="gpt-5-6-thinking")
    assert [shown["content"]["content_type"] for shown in plain.shown.values()] == ["text", "text"]
    by_type = {shown["content"]["content_type"]: shown for shown in thinking.shown.values()}
    thought, recap = by_type["thoughts"], by_type["reasoning_recap"]
    assert thought["channel"] == "analysis"
    assert all(
        each["summary"] and each["content"] and each["finished"] for each in thought["content"]["thoughts"]
    )
    assert recap["metadata"]["reasoning_status"] == "reasoning_ended"
    assert final(thinking)["channel"] == "final"
    markers = [record["marker"] for record in thinking.records if record["type"] == "message_marker"]
    assert markers[0] == "cot_token"


async def test_a_preamble_is_commentary_with_a_flag() -> None:
    answer = await asked("think")
    flagged = [
        shown for shown in answer.shown.values() if shown["metadata"].get("is_thinking_preamble_message")
    ]
    assert [shown["channel"] for shown in flagged] == ["commentary"]
    assert final(answer)["end_turn"] is True


async def test_a_search_has_results_thoughts_and_a_visible_answer_of_the_tool() -> None:
    answer = await asked("search")
    tool = next(shown for shown in answer.shown.values() if shown["author"]["name"] == "web.run")
    assert [group["type"] for group in tool["metadata"]["search_result_groups"]] == [
        "search_result_group"
    ] * 3
    assert final(answer)["author"]["metadata"] == {"real_author": "tool:web"}
    references = final(answer)["metadata"]["content_references"]
    assert [each["matched_text"] for each in references] == [
        found.group() for found in MARK.finditer(said(answer))
    ]
    assert [each["type"] for each in references] == ["grouped_webpages", "grouped_webpages", "hidden"]


@pytest.mark.parametrize("timing", ["normal", "late", "delta", "patch"])
async def test_references_are_the_same_however_they_come(timing: str) -> None:
    answer = await asked("search", f"citations={timing}")
    references = final(answer)["metadata"]["content_references"]
    patches = [record for record in answer.records if record.get("type") == "content_references_patch"]
    if timing == "patch":
        assert references == []
        assert patches[0]["message_id"] == final(answer)["id"]
        references = patches[0]["content_references"]
    else:
        assert patches == []
    text = said(answer)
    assert len(references) == 3
    for each in references:
        assert text[each["start_idx"] : each["end_idx"]] == each["matched_text"]
        assert each["status"] == "done"
    assert references[0]["alt"] == "([Example](https://example.org/wiki/Tea_(drink)))"
    assert references[1]["items"][1]["url"].startswith("https://news.example.net/")


async def test_references_may_begin_empty() -> None:
    answer = await asked("search", "citations=delta")
    begun = [
        json.loads(data)
        for name, data in answer.events
        if name == "delta" and '"/message/metadata/content_references"' in data
    ]
    assert [(each["v"][0]["items"], each["v"][0]["alt"], each["v"][0]["status"]) for each in begun[:2]] == [
        ([], None, "loading")
    ] * 2


@pytest.mark.parametrize("timing", ["missing", "groups"])
async def test_references_may_be_missing(timing: str) -> None:
    answer = await asked("search", f"citations={timing}")
    metadata = final(answer)["metadata"]
    assert metadata["content_references"] == []
    assert ("search_result_groups" in metadata) == (timing == "groups")


@pytest.mark.parametrize(
    ("kind", "marks"),
    [
        ("entity", {"entity"}),
        ("url", {"url", "link_title"}),
        ("products", {"product_entity", "products"}),
        ("image_group", {"image_group"}),
        ("math", {"genui"}),
        ("widgets", {"finance", "forecast", "businesses_map", "memcite", "video", "navlist", "hologram"}),
        ("file_pages", {"filecite"}),
    ],
)
async def test_marks(kind: str, marks: set[str]) -> None:
    answer = await asked(kind)
    text = said(answer)
    assert {found.group(1) for found in MARK.finditer(text)} == marks
    for each in final(answer)["metadata"]["content_references"]:
        assert text[each["start_idx"] : each["end_idx"]] == each["matched_text"].strip()


async def test_loose_marks() -> None:
    text = said(await asked("loose"))
    assert '\ue200entity["' in text
    assert text.endswith("\ue202")
    assert "\ue203" in text
    assert "\ue206" in text
    assert "citeturn0search0" in text


async def test_a_mark_may_be_cut_off_and_written_anew() -> None:
    answer = await asked("rewritten")
    assert [found.group() for found in MARK.finditer(said(answer))] == ["\ue200cite\ue202turn0search2\ue201"]
    assert '"truncate"' in answer.body.decode()
    assert final(answer)["metadata"]["search_result_groups"][0]["domain"] == "example.org"


@pytest.mark.parametrize(("kind", "opened", "closed"), [("many_marks", 30, 30), ("open_marks", 30, 0)])
async def test_marks_without_measure(kind: str, opened: int, closed: int) -> None:
    text = said(await asked(kind, "tokens=30"))
    assert (text.count("\ue200"), text.count("\ue201")) == (opened, closed)
    assert text.endswith("Bye.")


async def test_a_mark_may_be_huge() -> None:
    text = said(await asked("huge_mark", "tokens=100 step=5000"))
    (found,) = MARK.finditer(text)
    assert len(found.group()) > 99_000


async def test_references_may_contradict_each_other() -> None:
    answer = await asked("contradiction")
    references = final(answer)["metadata"]["content_references"]
    assert [each["matched_text"] for each in references].count(references[0]["matched_text"]) == 2
    assert len({each["alt"] for each in references}) == 4
    assert any(not each["matched_text"] for each in references)


async def test_every_sign_of_hiding_has_its_message() -> None:
    answer = await asked("hidden")
    secrets = [shown for shown in answer.shown.values() if "SECRET" in json.dumps(shown["content"])]
    assert len(secrets) == 11
    signs = {
        (
            shown["channel"],
            shown["weight"],
            shown["recipient"],
            *sorted(key for key in shown["metadata"] if key.startswith(("is_v", "is_t", "reasoning_s"))),
        )
        for shown in secrets
        if shown["author"]["role"] == "assistant"
    }
    assert len(signs) == 8
    assert said(answer) == "That is all."


async def test_a_message_may_end_in_part_before_the_answer() -> None:
    answer = await asked("placeholder")
    states = [
        shown["status"] for shown in answer.shown.values() if shown["content"]["content_type"] == "text"
    ]
    assert states[-2:] == ["finished_partial_completion", "finished_successfully"]


async def test_there_may_be_two_answers_or_none() -> None:
    two, none = await asked("two_answers"), await asked("commentary_only")
    channels = [[shown["channel"] for shown in each.shown.values()] for each in (two, none)]
    assert channels[0].count("final") == 2
    assert "final" not in channels[1]


async def test_writing_block() -> None:
    answer = await asked("writing")
    found = re.search(r"\n(:::writing\{.*?\})\n(.*?)\n:::\n", said(answer), re.DOTALL)
    assert found
    opening, words = found.groups()
    assert 'variant="email"' in opening
    assert final(answer)["metadata"]["writing_blocks"]["48291"]["content"] == words


async def test_canvas_documents_grow_and_are_kept() -> None:
    async with running(IN_2026) as simulator:
        answer = await ask_2026(simulator, "Tea [[sim kind=canvas_update]]")
        conversation_id = answer.records[0]["conversation_id"]
        kept = await call(simulator, "GET", f"{API}/conversation/{conversation_id}/textdocs")
    create, update = [
        json.loads(shown["content"]["text"])
        for shown in answer.shown.values()
        if shown["recipient"].startswith("canmore.")
    ]
    assert create["type"] == "document"
    assert update["updates"][0]["pattern"] == ".*"
    (document,) = kept.json
    assert (document["content"], document["version"]) == (update["updates"][0]["replacement"], 2)
    canvas = [shown["metadata"]["canvas"] for shown in answer.shown.values() if "canvas" in shown["metadata"]]
    assert [each["version"] for each in canvas] == [1, 2]


async def test_private_python_is_analysis_and_shown_python_is_not() -> None:
    hidden, shown = await asked("python_hidden"), await asked("python_shown")
    private = [
        each for each in hidden.shown.values() if "python" in (each["recipient"], each["author"]["name"])
    ]
    assert {each["channel"] for each in private} == {"analysis"}
    tools = [each for each in shown.shown.values() if each["author"]["name"] == "python_user_visible"]
    assert [each["content"]["content_type"] for each in tools] == ["execution_output", "multimodal_text"]
    assert {each["channel"] for each in tools} == {"commentary"}


async def test_page_pictures_are_those_of_file_search() -> None:
    answer = await asked("file_pages")
    tool = next(each for each in answer.shown.values() if each["author"]["name"] == "file_search")
    pointers = [part["asset_pointer"] for part in tool["content"]["parts"] if isinstance(part, dict)]
    assert all(re.fullmatch(r"sediment://\w+#file_00000000[0-9a-f]{24}#p_\d\.png", each) for each in pointers)


async def test_task_of_a_front_end_is_answered_in_words_whatever_it_quotes() -> None:
    task = (
        '### Task:\nGenerate a title.\n### Output:\nJSON format: { "title": "your concise title here" }\n'
        '### Examples:\n- { "title": "Stock Trends" }\n### Chat History:\n<chat_history>\n'
        "USER: Search the web for tea\nASSISTANT: \n</chat_history>"
    )
    async with running(IN_2026) as simulator:
        answer = await ask_2026(simulator, task)
    assert set(json.loads(said(answer))) == {"title"}
