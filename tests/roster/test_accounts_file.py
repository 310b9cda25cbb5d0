"""What `accounts.json` says, and how its mistakes are told: the entry and the field, never a secret."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounts import Account, Credential, Grant
from roster import RosterError
from roster.accounts_file import MAX_FILE_BYTES, read_roster
from tests.roster.rig import KEY, SECRETS, account, content, key, read_secret, roster

FULL = {
    "accounts": [
        account(
            account_id="acc-1",
            plan="plus",
            groups=["family", "work"],
            models=["gpt-4*", "auto"],
            weight=2,
            quota_per_day=400,
            gpt4_messages=40,
            concurrency=2,
            proxy="socks5://proxy:1080",
            note="Anna's own",
            kind="fk",
        ),
        account("ben", groups=["work"]),
        account("pool", kind="pk"),
    ],
    "groups": [{"alias": "family", "style": "plain", "quota_per_day": 50, "note": "all of us"}],
    "keys": [
        key(
            accounts=["pool"],
            groups=["family"],
            models=["gpt-4-s"],
            gpt4_messages=10,
            expires="2027-01-31",
            note="in the kitchen",
        ),
        {"alias": "tablet", "secret": {"env": "LAPTOP"}, "style": "text"},
    ],
}


def refusal(**parts: list[Any]) -> str:
    """What is told of a file with these lists."""
    with pytest.raises(RosterError) as told:
        roster(**parts)
    text = str(told.value)
    assert "canary" not in text
    assert "\n" not in text
    return text


def test_accounts_and_keys_are_read_with_all_their_fields() -> None:
    found = roster(**FULL)
    assert found.accounts[0] == Account(
        alias="anna",
        credential=Credential("fk-canary-of-anna", "acc-1", "socks5://proxy:1080"),
        groups=frozenset({"family", "work"}),
        models=("gpt-4*", "auto"),
        weight=2.0,
        concurrency=2,
        units_per_day=400,
        window_messages=40,
        plan="plus",
        note="Anna's own",
    )
    assert found.account("ben") == Account(
        alias="ben", credential=Credential("fk-canary-of-ben"), groups=frozenset({"work"})
    )
    assert found.grant_for(KEY) == Grant(
        alias="laptop",
        accounts=frozenset({"anna", "pool"}),
        models=("gpt-4-s",),
        units_per_day=50,
        window_messages=10,
        expires_at=1801440000.0,
        style="plain",
    )
    assert found.grant_for(SECRETS["LAPTOP"]) == Grant(
        alias="tablet", accounts=frozenset({"anna", "ben", "pool"}), style="text"
    )
    assert found.grant_for("sk-pandora-another") is None
    assert (found.exists, found.problems) == (True, ())


def test_secrets_are_not_in_what_python_shows() -> None:
    assert "canary" not in repr(roster(**FULL))


@pytest.mark.parametrize("name", ["weight", "models", "plan", "concurrency", "proxy", "groups", "kind"])
def test_null_is_as_good_as_no_field(name: str) -> None:
    assert roster(accounts=[account() | {name: None}]) == roster(accounts=[account()])


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("credential", [{"env": "A B"}, {"env": ""}, {"file": ""}, {"file": 1}, {"token": "canary"}, {}, 1,
                        {"file": "a", "env": "A"}, {"file": "a\u0000b"}]),
        ("account_id", ["", "canary id", 1, "a" * 129]),
        ("kind", ["sk", "FK", 1]),
        ("plan", [1, "x" * 41, "two\nlines"]),
        ("note", [["x"], "x" * 501]),
        ("groups", ["family", [], [""], [1], ["a b"], {"family": 1}]),
        ("models", ["gpt-4", [], [""], [1], ["a b"], {}]),
        ("weight", ["2", 0, -1, True, 1e9, float("nan"), float("inf")]),
        ("quota_per_day", ["1", -1, 1.5, True, 10**12]),
        ("gpt4_messages", ["1", -1, 1.5, False]),
        ("concurrency", [0, "1", 1.0]),
        ("proxy", ["canary:1", "ftp://canary", "http://canary/path", "http://", {"env": ""}, 1]),
    ],
)  # fmt: skip
def test_malformed_field_of_an_account_is_told_by_name(name: str, values: list[Any]) -> None:
    for value in values:
        told = refusal(accounts=[account("ben"), account(**{name: value})])
        assert told.startswith(f'the account "anna" has a malformed {name}: it must be '), value


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("hash", ["canary", "sha256:canary", "sha256:" + "A" * 64, "md5:" + "0" * 64, 1]),
        ("expires", ["tomorrow", "2027-02-30", 1801440000, "1969-12-31", "9999-12-31", "20270131T", ""]),
        ("style", ["loud", 1]),
        ("accounts", ["anna", [], [1], ["a b"]]),
        ("quota_per_day", [-1, "canary"]),
    ],
)
def test_malformed_field_of_a_key_is_told_by_name(name: str, values: list[Any]) -> None:
    for value in values:
        told = refusal(accounts=[account()], keys=[key(**{name: value})])
        assert told.startswith(f'the key "laptop" has a malformed {name}: it must be '), value


@pytest.mark.parametrize("part", ["accounts", "groups", "keys"])
@pytest.mark.parametrize("alias", ["", "fk-canary-of a", "-a", "a" * 41, "ä", 1, ["canary"]])
def test_malformed_alias_is_told_by_its_place(part: str, alias: object) -> None:
    told = refusal(**{part: [account() | {"alias": alias}]})
    assert told.startswith(f"{part[:-1]} number 1 has a malformed alias: ")


@pytest.mark.parametrize(
    ("parts", "said"),
    [
        ({"accounts": ["canary"]}, "account number 1 must be an object"),
        ({"keys": [{}]}, "key number 1 has no alias"),
        ({"accounts": [account(tokne="canary")]}, 'the account "anna" has the unknown field "tokne"'),
        ({"keys": [key(quota=1)]}, 'the key "laptop" has the unknown field "quota"'),
        ({"groups": [{"alias": "a", "hash": "canary"}]}, 'the group "a" has the unknown field "hash"'),
        ({"accounts": [{"alias": "anna"}]}, 'the account "anna" has no credential: write where it stands'),
        (
            {"accounts": [account() | {"credential": "fk-canary"}]},
            'the account "anna" has its credential in the file itself: write {"file": "path of a file"}',
        ),
        (
            {"keys": [{"alias": "a", "secret": "sk-canary"}]},
            'the key "a" has its secret in the file itself: write {"file": "path of a file"}',
        ),
        (
            {"accounts": [account(proxy="http://me:canary@proxy:1")]},
            'the account "anna" has a proxy with a password in the file itself',
        ),
        ({"keys": [{"alias": "a"}]}, 'the key "a" must have either a hash or a secret'),
        ({"keys": [key(secret={"env": "LAPTOP"})]}, 'the key "laptop" must have either a hash or a secret'),
        ({"accounts": [account(), account()]}, 'two accounts have the alias "anna"'),
        ({"keys": [key(), key(own="other")]}, 'two keys have the alias "laptop"'),
        ({"groups": [{"alias": "a"}, {"alias": "a"}]}, 'two groups have the alias "a"'),
        (
            {"accounts": [account(), account("ben", credential={"env": "ANNA"})]},
            'the accounts "anna" and "ben" have one credential',
        ),
        ({"keys": [key("a"), key("b")]}, 'the keys "a" and "b" are one key'),
        ({"keys": [key("a", SECRETS["LAPTOP"]), {"alias": "b", "secret": {"env": "LAPTOP"}}]}, "are one key"),
        ({"keys": [key(accounts=["anna"])]}, 'the key "laptop" names the unknown account "anna"'),
        (
            {"groups": [{"alias": "a"}], "keys": [key(groups=["a"])]},
            'the key "laptop" names the group "a", in which there is no account',
        ),
        ({"accounts": [account(models=["a", "a"])]}, 'the account "anna" has the same name twice in models'),
        ({"keys": [key("k-0123")]}, 'the key "k-0123" begins with k-'),
    ],
)
def test_contradictions_are_told(parts: dict[str, list[Any]], said: str) -> None:
    assert refusal(**parts).startswith(said) or said in refusal(**parts)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"", "it is not JSON"),
        (b"[]", "it must be an object"),
        (b'{"accounts": {}}', "its field accounts must be a list"),
        (b'{"users": []}', 'it has the unknown field "users"'),
        (b'{"keys": [], "keys": []}', 'the field "keys" is there twice'),
        (b'{"keys": [{"alias": "a", "alias": "b"}]}', 'key number 1 has the field "alias" twice'),
        (b"\xff{}", "it is not UTF-8 text"),
        (b" " * (MAX_FILE_BYTES + 1), "it is larger than"),
        (b'{"accounts": [' * 50_000, "it is not JSON that can be read"),
    ],
)
def test_file_that_is_no_roster_is_told(text: bytes, said: str) -> None:
    with pytest.raises(RosterError) as told:
        read_roster(text, read_secret)
    assert str(told.value).startswith(said)


def test_name_of_another_key_is_refused() -> None:
    with pytest.raises(RosterError, match='"laptop" has the name of another key, in KEY_ALIASES'):
        read_roster(content(keys=[key()]), read_secret, {"laptop"})


@pytest.mark.parametrize(
    ("field", "one", "other"),
    [
        ("models", ["a"], ["b"]),
        ("style", "plain", "text"),
        ("expires", "2027-01-01", "2027-01-02"),
        ("quota_per_day", 0, 1),
        ("gpt4_messages", 5, 6),
    ],
)
def test_groups_that_contradict_each_other_are_told_unless_the_key_decides(
    field: str, one: object, other: object
) -> None:
    accounts = [account(groups=["a", "b"])]
    groups = [{"alias": "a", field: one}, {"alias": "b", field: other}]
    told = refusal(accounts=accounts, groups=groups, keys=[key(groups=["a", "b"])])
    assert told.startswith(
        f'the key "laptop" is in the groups "a" and "b", which contradict each other in {field}'
    )
    decided = roster(accounts=accounts, groups=groups, keys=[key(groups=["a", "b"]) | {field: other}])
    alone = roster(accounts=accounts, groups=groups, keys=[key(groups=["b"])])
    assert decided.grants == alone.grants
    groups[1][field] = one
    roster(accounts=accounts, groups=groups, keys=[key(groups=["a", "b"])])


def test_key_for_none_of_the_models_of_its_accounts_is_told_and_kept() -> None:
    found = roster(accounts=[account(models=["gpt-4-s"])], keys=[key(models=["gpt-3.5-turbo"])])
    assert found.grant_for(KEY) is not None
    assert found.problems == (
        'the key "laptop" seems to be for none of the models that its accounts are for',
    )
    for models in (["gpt-4-s"], ["gpt-*"], ["*-s"]):
        assert not roster(accounts=[account(models=["gpt-4-s"])], keys=[key(models=models)]).problems


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"credential": {"env": "NOBODY"}}, "it is not there"),
        ({"kind": "pk"}, "what stands there is of the kind fk, not pk"),
        ({"proxy": {"env": "NOBODY"}}, "of its proxy, it is not there"),
        ({"proxy": {"env": "LAPTOP"}}, "what stands there is no address of a proxy"),
    ],
)
def test_account_whose_secret_is_not_there_is_known_without_a_credential(
    fields: dict[str, Any], problem: str
) -> None:
    found = roster(accounts=[account(**fields), account("ben")], keys=[key()])
    assert [(a.alias, a.credential is None, a.problem) for a in found.accounts] == [
        ("anna", True, problem),
        ("ben", False, ""),
    ]
    assert found.problems == (f'the account "anna" has no credential: {problem}',)
    assert found.grants[0].accounts == {"anna", "ben"}


def test_key_whose_secret_is_not_there_or_may_be_guessed_lets_nobody_in() -> None:
    entries = [{"alias": "a", "secret": {"env": "NOBODY"}}, {"alias": "b", "secret": {"env": "SHORT"}}]
    found = read_roster(content(keys=entries), lambda at: "guess" if at.name == "SHORT" else read_secret(at))
    assert found.grant_for("guess") is None
    assert found.grant_for("") is None
    assert [grant.alias for grant in found.grants] == ["a", "b"]
    assert found.problems == (
        'the key "a" has no effect: it is not there',
        'the key "b" has no effect: what stands there is no key of at least 16 characters',
    )


def test_two_workspaces_of_one_token_are_two_accounts() -> None:
    accounts = [account(account_id="one"), account("ben", credential={"env": "ANNA"}, account_id="two")]
    digests = {a.credential.digest for a in roster(accounts=accounts).accounts if a.credential is not None}
    assert len(digests) == 2


WHOLE = content(**FULL)


@given(st.integers(0, len(WHOLE) - 1))
def test_file_cut_anywhere_is_refused(length: int) -> None:
    with pytest.raises(RosterError) as told:
        read_roster(WHOLE[:length], read_secret)
    assert "canary" not in str(told.value)


ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.just("canary"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
FIELDS = st.sampled_from(
    ["alias", "credential", "account_id", "kind", "plan", "groups", "models", "weight", "quota_per_day",
     "gpt4_messages", "concurrency", "proxy", "note", "hash", "secret", "accounts", "expires", "style"]
)  # fmt: skip


def told_of(text: bytes) -> str:
    """What is told of a file, "" if it can be used."""
    try:
        read_roster(text, read_secret)
    except RosterError as error:
        return str(error)
    return ""


@given(st.sampled_from(["accounts", "groups", "keys"]), FIELDS, ANY)
def test_whatever_a_field_holds_it_is_read_or_refused_in_one_line_without_secrets(
    part: str, field: str, value: object
) -> None:
    entries = {part: [{**FULL[part][0], field: value}, *FULL[part][1:]]}
    told = told_of(json.dumps(FULL | entries).encode())
    assert "canary" not in told
    assert "\n" not in told


@given(ANY)
def test_any_json_is_read_or_refused_in_one_line(value: object) -> None:
    assert "\n" not in told_of(json.dumps(value).encode())
