"""Was a message received? Asked of the account's own list of conversations (protocol notes, section 3).

That a message is in none of them proves something only if the list is whole, each conversation that may hold
the message can be read, and none of them is empty: an empty one may be where the message is still to appear.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from accounts import Credential
from translate.values import JsonObject, json_object, object_at
from upstream.http import API, HttpClient, JsonAnswer, UpstreamError, conversation_path

PAGE: Final = 100
"""Conversations that are asked for at once."""
MAX_PAGES: Final = 5
MAX_READ: Final = 300
"""Conversations that are read for one question, at most; they are small, and none of this costs quota."""


@dataclass(frozen=True, slots=True)
class Found:
    """What an account's history holds.

    `conversations` has the id of its conversation for each message that is there. `empty` are conversations
    without any message of a user: their ids, and when they began, in Unix seconds.
    """

    conversations: dict[str, str]
    empty: dict[str, float]


@dataclass(frozen=True, slots=True)
class _Listed:
    """An item of the list, with its times in Unix seconds."""

    id: str
    created: float
    updated: float


class History:
    """Reads what an account has stored; it changes nothing."""

    def __init__(self, http: HttpClient) -> None:
        self._http = http

    async def received(
        self, credential: Credential, messages: Collection[str], since: float, until: float
    ) -> Found | None:
        """Find messages, by id, in the conversations that were at work between two times (Unix seconds).

        A message that is not found was certainly not received, unless it belongs in an empty conversation.
        None if nothing is certain: the backend refuses, the list changes while it is read, a conversation
        cannot be read, or there are too many of them.
        """
        try:
            at_work = await self._at_work(credential, since, until)
            if at_work is None or len(at_work) > MAX_READ:
                return None
            found = Found({}, {})
            for item in at_work:
                if len(found.conversations) == len(messages):
                    break
                answer = await self._http.call("GET", conversation_path(item.id), credential)
                mapping = _content(answer).get("mapping")
                if not isinstance(mapping, dict):
                    return None
                found.conversations.update({message: item.id for message in messages if message in mapping})
                if item.created >= since and not _has_question(mapping):
                    found.empty[item.id] = item.created
        except (UpstreamError, ValueError, KeyError, TypeError):  # the latter three for an odd answer
            return None
        return found

    async def _at_work(self, credential: Credential, since: float, until: float) -> list[_Listed] | None:
        """The conversations that were begun before `until` and changed after `since`.

        None if the list is too long to tell, or changes meanwhile.
        """
        items: dict[str, _Listed] = {}
        totals: set[int] = set()
        for page in range(MAX_PAGES):
            path = f"{API}/conversations?offset={page * PAGE}&limit={PAGE}&order=updated"
            data = _content(await self._http.call("GET", path, credential))
            new = list(_items(data))
            items |= {item.id: item for item in new}
            totals.add(data.get("total", 0))
            if len(totals) > 1 or len(items) != page * PAGE + len(new):
                return None  # what was not seen yet may have moved to a page that was
            last_change = min((item.updated for item in new), default=0.0)
            # The list may be cut to pages smaller than asked for.
            if not new or last_change < since or len(items) >= data.get("total", 0):
                return [item for item in items.values() if item.created <= until and item.updated >= since]
            if len(new) < PAGE:
                return None
        return None


def _has_question(mapping: JsonObject) -> bool:
    """Whether a stored conversation holds a message of a user."""
    nodes = (object_at(mapping, node_id) for node_id in mapping)
    return any(object_at(object_at(node, "message"), "author").get("role") == "user" for node in nodes)


def _content(answer: JsonAnswer) -> dict[str, Any]:
    data = json_object(answer.body) if answer.successful else None
    if data is None:
        raise ValueError("not the answer asked for")
    return data


def _items(data: dict[str, Any]) -> Iterator[_Listed]:
    items = data.get("items")
    if not isinstance(items, list) or data.get("has_missing_conversations"):
        raise ValueError("not a list of conversations")
    for item in items:
        created = _seconds(item["create_time"])
        yield _Listed(item["id"], created, _seconds(item.get("update_time") or item["create_time"]))


def _seconds(value: object) -> float:
    """Times are Unix seconds or ISO 8601."""
    if isinstance(value, int | float):
        return float(value)
    return datetime.fromisoformat(str(value)).timestamp()
