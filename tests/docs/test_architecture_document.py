"""`docs/architecture.md` tells of the rooms and arrows that the tests hold the house to."""

import re

from handlers.client_states import TRANSITIONS as CLIENT_TRANSITIONS
from pool.health import RULES
from tests.docs.names import CLASSES, MEMBERS
from tests.source_tree import ROOT
from tests.test_architecture import ARROWS
from translate.states import TRANSITIONS, Signal, State

DOCUMENT = (ROOT / "docs" / "architecture.md").read_text("utf-8")
FAMILIES = {
    f"`{name}.*`": {room for room in ARROWS if room.split(".")[0] == name}
    for name in ("translate", "upstream")
}
"""How the table writes a room together with all rooms inside it."""


def cell(room: str) -> str:
    """The rooms that `room` may import from, as the table names them."""
    left, names = set(ARROWS[room]), []
    for name, family in FAMILIES.items():
        if family <= left:
            left -= family
            names.append(name)
    return ", ".join([*names, *(f"`{name}`" for name in ARROWS if name in left)])


def test_table_of_rooms_is_that_of_the_tests() -> None:
    section = DOCUMENT.partition("\n## The rooms\n")[2].partition("\n## ")[0]
    rows = dict(re.findall(r"^\| `([a-z0-9_.]+)` \| [^|]+ \|([^|]*)\|$", section, re.MULTILINE))
    assert list(rows) == list(ARROWS)
    wrong = [f"{room}: write | {cell(room)} |" for room in ARROWS if rows[room].strip() != cell(room)]
    assert not wrong, "\n".join(wrong)


def state_table(heading: str) -> dict[str, dict[str, str]]:
    """What follows by which signal on each state, as the table under that heading says."""
    section = DOCUMENT.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    table = {}
    for state, moves in re.findall(r"^\| ([A-Z_]+) \| [^|]+ \|([^|]*)\|$", section, re.MULTILINE):
        pairs = [move.split(":") for move in moves.split(";") if move.strip()]
        table[state] = {
            signal.strip(): target.strip() for signals, target in pairs for signal in signals.split(",")
        }
    return table


def test_table_of_a_conversation_is_that_of_the_code() -> None:
    always = {Signal.FAILURE: State.FAILED, Signal.ABANDONED: State.ABANDONED}
    written = state_table("The life of a conversation")
    assert list(written) == [state.name for state in TRANSITIONS]
    for state, moves in TRANSITIONS.items():
        if moves:
            assert always.items() <= moves.items(), "the sentence below the table says so"
        rest = {signal.name: target.name for signal, target in moves.items() if signal not in always}
        assert written[state.name] == rest, state


def test_table_of_an_answer_is_that_of_the_code() -> None:
    moves = {
        state.name: {signal.name: target.name for signal, target in moves.items()}
        for state, moves in CLIENT_TRANSITIONS.items()
    }
    assert state_table("The life of an answer") == moves


def span(seconds: float) -> str:
    """So long, as the document writes it."""
    units = {"d": 86400, "h": 3600, "min": 60, "s": 1}
    unit = next(name for name, length in units.items() if seconds >= length and seconds % length == 0)
    return f"{seconds / units[unit]:g} {unit}"


FAULT_ROW = re.compile(r"^\| `(\w+)` \| [^|]+ \| (\w+) \| ([^|]+) \| ([^|]*)\| (\w+) \|$", re.MULTILINE)


def test_table_of_faults_is_that_of_the_code() -> None:
    section = DOCUMENT.partition("\n## The health of an account\n")[2].partition("\n## ")[0]
    assert [(*row[:3], row[3].strip(), row[4]) for row in FAULT_ROW.findall(section)] == [
        (
            fault,
            rule.scope.name.lower(),
            f"{span(rule.base)} to {span(rule.ceiling)}",
            span(rule.announced) if rule.announced else "",
            rule.obstacle,
        )
        for fault, rule in RULES.items()
    ]


def test_files_and_classes_that_it_names_exist() -> None:
    paths = set(re.findall(r"\b(?:[a-z_]+/)+[a-z_]+\.(?:py|sqlite3|json)\b|`(?:[a-z_]+/)+`", DOCUMENT))
    assert {path for path in paths if not (ROOT / path.strip("`")).exists()} == set()
    named = set(re.findall(r"\b[A-Z][a-z]+[A-Z]\w*[a-z]\b", re.sub(r"https?:\S+", "", DOCUMENT)))
    assert named - CLASSES - {"WebSocket", "OpenAI"} == set()


def test_members_of_classes_that_it_names_exist() -> None:
    named = set(re.findall(r"\b([A-Z][a-z]\w+)\.([a-z_]+)\b", DOCUMENT))
    assert ("FastPath", "take_plain") in named
    assert named - MEMBERS == set()
