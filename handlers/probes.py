"""``/healthz``, ``/readyz`` and ``/metrics``."""

import asyncio

import ujson

from handlers.base import ApiHandler


class HealthHandler(ApiHandler):
    """The loop turns: no I/O, always cheap."""

    route = "probe"

    def get(self) -> None:
        upstream = "simulated" if self.service.simulated else "configured"
        self.send_json(ujson.dumps({"status": "ok", "upstream": upstream}).encode())

    head = get


class ReadyHandler(ApiHandler):
    """Whether to send traffic here: 503 while draining.

    The upstream's health is no part of it: a blip there must not unroute every instance. Neither are
    GPTs that cannot be used; ``gpts`` tells which and why.
    """

    route = "probe"

    def get(self) -> None:
        service = self.service
        status = "draining" if service.draining else "ready"
        if service.draining:
            self.set_status(503)
        detail: dict[str, object] = {"status": status, "in_flight": len(service.running)}
        if gpts := service.gpts.availability():
            detail["gpts"] = gpts
        self.send_json(ujson.dumps(detail, escape_forward_slashes=False).encode())

    head = get


class MetricsHandler(ApiHandler):
    """The exposition, in the format that the scraper accepts."""

    route = "probe"

    async def get(self) -> None:
        service = self.service
        service.charges.refresh_gauges()
        # With many GPTs this takes some 20 ms, for which nobody has to wait.
        accept = self.request.headers.get("Accept", "")
        body, content_type = await asyncio.to_thread(service.metrics.expose, accept)
        self.set_header("Content-Type", content_type)
        self.finish(body)
