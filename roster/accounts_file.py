"""What `accounts.json` says: accounts, groups and keys. Pure: callers bring its bytes and what reads secrets.

`{"accounts": [{"alias": "anna", "credential": {"file": "secrets/anna"}, "groups": ["family"]}],
"groups": [{"alias": "family", "models": ["gpt-4*"]}],
"keys": [{"alias": "laptop", "hash": "sha256:...", "groups": ["family"]}]}`
"""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Final
from urllib.parse import urlsplit

from accounts import Account, Caller, Credential, Grant, KeyKind, is_allowed
from roster.entry import REFERENCE_FORM, Entry
from roster.references import ReadReference, Unreadable, token_in
from roster.roster import Roster, RosterError, ServiceKey, key_digest
from translate.values import STYLES, JsonPairs, proxy_address, quoted, written_json

MAX_FILE_BYTES: Final = 1 << 20
PARTS: Final = ("accounts", "groups", "keys")
SECRET: Final = re.compile(r"[!-~]{1,8192}")
OWN_SECRET: Final = re.compile(r"[!-~]{16,8192}")
"""What may be a key of this service that was not made here; a shorter one may be guessed."""
HASH: Final = re.compile(r"sha256:([0-9a-f]{64})")
ACCOUNT_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,128}")
MAX_UNITS: Final = 10**9
MAX_MESSAGES: Final = 10**6
MAX_NOTE: Final = 500
MAX_PLAN: Final = 40


@dataclass(frozen=True, slots=True)
class _Terms:
    """What a key or a group says of what keys may do; None for nothing."""

    models: tuple[str, ...] | None
    units: int | None
    messages: int | None
    expires: float | None
    style: str | None


FIELD_NAMES: Final = {
    "models": "models",
    "units": "quota_per_day",
    "messages": "gpt4_messages",
    "expires": "expires",
    "style": "style",
}
"""The fields of terms, and what they are called in the file."""


def read_roster(content: bytes, read: ReadReference, taken: Collection[str] = ()) -> Roster:
    """What the file `content` says. `read` gives the secrets; names in `taken` are those of other keys.

    A secret that is not there is no error: the account has no credential then. Raises RosterError, which
    names the entry and the field.
    """
    lists = _lists(content)
    accounts = [_account(value, number, read) for number, value in enumerate(lists["accounts"], 1)]
    _refuse_repeated("accounts", [account.alias for account in accounts])
    _refuse_shared_credentials(accounts)
    groups = [_group(value, number) for number, value in enumerate(lists["groups"], 1)]
    _refuse_repeated("groups", [name for name, _ in groups])
    keys, problems = (
        [],
        [
            f"the account {quoted(account.alias)} has no credential: {account.problem}"
            for account in accounts
            if account.problem
        ],
    )
    for number, value in enumerate(lists["keys"], 1):
        key, problem = _key(Entry(value, "key", number), accounts, dict(groups), read, taken)
        keys.append(key)
        problems += [f"the key {quoted(key.grant.alias)} {problem}"] if problem else []
    _refuse_repeated("keys", [key.grant.alias for key in keys])
    _refuse_shared_keys(keys)
    return Roster(tuple(accounts), tuple(keys), True, tuple(problems))


def _lists(content: bytes) -> dict[str, list[object]]:
    try:
        data = written_json(content, MAX_FILE_BYTES)
    except ValueError as error:
        raise RosterError(str(error)) from None
    if not isinstance(data, JsonPairs):
        raise RosterError('it must be an object such as {"accounts": [], "keys": []}')
    if repeated := data.repeated_key():
        raise RosterError(f"the field {quoted(repeated)} is there twice")
    parts = dict(data)
    if unknown := next((name for name in parts if name not in PARTS), None):
        raise RosterError(f"it has the unknown field {quoted(unknown)}; known are {', '.join(PARTS)}")
    lists: dict[str, list[object]] = {}
    for name in PARTS:
        value = parts.get(name, [])
        if not isinstance(value, list) or isinstance(value, JsonPairs):
            raise RosterError(f"its field {name} must be a list")
        lists[name] = value
    return lists


def _refuse_repeated(what: str, aliases: Sequence[str]) -> None:
    seen: set[str] = set()
    for alias in aliases:
        if alias in seen:
            raise RosterError(f"two {what} have the alias {quoted(alias)}")
        seen.add(alias)


def _refuse_shared_credentials(accounts: Sequence[Account]) -> None:
    seen: dict[str, str] = {}
    for account in accounts:
        if account.credential is None:
            continue
        digest = account.credential.digest
        if digest in seen:
            first, second = quoted(seen[digest]), quoted(account.alias)
            raise RosterError(f"the accounts {first} and {second} have one credential: keep one of them")
        seen[digest] = account.alias


def _refuse_shared_keys(keys: Sequence[ServiceKey]) -> None:
    seen: dict[bytes, str] = {}
    for key in keys:
        if key.digest is None:
            continue
        if key.digest in seen:
            first, second = quoted(seen[key.digest]), quoted(key.grant.alias)
            raise RosterError(f"the keys {first} and {second} are one key: revoke one of them")
        seen[key.digest] = key.grant.alias


def _account(value: object, number: int, read: ReadReference) -> Account:
    entry = Entry(value, "account", number)
    credential, problem = _credential(entry, read)
    models, groups = entry.patterns("models"), entry.names("groups")
    weight, units = entry.number("weight", 0.001, 1000), entry.whole("quota_per_day", 0, MAX_UNITS)
    account = Account(
        alias=entry.alias,
        credential=credential,
        problem=problem,
        groups=frozenset(groups or ()),
        models=models or (),
        weight=1.0 if weight is None else weight,
        concurrency=entry.whole("concurrency", 1, 1000),
        units_per_day=units or 0,
        window_messages=entry.whole("gpt4_messages", 0, MAX_MESSAGES),
        plan=entry.text("plan", MAX_PLAN),
        note=entry.text("note", MAX_NOTE),
    )
    entry.end()
    return account


def _credential(entry: Entry, read: ReadReference) -> tuple[Credential | None, str]:
    """The credential, or None and why there is none."""
    reference = entry.reference("credential")
    if reference is None:
        entry.fail(f"has no credential: write where it stands, {REFERENCE_FORM}")
    account_id = entry.matching("account_id", ACCOUNT_ID, "letters, digits, _ and -")
    kind = entry.one_of("kind", tuple(KeyKind))
    try:
        proxy = _proxy(entry, read)
        secret, told_id = token_in(read(reference))
    except Unreadable as problem:
        return None, str(problem)
    if not SECRET.fullmatch(secret):
        return None, "what stands there is no token"
    own = Caller(secret).own
    account_id = account_id or own.account_id or (told_id if ACCOUNT_ID.fullmatch(told_id) else "")
    credential = Credential(own.secret, account_id, proxy)
    if kind and credential.kind != kind:
        return None, f"what stands there is of the kind {credential.kind}, not {kind}"
    return credential, ""


def _proxy(entry: Entry, read: ReadReference) -> str:
    """The address of the proxy, "" for none. Raises Unreadable: without it the account must not be used."""
    value = entry.take("proxy")
    if value is None:
        return ""
    if isinstance(value, str):
        try:
            address = proxy_address(value)
        except ValueError as error:
            entry.wrong("proxy", str(error))
        if "@" in urlsplit(address).netloc:
            entry.fail(f"has a proxy with a password in the file itself: write {REFERENCE_FORM} instead")
        return address
    reference = entry.reference_of("proxy", value)
    try:
        return proxy_address(read(reference))
    except Unreadable as problem:
        raise Unreadable(f"of its proxy, {problem}") from None
    except ValueError:
        raise Unreadable("what stands there is no address of a proxy") from None


def _terms(entry: Entry) -> _Terms:
    return _Terms(
        models=entry.patterns("models"),
        units=entry.whole("quota_per_day", 0, MAX_UNITS),
        messages=entry.whole("gpt4_messages", 0, MAX_MESSAGES),
        expires=entry.time("expires"),
        style=entry.one_of("style", STYLES) or None,
    )


def _group(value: object, number: int) -> tuple[str, _Terms]:
    entry = Entry(value, "group", number)
    terms = _terms(entry)
    entry.text("note", MAX_NOTE)
    entry.end()
    return entry.alias, terms


def _key(
    entry: Entry,
    accounts: Sequence[Account],
    groups: Mapping[str, _Terms],
    read: ReadReference,
    taken: Collection[str],
) -> tuple[ServiceKey, str]:
    """The key, and what is the matter with it if it has no effect now."""
    if entry.alias in taken:
        entry.fail("has the name of another key, in KEY_ALIASES")
    if entry.alias.startswith("k-"):
        entry.fail("begins with k-, as names do that are made for other keys")
    digest, problem = _digest(entry, read)
    own, named, member = _terms(entry), entry.names("accounts"), entry.names("groups")
    usable = _usable(entry, accounts, named, member)
    terms = _agreed(entry, own, {name: groups[name] for name in member or () if name in groups})
    grant = Grant(
        alias=entry.alias,
        accounts=frozenset(account.alias for account in usable),
        models=terms.models or (),
        units_per_day=terms.units,
        window_messages=terms.messages or 0,
        expires_at=terms.expires or 0.0,
        style=terms.style or "",
    )
    entry.text("note", MAX_NOTE)
    entry.end()
    if not problem and usable and not any(_may_share(grant.models, account.models) for account in usable):
        problem = "seems to be for none of the models that its accounts are for"
    return ServiceKey(grant, digest), problem


def _digest(entry: Entry, read: ReadReference) -> tuple[bytes | None, str]:
    if ("hash" in entry) == ("secret" in entry):
        entry.fail("must have either a hash or a secret")
    if "hash" in entry:
        found = HASH.fullmatch(entry.matching("hash", HASH, "sha256: and 64 digits from 0 to f"))
        return (bytes.fromhex(found[1]) if found else None), ""
    reference = entry.reference("secret")
    if reference is None:
        return None, ""
    try:
        secret = read(reference)
    except Unreadable as problem:
        return None, f"has no effect: {problem}"
    if not OWN_SECRET.fullmatch(secret):
        return None, "has no effect: what stands there is no key of at least 16 characters"
    return key_digest(secret), ""


def _usable(
    entry: Entry,
    accounts: Sequence[Account],
    named: tuple[str, ...] | None,
    member: tuple[str, ...] | None,
) -> list[Account]:
    """The accounts that the key may use: those it names and those of its groups, all if it names none."""
    if named is None and member is None:
        return list(accounts)
    known, grouped = {account.alias for account in accounts}, {g for a in accounts for g in a.groups}
    if unknown := next((name for name in named or () if name not in known), None):
        entry.fail(f"names the unknown account {quoted(unknown)}")
    if unknown := next((name for name in member or () if name not in grouped), None):
        entry.fail(f"names the group {quoted(unknown)}, in which there is no account")
    wanted = set(member or ())
    return [account for account in accounts if account.alias in (named or ()) or account.groups & wanted]


def _agreed(entry: Entry, own: _Terms, shared: Mapping[str, _Terms]) -> _Terms:
    """What the key says itself, else what its groups say, which must not contradict each other."""
    agreed = asdict(own)
    for name, form in FIELD_NAMES.items():
        said = {group: getattr(terms, name) for group, terms in shared.items()}
        told = {group: value for group, value in said.items() if value is not None}
        if agreed[name] is not None or not told:
            continue
        (first, agreed[name]), *others = told.items()
        if other := next((group for group, value in others if value != agreed[name]), None):
            entry.fail(
                f"is in the groups {quoted(first)} and {quoted(other)}, which contradict each other in "
                f"{form}: say in the key what counts"
            )
    return _Terms(**agreed)


def _may_share(one: Sequence[str], other: Sequence[str]) -> bool:
    """Whether a model may be among both lists of patterns; none stands for all models."""
    if not one or not other:
        return True
    return any(
        is_allowed([first], [second]) or is_allowed([second], [first]) or ("*" in first and "*" in second)
        for first in one
        for second in other
    )
