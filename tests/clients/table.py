"""The table of clients in the guide, made from what a run of all of them gave."""

from collections.abc import Mapping

from tests.clients.clients import Client, Outcomes

BEGIN = "<!-- The table of clients: made by `python -m tests.clients`. -->\n"
END = "<!-- The end of the table of clients. -->\n"
HEAD = "| client | version | what it does | result |\n| --- | --- | --- | --- |"


def table(runs: Mapping[Client, Outcomes]) -> str:
    """The rows, in Markdown: one for each feature of each client."""
    rows = [HEAD]
    for client, outcomes in runs.items():
        version = ", ".join(_version(*each) for each in outcomes.versions.items())
        for feature, problem in outcomes.problems.items():
            rows.append(f"| {client.name} | {version} | {feature} | {'failed' if problem else 'passed'} |")
    return "\n".join(rows) + "\n"


def _version(package: str, version: str) -> str:
    return f"`{package}` {version}"


def parts(guide: str) -> tuple[str, str, str]:
    """What is before the table, the table, and what is behind it."""
    before, _, rest = guide.partition(BEGIN)
    between, _, after = rest.partition(END)
    return before + BEGIN, between, END + after
