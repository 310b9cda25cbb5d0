"""What an account has in 2026: workspaces, limits, hints, a user (protocol notes, sections 20.1 and 20.8)."""

from simulator.messages import JsonObject
from simulator.refusals import NOT_FOUND, Refused
from simulator.routes.base import BackendHandler
from simulator.workspaces import accounts_json

_HINTS = {
    "search": True,
    "picture_v2": False,
    "reason": True,
    "canvas": True,
    "research": False,
    "plugin:connector_openai_deep_research": False,
}
"""Whether each hint is allowed in temporary chats."""


class Handler2026(BackendHandler):
    """Base of routes that older ages do not have."""

    def prepare(self) -> None:
        """See `BackendHandler`. Raises Refused (404) in older ages."""
        super().prepare()
        if not self.backend.version.is_2026:
            raise Refused(NOT_FOUND)


class AccountsHandler(Handler2026):
    """GET accounts/check/{version}."""

    def get(self, version: str) -> None:
        """The workspaces."""
        self.reply(accounts_json())


class InitHandler(Handler2026):
    """POST conversation/init."""

    def post(self) -> None:
        """The limits, without a message being spent. Raises Refused (422)."""
        self.object_body()
        knobs = self.backend.accounts.knobs(self.key, self.backend.knobs)
        self.reply(self.backend.limits.details(self.key, knobs))


class MeHandler(Handler2026):
    """GET me."""

    def get(self) -> None:
        """The user: the cheap check of a key."""
        self.reply({"id": "user-simulated", "email": "sim@example.org", "name": "Sim", "object": "user"})


class SettingsHandler(Handler2026):
    """GET settings/user."""

    def get(self) -> None:
        """Nothing is set."""
        self.reply({"settings": {}})


class HintsHandler(Handler2026):
    """GET system_hints."""

    def get(self) -> None:
        """The hints that choose a kind of turn."""
        hints: list[JsonObject] = [
            {"system_hint": name, "name": name, "persists": False, "allow_in_temporary_chat": allowed}
            for name, allowed in _HINTS.items()
        ]
        self.reply({"system_hints": hints})
