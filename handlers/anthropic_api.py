"""What routes of Anthropic's API have in common: the shape of their errors, and the name of the request."""

from handlers.base import ApiHandler
from translate.anthropic import Envelope, error_status
from translate.values import ApiError

VERSION_HEADER = "anthropic-version"
"""Sent by all clients of Anthropic's API, and by no others."""


class AnthropicHandler(ApiHandler):
    """A route, or one that speaks both APIs, whose clients speak Anthropic's."""

    window: tuple[int, int] = 0, 0
    """The tokens of the prompt, and how many the model reads; 0 as long as they are not known."""

    @property
    def anthropic(self) -> bool:
        """The client speaks Anthropic's API."""
        return True

    def set_default_headers(self) -> None:
        """See `ApiHandler`."""
        super().set_default_headers()
        if self.anthropic:
            self.set_header("request-id", self.request_id)

    def error_status(self, error: ApiError) -> int:
        """See `ApiHandler`."""
        return error_status(error) if self.anthropic else super().error_status(error)

    def error_body(self, error: ApiError) -> bytes:
        """See `ApiHandler`."""
        if not self.anthropic:
            return super().error_body(error)
        return self.envelope().write(error)

    def envelope(self) -> Envelope:
        """How the errors of this request are written, by what is known of it now."""
        return Envelope(self.request_id, *self.window)
