"""`GET /v1/gpts/search`: GPTs of the store, under the names by which they can be used here."""

from typing import Final, Protocol

from access import KeyVerdict
from accounts import Credential, Lender, is_allowed
from handlers.base import ApiHandler
from translate.values import ANY_GPT, BadRequest, FoundGpts, Unauthorized, json_bytes

MAX_QUERY: Final = 1000
"""Characters of what is searched for, and of a cursor."""


class Search(Protocol):
    """Asks the backend."""

    async def find(self, credential: Credential, query: str, cursor: str = "") -> FoundGpts:
        """The GPTs for the words `query`, from `cursor` on. Raises ApiError."""
        ...


class GptSearchHandler(ApiHandler):
    """Offered where any GPT may be used (`ALLOW_ANY_GPT`)."""

    route = "gpts"

    def initialize(self, search: Search, lender: Lender) -> None:
        """`search` asks the backend, with the credential that `lender` says."""
        self.search = search
        self.lender = lender

    async def get(self) -> None:
        """The GPTs for the query `q`, from `cursor` on. Raises ApiError."""
        caller = self.read_caller()
        query, cursor = self._text("q"), self._text("cursor")
        if not query:
            raise BadRequest("You must provide what is searched for, as 'q'.", param="q")
        with self.let_in(caller) as visit:
            visit.verdict = KeyVerdict.DOUBTFUL
            try:
                found = await self.search.find(self.lender.credential(caller), query, cursor)
            except Unauthorized:
                visit.verdict = KeyVerdict.REFUSED
                raise
            visit.verdict = KeyVerdict.NOTHING  # a proxy may answer everybody
        allowed = caller.grant.models if caller.grant is not None else ()
        data = [
            {
                "id": name,
                "object": "model",
                "name": gpt.name,
                "description": gpt.description,
            }
            for gpt in found.gpts
            if is_allowed(allowed, [name := f"{ANY_GPT.name}-{gpt.id}", ANY_GPT.name])
        ]
        answer = {"object": "list", "data": data, "cursor": found.cursor or None}
        self.send_body(json_bytes(answer))

    def _text(self, name: str) -> str:
        text = self.get_query_argument(name, "")
        if len(text) > MAX_QUERY:
            raise BadRequest(f"'{name}' has more than {MAX_QUERY} characters.", param=name)
        return text
