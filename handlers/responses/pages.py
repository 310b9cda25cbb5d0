"""Pages of items: which one is asked for, and how it is written."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from handlers.base import ApiHandler
from translate.openai import with_id
from translate.values import BadRequest, JsonObject, json_bytes

PAGE: Final = 20
MAX_PAGE: Final = 100


@dataclass(frozen=True, slots=True)
class WantedPage:
    """At most `limit` items behind that of the id `after`, or from the first one on; in the order `asc` or
    `desc`.
    """

    limit: int
    order: str
    after: str


def wanted_page(handler: ApiHandler) -> WantedPage:
    """The page that the request of `handler` asks for. Raises BadRequest."""
    limit = handler.get_query_argument("limit", str(PAGE))
    if not (limit.isascii() and limit.isdigit() and len(limit) < 4 and 1 <= int(limit) <= MAX_PAGE):
        raise BadRequest(f"Invalid 'limit': expected 1 to {MAX_PAGE}.", param="limit")
    order = handler.get_query_argument("order", "desc")
    if order not in ("asc", "desc"):
        raise BadRequest("Invalid value for 'order': supported are asc and desc.", param="order")
    return WantedPage(int(limit), order, handler.get_query_argument("after", ""))


def no_such_item(id: str) -> BadRequest:
    """A page is to begin behind an item that is not there."""
    return BadRequest(f"There is no item{with_id(id)}.", param="after")


def page_body(items: Sequence[JsonObject], *, more: bool) -> bytes:
    """The page as JSON; with `more` others follow."""
    return json_bytes(
        {
            "object": "list",
            "data": items,
            "first_id": items[0]["id"] if items else None,
            "last_id": items[-1]["id"] if items else None,
            "has_more": more,
        }
    )
