"""`/healthz`, `/readyz` and `/metrics`."""

import hmac

from catalogue import GptsFileWatcher
from handlers.base import ApiHandler
from metrics import Exposition
from runtime import event_loop_name
from translate.values import Unauthorized, json_bytes
from turns import RunningAnswers


class HealthHandler(ApiHandler):
    """Whether the event loop runs; it does no I/O."""

    route = "probe"

    def initialize(self, simulated: bool) -> None:
        """`simulated`: the backend is the built-in simulator."""
        self.simulated = simulated

    def get(self) -> None:
        """200, always; `event_loop` says whose loop it is."""
        upstream = "simulated" if self.simulated else "configured"
        health = {"status": "ok", "upstream": upstream, "event_loop": event_loop_name()}
        self.send_body(json_bytes(health))

    head = get


class ReadyHandler(ApiHandler):
    """Whether to send traffic here: 503 while draining, and while the ledger's file cannot be written.

    The health of the backend does not count, since a short failure there must not take all instances out of
    the balancer. GPTs that cannot be used do not count either; `gpts` lists them with the reasons.
    """

    route = "probe"

    def initialize(self, running: RunningAnswers, gpts: GptsFileWatcher) -> None:
        """What it looks at."""
        self.running = running
        self.gpts = gpts

    async def get(self) -> None:
        """200 or 503, with `status`, `in_flight` and perhaps `gpts`."""
        status = "ready" if await self.common.charges.ledger.ready() else "not_recording"
        if self.running.draining:
            status = "draining"
        if status != "ready":
            self.set_status(503)
        detail: dict[str, object] = {"status": status, "in_flight": len(self.running)}
        if gpts := self.gpts.availability():
            detail["gpts"] = gpts
        self.send_body(json_bytes(detail))

    head = get


class MetricsHandler(ApiHandler):
    """The exposition, in the format that the scraper accepts."""

    route = "probe"

    def initialize(self, exposition: Exposition, token: str) -> None:
        """`token` is the bearer token that a scraper must send, empty for none."""
        self.exposition = exposition
        self.token = token

    async def get(self) -> None:
        """All metrics. Raises Unauthorized."""
        if self.token and not hmac.compare_digest(self.read_key().encode(), self.token.encode()):
            raise Unauthorized("The metrics need METRICS_TOKEN.", code="invalid_api_key")
        body, content_type = await self.exposition.get(self.request.headers.get("Accept", ""))
        self.set_header("Content-Type", content_type)
        self.finish(body)
