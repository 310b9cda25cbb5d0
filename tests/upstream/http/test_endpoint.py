"""Where the backend is."""

import pytest

from upstream.http.endpoint import Endpoint


@pytest.mark.parametrize(
    ("base_url", "prefix", "expected"),
    [
        ("http://pandora:8181", "secret12", "http://pandora:8181/secret12/x"),
        ("http://pandora:8181/", "/secret12/", "http://pandora:8181/secret12/x"),
        ("http://pandora:8181", "", "http://pandora:8181/x"),
        ("http://pandora:8181///", "//", "http://pandora:8181/x"),
        ("https://example.org/deep//path/", "a/b", "https://example.org/deep/path/a/b/x"),
        (" http://[::1]:8181 ", " secret12 ", "http://[::1]:8181/secret12/x"),
    ],
)
def test_slashes_and_blanks_are_forgiven(base_url: str, prefix: str, expected: str) -> None:
    assert Endpoint(base_url, prefix).url("/x") == expected


@pytest.mark.parametrize(
    "base_url",
    [
        "",
        "pandora:8181",
        "//pandora",
        "ftp://pandora",
        "http://",
        "http://user:pass@pandora",
        "http://pandora?x=1",
        "http://pandora#x",
        "http://pandora:99999",
        "http://pandora:port",
        "http://pandora/a b",
        "http://pandora/../x",
    ],
)
def test_impossible_addresses_are_refused(base_url: str) -> None:
    with pytest.raises(ValueError, match=r"backend's address|prefix"):
        Endpoint(base_url, "")


@pytest.mark.parametrize(
    "prefix", ["my secret", "se?cret", "se#cret", "..", "a/../secret", "sécret", "secret\r\nX: 1"]
)
def test_impossible_prefixes_are_refused_without_showing_them(prefix: str) -> None:
    with pytest.raises(ValueError, match="prefix") as caught:
        Endpoint("http://pandora", prefix)
    assert "cret" not in str(caught.value)


def test_repr_does_not_show_the_prefix() -> None:
    assert "secret12" not in repr(Endpoint("http://pandora", "secret12"))


@pytest.mark.parametrize("path", ["", "x", "/a b", "/../x", "/a/./b", "/a\r\nX: 1", "/é", "/a#b"])
def test_paths_that_could_leave_the_prefix_are_refused(path: str) -> None:
    with pytest.raises(ValueError, match="path"):
        Endpoint("http://pandora", "secret12").url(path)


def test_dots_in_a_query_are_no_way_out() -> None:
    assert Endpoint("http://pandora", "p").url("/a?path=/mnt/../x") == "http://pandora/p/a?path=/mnt/../x"


def test_tls_is_told_by_the_scheme() -> None:
    assert Endpoint("https://pandora", "").origin.tls
    assert not Endpoint("http://pandora", "").origin.tls
