"""Reading the backend's answers to calls about files."""

import json
from typing import Any

from upstream.files.errors import (
    AddressRefused,
    FileMissing,
    FileNotReady,
    FilesError,
    Refused,
    SandboxGone,
)
from upstream.http import HttpClient, JsonAnswer, UnusableAnswer


def succeeded(answer: JsonAnswer) -> bool:
    """Whether the status is 2xx. Such an answer can still say `status: error`."""
    return 200 <= answer.status < 300


def content_of(answer: JsonAnswer) -> dict[str, Any]:
    """Return the JSON object in an answer, or an empty one if there is none."""
    try:
        content = json.loads(answer.body)
    except (ValueError, RecursionError):
        return {}
    return content if isinstance(content, dict) else {}


def successful_content(answer: JsonAnswer) -> dict[str, Any]:
    """Return the JSON object of an answer that says `status: success`. Raises `Refused` for any other."""
    content = content_of(answer)
    if succeeded(answer) and content.get("status") == "success":
        return content
    raise Refused(answer, _code(content))


def address_in(answer: JsonAnswer, gone: type[FilesError]) -> str:
    """Return the `download_url` of an answer.

    Raises the error that the answer reports: with status 200 or an error status, as `error_code` or as
    `detail`. `gone` is what status 410 means.
    """
    content = content_of(answer)
    code = _code(content)
    address = content.get("download_url")
    if succeeded(answer) and content.get("status") == "success" and isinstance(address, str):
        return address
    if code == "ace_pod_expired":
        raise SandboxGone
    if answer.status == 410:
        raise gone
    if answer.status == 404 or code == "file_not_found":
        raise FileMissing
    if not succeeded(answer) or content.get("status") == "error":
        raise Refused(answer, code)
    raise FileNotReady if content.get("status") == "retry" else UnusableAnswer("address of a file")


def resolved(client: HttpClient, address: str, base: str = "") -> str:
    """Return the absolute URL of an address that the backend gave. Raises `AddressRefused`."""
    try:
        return client.resolve(address, base)
    except ValueError:
        raise AddressRefused("it is not an http(s) address without credentials") from None


def _code(content: dict[str, Any]) -> object:
    detail = content.get("detail")
    return content.get("error_code") or (detail.get("code") if isinstance(detail, dict) else detail)
