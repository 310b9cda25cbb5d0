"""Answers that are kept whole, or cut at a limit."""

from dataclasses import dataclass, field
from typing import Final

from upstream.http.errors import ResponseRefused

REFUSED_BODY_BYTES: Final = 64 * 1024
"""How much of an unwanted answer is kept; the backend's errors are a few hundred bytes of JSON."""


@dataclass(frozen=True, slots=True)
class JsonAnswer:
    """A small answer of any status: `content_type` and `headers` as in `ResponseRefused`.

    `body` is whole if the answer was successful, else at most the first 64 KiB. `secrets` are what the
    exchange was made with: a body may repeat them.
    """

    status: int
    content_type: str
    headers: dict[str, str]
    body: bytes
    secrets: tuple[str, ...] = field(default=(), repr=False, compare=False)

    @property
    def successful(self) -> bool:
        """The status is 2xx."""
        return 200 <= self.status < 300

    @property
    def quotable(self) -> bytes:
        """The body, at most 64 KiB of it, with `***` in place of each secret."""
        body = self.body
        for secret in self.secrets:
            body = body.replace(secret.encode(), b"***")
        return body[:REFUSED_BODY_BYTES]

    def refusal(self) -> ResponseRefused:
        """The answer as an error, for whoever asked for another one."""
        return ResponseRefused(self.status, self.content_type, self.headers, self.quotable)


@dataclass(frozen=True, slots=True)
class Transfer:
    """The answer to `HttpClient.transfer`, of any status.

    `content_type` and `headers` are as in `ResponseRefused`, with `location` and `content-disposition`
    among the headers. `complete` is false if `body` is only the beginning, up to the limit.
    """

    status: int
    content_type: str
    headers: dict[str, str]
    body: bytes
    complete: bool

    @property
    def successful(self) -> bool:
        """The status is 2xx."""
        return 200 <= self.status < 300
