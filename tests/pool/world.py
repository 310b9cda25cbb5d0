"""Accounts of which all is known, and a pool of them over a real queue."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import InitVar, dataclass, field, replace

from accounts import Account, AccountQueue, Caller, Credential, Grant, KeyKind, Need
from metrics import Metrics
from pool import NEVER, Hindrance, Obstacle, Policy, Pool, Sources
from roster import Roster

GPT_4 = Need(names=("gpt-4-s",), slug="gpt-4", units=14, windowed=True)


@dataclass(frozen=True)
class Stands:
    """How an account stands in the ledger."""

    units_left: float = NEVER
    units_limit: float = NEVER
    messages_left: float = NEVER
    messages_limit: float = NEVER
    capped_until: float = 0.0
    quota_resets_at: float = 0.0
    window_frees_at: float = 0.0


@dataclass
class World:
    """The accounts, the keys, and what is known of them."""

    accounts: InitVar[tuple[Account, ...]]
    current: Roster = field(init=False)
    revoked: set[str] = field(default_factory=set)
    granted: dict[str, Grant] = field(default_factory=dict)
    standings: dict[str, Stands] = field(default_factory=dict)
    hindrances: dict[str, Hindrance] = field(default_factory=dict)
    told: dict[str, Hindrance] = field(default_factory=dict)
    now: float = 1_700_000_000.0

    def __post_init__(self, accounts: tuple[Account, ...]) -> None:
        self.current = Roster(accounts)

    def grant_of(self, caller: Caller) -> Grant | None:
        if caller.grant is None or caller.grant.alias in self.revoked:
            return None
        return self.granted.get(caller.grant.alias, caller.grant)

    def obstacle(self, account: Account, need: Need, now: float) -> Hindrance:
        return self.hindrances.get(account.alias, (Obstacle.NONE, 0.0))


def account(alias: str, **what: object) -> Account:
    return replace(Account(alias=alias, credential=Credential(f"fk-{alias}")), **what)  # type: ignore[arg-type]


def world_of(*aliases: str) -> World:
    return World(tuple(account(alias) for alias in aliases))


async def known_at_once() -> None:
    """Nothing has to be loaded."""


def pool_over(
    world: World,
    policy: Policy = Policy.BALANCE,
    *,
    max_waiting: int = 10,
    max_wait: float = 5.0,
    slots: Mapping[KeyKind, int] | None = None,
    ready: Callable[[], Awaitable[None]] = known_at_once,
    backend: Callable[[Account, Need], Hindrance | None] | None = None,
    salt: int = 0,
) -> Pool:
    metrics = Metrics(("chat",), [])
    kinds = slots or {KeyKind.SHARE: 1, KeyKind.POOL: 4, KeyKind.TOKEN: 1}
    queue = AccountQueue(kinds, max_waiting=max_waiting, max_wait=max_wait, metrics=metrics)
    sources = Sources(
        lambda known, need: world.standings.get(known.alias, Stands()),
        backend or (lambda known, need: world.told.get(known.alias)),
        world,
    )
    return Pool(world, queue, sources, policy, metrics, ready=ready, salt=salt, clock=lambda: world.now)
