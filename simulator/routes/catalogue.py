"""What the backend offers: models, GPTs and their store, a cap of messages (protocol notes, section 3)."""

from simulator.gizmos import GIZMO_NOT_FOUND, find_gizmo, search_gizmos
from simulator.messages import JsonObject
from simulator.models_2026 import listing, wrong_listing
from simulator.refusals import NOT_FOUND, Refused
from simulator.routes.base import BackendHandler


def _model(slug: str, max_tokens: int, title: str, tag: str) -> JsonObject:
    description = "A simulated model; every answer is made of stock sentences."
    return {
        "slug": slug,
        "max_tokens": max_tokens,
        "title": title,
        "description": description,
        "tags": [tag],
        "capabilities": {},
        "product_features": {},
    }


MODELS = (
    _model("text-davinci-002-render-sha", 8191, "Default (GPT-3.5)", "gpt3.5"),
    _model("gpt-4", 32767, "GPT-4 (All Tools)", "gpt4"),
    _model("gpt-4-mobile", 8191, "GPT-4 (Mobile)", "gpt4"),
    _model("gpt-4-gizmo", 32767, "GPT-4 (GPTs)", "gpt4"),
)
CATEGORIES: tuple[JsonObject, ...] = (
    {
        "category": "gpt_3.5",
        "human_category_name": "GPT-3.5",
        "subscription_level": "free",
        "default_model": "text-davinci-002-render-sha",
    },
    {
        "category": "gpt_4",
        "human_category_name": "GPT-4",
        "subscription_level": "plus",
        "default_model": "gpt-4",
        "browsing_model": "gpt-4-browsing",
        "code_interpreter_model": "gpt-4-code-interpreter",
        "plugins_model": "gpt-4-plugins",
    },
)


class ModelsHandler(BackendHandler):
    """GET models."""

    def get(self) -> None:
        """All models and their categories. Raises Refused if there is no such route."""
        if self.backend.version.is_2026:
            if self.backend.knobs.listing == "none":
                raise Refused(NOT_FOUND)
            forms = {"empty": {"models": []}, "wrong": wrong_listing(), "usual": listing()}
            self.reply(forms[self.backend.knobs.listing])
            return
        self.reply({"models": list(MODELS), "categories": list(CATEGORIES)})


class LimitHandler(BackendHandler):
    """GET /public-api/conversation_limit."""

    def get(self) -> None:
        """The cap and its window in minutes, as the knobs `cap` and `cap_window` have them."""
        knobs = self.backend.knobs
        minutes = knobs.cap_window / 60
        textarea = f"GPT-4 currently has a cap of {knobs.cap} messages every {minutes / 60:g} hours."
        self.reply(
            {
                "message_cap": float(knobs.cap),
                "message_cap_window": minutes,
                "message_disclaimer": {
                    "model-switcher": "You've reached the GPT-4 cap.",
                    "textarea": textarea,
                },
            }
        )


class GizmoHandler(BackendHandler):
    """GET gizmos/{id}."""

    def get(self, name: str) -> None:
        """The description of a GPT, found by short id or by short id and slug. Raises Refused (404)."""
        self.reply(find_gizmo(name).as_json(self.backend.clock()))


class GizmoSearchHandler(BackendHandler):
    """GET gizmos/search."""

    def get(self) -> None:
        """GPTs for the words `q`, from `cursor` on. Raises Refused (404 before there was a store, 422)."""
        if not self.backend.version.has_store:
            raise Refused(GIZMO_NOT_FOUND)
        query, cursor = self.get_query_argument("q", ""), self.get_query_argument("cursor", "")
        self.reply(search_gizmos(query, cursor, self.backend.clock()))
