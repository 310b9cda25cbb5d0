"""Runs all clients and writes what came of it into docs/clients.md, as a table: `python -m tests.clients`."""

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.clients.clients import CLIENTS
from tests.clients.guide import GUIDE
from tests.clients.service import service
from tests.clients.table import parts, table

runs = {}
with service() as url:
    for client in CLIENTS:
        with TemporaryDirectory() as folder:
            runs[client] = client.run(url, Path(folder))
        for feature, problem in runs[client].problems.items():
            print(f"{client.name}: {feature}: {problem or 'passed'}", file=sys.stderr)
before, _, after = parts(GUIDE.read_text(encoding="utf-8"))
GUIDE.write_text(f"{before}\n{table(runs)}\n{after}", encoding="utf-8")
