"""Workspaces of an account, chosen by the header `ChatGPT-Account-Id` (protocol notes, section 20.8)."""

from simulator.messages import JsonObject

PERSONAL, TEAM = "acc-personal", "acc-team"
_PLANS = {PERSONAL: "plus", TEAM: "team"}


def in_workspace(key: str, account_id: str | None) -> str:
    """The name by which all that belongs to a workspace is kept; that of the personal one is the key."""
    return key if account_id in (None, "", PERSONAL) else f"{key}@{account_id}"


def accounts_json() -> JsonObject:
    """The answer of GET accounts/check, the same for every key."""
    accounts = {account_id: _account(account_id) for account_id in _PLANS}
    return {"accounts": {"default": accounts[PERSONAL], **accounts}, "account_ordering": list(accounts)}


def _account(account_id: str) -> JsonObject:
    plan = _PLANS[account_id]
    return {
        "account": {
            "account_id": account_id,
            "name": "Sim Team" if account_id == TEAM else None,
            "structure": "workspace" if account_id == TEAM else "personal",
            "plan_type": plan,
            "is_deactivated": False,
            "account_user_role": "account-owner",
        },
        "entitlement": {
            "subscription_plan": f"chatgpt{plan}plan",
            "has_active_subscription": True,
            "expires_at": "2030-12-01T00:00:00Z",
        },
        "features": ["canvas", "search"],
        "can_access_with_session": True,
    }
