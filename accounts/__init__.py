"""Whose key, whose turn: callers, credentials, and the queue of each credential."""

from accounts.credential import Caller, Credential, KeyKind, credential_for

__all__ = ["Caller", "Credential", "KeyKind", "credential_for"]
