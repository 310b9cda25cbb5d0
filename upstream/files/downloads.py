"""Fetching the bytes of a file from the host that keeps them (protocol notes, section 10).

Addresses are signed: no key goes along. Files of 2026 are kept by the backend itself: their addresses are on
the official host, and are asked for where the backend is, with the key of their owner (section 20.6).
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from accounts import Credential
from runtime import HeldBytes, NoRoom
from upstream.files.answers import absolute_url
from upstream.files.errors import (
    AddressExpired,
    AddressRefused,
    FileHasNoRoom,
    FileMissing,
    FilesError,
    FileTooLarge,
    TransferRefused,
)
from upstream.files.file_name import download_name
from upstream.files.timeouts import at_most
from upstream.http import HttpClient

MAX_REDIRECTS: Final = 3

_REDIRECTS: Final = (301, 302, 303, 307, 308)


@dataclass(frozen=True, slots=True)
class Download:
    """The bytes of a file, with its name and its media type as the other side gives them: "", or any text,
    not to be trusted. The type is bare and in lower case.
    """

    data: bytes
    file_name: str
    content_type: str


async def fetch(
    client: HttpClient,
    address: str,
    held: HeldBytes,
    credential: Credential | None = None,
    *,
    max_bytes: int,
    seconds: float,
    pauses: Sequence[float] = (),
) -> Download:
    """Fetch the bytes at an address that the backend gave; up to `MAX_REDIRECTS` redirects are followed.

    At most `max_bytes` are taken, and `seconds` for everything. `held` has each of these bytes, beside what
    it has already, from the moment when it came; while there is no room, nothing is read. What the backend
    keeps itself is asked for with the `credential`, and again after each of `pauses` if it is not there yet.

    Raises:
        FileHasNoRoom: there was none in time.
        AddressExpired: a new address has to be asked for.
        FileMissing, FileTooLarge, TransferRefused: the host of the bytes gives none, or too many.
        AddressRefused: it is no http(s) address, has credentials, or redirects too often.
        UpstreamError: the transport failed, or it took too long.
    """
    before = held.size
    async with at_most(seconds):
        url = absolute_url(client, address)
        for pause in pauses if credential is not None and client.own_url(url) is not None else ():
            try:
                return await _fetch(client, url, held, before, credential, max_bytes, seconds)
            except (AddressExpired, FileMissing):
                await asyncio.sleep(pause)
        return await _fetch(client, url, held, before, credential, max_bytes, seconds)


async def _fetch(
    client: HttpClient,
    first_url: str,
    held: HeldBytes,
    before: int,
    credential: Credential | None,
    max_bytes: int,
    seconds: float,
) -> Download:
    url = first_url
    for _ in range(MAX_REDIRECTS + 1):
        try:
            answer = await client.transfer(
                "GET",
                url,
                {"Accept": "*/*"},
                limit=max_bytes,
                seconds=seconds,
                admit=lambda size: held.grow_to(before + size),
                credential=credential,
            )
        except NoRoom:
            raise FileHasNoRoom from None
        if answer.successful:
            if not answer.complete:
                raise FileTooLarge(max_bytes)
            name = download_name(url, answer.headers.get("content-disposition", ""))
            return Download(answer.body, name or download_name(first_url, ""), answer.content_type)
        if answer.status not in _REDIRECTS or "location" not in answer.headers:
            raise _refusal(answer.status)
        url = absolute_url(client, answer.headers["location"], url)
    raise AddressRefused("it redirects too often")


def _refusal(status: int) -> FilesError:
    match status:
        case 403:
            return AddressExpired()
        case 404 | 410:
            return FileMissing()
        case _:
            return TransferRefused(status)
