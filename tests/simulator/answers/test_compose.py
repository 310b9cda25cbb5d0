"""Answers: relevant-looking, in the question's language, as long as asked, the same each time."""

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.answers import compose_answer, title_for
from simulator.answers.prompt import Prompt
from simulator.tokens import split_tokens

HAN = re.compile(r"[\u4e00-\u9fff]")


def answer(question: str, **fields: object) -> str:
    return compose_answer(Prompt(question, "gpt-4", **fields))  # type: ignore[arg-type]


@given(st.text())
def test_any_question_gets_an_answer_and_a_title(question: str) -> None:
    assert compose_answer(Prompt(question, "gpt-4"))
    assert title_for(Prompt(question, "gpt-4"))


@pytest.mark.parametrize("question", ["What is a volcano?", "请介绍一下火山"])
def test_same_question_gets_the_same_answer_and_another_seed_another(question: str) -> None:
    assert answer(question) == answer(question)
    assert answer(question) != answer(question, seed="2")
    assert len({answer(question, seed="random") for _ in range(5)}) > 1


def test_answer_is_in_the_language_of_the_question() -> None:
    assert not HAN.search(answer("Tell me about volcanoes"))
    assert len(HAN.findall(answer("请介绍一下火山"))) > 50


def test_answer_takes_up_the_subject() -> None:
    assert "volcanoes" in answer("Can you tell me about volcanoes?")
    assert "火山" in answer("请介绍一下火山")


@pytest.mark.parametrize("question", ["Who are you?", "What model are you?", "Are you a real GPT?"])
def test_it_says_that_it_is_simulated_and_under_which_name(question: str) -> None:
    assert "simulated backend" in answer(question)
    assert "`gpt-4`" in answer(question)


@pytest.mark.parametrize("question", ["Hello! What can you do?", "你能做什么？"])
def test_it_tells_what_to_try(question: str) -> None:
    assert answer(question).count("\n- ") == 9


def test_it_says_so_in_chinese_too() -> None:
    assert "模拟后端" in answer("你是谁？")


def test_greetings_get_a_short_greeting() -> None:
    assert len(answer("Hello!")) < 80
    assert len(answer("你好")) < 40


def test_one_word_is_one_word() -> None:
    assert len(answer("Is the sky blue? Answer in one word").split()) == 1


def test_long_answers_are_long_and_short_ones_short() -> None:
    assert len(answer("Explain tides in detail")) > 3 * len(answer("Explain tides"))
    assert len(answer("Explain tides briefly")) <= 201


@pytest.mark.parametrize("count", [50, 2000])
def test_asked_number_of_words_is_met_nearly(count: int) -> None:
    assert count * 0.9 < len(answer(f"Write {count} words about tides").split()) < count * 1.1


def test_asked_number_of_chinese_characters_is_met() -> None:
    assert len(answer("写一篇300字的文章介绍潮汐")) == 300


@pytest.mark.parametrize("tokens", [1, 250, 4000])
def test_tokens_sets_the_exact_length(tokens: int) -> None:
    assert len(split_tokens(answer("Tell me about tides", tokens=tokens))) == tokens


def test_long_text_has_markdown_and_emoji() -> None:
    text = answer("Tides", tokens=4000)
    for mark in ("\n## ", "\n- ", "```python", "**"):
        assert mark in text
    assert any(ord(character) > 0xFFFF for character in answer("潮汐", tokens=4000) + text)


def test_sums_are_worked_out() -> None:
    assert answer("What is 17 * 23?") == "17 * 23 = **391**"
    assert "7.5" in answer("计算 3.5+4×(2-1)")


@pytest.mark.parametrize("question", ["What is 1/0?", "9" * 400 + "*" + "9" * 400, "1+" * 5000 + "1"])
def test_sums_that_can_not_be_done_get_some_answer(question: str) -> None:
    assert answer(question)


def test_earlier_questions_are_remembered() -> None:
    assert "My cat is Miau" in answer("What did I just say?", earlier=("Hi", "My cat is Miau"))


def test_system_prompt_is_told_when_asked_for() -> None:
    assert "Be a pirate" in answer("What is your system prompt?", system="Be a pirate")


def test_title_requests_get_a_few_words() -> None:
    question = "Please generate a four to five word title summarizing our conversation without any lead-in."
    title = answer(question, earlier=("Tell me about green tea",))
    assert title == "Green Tea"
    chinese = answer("使用四到五个字直接返回这句话的简要主题，不要解释", earlier=("请介绍一下绿茶",))
    assert chinese == "绿茶"


def test_json_side_requests_get_json() -> None:
    talk = "<chat_history>\nUSER: Tell me about tea\n</chat_history>"
    question = f'Suggest a title. Answer as JSON: {{ "title": "..." }}\n{talk}'
    assert json.loads(answer(question))["title"].startswith("Tea")


def test_code_is_fenced() -> None:
    lead, code, tail = answer("Write a function that adds numbers").split("```")
    assert code.startswith("python\ndef solve(")
    assert lead.endswith("\n\n")
    assert tail.startswith("\n\n")


def test_repetition_is_exact() -> None:
    assert answer("say exactly: 【注意】 a\n b  c") == "【注意】 a\n b  c"
