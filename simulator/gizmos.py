"""The GPTs that the simulated backend offers; the backend calls a GPT a gizmo."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime

from simulator.messages import JsonObject
from simulator.refusals import Refusal, Refused, invalid

GIZMO_NOT_FOUND = Refusal.detail(404, "Gizmo not found")


@dataclass(frozen=True, slots=True)
class Gizmo:
    """One GPT. `slug` follows the short id in public links.

    `tools` are browser, dalle, python, plugins_prototype; `kind` is the kind of turn that it always has, ""
    for the kind that the question asks for.
    """

    id: str
    slug: str
    name: str
    description: str
    tools: tuple[str, ...] = ()
    kind: str = ""

    @property
    def short_url(self) -> str:
        """Short id and slug, as in public links."""
        return f"{self.id}-{self.slug}"

    def matches(self, words: list[str]) -> bool:
        """Whether its name or its description holds all of these words, which are in lower case."""
        text = f"{self.name} {self.description}".lower()
        return all(word in text for word in words)

    def as_json(self, now: float) -> JsonObject:
        """The answer of GET gizmos/{id}, `now` in Unix seconds (protocol notes, section 4.4)."""
        stamp = datetime.fromtimestamp(now, UTC).isoformat()
        nothing = dict.fromkeys(
            ("version", "live_version", "training_disabled", "allowed_sharing_recipients", "review_info")
        )
        gizmo: JsonObject = {
            "id": self.id,
            "organization_id": "org-simulated",
            "short_url": self.short_url,
            "author": {
                "user_id": "user-simulated",
                "display_name": "Simulator",
                "link_to": None,
                "selected_display": "name",
                "is_verified": True,
            },
            "voice": {"id": "ember"},
            "workspace_id": None,
            "model": None,
            "instructions": None,
            "settings": None,
            "display": {
                "name": self.name,
                "description": self.description,
                "welcome_message": "Hello",
                "prompt_starters": None,
                "profile_picture_url": "",
                "categories": [],
            },
            "share_recipient": "marketplace",
            "updated_at": stamp,
            "last_interacted_at": stamp,
            "tags": ["public"],
            **nothing,
            "appeal_info": None,
            "vanity_metrics": None,
        }
        tools = [
            {"id": f"gzm_cnf_{index}", "type": tool, "settings": None, "metadata": _tool_metadata(tool)}
            for index, tool in enumerate(self.tools, start=1)
        ]
        attachments = {
            "type": "retrieval",
            "accepted_mime_types": ["text/plain", "text/csv", "application/pdf"],
            "image_mime_types": ["image/webp", "image/jpeg", "image/png", "image/gif"],
            "can_accept_all_mime_types": True,
        }
        return {"gizmo": gizmo, "tools": tools, "files": [], "product_features": {"attachments": attachments}}


def _tool_metadata(tool: str) -> JsonObject | None:
    if tool != "plugins_prototype":
        return None
    return {
        "domain": "api.example.com",
        "auth": {"type": "none"},
        "privacy_policy_url": "https://example.com/privacy",
    }


GIZMOS: tuple[Gizmo, ...] = (
    Gizmo("g-YyyyMT9XH", "chatgpt-classic", "ChatGPT Classic", "No additional capabilities"),
    Gizmo("g-2fkFE8rbu", "dall-e", "DALL·E", "Turns words into pictures", ("dalle",)),
    Gizmo("g-HMNcP6w7d", "data-analysis", "Data Analysis", "Runs Python", ("python",)),
    Gizmo("g-SimReader", "sim-reader", "Sim Reader", "Reads the (simulated) web", ("browser",)),
    Gizmo(
        "g-SimActor1", "sim-actions", "Sim Actions", "Asks before it calls", ("plugins_prototype",), "action"
    ),
    Gizmo("g-SimLogin1", "sim-login", "Sim Login", "Wants a login", ("plugins_prototype",), "oauth"),
    Gizmo("g-SimAdvert", "sim-advert", "Sim Advert", "Adds an advertisement", (), "advert"),
)


PAGE_LENGTH = 3
"""GPTs in one answer of a search."""


def search_gizmos(query: str, cursor: str, now: float) -> JsonObject:
    """The answer of GET gizmos/search: a page of the GPTs that hold all words of `query`, and the cursor of
    the next page, None after the last one (protocol notes, section 3). Raises Refused (422) for a cursor
    that no answer had.
    """
    if not re.fullmatch(r"\d{0,9}", cursor, re.ASCII):
        raise Refused(invalid([(["cursor"], "value is not a valid cursor", "value_error")]))
    begin = int(cursor or 0)
    end = begin + PAGE_LENGTH
    found = [gizmo for gizmo in GIZMOS if gizmo.matches(query.lower().split())]
    items = [{"resource": {"gizmo": gizmo.as_json(now)["gizmo"]}} for gizmo in found[begin:end]]
    return {"hits": {"items": items, "cursor": str(end) if end < len(found) else None}}


def find_gizmo(name: str) -> Gizmo:
    """The GPT of a short id, or of short id and slug. Raises Refused (404)."""
    for gizmo in GIZMOS:
        if name in (gizmo.id, gizmo.short_url):
            return gizmo
    raise Refused(GIZMO_NOT_FOUND)
