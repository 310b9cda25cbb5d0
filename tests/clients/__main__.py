"""Runs all clients and writes what came of it into docs/clients.md, as tables: `python -m tests.clients`.

Names of clients beside it have those alone run, and nothing written. Ends with 1 if something fails that is
not known to be the client's fault.
"""

import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.clients.clients import CLIENTS, Client, Outcomes
from tests.clients.guide import GUIDE
from tests.clients.service import service
from tests.clients.table import parts, tables


def run(clients: Sequence[Client]) -> dict[Client, Outcomes]:
    """What comes of each, told as it comes."""
    runs = {}
    with service() as driven:
        for client in clients:
            with TemporaryDirectory() as folder:
                runs[client] = client.run(driven, Path(folder))
            for feature, problem in runs[client].problems.items():
                print(f"{client.name}: {feature}: {problem or 'passed'}", file=sys.stderr)
            print(f"{client.name}: refused: {dict(runs[client].refusals)}", file=sys.stderr)
    return runs


def main(names: Sequence[str]) -> int:
    """Gives the exit status."""
    runs = run([client for client in CLIENTS if not names or client.name in names])
    if not names:
        before, _, after = parts(GUIDE.read_text(encoding="utf-8"))
        GUIDE.write_text(f"{before}\n{tables(runs)}\n{after}", encoding="utf-8")
    return int(any(client.unexpected(outcomes) for client, outcomes in runs.items()))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
