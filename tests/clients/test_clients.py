"""Software that others wrote for these APIs works with the service as it is. See README.md."""

from collections.abc import Callable, Iterator

import pytest

from tests.clients.clients import CLIENTS, Client, Outcomes
from tests.clients.guide import GUIDE, blocks_of
from tests.clients.parts import Part
from tests.clients.service import service
from tests.clients.table import parts, table

Run = Callable[[Client], Outcomes]
MISSING = {part for part in Part if part.missing}
"""What is not installed: see README.md."""


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    """Runs a client, once for all tests."""
    done: dict[Client, Outcomes] = {}
    with service() as url:

        def run(client: Client) -> Outcomes:
            if client not in done:
                done[client] = client.run(url, tmp_path_factory.mktemp("home"))
            return done[client]

        yield run


@pytest.mark.parametrize("client", CLIENTS, ids=lambda client: client.name)
def test_client_gets_all_that_it_asks_for(client: Client, run: Run) -> None:
    if client.part in MISSING:
        pytest.skip(f"{client.name} is not installed: see tests/clients/README.md")
    problems = run(client).problems
    assert {feature: problem for feature, problem in problems.items() if problem} == {}
    assert problems


@pytest.mark.skipif(bool(MISSING), reason="some clients are not installed: see tests/clients/README.md")
def test_table_in_the_guide_is_what_a_run_gives(run: Run) -> None:
    """`python -m tests.clients` writes it anew."""
    runs = {client: run(client) for client in CLIENTS}
    assert parts(GUIDE.read_text(encoding="utf-8"))[1].strip() == table(runs).strip()


@pytest.mark.parametrize("client", [each for each in CLIENTS if each.package], ids=lambda client: client.name)
def test_guide_has_lines_to_paste(client: Client) -> None:
    assert any(not block.file for block in blocks_of(client.name))
