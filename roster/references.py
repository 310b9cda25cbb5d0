"""Secrets stand in files and in the environment; `accounts.json` says where."""

import os
import stat
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from runtime import Signature, signature_of
from translate.values import parsed_json

MAX_SECRET_BYTES: Final = 64 * 1024


class Unreadable(Exception):
    """There is no secret now; the text says why, as the end of a sentence, without secrets."""


@dataclass(frozen=True, slots=True)
class Reference:
    """Where a secret stands: in the file at the path `name`, or in the variable `name` of the environment."""

    kind: Literal["file", "env"]
    name: str


ReadReference = Callable[[Reference], str]
"""What is there, without white space around it, never empty. Raises Unreadable."""


class References:
    """Reads them, which blocks; paths are relative to `folder`.

    `signatures` are those of the files just before they were read.
    """

    def __init__(self, folder: Path, environ: Mapping[str, str]) -> None:
        self._folder = folder
        self._environ = environ
        self.signatures: dict[Path, Signature] = {}

    def read(self, reference: Reference) -> str:
        """See `ReadReference`."""
        if reference.kind == "env":
            text = self._environ.get(reference.name, "").strip()
            if not text:
                raise Unreadable(f"the variable {reference.name} is not set")
            return text
        text = self._file(self._folder / reference.name).strip()
        if not text:
            raise Unreadable("its file is empty")
        return text

    def _file(self, path: Path) -> str:
        self.signatures[path] = signature_of(path)
        try:
            if not stat.S_ISREG(os.stat(path).st_mode):
                raise Unreadable("its file is no regular file")  # to read from it might never end
            with path.open("rb") as file:
                content = file.read(MAX_SECRET_BYTES + 1)
        except FileNotFoundError:
            raise Unreadable("its file is not there") from None
        except OSError as error:
            raise Unreadable(f"its file cannot be read: {error.strerror or 'unknown error'}") from None
        if len(content) > MAX_SECRET_BYTES:
            raise Unreadable(f"its file is larger than {MAX_SECRET_BYTES} bytes")
        try:
            return content.decode("utf-8-sig")
        except UnicodeDecodeError:
            raise Unreadable("its file is not UTF-8 text") from None


def token_in(text: str) -> tuple[str, str]:
    """The token and the id of its account ("" if there is none) in what a file of a token holds.

    It is the token itself, or the JSON that programs write which sign in: `{"access_token": ...}`, perhaps
    inside `tokens` and with an `account_id`, or `{"accessToken": ...}`. Raises Unreadable.
    """
    if not text.startswith("{"):
        return text, ""
    try:
        data = parsed_json(text)
    except ValueError:
        raise Unreadable("its JSON is cut or malformed") from None
    within = data.get("tokens") if isinstance(data, dict) else None
    for place in (within, data):
        if isinstance(place, dict):
            token, account_id = place.get("access_token", place.get("accessToken")), place.get("account_id")
            if isinstance(token, str) and token:
                return token, account_id if isinstance(account_id, str) else ""
    raise Unreadable("its JSON has no access_token")
