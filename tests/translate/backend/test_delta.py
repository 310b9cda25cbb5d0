"""Delta v1: changes that fit make the tree that they describe, all others are refused."""

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.translate.wire import Json
from translate.backend.delta import MAX_CHANNELS, DeltaMismatch, DeltaState


def parts(path: str) -> list[str]:
    return [part.replace("~1", "/").replace("~0", "~") for part in path.split("/")[1:]]


def pointer(keys: list[Any]) -> str:
    return "".join("/" + str(key).replace("~", "~0").replace("/", "~1") for key in keys)


def changed(tree: Any, keys: list[str], op: str, value: Any) -> Any:
    """`tree` after one change, in the plainest words. Fails where the change does not fit."""
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
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(KEYS, inner, max_size=2),
    max_leaves=5,
)
OBJECTS = st.dictionaries(KEYS, TREES, max_size=2)


def places(tree: Any, at: tuple[Any, ...] = ()) -> list[tuple[tuple[Any, ...], Any]]:
    """Each place in `tree` but its root, and what is there."""
    children = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    found: list[tuple[tuple[Any, ...], Any]] = []
    for key, child in children:
        found += [((*at, key), child), *places(child, (*at, key))]
    return found


@st.composite
def fitting(draw: st.DrawFn, tree: Any) -> tuple[str, str, Any]:
    """A change that fits `tree`: path, operation, value."""
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
    for _ in range(data.draw(st.integers(1, 5))):
        channel = data.draw(st.integers(0, 2))
        patch: list[tuple[str, str, Any]] = []
        if channel not in trees:
            trees[channel] = {}
            apply(state, {"p": "", "o": "add", "v": {}, "c": channel})
            said = ("", "add", channel)
        for _ in range(data.draw(st.integers(1, 2))):
            change = data.draw(fitting(trees[channel]))
            trees[channel] = changed(trees[channel], parts(change[0]), change[1], change[2])
            patch.append(change)
        single = len(patch) == 1 and data.draw(st.booleans())
        path, op = patch[0][:2] if single else ("", "patch")
        value = patch[0][2] if single else [{"p": p, "o": o, "v": v} for p, o, v in patch]
        wanted = (path, op, channel)
        record = {name: new for name, new, old in zip("poc", wanted, said, strict=True) if new != old}
        said = wanted
        apply(state, copy.deepcopy(record | {"v": value}))
        assert state.tree == trees[channel]


@given(TREES, st.text(max_size=6) | KEYS.map("/{}".format), st.text(max_size=8), TREES)
def test_any_other_change_is_refused_and_nothing_worse(
    tree: object, path: str, op: str, value: object
) -> None:
    state = DeltaState()
    apply(state, {"p": "", "o": "add", "v": {"a": tree}})
    try:
        apply(state, {"p": path, "o": op, "v": value})
    except DeltaMismatch:
        assert state.tree == {"a": tree}


TREE = {"message": {"content": {"parts": ["Hi", "you"], "text": "Hi"}, "weight": 1}}

FITTING: dict[str, tuple[str, str, Any, str, Any]] = {
    "add to an object": ("/message/id", "add", "a1", "/message/id", "a1"),
    "insert into a list": ("/message/content/parts/1", "add", "to", "/message/content/parts/1", "to"),
    "add to the end of a list": ("/message/content/parts/-", "add", "!", "/message/content/parts/2", "!"),
    "replace in an object": ("/message/weight", "replace", 2, "/message/weight", 2),
    "replace in a list": ("/message/content/parts/0", "replace", "Ho", "/message/content/parts/0", "Ho"),
    "append to a text": ("/message/content/text", "append", " you", "/message/content/text", "Hi you"),
    "extend a list": ("/message/content/parts", "append", [1, 2], "/message/content/parts/3", 2),
    "push to a list": ("/message/content/parts", "append", "!", "/message/content/parts/2", "!"),
    "merge objects": ("/message/content", "append", {"a": 1}, "/message/content/a", 1),
    "truncate a text": ("/message/content/text", "truncate", 1, "/message/content/text", "H"),
    "truncate a list": ("/message/content/parts", "truncate", 1, "/message/content/parts", ["Hi"]),
    "remove from an object": (
        "/message/content/text",
        "remove",
        None,
        "/message/content",
        {"parts": ["Hi", "you"]},
    ),
    "remove from a list": ("/message/content/parts/0", "remove", None, "/message/content/parts", ["you"]),
    "merge into the root": ("", "append", {"error": None}, "/error", None),
    "replace the root": ("", "replace", {"message": {}}, "/message", {}),
}


def apply(state: DeltaState, record: Json) -> None:
    state.begin(record)
    state.apply(record.get("v"))


def begun() -> DeltaState:
    state = DeltaState()
    apply(state, {"v": copy.deepcopy(TREE)})
    return state


@pytest.mark.parametrize(("path", "op", "value", "where", "then"), FITTING.values(), ids=FITTING)
def test_change_is_made_at_its_path(path: str, op: str, value: object, where: str, then: object) -> None:
    state = begun()
    apply(state, {"p": path, "o": op, "v": value})
    found: Any = state.tree
    for key in parts(where):
        found = found[int(key) if isinstance(found, list) else key]
    assert found == then


MISFITS: dict[str, tuple[str, str, object]] = {
    "not a pointer": ("message", "replace", 1),
    "too deep": ("/a" * 100, "add", 1),
    "a parent that is missing": ("/message/nothing/0", "add", 1),
    "into a text": ("/message/content/text/0", "add", 1),
    "behind the end of a list": ("/message/content/parts/3", "add", 1),
    "no index": ("/message/content/parts/x", "replace", 1),
    "unknown operation": ("/message", "explode", 1),
    "append to nothing": ("/message/nothing", "append", "x"),
    "append to a number": ("/message/weight", "append", 1),
    "append an object to a text": ("/message/content/text", "append", {}),
    "truncate a number": ("/message/weight", "truncate", 1),
    "truncate to no number": ("/message/content/text", "truncate", "1"),
    "truncate to less than nothing": ("/message/content/text", "truncate", -1),
    "remove what is missing": ("/message/nothing", "remove", None),
    "remove behind the end of a list": ("/message/content/parts/2", "remove", None),
    "a patch that is no list": ("", "patch", "x"),
    "a patch without end": ("", "patch", [{"p": "/a", "o": "add", "v": 1}] * 1001),
    "a patch with something else in it": ("", "patch", ["x"]),
    "a patch that leaves out a path": ("", "patch", [{"o": "add", "v": 1}]),
    "a patch that leaves out an operation": ("", "patch", [{"p": "/a", "v": 1}]),
    "a patch in a patch": ("", "patch", [{"p": "", "o": "patch", "v": []}]),
}


@pytest.mark.parametrize(("path", "op", "value"), MISFITS.values(), ids=MISFITS)
def test_change_that_does_not_fit_is_refused_and_leaves_the_tree(path: str, op: str, value: object) -> None:
    state = begun()
    with pytest.raises(DeltaMismatch):
        apply(state, {"p": path, "o": op, "v": value})
    assert state.tree == TREE


def test_changes_of_a_patch_before_one_that_does_not_fit_stay_made() -> None:
    state = begun()
    with pytest.raises(DeltaMismatch):
        apply(
            state, {"o": "patch", "v": [{"p": "/a", "o": "add", "v": 1}, {"p": "/b/c", "o": "add", "v": 1}]}
        )
    assert state.tree == TREE | {"a": 1}


def test_channels_have_trees_of_their_own_and_the_oldest_gives_way() -> None:
    state = begun()
    for channel in range(1, MAX_CHANNELS):
        apply(state, {"v": {"number": channel}, "c": channel})
    apply(state, {"p": "/again", "v": True, "c": 0})
    apply(state, {"p": "", "v": {"number": 99}, "c": 99})
    apply(state, {"p": "/again", "c": 7, "v": True})
    assert state.tree == {"number": 7, "again": True}
    apply(state, {"p": "/message", "o": "remove", "c": 0})
    assert state.tree == {"again": True}
    with pytest.raises(DeltaMismatch):
        apply(state, {"p": "/number", "o": "remove", "c": 1})
    apply(state, {"p": "", "o": "remove", "c": 0})
    assert (state.channel, state.tree) == (0, {})


def test_memory_of_a_tree_that_gave_way_is_not_counted() -> None:
    state, record = DeltaState(), {"p": "", "o": "add", "v": {"x": "y" * 1000}}
    for channel in range(3 * MAX_CHANNELS):
        state.begin(record | {"c": channel})
        state.apply(record["v"], b"y" * 1000)
    assert state.kept == 1000 * MAX_CHANNELS


def test_tree_without_an_object_at_its_root_is_empty() -> None:
    state = begun()
    assert DeltaState().tree == {}
    with pytest.raises(DeltaMismatch):
        apply(state, {"v": [1]})
    assert state.tree == {}


@pytest.mark.parametrize("record", [{"p": 1}, {"o": []}, {"c": "x"}, {"c": True}, {"c": 1.5}])
def test_record_of_a_wrong_type_is_refused_and_changes_nothing(record: Json) -> None:
    state = begun()
    with pytest.raises(DeltaMismatch):
        state.begin({"v": "x"} | record)
    assert (state.path, state.op, state.channel, state.tree) == ("", "add", 0, TREE)


def test_after_a_lost_record_nothing_is_inherited_until_a_record_says_all() -> None:
    state = begun()
    state.lose()
    partial: list[Json] = [{}, {"p": ""}, {"p": "", "o": "add"}, {"c": 0}]
    for record in partial:
        with pytest.raises(DeltaMismatch):
            state.begin(record)
    state.begin({"p": "/message", "o": "replace", "c": 0})
    state.begin({})
    assert state.path == "/message"


def test_patch_goes_on_behind_a_change_that_is_no_text() -> None:
    state = begun()
    changes = [
        {"p": "/message/metadata/a/b", "o": "replace", "v": 1},
        {"p": "/message/content/text", "o": "append", "v": "!"},
    ]
    with pytest.raises(DeltaMismatch) as refused:
        apply(state, {"p": "", "o": "patch", "v": changes})
    assert refused.value.textless
    assert state.tree["message"]["content"]["text"] == "Hi!"  # type: ignore[index]


def test_content_is_that_of_the_message_or_empty() -> None:
    state = begun()
    assert state.content == TREE["message"]["content"]
    apply(state, {"v": [], "o": "patch", "c": 1})
    assert state.content == {}


def test_text_can_be_set_where_it_was_found() -> None:
    state = begun()
    apply(state, {"p": "/message/content/text", "o": "append", "v": "!"})
    state.set_text(0, "/message/content/text", "Hi! And more")
    assert state.content == {"parts": ["Hi", "you"], "text": "Hi! And more"}
    assert state.tree["message"] != TREE["message"]
    apply(state, {"v": "."})
    assert state.content == {"parts": ["Hi", "you"], "text": "Hi! And more."}


# Forms that say more than their fields.

ENVELOPE: Json = {"message": {"content": {"parts": ["Hi"]}}}
STUCK: dict[str, Json] = {
    "an append": {"p": "/message/content/text", "o": "append", "v": "!"},
    "a patch": {"p": "", "o": "patch", "v": []},
    "a removal": {"p": "/message/weight", "o": "remove"},
}


@pytest.mark.parametrize("stuck", STUCK.values(), ids=STUCK)
@pytest.mark.parametrize("root", [ENVELOPE, {"message": None}, {"error": "x"}])
def test_envelope_without_a_path_is_a_new_root(stuck: Json, root: Json) -> None:
    records: list[Json] = [{"v": root}, {"v": root, "o": "add"}, {"v": root, "o": "replace", "c": 3}]
    for record in records:
        state = begun()
        apply(state, copy.deepcopy(stuck))
        apply(state, copy.deepcopy(record))
        assert state.tree == root
        assert state.path == ""


@pytest.mark.parametrize("value", [{"message": "x"}, {"massage": {}}, {"error": None}])
def test_object_that_is_no_envelope_is_none(value: Json) -> None:
    state = begun()
    apply(state, {"p": "/message", "o": "append", "v": {"a": 1}})
    apply(state, {"v": value})
    message = state.tree["message"]
    assert isinstance(message, dict)
    assert value.items() <= message.items()


def test_envelope_at_a_place_that_was_said_stands_there() -> None:
    state = begun()
    apply(state, {"p": "/message/metadata", "o": "add", "v": {}})
    apply(state, {"p": "/message/metadata", "o": "append", "v": ENVELOPE})
    apply(state, {"v": {"error": "x"}})
    assert state.tree["message"]["metadata"] == ENVELOPE | {"error": "x"}  # type: ignore[index]


@pytest.mark.parametrize(
    ("content", "place", "then"),
    [
        ({"parts": ["Hi"]}, "/message/content/parts/0", {"parts": ["Hi you."]}),
        ({"text": "Hi"}, "/message/content/text", {"text": "Hi you."}),
    ],
)
@pytest.mark.parametrize("op", [None, "add", "replace"])
def test_text_right_behind_a_root_is_that_of_its_message(
    content: Json, place: str, then: Json, op: str | None
) -> None:
    state = DeltaState()
    root: Json = {"v": {"message": {"content": content}}}
    apply(state, copy.deepcopy(root if op is None else root | {"p": "", "o": op}))
    apply(state, {"v": " you"})
    apply(state, {"v": "."})
    assert (state.path, state.op, state.content) == (place, "append", then)


@pytest.mark.parametrize("value", [{"message": {"content": {"thoughts": []}}}, {"message": None}, {}])
def test_text_behind_a_root_without_a_text_of_its_own_is_refused(value: Json) -> None:
    state = DeltaState()
    apply(state, {"v": value, "p": "", "o": "add"})
    with pytest.raises(DeltaMismatch):
        apply(state, {"v": "x"})


CHANGES: list[Json] = [
    {"p": "/message/content/text", "o": "append", "v": " a"},
    {"p": "/message/content/text", "o": "a", "v": "b"},
]


@pytest.mark.parametrize("record", [{}, {"o": "add"}, {"o": "patch"}, {"p": ""}, {"p": "", "o": "replace"}])
@pytest.mark.parametrize("stuck", STUCK.values(), ids=STUCK)
def test_list_of_changes_is_a_patch_from_the_root_whatever_is_stuck(record: Json, stuck: Json) -> None:
    state = begun()
    apply(state, copy.deepcopy(stuck))
    state.begin(record | {"v": CHANGES})
    assert not state.is_textless(CHANGES)
    state.apply(CHANGES)
    assert str(state.tree["message"]["content"]["text"]).endswith(" ab")  # type: ignore[index]


def test_list_of_changes_leaves_what_is_inherited_and_may_be_relative() -> None:
    state = begun()
    apply(state, {"p": "/message/content/text", "o": "append", "v": "!"})
    apply(state, {"v": CHANGES})
    apply(state, {"v": "."})
    assert state.content["text"] == "Hi! ab."
    relative: Json = {"v": [{"p": "/content/text", "o": "append", "v": "c"}]}
    apply(state, {"p": "/message", "o": "patch"} | relative)
    apply(state, relative)
    assert state.tree["message"]["content"]["text"] == "Hi! ab.cc"  # type: ignore[index]


@pytest.mark.parametrize("value", [[], ["x"], [{"p": "/a"}], [{"o": "add"}], [{"p": 1, "o": "add"}]])
def test_any_other_list_is_a_value(value: list[object]) -> None:
    state = begun()
    apply(state, {"p": "/message/list", "o": "add", "v": value})
    assert state.tree["message"]["list"] == value  # type: ignore[index]


MADE: dict[str, tuple[str, object, object]] = {
    "metadata": ("metadata/references", [1], {"metadata": {"references": [1]}}),
    "a list in metadata": ("metadata/references/0", {"a": 1}, {"metadata": {"references": [{"a": 1}]}}),
    "the end of a list": ("metadata/references/-", {"a": 1}, {"metadata": {"references": [{"a": 1}]}}),
    "what is null": ("nothing/x", 1, None),
    "far down": ("metadata/references/0/items/0/title", "t",
                 {"metadata": {"references": [{"items": [{"title": "t"}]}]}}),
    "a part": ("content/parts/2", "!", {"content": {"parts": ["Hi", "you", "!"], "text": "Hi"}}),
    "a thought": ("content/thoughts/0/content", "Hm",
                  {"content": {"parts": ["Hi", "you"], "text": "Hi", "thoughts": [{"content": "Hm"}]}}),
    "an index that leaves a gap": ("metadata/references/1", 1, None),
    "a part that leaves a gap": ("content/parts/3", "!", None),
    "below a text": ("content/text/0", "!", None),
    "below what is no text": ("content/other/0", "!", None),
}  # fmt: skip


@pytest.mark.parametrize(("path", "value", "then"), MADE.values(), ids=MADE)
@pytest.mark.parametrize("op", ["add", "append"])
def test_what_is_missing_is_made_where_it_is_known_what_stands_there(
    path: str, value: object, then: object, op: str
) -> None:
    nothings: list[Json] = [{}, {"metadata": None}, {"metadata": {"references": None}}]
    for nothing in nothings:
        state = DeltaState()
        message = copy.deepcopy(TREE["message"]) | copy.deepcopy(nothing)
        apply(state, {"v": {"message": message}})
        change: Json = {"p": f"/message/{path}", "o": op, "v": copy.deepcopy(value)}
        if then is None:
            with pytest.raises(DeltaMismatch):
                apply(state, change)
            assert state.tree == {"message": TREE["message"] | nothing}
        else:
            assert isinstance(then, dict)
            apply(state, change)
            assert state.tree == {"message": TREE["message"] | nothing | then}


def test_null_in_a_list_is_replaced_by_what_is_appended_to_it() -> None:
    state = begun()
    apply(state, {"p": "/message/content/parts", "o": "replace", "v": [None, "x"]})
    apply(state, {"p": "/message/content/parts/0", "o": "append", "v": "Hi"})
    assert state.tree["message"]["content"]["parts"] == ["Hi", "x"]  # type: ignore[index]


def test_nothing_is_made_where_there_is_no_message() -> None:
    state = DeltaState()
    for place in ("metadata/a", "content/parts/0"):
        with pytest.raises(DeltaMismatch):
            apply(state, {"p": f"/message/{place}", "o": "append", "v": "x"})
    assert state.tree == {}


def test_root_says_its_path_and_operation_but_not_its_channel() -> None:
    state = begun()
    state.lose()
    with pytest.raises(DeltaMismatch):
        state.begin({"v": ENVELOPE})
    with pytest.raises(DeltaMismatch):
        state.begin({"v": "x"})
    apply(state, {"v": ENVELOPE, "c": 1})
    assert state.tree == ENVELOPE
