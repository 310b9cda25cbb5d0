"""What can be asked for again and gone on with: responses and conversations."""

from dataclasses import dataclass
from pathlib import Path

from continuity import ConversationTable, RedisConversations, SqliteConversations
from kept import KeptBounds, RedisResponses, ResponseStore, SqliteResponses
from settings import Settings

__all__ = ["LastingStores", "make_lasting_stores"]


@dataclass(frozen=True, slots=True)
class LastingStores:
    """Where responses are kept, and which conversations go on; None where nothing is."""

    responses: ResponseStore | None
    table: ConversationTable | None


def make_lasting_stores(settings: Settings, *, simulated: bool) -> LastingStores:
    """Make the stores, in STATE_DIR or in the Redis."""
    return LastingStores(
        _response_store(settings, simulated=simulated), _conversation_table(settings, simulated=simulated)
    )


def _response_store(settings: Settings, *, simulated: bool) -> ResponseStore | None:
    """Where responses are kept, if they are."""
    if not settings.responses_days:
        return None
    bounds = KeptBounds(settings.responses_days)
    if settings.redis_url:
        return RedisResponses(settings.redis_url, bounds)
    name = "demo-responses.sqlite3" if simulated else "responses.sqlite3"
    return SqliteResponses(Path(settings.state_dir) / name, bounds)


def _conversation_table(settings: Settings, *, simulated: bool) -> ConversationTable | None:
    """Where it is kept which conversations go on, if any do: a temporary chat is never gone on with."""
    if settings.continuity == "off" or settings.history == "temporary":
        return None
    if settings.redis_url:
        return RedisConversations(settings.redis_url)
    name = "demo-conversations.sqlite3" if simulated else "conversations.sqlite3"
    return SqliteConversations(Path(settings.state_dir) / name)
