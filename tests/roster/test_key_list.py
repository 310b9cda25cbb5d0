"""Keys in the file: what cannot be is told, and changes nothing."""

from pathlib import Path

import pytest

from roster import NotChanged, RosterError, RosterFile, add_key, keys_table, revoke_key


def file_in(folder: Path) -> RosterFile:
    return RosterFile(folder / "accounts.json", {}, ["alice"])


@pytest.mark.parametrize(
    ("alias", "fields", "said"),
    [
        ("laptop", {}, 'two keys have the alias "laptop"'),
        ("a b", {}, "the name of a key must be 1 to 40 letters"),
        ("new", {"accounts": ["nobody"]}, 'the key "new" names the unknown account "nobody"'),
        ("new", {"expires": "soon"}, 'the key "new" has a malformed expires'),
        ("new", {"quota_per_day": -1}, 'the key "new" has a malformed quota_per_day'),
        ("alice", {}, 'the key "alice" has the name of another key, in KEY_ALIASES'),
    ],
)
def test_key_that_cannot_be_changes_nothing(
    tmp_path: Path, alias: str, fields: dict[str, object], said: str
) -> None:
    file = file_in(tmp_path)
    add_key(file, "laptop", {})
    before = file.path.read_bytes()
    with pytest.raises(NotChanged, match=said):
        add_key(file, alias, fields)
    assert file.path.read_bytes() == before


@pytest.mark.parametrize("content", ['{"keys": [', '{"keys": [{}]}'])
def test_file_that_cannot_be_used_stays(tmp_path: Path, content: str) -> None:
    file = file_in(tmp_path)
    file.path.write_text(content)
    with pytest.raises(RosterError) as told:
        add_key(file, "a", {})
    assert not isinstance(told.value, NotChanged)
    with pytest.raises(RosterError):
        revoke_key(file, "a")
    assert file.path.read_text() == content


def test_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(RosterError, match="it cannot be written: No such file or directory"):
        add_key(file_in(tmp_path / "no"), "a", {})


def test_key_that_was_made_is_good_until_it_is_revoked(tmp_path: Path) -> None:
    file = file_in(tmp_path)
    key = add_key(file, "laptop", {"style": "plain"})
    grant = file.load().roster.grant_for(key)
    assert grant is not None
    assert (grant.alias, grant.style) == ("laptop", "plain")
    assert not revoke_key(file, "tablet")
    assert revoke_key(file, "laptop")
    assert file.load().roster.grant_for(key) is None
    assert keys_table(file.load().roster, 0.0) == "There are no keys.\n"


def test_last_moment_that_a_key_may_have_is_shown(tmp_path: Path) -> None:
    file = file_in(tmp_path)
    add_key(file, "laptop", {"expires": "9999-12-31T23:59:59"})
    assert "9999-12-31T23:59:59Z" in keys_table(file.load().roster, 0.0)
