"""Fetching the bytes of a file from the host that keeps them (protocol notes, section 10).

Addresses are signed: no key goes along.
"""

from dataclasses import dataclass
from typing import Final

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
    """The bytes of a file, and its name as the other side gives it: "", or any text, not to be trusted."""

    data: bytes
    file_name: str


async def fetch(
    client: HttpClient, address: str, held: HeldBytes, *, max_bytes: int, seconds: float
) -> Download:
    """Fetch the bytes at an address that the backend gave; up to `MAX_REDIRECTS` redirects are followed.

    At most `max_bytes` are taken, and `seconds` for everything. `held` has each of these bytes, beside what
    it has already, from the moment when it came; while there is no room, nothing is read.

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
        for _ in range(MAX_REDIRECTS + 1):
            try:
                answer = await client.transfer(
                    "GET",
                    url,
                    {"Accept": "*/*"},
                    limit=max_bytes,
                    seconds=seconds,
                    admit=lambda size: held.grow_to(before + size),
                )
            except NoRoom:
                raise FileHasNoRoom from None
            if answer.successful:
                if not answer.complete:
                    raise FileTooLarge(max_bytes)
                name = download_name(url, answer.headers.get("content-disposition", ""))
                return Download(answer.body, name or download_name(address, ""))
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
