"""Whom to connect to."""

from dataclasses import dataclass
from typing import Self
from urllib.parse import SplitResult


@dataclass(frozen=True, slots=True)
class Origin:
    """A server: `host` is a name or an address without brackets."""

    tls: bool
    host: str
    port: int

    @classmethod
    def of(cls, url: SplitResult) -> Self:
        """The server of an address that begins with http, https, ws or wss. Raises ValueError."""
        if url.scheme not in ("http", "https", "ws", "wss") or not url.hostname:
            raise ValueError("no address of a web server")
        tls = url.scheme in ("https", "wss")
        return cls(tls, url.hostname, url.port or (443 if tls else 80))

    @property
    def authority(self) -> str:
        """Host and port as URLs have them."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"
