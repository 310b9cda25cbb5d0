"""Was a message received? Asked of the account's own list of conversations (protocol notes, section 3)."""

from collections.abc import Collection, Iterator
from datetime import datetime
from typing import Any, Final

from accounts import Credential
from translate.values import json_object
from upstream.http import API, HttpClient, JsonAnswer, UpstreamError, conversation_path

PAGE: Final = 100
"""Conversations that are asked for at once."""
MAX_PAGES: Final = 5
MAX_READ: Final = 300
"""Conversations that are read for one question, at most; they are small, and none of this costs quota."""


class History:
    """Reads what an account has stored; it changes nothing."""

    def __init__(self, http: HttpClient) -> None:
        self._http = http

    async def received(
        self, credential: Credential, messages: Collection[str], since: float, until: float
    ) -> dict[str, str] | None:
        """Find messages, by id, in the conversations begun between two times (Unix seconds).

        Returns the id of its conversation for each message found; one that is not among them was certainly
        not received. None if that is not certain: the backend refuses, or there are too many conversations.
        """
        try:
            begun = await self._begun(credential, since, until)
            if begun is None or len(begun) > MAX_READ:
                return None
            found: dict[str, str] = {}
            for conversation_id in begun:
                if len(found) == len(messages):
                    break
                answer = await self._http.call("GET", conversation_path(conversation_id), credential)
                mapping = _content(answer).get("mapping")
                if not isinstance(mapping, dict):
                    return None
                found |= {message: conversation_id for message in messages if message in mapping}
        except (UpstreamError, ValueError, KeyError, TypeError):  # the latter three for an odd answer
            return None
        return found

    async def _begun(self, credential: Credential, since: float, until: float) -> list[str] | None:
        """Ids of the conversations begun in that time; None if the list is too long to tell."""
        begun: list[str] = []
        for page in range(MAX_PAGES):
            path = f"{API}/conversations?offset={page * PAGE}&limit={PAGE}&order=updated"
            data = _content(await self._http.call("GET", path, credential))
            items = list(_items(data))
            begun += [id for id, created, _ in items if since <= created <= until]
            last_change = min((updated for _, _, updated in items), default=0.0)
            # The list may be cut to pages smaller than asked for.
            if not items or last_change < since or page * PAGE + len(items) >= data.get("total", 0):
                return begun
            if len(items) < PAGE:
                return None
        return None


def _content(answer: JsonAnswer) -> dict[str, Any]:
    data = json_object(answer.body) if answer.successful else None
    if data is None:
        raise ValueError("not the answer asked for")
    return data


def _items(data: dict[str, Any]) -> Iterator[tuple[str, float, float]]:
    """Id, time of creation and time of the last change."""
    items = data.get("items")
    if not isinstance(items, list) or data.get("has_missing_conversations"):
        raise ValueError("not a list of conversations")
    for item in items:
        created = _seconds(item["create_time"])
        yield item["id"], created, _seconds(item.get("update_time") or item["create_time"])


def _seconds(value: object) -> float:
    """Times are Unix seconds or ISO 8601."""
    if isinstance(value, int | float):
        return float(value)
    return datetime.fromisoformat(str(value)).timestamp()
