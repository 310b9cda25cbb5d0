"""Software that others wrote for these APIs works with the service as it is. See README.md."""

from collections.abc import Callable, Iterator

import pytest

from tests.clients.clients import CLIENTS, Client, Outcomes
from tests.clients.guide import GUIDE, blocks_of
from tests.clients.service import service
from tests.clients.table import COLUMNS, cell, other_rows, parts, versions

Run = Callable[[Client], Outcomes]
QUICK = [client for client in CLIENTS if client.part.quick]
"""The others are run by `make clients` alone."""
TOLD = parts(GUIDE.read_text(encoding="utf-8"))[1].splitlines()
"""The tables, line by line."""


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    """Runs a client, once for all tests."""
    done: dict[Client, Outcomes] = {}
    with service() as driven:

        def run(client: Client) -> Outcomes:
            if client.part.missing:
                pytest.skip(f"{client.name} is not installed: see tests/clients/README.md")
            if client not in done:
                done[client] = client.run(driven, tmp_path_factory.mktemp("home"), slow=False)
            return done[client]

        yield run


@pytest.mark.parametrize("client", QUICK, ids=lambda client: client.name)
def test_client_gets_all_that_it_asks_for(client: Client, run: Run) -> None:
    outcomes = run(client)
    assert client.unexpected(outcomes) == {}
    assert outcomes.problems


@pytest.mark.parametrize("client", QUICK, ids=lambda client: client.name)
def test_tables_in_the_guide_are_what_a_run_gives(client: Client, run: Run) -> None:
    """`python -m tests.clients` writes them anew."""
    outcomes = run(client)
    common, *others = [line for line in TOLD if line.startswith(f"| {client.name} |")]
    told = dict(zip(COLUMNS, common.strip("| ").split(" | ")[2:], strict=True))
    assert common.split(" | ")[1] == versions(outcomes)
    ran = [feature for feature in COLUMNS if feature in outcomes.problems]
    assert {each: told[each] for each in ran} == {each: cell(each, outcomes) for each in ran}
    assert others == list(other_rows(client, outcomes))


def test_tables_in_the_guide_have_each_client() -> None:
    """Also those that were run by `make clients` alone."""
    assert {client.name for client in CLIENTS} <= {line.split(" | ")[0].removeprefix("| ") for line in TOLD}


@pytest.mark.parametrize("client", [each for each in CLIENTS if each.package], ids=lambda client: client.name)
def test_versions_in_the_guide_are_the_ones_that_are_pinned(client: Client) -> None:
    assert f"| {client.name} | `{client.package}` {client.part.version(client.package)}" in "\n".join(TOLD)


@pytest.mark.parametrize("client", [each for each in CLIENTS if each.tries], ids=lambda client: client.name)
def test_guide_has_lines_to_paste(client: Client) -> None:
    assert any(not block.file for block in blocks_of(client.name))
