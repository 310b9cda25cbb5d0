"""What is for pages of this service alone, and what is for the administrator."""

from typing import Final

from access import Admin
from handlers.base import ApiHandler
from translate.values import Unauthorized

# Pictures of answers may be anywhere; the page shows those of other hosts only when told to.
POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; connect-src 'self'; "
    "img-src 'self' data: https: http:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


class OwnOriginHandler(ApiHandler):
    """A handler whose responses no other site may read or frame, and whose types browsers do not guess."""

    def set_default_headers(self) -> None:
        """Headers that keep other sites out."""
        super().set_default_headers()
        self.set_header("Content-Security-Policy", POLICY)
        self.set_header("X-Content-Type-Options", "nosniff")
        self.set_header("Referrer-Policy", "no-referrer")
        self.set_header("Cross-Origin-Resource-Policy", "same-origin")
        self.set_header("Cache-Control", "no-store")

    def is_administrator(self, admin: Admin) -> bool:
        """Whether the administrator asks; not without a token. Raises Unauthorized for a wrong one.

        A page of another site is never taken for one of this machine (see `is_local`), and can send no token.
        """
        if self.is_trusted(admin):
            return True
        if "Authorization" not in self.request.headers:
            return False
        if not admin.is_token(self.read_key()):
            raise Unauthorized("This is not the admin token.", code="invalid_admin_token")
        return True

    def check_administrator(self, admin: Admin) -> None:
        """Raise Unauthorized for anybody but the administrator."""
        if not self.is_administrator(admin):
            raise Unauthorized(
                "This needs the admin token. Send it in the header 'Authorization: Bearer TOKEN'."
            )
