"""The models that the backend lists in 2026, and which of them answers (protocol notes, section 20.8)."""

from dataclasses import dataclass

from simulator.messages import JsonObject
from simulator.refusals import Refused, invalid, unlisted_model

DEFAULT_MODEL = "gpt-5-6"
THINKING_MINI = "gpt-5-6-t-mini"
PICTURE_MODEL = "i-mini-m"
"""Answers every turn that draws; it is in no list."""
_EFFORTS = ("min", "standard", "extended", "max")
_ATTACHMENTS: JsonObject = {
    "type": "retrieval",
    "accepted_mime_types": ["application/pdf", "text/plain", "text/csv"],
    "image_mime_types": ["image/png", "image/jpeg", "image/webp", "image/gif"],
    "can_accept_all_mime_types": True,
}


@dataclass(frozen=True, slots=True)
class ListedModel:
    """One model. `max_tokens` is its context, `reasoning` is auto, none or reasoning.

    `efforts` are the values of `thinking_effort` that it takes, the usual one first; `is_work` marks models
    for agents.
    """

    slug: str
    title: str
    max_tokens: int
    reasoning: str
    efforts: tuple[str, ...] = ()
    is_work: bool = False

    def as_json(self) -> JsonObject:
        """One of the `models` of GET models."""
        efforts = [
            {
                "thinking_effort": effort,
                "full_label": f"Thinking, {effort}",
                "short_label": effort.title(),
                "description": f"Thinks with {effort} effort",
            }
            for effort in self.efforts
        ]
        return {
            "slug": self.slug,
            "title": self.title,
            "description": "A simulated model; every answer is made of stock sentences.",
            "max_tokens": self.max_tokens,
            "tags": ["history_off_approved"],
            "capabilities": {},
            "product_features": {"attachments": _ATTACHMENTS},
            "enabled_tools": ["tools", "tools2", "search", "canvas", "image_gen_tool_enabled"],
            "reasoning_type": self.reasoning,
            "configurable_thinking_effort": bool(self.efforts),
            "thinking_efforts": efforts,
            "default_thinking_effort": self.efforts[0] if self.efforts else None,
            "is_work_mode_model": self.is_work,
        }


LISTED_MODELS = (
    ListedModel(DEFAULT_MODEL, "GPT-5.6", 52_815, "auto"),
    ListedModel("gpt-5-6-instant", "GPT-5.6 Instant", 52_815, "none"),
    ListedModel(
        "gpt-5-6-thinking", "GPT-5.6 Thinking", 262_144, "reasoning", ("standard", "extended", "min", "max")
    ),
    ListedModel("gpt-5-6-pro", "GPT-5.6 Pro", 196_608, "reasoning"),
    ListedModel(THINKING_MINI, "GPT-5.6 Thinking mini", 52_815, "reasoning"),
    ListedModel("gpt-5-4-thinking", "GPT-5.4 Thinking", 196_608, "reasoning", ("standard", "extended")),
    ListedModel("gpt-5-mini", "GPT-5 mini", 8_191, "none"),
    ListedModel("gpt-6", "GPT-6", 52_815, "auto"),
    ListedModel("gpt-6-pro", "GPT-6 Pro", 196_608, "reasoning"),
    ListedModel("gpt-6-sol-wm", "GPT-6 Sol", 196_608, "reasoning", is_work=True),
    ListedModel("gpt-4o", "GPT-4o", 32_767, "none"),
)
_BY_SLUG = {model.slug: model for model in LISTED_MODELS}


def wrong_listing() -> JsonObject:
    """An answer of GET models that cannot be believed."""
    first = LISTED_MODELS[0].as_json()
    changed: list[JsonObject] = [
        {"slug": None},
        {"slug": ""},
        {"slug": "x" * 10_000},
        {"max_tokens": "many", "thinking_efforts": "all"},
        {"max_tokens": -1, "thinking_efforts": [None, {"thinking_effort": 7}]},
        {"title": None, "reasoning_type": 3, "configurable_thinking_effort": "yes"},
    ]
    models: list[object] = [first, *({**first, **change} for change in changed), None, "gpt-5-6", 7, []]
    models += [{**first, "slug": f"gpt-flood-{number}"} for number in range(5000)]
    return {"models": models, "categories": None, "default_model_slug": 5, "versions": {}}


def listing() -> JsonObject:
    """The answer of GET models."""
    presets = [
        {"id": 0, "title": "Instant", "model_slug": "gpt-5-6-instant", "lane": "instant"},
        {"id": 1, "title": "Medium", "model_slug": "gpt-5-6-thinking", "thinking_effort": "standard"},
        {"id": 2, "title": "High", "model_slug": "gpt-5-6-thinking", "thinking_effort": "extended"},
        {"id": 3, "title": "Very High", "model_slug": "gpt-5-6-thinking", "thinking_effort": "max"},
        {"id": 4, "title": "Pro", "model_slug": "gpt-6-pro"},
    ]
    return {
        "models": [model.as_json() for model in LISTED_MODELS],
        "categories": [],
        "default_model_slug": DEFAULT_MODEL,
        "versions": [
            {
                "id": "latest",
                "enabled": True,
                "slugs": [model.slug for model in LISTED_MODELS if not model.is_work],
                "display_text": "Latest",
                "intelligence_presets": [{**preset, "preset_type": "available"} for preset in presets],
            }
        ],
    }


def answering_model(asked: str, hints: tuple[str, ...], *, refuses_unlisted: bool) -> str:
    """The slug that answers; one that is not listed is replaced, or refused. Raises Refused (404)."""
    if asked == "auto":
        return THINKING_MINI if "reason" in hints else DEFAULT_MODEL
    if asked in _BY_SLUG:
        return asked
    if refuses_unlisted:
        raise Refused(unlisted_model(asked))
    return DEFAULT_MODEL


def thinks(model: str) -> bool:
    """Whether answers of the model begin with thoughts."""
    return model in _BY_SLUG and _BY_SLUG[model].reasoning == "reasoning"


def is_pro(model: str) -> bool:
    """Whether the model answers in pro mode: after minutes, elsewhere."""
    return model.endswith("-pro")


def check_effort(effort: str | None, model: str) -> None:
    """Raises Refused (422) for an effort that is unknown, or that the model does not list."""
    listed = _BY_SLUG[model].efforts if model in _BY_SLUG else ()
    if effort is not None and (effort not in _EFFORTS or effort not in listed):
        raise Refused(invalid([(["thinking_effort"], "Invalid conversation body", "value_error")]))
