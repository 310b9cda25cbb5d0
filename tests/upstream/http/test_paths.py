"""Paths that hold an id, which comes from the backend."""

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from upstream import UnusableAnswer
from upstream.http.endpoint import Endpoint
from upstream.http.paths import conversation_path, file_path


@given(st.text(max_size=40) | st.from_regex(r"\A[.%/s?#a-z0-9-]{0,30}\Z"))
@example("")
@example("\n")
@example("s")
@example("../conversations")
@example("..%2fconversations")
@example("x/../../conversations")
def test_no_id_leads_to_the_path_that_hides_all(conversation_id: str) -> None:
    try:
        path = conversation_path(conversation_id)
    except UnusableAnswer:
        return
    assert re.fullmatch(r"/backend-api/conversation/[\w-]+", path, re.ASCII)
    url = Endpoint("http://pandora", "p").url(path)
    assert url == f"http://pandora/p/backend-api/conversation/{conversation_id}"


@pytest.mark.parametrize("usual", ["0f5b0a52-6c1e-4b57-9c2e-6d8a5a2b1c3d", "c1", "WEB-0f5b", "67a1_x"])
def test_usual_ids_pass(usual: str) -> None:
    assert conversation_path(usual).endswith(f"/conversation/{usual}")
    assert file_path(usual).endswith(f"/files/{usual}")
