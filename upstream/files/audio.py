"""Sound: recordings turned into words, and stored messages read out (protocol notes, section 20.10)."""

import re
import secrets
from collections.abc import Sequence
from typing import Final
from urllib.parse import urlencode

from accounts import Credential
from runtime import HeldBytes, NoRoom
from translate.values import json_object, text_at
from upstream.files.answers import ABSENT, error_code
from upstream.files.downloads import fetch
from upstream.files.errors import AudioMissing, FileHasNoRoom, FileTooLarge
from upstream.http import API, HttpClient, ResponseRefused, UnusableAnswer

WORDS_BYTES: Final = 1 << 20
"""Of an answer with words: an hour of speech has some 60 kB."""
_UNSAFE: Final = re.compile(r"[^\w.-]", re.ASCII)
_ABOUT_A_MESSAGE: Final = re.compile(r"(conversation|history_disabled|message)_")
"""How codes of refusals begin that are not about audio."""
_UNTOLD: Final = ("", "application/octet-stream")
"""Types that do not tell what bytes are."""


async def transcribe(
    client: HttpClient, credential: Credential, data: bytes, name: str, language: str, seconds: float
) -> str:
    """The words in a recording. `name` tells the kind of file by its end; `language` may be empty.

    Raises:
        AudioMissing: this backend turns nothing into words.
        UpstreamError: it has refused, or the transport failed.
    """
    boundary = secrets.token_hex(16)
    safe_name = _UNSAFE.sub("_", name)[-100:] or "audio"
    parts = [_head(boundary, f'name="file"; filename="{safe_name}"'), data]
    if language:
        parts += [b"\r\n", _head(boundary, 'name="language"'), language.encode()]
    form = b"".join((*parts, f"\r\n--{boundary}--\r\n".encode()))
    content_type = f"multipart/form-data; boundary={boundary}"
    try:
        answer = await client.send(
            "POST", f"{API}/transcribe", credential, form, content_type, limit=WORDS_BYTES, seconds=seconds
        )
    except ResponseRefused as error:
        raise _refusal(error) from None
    content = json_object(answer.body)
    if content is not None and isinstance(content.get("text"), str):
        return text_at(content, "text")
    if answer.content_type == "text/plain" and answer.complete:
        return answer.body.decode("utf-8", "replace").strip()
    raise UnusableAnswer("transcription")


async def read_out(
    client: HttpClient,
    credential: Credential,
    query: dict[str, str],
    held: HeldBytes,
    *,
    max_bytes: int,
    seconds: float,
    pauses: Sequence[float],
) -> bytes:
    """The recording of a stored message; `query` names message, conversation, voice and format.

    `held` has its bytes then. Where the backend gives an address, they are fetched like those of any file,
    with `pauses`.

    Raises:
        AudioMissing: this backend reads nothing out.
        FilesError: the recording cannot be had.
        UnusableAnswer: there is no sound in what came.
        UpstreamError: it has refused, or the transport failed.
    """
    path = f"{API}/synthesize?{urlencode(query)}"
    before = held.size
    try:
        answer = await client.send(
            "GET",
            path,
            credential,
            limit=max_bytes,
            seconds=seconds,
            admit=lambda size: held.grow_to(before + size),
        )
    except ResponseRefused as error:
        raise _refusal(error) from None
    except NoRoom:
        raise FileHasNoRoom from None
    if not answer.complete:
        raise FileTooLarge(max_bytes)
    if answer.content_type != "application/json":
        return _recording(answer.body, answer.content_type)
    address = text_at(json_object(answer.body) or {}, "download_url")
    if not address:
        raise UnusableAnswer("address of a recording")
    file = await fetch(client, address, held, credential, max_bytes=max_bytes, seconds=seconds, pauses=pauses)
    return _recording(file.data, file.content_type)


def _recording(body: bytes, content_type: str) -> bytes:
    """`body`, unless it is something else, such as a page of a gateway. Raises UnusableAnswer."""
    if body and (content_type.startswith("audio/") or content_type in _UNTOLD):
        return body
    raise UnusableAnswer("recording")


def _head(boundary: str, about: str) -> bytes:
    return f"--{boundary}\r\nContent-Disposition: form-data; {about}\r\n\r\n".encode()


def _refusal(error: ResponseRefused) -> AudioMissing | ResponseRefused:
    code = error_code(json_object(error.body) or {})
    about_a_message = isinstance(code, str) and _ABOUT_A_MESSAGE.match(code) is not None
    return AudioMissing() if error.status in ABSENT and not about_a_message else error
