"""Programs that have files edited get the blocks that they have asked for."""

from simulator.answers import compose_answer, wants_edits
from simulator.answers.prompt import Prompt

RULES = "\n\n# *SEARCH/REPLACE block* Rules:\n\nTo put code in a new file, create a file."


def test_change_becomes_a_block() -> None:
    question = 'Change `print("hi")` to `print("It snows.")` in src/hello.py' + RULES
    assert compose_answer(Prompt(question, "gpt-4")) == (
        'src/hello.py\n```\n<<<<<<< SEARCH\nprint("hi")\n=======\nprint("It snows.")\n>>>>>>> REPLACE\n```'
    )


def test_blocks_are_wanted_only_where_their_rules_are_told() -> None:
    question = "Change `a` to `b` in c.py"
    assert wants_edits(Prompt(question + RULES, "gpt-4"))
    assert not wants_edits(Prompt(question, "gpt-4"))
    assert "<<<<<<<" not in compose_answer(Prompt(question, "gpt-4"))


def test_other_questions_beside_the_rules_are_answered_in_words() -> None:
    assert "<<<<<<<" not in compose_answer(Prompt("What is a volcano?" + RULES, "gpt-4"))
