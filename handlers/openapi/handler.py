"""`GET /openapi.json`."""

import hashlib

from handlers.base import ApiHandler


class OpenApiHandler(ApiHandler):
    """The document, for whoever asks: it holds no secret, and stays the same until a restart."""

    route = "openapi"

    def initialize(self, document: bytes) -> None:
        """`document` is in JSON."""
        self.document = document

    def get(self) -> None:
        """The document; clients ask again each time."""
        self.set_header("Cache-Control", "no-cache")
        self.set_header("ETag", f'"{hashlib.sha256(self.document).hexdigest()[:32]}"')
        if self.check_etag_header():
            self.set_status(304)
            self.finish()
        else:
            self.send_body(self.document)

    head = get
