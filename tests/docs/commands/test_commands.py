"""Every block of code and every command in the documents is run or read, each in one way: see `table.py`."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.docs.commands.blocks import BLOCKS, LANGUAGES, SENTENCES, Block
from tests.docs.commands.place import Place, Service, clone
from tests.docs.commands.sentences import SENTENCES_TABLE
from tests.docs.commands.table import TABLE, Row
from tests.docs.commands.ways import NotRun
from tests.processes import ask, new_key, service_over_simulator

FAILS = "Tell me about tea [[sim fault=reset_mid]]"


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """The one that all commands ask; it has answered, failed once and recorded that."""
    folder = tmp_path_factory.mktemp("service")
    (folder / "anna").write_text("fk-anna")
    accounts = {"accounts": [{"alias": "anna", "credential": {"file": "anna"}}]}
    (folder / "accounts.json").write_text(json.dumps(accounts))
    settings = {
        "STATE_DIR": str(folder / "state"),
        "ACCOUNTS_FILE": str(folder / "accounts.json"),
        "PASSTHROUGH": "true",
        "RECORD": "failed",
    }
    with service_over_simulator(settings, knobs=["--age", "2026"]) as pair:
        for content, status in (("in one word", 200), (FAILS, 502)):
            question = {"model": "gpt-4-s", "messages": [{"role": "user", "content": content}]}
            assert ask(pair.port, "POST", "/v1/chat/completions", question, new_key()).status == status
        yield Service(pair, folder / "state")


@pytest.fixture(scope="module")
def origin(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return clone(tmp_path_factory.mktemp("origin"))


def row_of(block: Block) -> Row:
    file, table = ("table.py", TABLE) if block in BLOCKS else ("sentences.py", SENTENCES_TABLE)
    rows = [row for row in table if row.is_for(block)]
    assert len(rows) == 1, f"{block} has {len(rows)} rows in tests/docs/commands/{file}:\n{block.text}"
    return rows[0]


@pytest.fixture(scope="module")
def reader(
    origin: Path, service: Service, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[Block], None]:
    """Runs a block; one that follows another is run in its place, after that."""
    places: dict[Block, Place] = {}

    def run(block: Block) -> None:
        row = row_of(block)
        if row.follows:
            first = next(each for each in BLOCKS if each.text.startswith(row.follows))
            if first not in places:
                run(first)
            place = places[first]
        else:
            place = Place(origin, tmp_path_factory.mktemp("place"), service)
        row.way.run(block, place)
        places[block] = place

    return run


@pytest.mark.parametrize("block", [*BLOCKS, *SENTENCES], ids=str)
def test_block_does_what_the_document_says(block: Block, reader: Callable[[Block], None]) -> None:
    assert block.language in LANGUAGES
    reader(block)


def test_no_row_is_without_a_block() -> None:
    for table, blocks in ((TABLE, BLOCKS), (SENTENCES_TABLE, SENTENCES)):
        assert [row.begins for row in table if not any(row.is_for(block) for block in blocks)] == []


def test_few_blocks_are_not_run() -> None:
    assert len([row for row in [*TABLE, *SENTENCES_TABLE] if isinstance(row.way, NotRun)]) <= 9
