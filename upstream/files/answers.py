"""Reading the backend's answers to calls about files (protocol notes, section 3).

The status is only half of the truth: a refusal may come with status 200, as `status: error` in the body.
"""

from typing import Final

from translate.values import JsonObject, json_object
from upstream.files.errors import AddressRefused, CallRefused
from upstream.http import HttpClient, JsonAnswer

ABSENT: Final = (404, 405, 501)
"""Statuses of a backend that does not have the path."""


def content_of(answer: JsonAnswer) -> JsonObject:
    """The JSON object in an answer; an empty one if there is none."""
    return json_object(answer.body) or {}


def successful_content(answer: JsonAnswer) -> JsonObject:
    """The JSON object of an answer that says `status: success`.

    Raises:
        CallRefused: it says something else.
    """
    content = content_of(answer)
    if answer.successful and content.get("status") == "success":
        return content
    raise CallRefused(answer, error_code(content))


def absolute_url(client: HttpClient, address: str, base: str = "") -> str:
    """The absolute URL of an address that the backend gave, or that the answer at the URL `base` did.

    Raises:
        AddressRefused: it is not http(s), or holds credentials.
    """
    try:
        return client.resolve(address, base)
    except ValueError:
        raise AddressRefused("it is not an http(s) address without credentials") from None


def error_code(content: JsonObject) -> object:
    """What the backend gives as the reason of a refusal, in `error_code` or in `detail`; None if nothing."""
    detail = content.get("detail")
    return content.get("error_code") or (detail.get("code") if isinstance(detail, dict) else detail)
