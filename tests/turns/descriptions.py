"""Descriptions of GPTs, without a backend."""

import asyncio

from accounts import Credential
from translate.values import Gizmo
from upstream import UpstreamError
from upstream.gpts import GptDescriptions


class Described(GptDescriptions):
    """Descriptions of GPTs by id. What is missing fails with `failure`."""

    def __init__(self, known: dict[str, Gizmo] | None = None, failure: UpstreamError | None = None) -> None:
        self.known = known or {}
        self.failure = failure
        self.gate = asyncio.Event()
        self.gate.set()

    async def get(self, gizmo_id: str, credential: Credential) -> Gizmo:
        await self.gate.wait()
        if self.failure is not None:
            raise self.failure
        return self.known[gizmo_id]
