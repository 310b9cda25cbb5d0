"""Which encoding a model reads its text in, and the vocabulary of each.

The files in `vocabularies/` are those that OpenAI publishes and that tiktoken would download, in gzip: lines
with a token in base64 and its rank. Their digests, and the patterns that cut a text before its tokens are
looked for, are those of `tiktoken_ext/openai_public.py` in tiktoken 0.14; its licence is beside the files.
"""

import gzip
import hashlib
import re
import zlib
from base64 import b64decode
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Final

import tiktoken

FOLDER: Final = Path(__file__).parent / "vocabularies"

OLDER_MODELS: Final = re.compile(
    r"text-davinci-002-render.*|gpt-3[.-]?5.*|gpt-4(?!-[15](?:-|$))(?:-.*)?", re.DOTALL
)
"""Slugs of models that read cl100k_base: GPT-3.5, GPT-4 and its variants. gpt-4o, gpt-4.1 and gpt-4.5 do not;
the backend writes a dash for their dot."""


@dataclass(frozen=True, slots=True)
class Encoding:
    """An encoding: its `name`, the digest of its vocabulary, and the pattern that cuts texts."""

    name: str
    sha256: str
    pattern: str


CL100K: Final = Encoding(
    "cl100k_base",
    "223921b76ee99bde995b7ff738513eef100fb51d18c93597a113bcffe865b2a7",
    r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}++|\p{N}{1,3}+"
    r"| ?[^\s\p{L}\p{N}]++[\r\n]*+|\s++$|\s*[\r\n]|\s+(?!\S)|\s",
)
O200K: Final = Encoding(
    "o200k_base",
    "446a9538cb6c348e3516120d7c08b09f57c36495e2acfffe59a5bf8b0cfb1a2d",
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
    r"|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
    r"|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+",
)
ENCODINGS: Final = (CL100K, O200K)


def encoding_of(slug: str) -> Encoding:
    """The encoding of the model that the backend calls `slug`: o200k_base, but for older models."""
    return CL100K if OLDER_MODELS.fullmatch(slug) else O200K


def load_encoding(encoding: Encoding, folder: Path = FOLDER) -> tiktoken.Encoding:
    """The encoder of tiktoken, made from the file in `folder`. May be called in any thread.

    It knows no special tokens: their names are text like any other. Raises OSError, and ValueError if the
    file is not the published one.
    """
    path = folder / f"{encoding.name}.tiktoken.gz"
    try:
        content = gzip.decompress(path.read_bytes())
    except (gzip.BadGzipFile, EOFError, zlib.error):
        content = b""
    if hashlib.sha256(content).hexdigest() != encoding.sha256:
        raise ValueError(f"{path} is not the vocabulary that OpenAI publishes: install the service again")
    # Line by line, since lists of all of them would take 40 MiB more; their ranks count from 0.
    ranks = {b64decode(line.partition(b" ")[0]): rank for rank, line in enumerate(BytesIO(content))}
    encoder = tiktoken.Encoding(
        encoding.name, pat_str=encoding.pattern, mergeable_ranks=ranks, special_tokens={}
    )
    # They have been copied into tiktoken's own tables, and nobody needs these 100,000 objects and more.
    ranks.clear()
    return encoder
