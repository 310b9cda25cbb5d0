"""`docs/api.md` has every route, and every family of routes that does not exist."""

import re
from pathlib import Path

from tests.docs.pages import API
from tests.handlers.test_openapi import ALL, app_of, document_of

ROUTES = API.partition("\n## All routes\n")[2].partition("\n## ")[0]


def told() -> set[tuple[str, str]]:
    """Methods and paths of the table; methods before a path count for it."""
    found = set()
    for cell in re.findall(r"^\| ([^|]+) \|", ROUTES, re.MULTILINE):
        methods: list[str] = []
        for code in re.findall(r"`([^`]+)`", cell):
            *before, last = code.split(" ")
            methods += before or [last]
            if last.startswith("/"):
                found |= {(method.lower(), last) for method in methods}
                methods = []
    return found


async def test_table_has_the_routes_of_the_openapi_document(tmp_path: Path) -> None:
    document = document_of(await app_of(tmp_path, **ALL))
    described = {
        (method, path)
        for path, operations in document["paths"].items()
        for method in operations
        if method in ("get", "post", "delete")
    }
    assert told() == described
