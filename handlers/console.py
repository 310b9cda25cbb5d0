"""The console: a page at `/` with its files, and `GET /console/state`.

Anyone may see the page and what is public. Usage, errors, requests and the backend's name are shown to the
administrator; see `access`.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from handlers.console_state import ConsoleParts, console_state
from handlers.own_origin import OwnOriginHandler
from translate.values import NotFound, json_bytes

FOLDER: Final = Path(__file__).parent.parent / "console"
TYPES: Final = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".mjs": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
    ".woff2": "font/woff2",
}


@dataclass(frozen=True, slots=True)
class _File:
    content: bytes
    content_type: str
    etag: str


@cache
def _paths() -> Mapping[str, Path]:
    """The files of the console by their names below its folder, with slashes."""
    paths = (path for path in FOLDER.rglob("*") if path.suffix in TYPES)
    return {path.relative_to(FOLDER).as_posix(): path for path in paths}


@cache
def _file(path: Path) -> _File:
    """A file, once somebody has asked for it: of the 900 kB of all most are for formulas and code."""
    content = path.read_bytes()
    etag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
    return _File(content, TYPES[path.suffix], etag)


class ConsoleHandler(OwnOriginHandler):
    """One file; browsers ask again each time, so that page and service fit together."""

    route = "console"

    def get(self, name: str = "index.html") -> None:
        """The file of this name. Raises NotFound."""
        path = _paths().get(name)
        if path is None:
            raise NotFound("The console has no such file.", code="unknown_url")
        file = _file(path)
        self.set_header("Content-Type", file.content_type)
        self.set_header("Cache-Control", "no-cache")
        self.set_header("ETag", file.etag)
        if self.check_etag_header():
            self.set_status(304)
            self.finish()
        else:
            self.finish(file.content)

    head = get


class StateHandler(OwnOriginHandler):
    """What the page shows at first, and all that is shown to strangers; see `console_state`."""

    route = "console"

    def initialize(self, parts: ConsoleParts) -> None:
        """What it tells about."""
        self.parts = parts

    async def get(self) -> None:
        """The state. Raises Unauthorized for a wrong token."""
        granted = self.is_administrator(self.parts.admin)
        state = await console_state(self.parts, self.common, granted=granted)
        self.send_body(json_bytes(state))
