"""A follower over a scripted backend, and a reader that keeps what comes."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from tests.cases.backend import CaseBackend, playing
from tests.cases.case import Case
from tests.upstream.rig import ME, PATIENT, nothing_left
from translate.values import Elsewhere, ElsewhereKind
from upstream.elsewhere import Follower, FollowLimits, Paces, UserSockets
from upstream.http import Exchange, HttpClient, Timeouts, UpstreamError

CASE = Case.read("handoff-ws")
HANDOFF = Elsewhere(ElsewhereKind.HANDOFF, "c1", topic_id="conversation-turn-te1", token="tok")
BROKEN = replace(HANDOFF, kind=ElsewhereKind.BROKEN, records=3)
QUICK = FollowLimits(
    research=30.0,
    pro=30.0,
    picture=30.0,
    first_item=10.0,
    retry=0.01,
    longest_retry=0.02,
    paces=Paces(text=(0.01,), picture=(0.01,), research=(0.01,), hidden=(0.01,), refused=0.02),
)


@dataclass
class KeepingReader:
    """Goes from place to place as `places` says: at the end of each stream to the next one."""

    elsewhere: Elsewhere | None
    places: list[Elsewhere | None] = field(default_factory=list)
    streams: list[tuple[bool, bytes]] = field(default_factory=list)
    """Of each stream whether it began anew, and what came."""
    ends: list[UpstreamError | None] = field(default_factory=list)
    done: bool = False
    at_work: bool = True
    on_data: Callable[[], None] = lambda: None

    def go_on(self, *, fresh: bool) -> None:
        assert self.elsewhere is not None
        self.elsewhere = None
        self.streams.append((fresh, b""))

    def receive(self, data: bytes) -> Awaitable[None] | None:
        fresh, before = self.streams[-1]
        self.streams[-1] = (fresh, before + data)
        self.on_data()
        return None

    async def end(self, lost: UpstreamError | None = None) -> None:
        self.ends.append(lost)
        self.elsewhere = self.places.pop(0) if self.places else None


@dataclass
class Rig:
    """A backend, and who follows turns on it."""

    backend: CaseBackend
    http: HttpClient
    sockets: UserSockets
    follower: Follower

    async def follow(self, reader: KeepingReader, exchange: Exchange | None = None) -> None:
        exchange = exchange or Exchange()
        exchange.begin()
        await self.follower.follow(ME, "root", reader, exchange)


@asynccontextmanager
async def rig(
    *ways: str,
    limits: FollowLimits = QUICK,
    timeouts: Timeouts = PATIENT,
    adapt: Callable[[CaseBackend], Any] = lambda _: None,
    case: Case = CASE,
) -> AsyncIterator[Rig]:
    """Afterwards, no descriptor and no task may be left."""
    async with nothing_left(), playing(case, *ways, adapt=adapt) as backend:
        http = HttpClient(backend.url, "prefix0001", timeouts)
        sockets = UserSockets(http)
        yield Rig(backend, http, sockets, Follower(http, sockets, limits))
        sockets.close()
        http.close()
