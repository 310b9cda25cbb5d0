"""What the backend says about a GPT: what is taken for its description."""

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from translate.backend.gizmo import MAX_GIZMO_BYTES, as_gizmo, conversation_mode, read_gizmo
from translate.values import json_text
from translate.values.gizmo import Gizmo

ID = "g-AbC123xyZ"
SLUG = f"{ID}-my-helper"


def described(gizmo_id: str = ID) -> dict[str, object]:
    """What the backend says about a GPT, shortened."""
    about = {"id": gizmo_id, "short_url": f"{gizmo_id}-my-helper", "display": {"description": "Helps"}}
    return {"gizmo": about, "tools": [{"id": "gzm_cnf_1", "type": "browser"}], "files": []}


INFO = described()


def read(data: object, asked: str = ID) -> Gizmo:
    return read_gizmo(json.dumps(data).encode(), asked)


@pytest.mark.parametrize("asked", ["g-p-0123abcd", "g-p-0123abcd-my-project"])
def test_project_is_described_as_a_gpt_is(asked: str) -> None:
    assert read(described("g-p-0123abcd"), asked).id == "g-p-0123abcd"
    with pytest.raises(ValueError, match="another GPT"):
        read(described("g-p"), asked)


@pytest.mark.parametrize("asked", [ID, SLUG])
def test_description_gives_the_short_id_however_it_was_asked_for(asked: str) -> None:
    assert read(INFO, asked) == Gizmo(ID, INFO)


def test_description_is_kept_whole_with_fields_that_nobody_here_knows() -> None:
    info = {**described(), "some_new_field": {"deep": [1, None, "\u2028 团队 \U0001f525"]}}
    assert read(info).info == info


@pytest.mark.parametrize(
    ("info", "said"),
    [
        ({}, "has no id"),
        ([], "has no id"),
        (None, "has no id"),
        ({"gizmo": None}, "has no id"),
        ({"gizmo": {}}, "has no id"),
        ({"gizmo": {"id": 7}}, "has no id"),
        ({"gizmo": {"id": "g-1/../x"}}, "has no id"),
        ({"gizmo": {"id": SLUG}}, "has no id"),
        ({"detail": "no"}, "has no id"),
        (described("g-AbC123xy"), "another GPT"),
        (described("g-Other"), "another GPT"),
    ],
)
def test_what_does_not_describe_the_gpt_asked_for_is_refused(info: object, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        read(info)


@pytest.mark.parametrize(
    "extra", [math.inf, math.nan, "[" * 1020 + "]" * 1020], ids=["infinite", "nan", "deep"]
)
def test_what_could_not_be_sent_on_is_refused(extra: object) -> None:
    text = extra if isinstance(extra, str) else json.dumps(extra)
    body = json.dumps({**INFO, "extra": "HERE"}).replace('"HERE"', text)
    with pytest.raises(ValueError, match=r"JSON"):
        read_gizmo(body.encode(), ID)


def test_oversized_description_is_refused_unread() -> None:
    with pytest.raises(ValueError, match="larger"):
        read_gizmo(b"[" * (MAX_GIZMO_BYTES + 1), ID)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()),
        lambda inner: (
            st.lists(inner, max_size=4) | st.dictionaries(st.text(st.characters()), inner, max_size=3)
        ),
        max_leaves=10,
    )
)
def test_every_description_that_is_taken_can_be_sent(extra: object) -> None:
    try:
        gizmo = as_gizmo({**INFO, "extra": extra}, ID)
    except ValueError:
        return
    body = json_text({"conversation_mode": conversation_mode(gizmo)})
    assert json.loads(body)["conversation_mode"]["gizmo"]["gizmo"] == INFO["gizmo"]


def test_conversation_needs_the_short_id_and_the_whole_description() -> None:
    mode = conversation_mode(as_gizmo(INFO, SLUG))
    assert mode == {"kind": "gizmo_interaction", "gizmo_id": ID, "gizmo": INFO}
