"""The console: a page at `/` with its files, and `GET /console/state`, which it asks every few seconds.

Anyone may see the page and what is public. Usage, errors and the backend's name are shown to the
administrator; see `access`.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Final

from access import Admin
from accounts import AccountQueue
from catalogue import GptsFileWatcher
from handlers.own_origin import OwnOriginHandler
from ledger import LicenceUsage, StoreError, limits_as_json, usage_summary
from oversight import Oversight, account_as_json, key_as_json
from recordings import Recorder
from translate.values import Catalogue, NotFound, json_bytes
from turns import RunningAnswers

FOLDER: Final = Path(__file__).parent.parent / "console"
MAX_ACCOUNTS: Final = 50
"""Accounts of which the backend's limits are shown: those used last."""
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


@dataclass(frozen=True, slots=True)
class ConsoleParts:
    """What the console shows.

    `demo_key` is the simulator's key, empty without a simulator. `upstream` is the backend's host.
    `api_prefix` is that of the settings, empty if it is not set.
    """

    version: str
    simulated: bool
    demo_key: str
    api_prefix: str
    admin: Admin
    upstream: str
    catalogue: Catalogue
    gpts: GptsFileWatcher
    running: RunningAnswers
    queue: AccountQueue
    licence: LicenceUsage
    recorder: Recorder
    oversight: Oversight


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
    """`{"version", "simulated", "status", "models": [...], "api", "key", "access", "details"}`.

    `access` is `granted`, or `token` where the admin token is wanted and `details` are null. `api` is the
    path of the API; null where it has a secret prefix.
    """

    route = "console"

    def initialize(self, parts: ConsoleParts) -> None:
        """What it tells about."""
        self.parts = parts

    async def get(self) -> None:
        """The state. Raises Unauthorized for a wrong token."""
        parts = self.parts
        prefix = parts.api_prefix
        granted = self.is_administrator(parts.admin)
        state = {
            "version": parts.version,
            "simulated": parts.simulated,
            "status": "draining" if parts.running.draining else "ready",
            "models": self._models(),
            "api": (f"/{prefix}/v1" if prefix else "/v1") if granted or not prefix else None,
            "key": parts.demo_key,  # which the start prints too
            "access": "granted" if granted else "token",
            "details": await self._details() if granted else None,
        }
        self.send_body(json_bytes(state))

    def _models(self) -> list[dict[str, object]]:
        gpts = self.parts.gpts.availability()
        return [
            {
                "id": name,
                "units": self.common.charges.units(model),
                "gpt": bool(model.gizmo_id),
                **gpts.get(name, {"available": True}),
            }
            for name, model in self.parts.catalogue.models.items()
        ]

    async def _details(self) -> dict[str, object]:
        parts, ledger = self.parts, self.common.charges.ledger
        window = ledger.window(None)
        try:
            usage = await usage_summary(ledger, None)
        except StoreError:
            usage = None
        return {
            "upstream": parts.upstream,
            "in_flight": len(parts.running),
            "queued": parts.queue.waiting,
            "max_concurrent": parts.running.limit,
            "usage": usage,
            "gpt4_window_resets_at": int(window[0] + ledger.limits.window) if window else None,
            "licence": parts.licence.latest,
            "accounts": [account_as_json(seen) for seen in parts.oversight.accounts()],
            "keys": [key_as_json(seen) for seen in parts.oversight.service_keys()],
            "backend": [
                limits_as_json(*told) for told in self.common.charges.backend_limits(None)[:MAX_ACCOUNTS]
            ],
            "recordings": [asdict(file) for file in await parts.recorder.files()],
            "errors": [asdict(failure) for failure in self.common.failures.latest()],
        }
