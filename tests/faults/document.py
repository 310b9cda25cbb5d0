"""The table of faults in docs/errors.md, made from the data that the matrix runs."""

from pathlib import Path

from tests.faults.cells import Fault, Phase
from tests.faults.table import FAULTS

DOCUMENT = Path(__file__).parents[2] / "docs" / "errors.md"
BEGIN = "<!-- The table of faults: made by `python -m tests.faults`. -->\n"
END = "<!-- The end of the table of faults. -->\n"
HEAD = "| when | what goes wrong | what the client gets | booked | sent again |"
YES_OR_NO = {True: "yes", False: "no"}


def table() -> str:
    """The rows, in Markdown. Faults of a phase with the same consequences share one."""
    rows = [HEAD, "| --- | --- | --- | --- | --- |"]
    for phase in Phase:
        kinds: dict[tuple[str, str, str], list[str]] = {}
        for fault in FAULTS:
            if fault.phase is phase:
                kinds.setdefault(_consequences(fault), []).append(fault.name)
        for (ending, booked, repeated), names in kinds.items():
            wrong = "; ".join(dict.fromkeys(names))
            rows.append(f"| {phase} | {wrong} | {ending} | {booked} | {repeated} |")
    return "\n".join(rows) + "\n"


def _consequences(fault: Fault) -> tuple[str, str, str]:
    return str(fault.ending), YES_OR_NO[fault.booked], YES_OR_NO[fault.repeated]


def parts(text: str) -> tuple[str, str, str]:
    """What is before the table, the table, and what is behind it."""
    before, _, rest = text.partition(BEGIN)
    between, _, after = rest.partition(END)
    return before + BEGIN, between, END + after


def updated(text: str) -> str:
    """The text of the document with the present table."""
    before, _, after = parts(text)
    return f"{before}\n{table()}\n{after}"
