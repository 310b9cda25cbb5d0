"""Conduit tokens, which f/conversation/prepare gives for the next call (protocol notes, section 20.1)."""

from simulator.messages import new_id

MAX_CONDUITS = 1000
"""Tokens that are kept; the oldest are dropped."""


class Conduits:
    """Tokens and the accounts that got them."""

    def __init__(self) -> None:
        self._keys: dict[str, str] = {}

    def give(self, key: str) -> str:
        """A new token for the account."""
        token = f"eyJ-conduit.{new_id()}"
        self._keys[token] = key
        while len(self._keys) > MAX_CONDUITS:
            del self._keys[next(iter(self._keys))]
        return token

    def belongs_to(self, token: str, key: str) -> bool:
        """Whether the account got that token."""
        return self._keys.get(token) == key
