"""Searching the store of GPTs (protocol notes, section 4.4)."""

from typing import Final
from urllib.parse import urlencode

from accounts import Credential
from translate.backend import error_from_response, read_found_gpts
from translate.values import FoundGpts, Overloaded, UpstreamFailed
from upstream.http import API, ConnectFailed, HttpClient, UpstreamError

PATH: Final = f"{API}/gizmos/search"


class GptSearch:
    """Asks the backend each time; nothing is kept."""

    def __init__(self, client: HttpClient) -> None:
        self._client = client

    async def find(self, credential: Credential, query: str, cursor: str = "") -> FoundGpts:
        """The GPTs for the words `query`; `cursor` is that of an earlier answer, for what follows it.

        Costs nothing, and takes no longer than a JSON call may take.

        Raises:
            ApiError: the backend refuses, cannot be reached or does not answer as it should.
            ValueError: the credential can't travel in a header.
        """
        asked = urlencode({"q": query, **({"cursor": cursor} if cursor else {})}, errors="replace")
        try:
            answer = await self._client.call("GET", f"{PATH}?{asked}", credential)
        except ConnectFailed:
            raise Overloaded(
                "The backend cannot be reached.", code="upstream_unreachable", retry_after=2
            ) from None
        except UpstreamError:
            raise UpstreamFailed("The backend did not answer the search.") from None
        if not answer.successful:
            raise error_from_response(answer.status, answer.quotable, content_type=answer.content_type)
        try:
            return read_found_gpts(answer.body)
        except ValueError:
            raise UpstreamFailed("The backend did not answer the search with a list.") from None
