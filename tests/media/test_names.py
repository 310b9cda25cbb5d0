"""Names of stored files: unguessable, harmless everywhere, and still telling what the file was called."""

import re
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.names import content_disposition, is_name, name_in, new_name, public_path

HOSTILE = [
    "../../etc/passwd",
    "..\\..\\boot.ini",
    "/etc/passwd",
    "C:\\x\\y.txt",
    "a\0b.txt",
    "a\r\nSet-Cookie: x=1.txt",
    'quo"te.txt',
    "semi;colon=1.txt",
    "x" * 300 + ".csv",
    "图" * 300 + ".csv",
    "invoice\u202efdp.exe",
    "\u200fname\u200e.txt",
    "%2e%2e%2fetc",
    ".htaccess",
    "...",
    "-rf",
    "~",
    "con.",
    "\ud800.txt",
    "",
    " ",
]
troublesome = st.text("./\\%\0\r\n\"'-_~é图 ", max_size=40)
names = st.one_of(st.sampled_from(HOSTILE), st.text(max_size=300), troublesome)


def rest(name: str) -> str:
    """What follows the random part."""
    assert re.match(r"[0-9a-f]{32}[-.]", name)
    return name[32:]


@given(names)
def test_no_file_name_makes_a_name_that_is_not_one_safe_segment(filename: str) -> None:
    name = new_name(filename)
    assert is_name(name)
    assert len(name.encode()) < 200
    assert not re.search(r"[\x00-\x20/\\\"'%;:\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2066-\u2069]|\.\.", name)


@given(names)
def test_public_path_leads_back_to_the_name_and_needs_no_escaping_in_markdown(filename: str) -> None:
    name = new_name(filename)
    path = public_path(name)
    assert re.fullmatch(r"/(images|files)/[A-Za-z0-9._%~-]+", path)
    assert unquote(path.rpartition("/")[2]) == name
    for base in ("", "https://a.example", "http://[::1]:33333/below"):
        assert name_in(base + path) == name_in(f" {base}{path}?x=1#y\n") == name


@pytest.mark.parametrize(
    "path", ["", "/images/a.png", "/images/", "/other/NAME", "/files/NAME", "/imagesNAME", "//[x/NAME"]
)
def test_other_addresses_lead_to_no_name(path: str) -> None:
    assert name_in("https://a.example" + path.replace("NAME", new_name("", "image/png"))) == ""


@given(st.text())
def test_any_text_is_a_link_to_a_name_or_none(text: str) -> None:
    name = name_in(text)
    assert name == "" or is_name(name)


@given(names)
def test_content_disposition_is_one_clean_header(filename: str) -> None:
    header = content_disposition("attachment", new_name(filename))
    assert re.fullmatch(r"attachment; filename=\"[\w.-]+\"(; filename\*=UTF-8''[\w.%~-]+)?", header, re.ASCII)


@pytest.mark.parametrize(
    ("filename", "ending"),
    [
        ("report.csv", "-report.csv"),
        ("/mnt/data/My Report (2).XLSX", "-My_Report_2.xlsx"),
        ("archive.tar.gz", "-archive.tar.gz"),
        ("销售 数据.csv", "-销售_数据.csv"),
        ("../../etc/passwd", "-passwd.bin"),
        ("invoice\u202efdp.exe", "-invoice_fdp.exe"),
        ("x.html", "-x.html"),
        ("a.b/c.d", "-c.d"),
        ("no extension", "-no_extension.bin"),
        ("", ".bin"),
        ("...", ".bin"),
    ],
)
def test_original_name_survives_as_far_as_it_is_harmless(filename: str, ending: str) -> None:
    assert rest(new_name(filename)) == ending


@pytest.mark.parametrize(
    ("filename", "media_type", "ending"),
    [
        ("", "image/png", ".png"),
        ("", "image/jpeg", ".jpg"),
        ("cat.png", "image/webp", "-cat.webp"),
        ("data.csv", "text/plain", "-data.csv"),
        ("data", "text/plain", "-data.txt"),
        ("book.xlsx", "application/zip", "-book.xlsx"),
        ("", "application/zip", ".zip"),
        ("evil.png", "text/html", "-evil.bin"),
        ("page.html", "text/html", "-page.html"),
        ("x", "application/octet-stream", "-x.bin"),
    ],
)
def test_extension_is_that_of_the_bytes_where_they_have_one(
    filename: str, media_type: str, ending: str
) -> None:
    assert rest(new_name(filename, media_type)) == ending


def test_names_never_repeat() -> None:
    assert len({new_name("same.png") for _ in range(1000)}) == 1000


def test_pictures_are_linked_under_images_and_all_else_under_files() -> None:
    assert public_path(new_name("", "image/png")).startswith("/images/")
    assert public_path(new_name("cat.jpg")).startswith("/images/")
    assert public_path(new_name("a.csv")).startswith("/files/")
    assert public_path(new_name("a.svg")).startswith("/files/")


def test_download_is_called_as_the_original_was_in_both_forms_of_the_header() -> None:
    assert content_disposition("attachment", new_name("a b.csv")) == 'attachment; filename="a_b.csv"'
    chinese = content_disposition("attachment", new_name("数据.csv"))
    assert chinese == "attachment; filename=\"__.csv\"; filename*=UTF-8''%E6%95%B0%E6%8D%AE.csv"
    nameless = new_name("", "image/png")
    assert content_disposition("inline", nameless) == f'inline; filename="{nameless}"'


@pytest.mark.parametrize(
    "text",
    [
        "",
        ".",
        "..",
        "0" * 32,
        "0" * 31 + ".png",
        "G" * 32 + ".png",
        "0" * 32 + ".png/..",
        "0" * 32 + "-../x.png",
        "0" * 32 + "-a\0.png",
        "0" * 32 + "-a..b.png",
        "0" * 32 + ".png\n",
        "0" * 32 + "-" + "x" * 300 + ".png",
        "." + "0" * 32 + ".part",
        "0" * 32 + "-.png",
    ],
)
def test_what_was_never_given_out_is_no_name(text: str) -> None:
    assert not is_name(text)
