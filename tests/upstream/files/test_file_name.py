"""The name that the backend gives to a file."""

from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from upstream.files.file_name import download_name


@pytest.mark.parametrize(
    ("disposition", "name"),
    [
        ("attachment; filename=out.csv", "out.csv"),
        ('attachment; filename="out.csv"', "out.csv"),
        ('attachment; filename="a \\"b\\".csv"', 'a "b".csv'),
        ("attachment; filename=a b.csv", "a b.csv"),
        ("attachment; filename=报告.csv", "报告.csv"),
        ("attachment; filename*=UTF-8''%E6%8A%A5%E5%91%8A.csv", "报告.csv"),
        ("ATTACHMENT; FILENAME=out.csv", "out.csv"),
        ("inline", ""),
        ("", ""),
        ("attachment; filename=", ""),
        ("attachment; filename=../../etc/passwd", "../../etc/passwd"),
        ("attachment; filename*0*=x; filename*" + "9" * 500 + "*=y", "xy"),
        ("attachment; filename=" + "x" * 2000, ""),
        ("attachment; filename*=idna''%ff", ""),
        ("attachment; filename*=utf-8\0''x", ""),
    ],
)
def test_name_in_a_disposition_is_read(disposition: str, name: str) -> None:
    assert download_name(f"https://h/x?sig=1&rscd={quote(disposition)}", "") == name
    assert download_name("https://h/x", disposition.encode().decode("latin-1")) == name


def test_disposition_in_the_address_goes_first() -> None:
    assert download_name("https://h/x?rscd=attachment%3B+filename%3Da", "attachment; filename=b") == "a"


def test_disposition_without_a_name_in_the_address_leaves_it_to_the_header() -> None:
    assert download_name("https://h/x?rscd=inline", "attachment; filename=b") == "b"


def test_latin_1_header_that_is_not_utf_8_is_taken_as_it_is() -> None:
    assert download_name("https://h/x", "attachment; filename=caf\xe9.txt") == "caf\xe9.txt"


def test_line_break_does_not_start_another_parameter() -> None:
    name = download_name("https://h/x?rscd=attachment%3B%20filename%3Da%0D%0AX-Evil:%201", "")
    assert name == "a X-Evil: 1"


@given(
    st.text(max_size=60) | st.from_regex(r"(attachment; )?filename(\*[0-9]{0,3}\*?)?=[^ ]{0,30}"), st.text()
)
def test_any_header_and_any_address_give_some_text(text: str, other: str) -> None:
    safe = quote(text, safe="", errors="replace")
    assert isinstance(download_name(f"https://h/x?rscd={safe}", other), str)
    assert isinstance(download_name("https://h/x", text), str)
