"""What the administrator does without a restart: sees accounts and keys, switches accounts, has files read.

It is not under the prefix of the API, as the console is not. See `access` for who is the administrator.
"""

from dataclasses import dataclass

from access import Admin
from catalogue import GptsFileWatcher
from handlers.own_origin import OwnOriginHandler
from oversight import Oversight, account_as_json, key_as_json
from roster import RosterError, RosterWatcher
from translate.values import BadRequest, Catalogue, NotFound, json_bytes


@dataclass(frozen=True, slots=True)
class AdminParts:
    """What the administrator sees and changes."""

    admin: Admin
    oversight: Oversight
    roster: RosterWatcher
    gpts: GptsFileWatcher
    catalogue: Catalogue


class AdminHandler(OwnOriginHandler):
    """A handler for the administrator alone."""

    route = "admin"

    def initialize(self, parts: AdminParts) -> None:
        """What it works with."""
        self.parts = parts

    def send(self, answer: dict[str, object]) -> None:
        """Answer with JSON."""
        self.send_body(json_bytes(answer))


class AccountsHandler(AdminHandler):
    """`GET /admin/accounts`: `{"object": "list", "data": [...], "keys": [...]}`, in the order of the file."""

    def get(self) -> None:
        """All accounts and keys. Raises Unauthorized."""
        self.check_administrator(self.parts.admin)
        oversight = self.parts.oversight
        self.send(
            {
                "object": "list",
                "data": [account_as_json(seen) for seen in oversight.accounts()],
                "keys": [key_as_json(seen) for seen in oversight.service_keys()],
            }
        )


class SwitchHandler(AdminHandler):
    """`POST /admin/accounts/{alias}/enable` and `.../disable`, which last until the other one."""

    def initialize(self, parts: AdminParts, enabled: bool = True) -> None:
        """`enabled`: it switches accounts on, else off."""
        super().initialize(parts)
        self.enabled = enabled

    def post(self, alias: str) -> None:
        """Switch the account; answer how it is now. Raises Unauthorized and NotFound."""
        self.check_administrator(self.parts.admin)
        oversight = self.parts.oversight
        if oversight.account(alias) is None:
            raise _unknown_account()
        oversight.set_enabled(alias, self.enabled)
        if (seen := oversight.account(alias)) is None:
            raise _unknown_account()
        self.send(account_as_json(seen))


class ReloadHandler(AdminHandler):
    """`POST /admin/reload`: read `accounts.json`, what it refers to, and `gpts.json` again."""

    async def post(self) -> None:
        """Answer what there is now: `{"object": "reload", "accounts", "keys", "gpts"}`, names only.

        Raises Unauthorized, and BadRequest for a file that is not usable: what it names stays as it was.
        """
        self.check_administrator(self.parts.admin)
        parts, problems = self.parts, []
        try:
            await parts.roster.read_again()
        except RosterError as error:
            problems.append(f"The file of accounts and keys is not usable, they stay as they were: {error}.")
        try:
            await parts.gpts.read_again()
        except ValueError as error:
            problems.append(f"The file of GPTs is not usable, they stay as they were: {error}.")
        if problems:
            raise BadRequest(" ".join(problems), code="file_not_usable")
        roster = parts.roster.current
        self.send(
            {
                "object": "reload",
                "accounts": [account.alias for account in roster.accounts],
                "keys": [grant.alias for grant in roster.grants],
                "gpts": [name for name, model in parts.catalogue.models.items() if model.gizmo_id],
            }
        )


def _unknown_account() -> NotFound:
    return NotFound("There is no account of this name.", code="account_not_found")
