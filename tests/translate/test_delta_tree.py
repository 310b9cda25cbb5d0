"""Delta v1's tree: any changes that fit make what they describe, all others are damage."""

import copy
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from translate.backend.delta import DeltaMismatch, DeltaState


def parts(path: str) -> list[str]:
    return [part.replace("~1", "/").replace("~0", "~") for part in path.split("/")[1:]]


def pointer(keys: list[Any]) -> str:
    return "".join("/" + str(key).replace("~", "~0").replace("/", "~1") for key in keys)


def changed(tree: Any, keys: list[str], op: str, value: Any) -> Any:
    """``tree`` after one change, in the plainest words. Fails where the change does not fit."""
    tree = copy.deepcopy(tree)
    if not keys:
        return {**tree, **value} if op == "append" else value
    parent = tree
    for name in keys[:-1]:
        parent = parent[int(name) if isinstance(parent, list) else name]
    key: Any = int(keys[-1]) if isinstance(parent, list) else keys[-1]
    if op == "add" and isinstance(parent, list):
        parent.insert(key, value)
    elif op in ("add", "replace"):
        parent[key] = value
    elif op == "remove":
        del parent[key]
    elif op == "truncate":
        parent[key] = parent[key][:value]
    elif isinstance(parent[key], dict):
        parent[key] = {**parent[key], **value}
    elif isinstance(parent[key], list) and not isinstance(value, list):
        parent[key] = [*parent[key], value]
    else:
        parent[key] = parent[key] + value
    return tree


KEYS = st.sampled_from(["a", "b", "/", "~", "m~1n", "0", "parts"])
TREES = st.recursive(
    st.integers() | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=8,
)
OBJECTS = st.dictionaries(KEYS, TREES, max_size=3)


def places(tree: Any, at: tuple[Any, ...] = ()) -> list[tuple[tuple[Any, ...], Any]]:
    """Each place in ``tree`` but its root, and what is there."""
    children = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    found: list[tuple[tuple[Any, ...], Any]] = []
    for key, child in children:
        found += [((*at, key), child), *places(child, (*at, key))]
    return found


@st.composite
def fitting(draw: st.DrawFn, tree: Any) -> tuple[str, str, Any]:
    """A change that fits ``tree``: path, operation, value."""
    here = places(tree)
    kinds = ["root", "insert", *(["replace", "remove", "append", "truncate"] if here else [])]
    kind = draw(st.sampled_from(kinds))
    if kind == "root":
        return "", draw(st.sampled_from(["add", "replace", "append"])), draw(OBJECTS)
    if kind == "insert":
        holders = [(at, what) for at, what in [((), tree), *here] if isinstance(what, dict | list)]
        at, what = draw(st.sampled_from(holders))
        key = draw(st.integers(0, len(what))) if isinstance(what, list) else draw(KEYS)
        return pointer([*at, key]), "add", draw(TREES)
    at, what = draw(st.sampled_from(here))
    if kind in ("append", "truncate"):
        holders = [(at, what) for at, what in here if not isinstance(what, int)]
        if not holders:
            return "", "append", draw(OBJECTS)
        at, what = draw(st.sampled_from(holders))
    if kind == "truncate" and isinstance(what, str | list):
        return pointer([*at]), "truncate", draw(st.integers(0, 5))
    if kind in ("append", "truncate"):
        value = OBJECTS if isinstance(what, dict) else st.text(max_size=4) if isinstance(what, str) else TREES
        return pointer([*at]), "append", draw(value)
    return pointer([*at]), kind, None if kind == "remove" else draw(TREES)


@given(st.data())
def test_any_fitting_changes_make_the_tree_that_they_describe(data: st.DataObject) -> None:
    state, trees = DeltaState(), dict[int, Any]()
    said: tuple[str, str, int] = ("", "add", 0)
    for _ in range(data.draw(st.integers(1, 8))):
        channel = data.draw(st.integers(0, 2))
        patch: list[tuple[str, str, Any]] = []
        if channel not in trees:
            trees[channel] = {}
            state.apply({"p": "", "o": "add", "v": {}, "c": channel})
            said = ("", "add", channel)
        for _ in range(data.draw(st.integers(1, 3))):
            change = data.draw(fitting(trees[channel]))
            trees[channel] = changed(trees[channel], parts(change[0]), change[1], change[2])
            patch.append(change)
        single = len(patch) == 1 and data.draw(st.booleans())
        path, op = patch[0][:2] if single else ("", "patch")
        value = patch[0][2] if single else [{"p": p, "o": o, "v": v} for p, o, v in patch]
        wanted = (path, op, channel)
        record = {name: new for name, new, old in zip("poc", wanted, said, strict=True) if new != old}
        said = wanted
        state.apply(copy.deepcopy(record | {"v": value}))
        assert state.tree == trees[channel]


@given(TREES, st.text(max_size=6) | KEYS.map("/{}".format), st.text(max_size=8), TREES)
def test_any_other_change_is_damage_and_nothing_worse(
    tree: object, path: str, op: str, value: object
) -> None:
    state = DeltaState()
    state.apply({"p": "", "o": "add", "v": {"a": tree}})
    try:
        state.apply({"p": path, "o": op, "v": value})
    except DeltaMismatch:
        assert state.tree == {"a": tree}
