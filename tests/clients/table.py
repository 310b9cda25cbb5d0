"""The tables of clients in the guide, made from what a run of them gave."""

from collections.abc import Iterator, Mapping

from tests.clients.clients import Client, Outcomes

BEGIN = "<!-- The table of clients: made by `python -m tests.clients`. -->\n"
END = "<!-- The end of the table of clients. -->\n"
COMMON = (
    "chat",
    "stream",
    "usage",
    "cancel",
    "tools",
    "schema",
    "picture in",
    "picture out",
    "file",
    "models",
)
"""Features that many clients have."""
REFUSALS = ("401", "404", "429")
"""A key that is not known, a model that is not there, a cap that is reached."""
COLUMNS = (*COMMON, *REFUSALS)


def tables(runs: Mapping[Client, Outcomes]) -> str:
    """In Markdown, what many clients do, with a row for each of them, and what else they do."""
    common = [f"| client | version | {' | '.join(COLUMNS)} |", f"|{' --- |' * (2 + len(COLUMNS))}"]
    others = ["| client | what else it does | result |", "| --- | --- | --- |"]
    for client, outcomes in runs.items():
        common.append(common_row(client, outcomes))
        others += other_rows(client, outcomes)
    return "\n".join([*common, "", *others]) + "\n"


def common_row(client: Client, outcomes: Outcomes) -> str:
    """The row of a client in the first table."""
    return (
        f"| {client.name} | {versions(outcomes)} | {' | '.join(cell(each, outcomes) for each in COLUMNS)} |"
    )


def other_rows(client: Client, outcomes: Outcomes) -> Iterator[str]:
    """Those in the second one: also what failed of the first one, with the reason."""
    for feature, problem in outcomes.problems.items():
        if problem:
            yield f"| {client.name} | {feature} | failed: {client.faults.get(feature, 'see the log')} |"
        elif feature not in COLUMNS:
            yield f"| {client.name} | {feature} | passed |"


def versions(outcomes: Outcomes) -> str:
    """What was run of a client."""
    return ", ".join(f"`{package}` {version}" for package, version in outcomes.versions.items())


def cell(feature: str, outcomes: Outcomes) -> str:
    """What stands in a column of the first table."""
    problem = outcomes.problems.get(feature)
    if problem is None:
        return "–"
    if problem:
        return "failed"
    return str(outcomes.refusals[int(feature)]) if feature in REFUSALS else "yes"


def parts(guide: str) -> tuple[str, str, str]:
    """What is before the tables, the tables, and what is behind them."""
    before, _, rest = guide.partition(BEGIN)
    between, _, after = rest.partition(END)
    return before + BEGIN, between, END + after
