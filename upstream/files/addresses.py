"""Asking the backend where the bytes of a file are (protocol notes, sections 3 and 10)."""

import asyncio

from accounts import Credential
from upstream.files.answers import absolute_url, content_of, error_code
from upstream.files.errors import CallRefused, FileMissing, FileNotReady, FilesError, SandboxGone
from upstream.files.timeouts import FileTimeouts, at_most
from upstream.http import ConnectionLost, HttpClient, JsonAnswer, UnusableAnswer


async def ask_for_address(
    client: HttpClient,
    path: str,
    credential: Credential,
    timeouts: FileTimeouts,
    *,
    gone: type[FilesError],
    missing_is_final: bool,
) -> str:
    """Return the address that a call of `path` gives, unchanged. What may get better is tried again.

    `gone` is what status 410 means. Unless `missing_is_final`, a file that the backend does not have may
    still come: a picture may be shown some moments before it is stored.

    Raises:
        FileMissing, FileNotReady, SandboxGone, CallRefused, UnusableAnswer: what the last try gave.
        AddressRefused: it is not followed.
        UpstreamError: the transport failed.
    """
    async with at_most(timeouts.address):
        for pause in timeouts.address_pauses:
            try:
                return await _ask_once(client, path, credential, gone)
            except FileMissing:
                if missing_is_final:
                    raise
            except CallRefused as refused:
                if refused.status < 500:
                    raise
            except (FileNotReady, ConnectionLost):
                pass
            await asyncio.sleep(pause)
        return await _ask_once(client, path, credential, gone)


async def _ask_once(client: HttpClient, path: str, credential: Credential, gone: type[FilesError]) -> str:
    address = _address_in(await client.call("GET", path, credential), gone)
    absolute_url(client, address)  # one that is not followed is refused now
    return address


def _address_in(answer: JsonAnswer, gone: type[FilesError]) -> str:
    """The `download_url` of an answer. Raises the error that the answer has, in `error_code` or `detail`."""
    content = content_of(answer)
    code = error_code(content)
    address = content.get("download_url")
    if answer.successful and content.get("status") == "success" and isinstance(address, str):
        return address
    if code == "ace_pod_expired":
        raise SandboxGone
    if answer.status == 410:
        raise gone
    if answer.status == 404 or code == "file_not_found":
        raise FileMissing
    if not answer.successful or content.get("status") == "error":
        raise CallRefused(answer, code)
    raise FileNotReady if content.get("status") == "retry" else UnusableAnswer("address of a file")
