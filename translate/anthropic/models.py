"""Models as Anthropic lists them."""

from collections.abc import Sequence

from translate.values import JsonObject, ListedModel


def model_object(name: str, created_at: str, listed: ListedModel | None) -> JsonObject:
    """One model under `name`, with what the backend lists of it. `created_at` is an RFC 3339 time."""
    return {
        "type": "model",
        "id": name,
        "display_name": listed.title if listed is not None and listed.title else name,
        "created_at": created_at,
        "lifecycle": "active",
        "max_input_tokens": (listed.context if listed is not None else 0) or None,
    }


def model_list(models: Sequence[JsonObject]) -> JsonObject:
    """All models, on one page."""
    return {
        "data": models,
        "has_more": False,
        "first_id": models[0]["id"] if models else None,
        "last_id": models[-1]["id"] if models else None,
    }
