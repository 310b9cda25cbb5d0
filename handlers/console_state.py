"""What the page shows of the service, and to the administrator of accounts, keys, limits and failures."""

from dataclasses import asdict, dataclass
from typing import Final

from access import Admin
from accounts import AccountQueue
from catalogue import GptsFileWatcher
from handlers.base import Common
from handlers.client_connection import StreamTiming
from ledger import LicenceUsage, StoreError, limits_as_json, usage_summary
from oversight import Oversight, account_as_json, caps_as_json, key_as_json, model_caps
from recordings import Recorder
from translate.values import Catalogue
from turns import RunningAnswers

MAX_ACCOUNTS: Final = 50
"""Accounts of which the backend's limits are shown: those used last."""
MAX_CAPS: Final = 100


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
    timing: StreamTiming


async def console_state(parts: ConsoleParts, common: Common, *, granted: bool) -> dict[str, object]:
    """`{"version", "simulated", "status", "models": [...], "api", "key", "access", "details"}`.

    `access` is `granted`, or `token` where the admin token is wanted and `details` are null. `api` is the
    path of the API; null where it has a secret prefix.
    """
    prefix = parts.api_prefix
    return {
        "version": parts.version,
        "simulated": parts.simulated,
        "status": "draining" if parts.running.draining else "ready",
        "models": _models(parts, common),
        "api": (f"/{prefix}/v1" if prefix else "/v1") if granted or not prefix else None,
        "key": parts.demo_key,  # which the start prints too
        "access": "granted" if granted else "token",
        "details": await _details(parts, common) if granted else None,
    }


def _models(parts: ConsoleParts, common: Common) -> list[dict[str, object]]:
    gpts = parts.gpts.availability()
    return [
        {
            "id": name,
            "units": common.charges.units(model),
            "windowed": model.windowed,
            "gpt": bool(model.gizmo_id),
            **gpts.get(name, {"available": True}),
        }
        for name, model in parts.catalogue.models.items()
    ]


async def _details(parts: ConsoleParts, common: Common) -> dict[str, object]:
    charges, ledger = common.charges, common.charges.ledger
    window = ledger.window(None)
    try:
        usage = await usage_summary(ledger, None)
    except StoreError:
        usage = None
    accounts, told = parts.oversight.accounts(), charges.backend_limits(None)
    caps = model_caps(ledger.all_caps(), accounts, told, ledger.clock())
    return {
        "upstream": parts.upstream,
        "in_flight": len(parts.running),
        "queued": parts.queue.waiting,
        "max_concurrent": parts.running.limit,
        "usage": usage,
        "gpt4_window_resets_at": int(window[0] + ledger.limits.window) if window else None,
        "licence": parts.licence.latest,
        "accounts": [account_as_json(seen) for seen in accounts],
        "keys": [key_as_json(seen) for seen in parts.oversight.service_keys()],
        "backend": [limits_as_json(*each) for each in told[:MAX_ACCOUNTS]],
        "caps": caps_as_json(caps[:MAX_CAPS], parts.catalogue.slugs()),
        "recordings": [asdict(file) for file in await parts.recorder.files()],
        "errors": [asdict(failure) for failure in common.failures.latest()],
    }
