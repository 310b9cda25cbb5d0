"""The user's socket of 2026: one for all turns and news of an account (protocol notes, section 20.7)."""

import secrets
from collections import defaultdict, deque
from typing import Protocol

from simulator.messages import JsonObject

NEWS_TOPIC = "conversations"
MAX_NEWS = 200
"""Frames of news that are kept for each account, for those who subscribe later."""
MAX_ACCOUNTS = 500
"""Accounts whose news are kept; those who came first are dropped."""
MAX_ACCESS_TOKENS = 5000
"""Access tokens that are kept; the oldest are dropped."""


class NewsReader(Protocol):
    """A connected socket."""

    def send_news(self, frame: JsonObject) -> None:
        """Take a frame of news; one that has not subscribed to them drops it."""
        ...

    def drop(self) -> None:
        """Close the connection at once."""
        ...


class UserSockets:
    """All connected sockets by account, their access tokens, and the last news of each account."""

    def __init__(self) -> None:
        self._keys: dict[str, str] = {}
        self._readers: defaultdict[str, list[NewsReader]] = defaultdict(list)
        self._news: defaultdict[str, deque[JsonObject]] = defaultdict(lambda: deque(maxlen=MAX_NEWS))
        self._offset = 0

    def register(self, key: str) -> str:
        """A new access token for the account."""
        token = secrets.token_urlsafe(24)
        self._keys[token] = key
        while len(self._keys) > MAX_ACCESS_TOKENS:
            del self._keys[next(iter(self._keys))]
        return token

    def key_of(self, token: str) -> str | None:
        """The account of an access token; None for an unknown one."""
        return self._keys.get(token)

    def add(self, key: str, reader: NewsReader) -> None:
        """A socket is connected."""
        self._readers[key].append(reader)

    def remove(self, key: str, reader: NewsReader) -> None:
        """A socket is gone."""
        if reader in self._readers[key]:
            self._readers[key].remove(reader)

    def news_after(self, key: str, offset: str) -> list[JsonObject]:
        """The frames of news that the account has had since `offset`, all that are kept for "0"."""
        position = _position(offset)
        return [frame for frame in self._news[key] if _position(frame["offset"]) > position]

    def publish(self, key: str, payload: JsonObject) -> None:
        """Tell all sockets of an account some news."""
        self._offset += 1
        frame = {"type": "message", "topic_id": NEWS_TOPIC, "offset": f"{self._offset}-0", "payload": payload}
        self._news[key].append(frame)
        while len(self._news) > MAX_ACCOUNTS:
            del self._news[next(iter(self._news))]
        for reader in list(self._readers[key]):
            reader.send_news(frame)

    def drop_all(self) -> None:
        """Close all sockets at once."""
        for readers in self._readers.values():
            for reader in list(readers):
                reader.drop()
        self._readers.clear()


def _position(offset: str) -> int:
    number = offset.partition("-")[0]
    return int(number) if number.isdigit() else 0
