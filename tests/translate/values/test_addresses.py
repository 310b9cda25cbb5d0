"""Addresses that operators write."""

import pytest

from translate.values import proxy_address, split_address


@pytest.mark.parametrize(
    "text",
    ["http://proxy:3128", "https://proxy:3128/", "socks5://user:word@proxy:1080", "socks5h://[::1]:1080"],
)
def test_address_of_a_proxy_is_taken_as_it_is(text: str) -> None:
    assert proxy_address(text) == text


@pytest.mark.parametrize(
    "text",
    ["", "proxy:3128", "ftp://proxy", "http://", "http://proxy:0", "http://proxy:70000", "http://proxy/path",
     "http://proxy?x=1", "http://proxy#x", "http://[::1"],
)  # fmt: skip
def test_what_is_no_address_of_a_proxy_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="an address such as"):
        proxy_address(text)


def test_address_has_one_of_the_schemes_and_a_host() -> None:
    parts = split_address("http://here:80/x", "http")
    assert parts is not None
    assert (parts.hostname, parts.port, parts.path) == ("here", 80, "/x")
    assert split_address("http://here", "https") is None
    assert split_address("http://here:x", "http") is None
