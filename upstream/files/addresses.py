"""Asking the backend where the bytes of a file are (protocol notes, sections 3 and 10)."""

import asyncio
from collections.abc import Sequence
from typing import Final

from accounts import Credential
from translate.values import JsonObject
from upstream.files.answers import absolute_url, content_of, error_code
from upstream.files.errors import CallRefused, FileMissing, FileNotReady, FilesError, SandboxGone
from upstream.files.timeouts import FileTimeouts, at_most
from upstream.http import ConnectionLost, HttpClient, JsonAnswer, UnusableAnswer

NOT_HERE: Final = (403, 405, 422)
"""Statuses, beside that of a file that is missing, of a call that is not the one for a file, or too early."""


async def ask_for_address(
    client: HttpClient,
    paths: Sequence[str],
    credential: Credential,
    timeouts: FileTimeouts,
    *,
    gone: type[FilesError],
    missing_is_final: bool,
) -> str:
    """Return the address that a call of one of `paths` gives, unchanged. What may get better is tried again.

    The next path is tried where one does not have the file. `gone` is what status 410 means. Unless
    `missing_is_final`, a file that the backend does not have may still come: a picture may be shown some
    moments before it is stored.

    Raises:
        FileMissing, FileNotReady, SandboxGone, CallRefused, UnusableAnswer: what the last try gave.
        AddressRefused: it is not followed.
        UpstreamError: the transport failed.
    """
    async with at_most(timeouts.address):
        for pause in timeouts.address_pauses:
            try:
                return await _ask_each(client, paths, credential, gone)
            except FileMissing:
                if missing_is_final:
                    raise
            except CallRefused as refused:
                if refused.status < 500 and (len(paths) == 1 or refused.status not in NOT_HERE):
                    raise
            except (FileNotReady, ConnectionLost):
                pass
            await asyncio.sleep(pause)
        return await _ask_each(client, paths, credential, gone, last_try=True)


async def _ask_each(
    client: HttpClient,
    paths: Sequence[str],
    credential: Credential,
    gone: type[FilesError],
    *,
    last_try: bool = False,
) -> str:
    *others, last = paths
    for path in others:
        try:
            return await _ask_once(client, path, credential, gone, last_try=last_try)
        except (FileMissing, UnusableAnswer):
            pass
        except CallRefused as refused:
            if refused.status not in NOT_HERE:
                raise
    return await _ask_once(client, last, credential, gone, last_try=last_try)


async def _ask_once(
    client: HttpClient, path: str, credential: Credential, gone: type[FilesError], *, last_try: bool
) -> str:
    content, address = _address_in(await client.call("GET", path, credential), gone)
    absolute_url(client, address)  # one that is not followed is refused now
    if not last_try and not _is_stored(content):
        raise FileNotReady
    return address


def _is_stored(content: JsonObject) -> bool:
    """False where the backend has room for the name and the size of a picture, and does not know them yet."""
    return any(content.get(name, "") is not None for name in ("file_name", "file_size_bytes"))


def _address_in(answer: JsonAnswer, gone: type[FilesError]) -> tuple[JsonObject, str]:
    """An answer and the `download_url` in it. Raises the error that it has, in `error_code` or `detail`."""
    content = content_of(answer)
    code = error_code(content)
    address = content.get("download_url")
    if answer.successful and content.get("status") == "success" and isinstance(address, str):
        return content, address
    if code == "ace_pod_expired":
        raise SandboxGone
    if answer.status == 410:
        raise gone
    if answer.status == 404 or code == "file_not_found":
        raise FileMissing
    if not answer.successful or content.get("status") == "error":
        raise CallRefused(answer, code)
    raise FileNotReady if content.get("status") == "retry" else UnusableAnswer("address of a file")
