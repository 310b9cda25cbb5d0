"""Names of stored files, their public paths, and what a download is called.

A name is `<32 hex digits>[-<stem>].<extension>`: 128 random bits, and behind them the harmless part of the
original file name, which comes from strangers. It is one plain path segment for every file system and in
every URL, so it serves as file name, in links and for the download.
"""

import re
import secrets
import unicodedata
from typing import Final
from urllib.parse import quote, unquote, urlsplit

TOKEN_BYTES: Final = 16
MAX_STEM_BYTES: Final = 120
"""Of the stem in UTF-8; with token and extension well below the 255 bytes that file systems allow."""

_EXTENSIONS: Final = {
    "image/png": "png",
    "image/jpeg": "jpg",
    "image/gif": "gif",
    "image/webp": "webp",
    "image/bmp": "bmp",
    "image/avif": "avif",
    "image/heic": "heic",
    "audio/wav": "wav",
    "audio/mpeg": "mp3",
    "application/ogg": "ogg",
    "video/mp4": "mp4",
    "video/webm": "webm",
    "application/pdf": "pdf",
}
_GENERAL: Final = {"text/plain": "txt", "application/zip": "zip", "application/gzip": "gz"}
"""Types of many kinds of file, csv or xlsx for example: there the original extension says more."""
_PICTURE_EXTENSIONS: Final = {_EXTENSIONS[name] for name in _EXTENSIONS if name.startswith("image/")}

_SHAPE: Final = re.compile(r"[0-9a-f]{32}(?:-(?P<stem>[^/]+))?\.(?P<extension>[a-z0-9]{1,8})")
_EXTENSION: Final = re.compile(r"(.*)\.([A-Za-z0-9]{1,8})", re.DOTALL)


def new_name(filename: str, media_type: str = "") -> str:
    """A fresh name for a file that was called `filename` (any text, or empty).

    The extension is that of `media_type`. For a type that is not known yet, or has no extension of its own,
    it is the one of `filename`, unless that one belongs to another type.
    """
    stem, asked = _split(filename)
    extension = _EXTENSIONS.get(media_type)
    if extension is None:
        misleading = media_type != "" and asked in _EXTENSIONS.values()
        extension = asked if asked and not misleading else _GENERAL.get(media_type, "bin")
    token = secrets.token_hex(TOKEN_BYTES)
    return f"{token}-{stem}.{extension}" if stem else f"{token}.{extension}"


def is_name(text: str) -> bool:
    """Whether `text` can have come from `new_name`."""
    shape = _SHAPE.fullmatch(text)
    return shape is not None and (shape["stem"] is None or _clean(shape["stem"]) == shape["stem"])


def public_path(name: str) -> str:
    """The path of a link to `name`, percent-encoded: below `/images/` for pictures, else below `/files/`."""
    folder = "images" if name.rpartition(".")[2] in _PICTURE_EXTENSIONS else "files"
    return f"/{folder}/{quote(name, safe='')}"


def name_in(url: str) -> str:
    """The name that a link like that of `public_path` leads to, on whatever host; "" if it leads to none."""
    try:
        path = urlsplit(url.strip()).path
    except ValueError:
        return ""
    name = unquote(path.rpartition("/")[2])
    return name if is_name(name) and path.endswith(public_path(name)) else ""


def content_disposition(kind: str, name: str) -> str:
    """The `Content-Disposition` header that gives a download the name that the original file had.

    `kind` is `inline` or `attachment`, `name` is one of `new_name` (RFC 6266, with RFC 8187's UTF-8 form).
    """
    shown = name[TOKEN_BYTES * 2 + 1 :] if name[TOKEN_BYTES * 2] == "-" else name
    plain = re.sub(r"[^\w.-]", "_", shown, flags=re.ASCII)
    extended = "" if plain == shown else f"; filename*=UTF-8''{quote(shown, safe='')}"
    return f'{kind}; filename="{plain}"{extended}'


def _split(filename: str) -> tuple[str, str]:
    """A harmless stem and a harmless extension; each may be empty."""
    last = re.split(r"[/\\]", filename[-4096:])[-1].strip()
    parts = _EXTENSION.fullmatch(last)
    stem, extension = parts.groups() if parts else (last, "")
    return _clean(stem), extension.lower()


def _clean(stem: str) -> str:
    """Letters, marks, digits and `.`, `_`, `-` of any script; cleaning twice changes nothing.

    All other characters become `_`: separators, quotes, controls, and the invisible marks that turn the
    direction of writing around and so hide an extension.
    """
    normal = unicodedata.normalize("NFC", stem)
    kept = (c if c in "._-" or unicodedata.category(c)[0] in "LMN" else "_" for c in normal)
    text = re.sub(r"\.{2,}", ".", re.sub(r"_{2,}", "_", "".join(kept))).strip("._-")
    return text.encode()[:MAX_STEM_BYTES].decode(errors="ignore").rstrip("._-")
