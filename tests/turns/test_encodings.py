"""The vocabularies are the published ones, each model has its own, and they count as tiktoken itself does."""

import gzip
import hashlib
from pathlib import Path
from shutil import copy
from typing import Final

import pytest
import tiktoken
from hypothesis import given
from hypothesis import strategies as st

from turns.encodings import CL100K, ENCODINGS, FOLDER, O200K, Encoding, encoding_of, load_encoding

PUBLISHED: Final = "https://openaipublic.blob.core.windows.net/encodings/"
OURS: Final = {encoding: load_encoding(encoding) for encoding in ENCODINGS}
TEXTS: Final = st.text(
    st.characters(codec="utf-8") | st.sampled_from("aAZzéÉß好の🦊\u0301ǅ \n\r\t'sStT9/.-"), max_size=300
)


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> dict[Encoding, tiktoken.Encoding]:
    """The encodings as tiktoken makes them, from a cache that holds what it would download.

    It compares that with digests of its own, and downloads what does not fit.
    """
    cache = tmp_path_factory.mktemp("cache")
    for encoding in ENCODINGS:
        name = f"{encoding.name}.tiktoken"
        content = gzip.decompress((FOLDER / f"{name}.gz").read_bytes())
        (cache / hashlib.sha1(f"{PUBLISHED}{name}".encode()).hexdigest()).write_bytes(content)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TIKTOKEN_CACHE_DIR", str(cache))
        return {encoding: tiktoken.get_encoding(encoding.name) for encoding in ENCODINGS}


@pytest.mark.parametrize("encoding", ENCODINGS, ids=lambda encoding: encoding.name)
@given(text=TEXTS)
def test_tokens_are_those_of_the_library(
    library: dict[Encoding, tiktoken.Encoding], encoding: Encoding, text: str
) -> None:
    assert OURS[encoding].encode_ordinary(text) == library[encoding].encode_ordinary(text)


@pytest.mark.parametrize("encoding", ENCODINGS, ids=lambda encoding: encoding.name)
def test_prose_and_code_have_the_tokens_of_the_library(
    library: dict[Encoding, tiktoken.Encoding], encoding: Encoding
) -> None:
    for text in (Path(__file__).read_text(), "它's IT'S ÇA'll 12345 \r\n\r\n  \t//x\n" * 20):
        assert OURS[encoding].encode_ordinary(text) == library[encoding].encode_ordinary(text)


@pytest.mark.parametrize(
    "slug",
    [
        *(
            "gpt-4",
            "gpt-4-mobile",
            "gpt-4-gizmo",
            "gpt-4-0613",
            "gpt-4-1106-preview",
            "gpt-4-32k",
            "gpt-4-turbo",
        ),
        *("text-davinci-002-render-sha", "text-davinci-002-render-sha-mobile", "gpt-3.5-turbo", "gpt-3-5"),
    ],
)
def test_older_models_read_cl100k_base(slug: str) -> None:
    assert encoding_of(slug) is CL100K


@pytest.mark.parametrize(
    "slug",
    [
        *("gpt-4o", "gpt-4o-mini", "gpt-4-1", "gpt-4-1-mini", "gpt-4.1", "gpt-4-5", "gpt-4.5-preview"),
        *("gpt-5", "gpt-5-6-thinking", "gpt-6-pro", "o1", "o3", "o4-mini-high", "auto", "research", ""),
    ],
)
def test_models_since_gpt_4o_read_o200k_base_and_so_do_unknown_ones(slug: str) -> None:
    assert encoding_of(slug) is O200K


@pytest.mark.parametrize("encoding", ENCODINGS, ids=lambda encoding: encoding.name)
@pytest.mark.parametrize("damage", ["cut", "changed", "empty"])
def test_damaged_vocabulary_is_not_taken(tmp_path: Path, encoding: Encoding, damage: str) -> None:
    name = f"{encoding.name}.tiktoken.gz"
    content = (FOLDER / name).read_bytes()
    changed = gzip.compress(gzip.decompress(content).replace(b" 1000\n", b" 1001\n"))
    (tmp_path / name).write_bytes({"cut": content[:-1000], "changed": changed, "empty": b""}[damage])
    with pytest.raises(ValueError, match=f"{encoding.name}.*install the service again"):
        load_encoding(encoding, tmp_path)


def test_vocabulary_of_another_encoding_is_not_taken(tmp_path: Path) -> None:
    copy(FOLDER / f"{CL100K.name}.tiktoken.gz", tmp_path / f"{O200K.name}.tiktoken.gz")
    with pytest.raises(ValueError, match="is not the vocabulary"):
        load_encoding(O200K, tmp_path)


def test_names_of_special_tokens_are_text() -> None:
    for encoder in OURS.values():
        assert len(encoder.encode_ordinary("<|endoftext|>")) > 1


def test_licence_of_the_vocabularies_is_beside_them() -> None:
    assert "Copyright (c) 2022 OpenAI, Shantanu Jain" in (FOLDER / "LICENSE").read_text()
